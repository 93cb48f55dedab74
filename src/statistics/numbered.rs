//! Maps whose keys the server assigns: numbers of tickets and identifiers of records. Pure.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map with such keys. No client chooses them, so a hash that collides for chosen keys is good enough, and it costs a
/// fraction of the usual one.
pub type Numbered<K, V> = HashMap<K, V, BuildHasherDefault<Mixed>>;

/// Mixes words of 64 bits by multiplication.
#[derive(Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    /// The places of a map follow from the low bits, which a multiplication mixes least.
    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn neighbouring_numbers_spread_over_the_places_of_a_map() {
        let hash = |key: (u64, i64)| BuildHasherDefault::<Mixed>::default().hash_one(key);
        let all = || (0..64_u64).flat_map(|set| (0..64_i64).map(move |number| (set << 40, number)));
        let whole: HashSet<u64> = all().map(hash).collect();
        assert_eq!(whole.len(), 4096);
        // As many places as keys: by chance 63 of 100 are taken.
        let places: HashSet<u64> = all().map(|key| hash(key) % 4096).collect();
        assert!(places.len() > 2000, "{}", places.len());
    }
}
