//! Ed25519 keys of tree heads, in the format of C2SP signed notes (`name+id+base64`).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The number of Ed25519 in C2SP signed notes.
const ALGORITHM: u8 = 1;

/// A key that signs tree heads.
pub struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for Signer {
    /// Without the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.public.to_string()).finish()
    }
}

impl Signer {
    /// The key of this secret: 32 bytes as 64 hexadecimal digits, or in base64. `None` if it is neither.
    pub fn new(name: &str, secret: &str) -> Option<Self> {
        let seed = seed(secret.trim())?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let key = pair.public_key().as_ref().try_into().ok()?;
        Some(Signer { pair, public: PublicKey { name: name.to_owned(), key } })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    pub fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(text.as_bytes()).as_ref().to_vec()
    }
}

fn seed(secret: &str) -> Option<[u8; 32]> {
    if secret.len() == 64 {
        return hex::decode(secret).ok()?.try_into().ok();
    }
    let decoded = BASE64_STANDARD.decode(secret).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(secret));
    decoded.ok()?.try_into().ok()
}

/// A key that verifies tree heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub name: String,
    key: [u8; 32],
}

impl PublicKey {
    /// The first bytes of a digest over name and key, to distinguish keys of one name.
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new().chain_update(&self.name).chain_update([b'\n', ALGORITHM]);
        let digest: [u8; 32] = digest.chain_update(self.key).finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// The same in hexadecimal.
    pub fn hex_id(&self) -> String {
        hex::encode(self.id())
    }

    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.key).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ALGORITHM][..], &self.key].concat();
        write!(f, "{}+{}+{}", self.name, self.hex_id(), BASE64_STANDARD.encode(key))
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a public key: expected name+id+base64, as GET /audit/key shows it");
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| wrong())?;
        let [ALGORITHM, key @ ..] = &bytes[..] else { return Err(wrong()) };
        let key = PublicKey { name: name.to_owned(), key: key.try_into().map_err(|_| wrong())? };
        if name.is_empty() || key.hex_id() != id { Err(wrong()) } else { Ok(key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_32_bytes_in_hexadecimal_or_base64() {
        let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let one = Signer::new("mesa/audit", hex).unwrap();
        // RFC 8032, section 7.1, test 1.
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let shown = hex::encode(one.public.key);
        assert_eq!(shown, public);
        let base64 = BASE64_STANDARD.encode(seed(hex).unwrap());
        assert_eq!(Signer::new("mesa/audit", &base64).unwrap().public, one.public);
        for wrong in ["", "short", &hex[1..], &hex.replace('9', "x"), &hex.replace('9', "é")] {
            assert!(Signer::new("mesa/audit", wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_public_key_is_read_as_it_is_written() {
        let key = Signer::new("mesa.example/audit", &"07".repeat(32)).unwrap().public;
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        for wrong in ["", "a+b", "mesa+00000000+AQ==", &key.to_string().replace("mesa.", "otra.")] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
    }
}
