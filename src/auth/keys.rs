//! Keys with which programs call the API: random, with a checksum by which scanners recognize a leaked one, kept as a hash.
//!
//! A key is a prefix, 32 random characters (190 bits) and the CRC-32 of everything before it in six characters, in base 62.

use sha2::{Digest, Sha256};

use crate::problem::{Problem, Result};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 32;
const CHECKSUM: usize = 6;

/// The longest key, in characters.
pub const LONGEST: usize = 46;

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    ServiceAccount,
    Person,
}

impl KeyOwner {
    const ALL: [KeyOwner; 2] = [KeyOwner::ServiceAccount, KeyOwner::Person];

    fn prefix(self) -> &'static str {
        match self {
            KeyOwner::ServiceAccount => "mesa_sk_",
            KeyOwner::Person => "mesa_pk_",
        }
    }
}

/// The stored form of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn of(key: &str) -> Self {
        KeyHash(Sha256::digest(key).into())
    }
}

/// A new key: shown once.
pub struct NewKey {
    pub text: String,
    pub hash: KeyHash,
    pub last_four: String,
}

impl NewKey {
    /// # Errors
    /// A fault of the server: the system returns no random bytes.
    pub fn create(owner: KeyOwner) -> Result<Self> {
        let mut text = owner.prefix().to_owned();
        let full = text.len() + RANDOM;
        while text.len() < full {
            let mut bytes = [0u8; RANDOM];
            getrandom::fill(&mut bytes).map_err(Problem::internal)?;
            // Values beyond the digits are skipped, so that each digit is equally likely.
            let digits = bytes.iter().filter_map(|byte| DIGITS.get(usize::from(byte & 63)));
            text.extend(digits.take(full - text.len()).map(|digit| char::from(*digit)));
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Ok(NewKey { hash: KeyHash::of(&text), last_four: checksum[CHECKSUM - 4..].to_owned(), text })
    }
}

/// Whether this is written like a key, right or wrong.
pub fn is_like_key(text: &str) -> bool {
    KeyOwner::ALL.iter().any(|owner| text.starts_with(owner.prefix()))
}

/// Whose key this is and its hash, if its checksum is right.
pub fn read(text: &str) -> Option<(KeyOwner, KeyHash)> {
    let owner = KeyOwner::ALL.into_iter().find(|owner| text.starts_with(owner.prefix()))?;
    if text.len() != LONGEST || !text.is_ascii() {
        return None;
    }
    let (key, given) = text.split_at(LONGEST - CHECKSUM);
    (checksum(key) == given).then(|| (owner, KeyHash::of(text)))
}

/// The CRC-32 (ISO 3309) in base 62, six digits.
fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_crc_of_the_standard() {
        // CRC-32 of "123456789" is 0xCBF43926 = 3421780262 = 3*62^5 + 45*62^4 + 35*62^3 + 27*62^2 + 10*62 + 34.
        let value = checksum("123456789").bytes().fold(0u64, |value, digit| {
            value * 62 + DIGITS.iter().position(|known| *known == digit).unwrap() as u64
        });
        assert_eq!(value, 0xCBF4_3926);
    }

    #[test]
    fn a_new_key_is_read_and_one_with_another_character_is_not() {
        for (owner, prefix) in [(KeyOwner::ServiceAccount, "mesa_sk_"), (KeyOwner::Person, "mesa_pk_")] {
            let key = NewKey::create(owner).unwrap();
            assert!(
                key.text.starts_with(prefix)
                    && key.text.ends_with(&key.last_four)
                    && key.text.len() == LONGEST
            );
            assert!(read(&key.text).is_some_and(|(read, hash)| read == owner && hash == key.hash));
            for place in 0..key.text.len() {
                let mut other = key.text.clone().into_bytes();
                other[place] = if other[place] == b'a' { b'b' } else { b'a' };
                assert!(read(&String::from_utf8(other).unwrap()).is_none(), "{place}");
            }
            assert!(read(&key.text[..LONGEST - 1]).is_none() && read(&format!("{}0", key.text)).is_none());
            assert_ne!(NewKey::create(owner).unwrap().text, key.text);
        }
        assert!(read("mesa_sk_").is_none() && read("").is_none());
        assert!(read(&format!("mesa_sk_{}", "ñ".repeat(19))).is_none());
    }
}
