//! The indexes of the tickets to which facts belong. Pure.

use super::numbered::Numbered;

/// The number of tickets with neighbouring numbers that are kept together: four bytes each, whether they are known or not.
const PAGE: usize = 256;

/// By the number of a ticket: nothing, or that it is known with or without an index.
#[derive(Default)]
pub struct Tickets(Numbered<i64, Box<[Entry; PAGE]>>);

/// What is known of a ticket; the index is kept plus two, so that an entry of zero is an unknown ticket.
#[derive(Clone, Copy, Default)]
struct Entry(u32);

impl Tickets {
    /// Sets the index of a ticket; none if it does not match the filters.
    pub fn insert(&mut self, id: i64, index: Option<u32>) {
        let (page, place) = place(id);
        let entries = self.0.entry(page).or_insert_with(|| Box::new([Entry::default(); PAGE]));
        entries[place] = Entry(index.map_or(1, |index| index + 2));
    }

    /// `None` if the ticket is unknown.
    pub fn get(&self, id: i64) -> Option<Option<u32>> {
        let (page, place) = place(id);
        match self.0.get(&page)?[place] {
            Entry(0) => None,
            Entry(known) => Some(known.checked_sub(2)),
        }
    }
}

fn place(id: i64) -> (i64, usize) {
    let pages = PAGE as i64;
    (id.div_euclid(pages), id.rem_euclid(pages) as usize)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_ticket_has_the_index_that_was_set_last(
            all in prop::collection::vec((-600i64..600, prop::option::of(0u32..100)), 0..200),
        ) {
            let (mut tickets, mut expected) = (Tickets::default(), HashMap::new());
            for (id, index) in all {
                tickets.insert(id, index);
                expected.insert(id, index);
            }
            for id in -700..700 {
                prop_assert_eq!(tickets.get(id), expected.get(&id).copied());
            }
        }
    }
}
