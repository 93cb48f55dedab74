//! The entries of the log that were compared with their events when the events were read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Positions of one block: a bit for each.
const BLOCK: i64 = 4096;

/// The maximum number of blocks: 32 MiB, for 268 million entries without gaps. Further entries are not kept, and their
/// events are read again.
const BLOCKS: usize = 65_536;

/// Positions of entries whose events have their hashes. Batches of all threads add to it.
#[derive(Default)]
pub struct Seen(Mutex<BTreeMap<i64, Box<[u64; 64]>>>);

impl Seen {
    /// Adds these positions.
    pub fn add(&self, positions: impl IntoIterator<Item = i64>) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for position in positions {
            let (block, word, bit) = place(position);
            let has_room = blocks.len() < BLOCKS;
            if has_room || blocks.contains_key(&block) {
                blocks.entry(block).or_insert_with(|| Box::new([0; 64]))[word] |= bit;
            }
        }
    }

    /// Those of the positions that were not added.
    pub fn others(&self, positions: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_seen = |position: &i64| {
            let (block, word, bit) = place(*position);
            blocks.get(&block).is_some_and(|words| words[word] & bit != 0)
        };
        positions.into_iter().filter(|position| !is_seen(position)).collect()
    }
}

/// The block of a position, and the word and the bit in it.
fn place(position: i64) -> (i64, usize, u64) {
    let within = position.rem_euclid(BLOCK);
    (position.div_euclid(BLOCK), (within / 64) as usize, 1 << (within % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_other_positions_are_those_that_were_not_added(
            added in prop::collection::btree_set(-10_000i64..10_000, 0..300),
            far in prop::collection::btree_set(any::<i64>(), 0..30),
        ) {
            let seen = Seen::default();
            let added: BTreeSet<i64> = added.union(&far).copied().collect();
            seen.add(added.iter().copied());
            let asked: BTreeSet<i64> = (-10_000..10_000).chain(far).collect();
            let expected: Vec<i64> = asked.difference(&added).copied().collect();
            prop_assert_eq!(seen.others(asked), expected);
        }
    }

    #[test]
    fn far_positions_do_not_exhaust_the_memory() {
        let seen = Seen::default();
        let far = (0..100_000).map(|n| n * BLOCK);
        seen.add(far.clone());
        assert_eq!(seen.0.lock().unwrap().len(), BLOCKS);
        assert_eq!(seen.others(far).len(), 100_000 - BLOCKS);
        // A block that is there is still used.
        seen.add([1]);
        assert!(seen.others([1]).is_empty());
    }
}
