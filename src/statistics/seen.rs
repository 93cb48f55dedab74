//! Which tickets were counted already: what happens to a ticket twice in a period counts once. Pure.

use super::numbered::Numbered;

/// Sets of tickets, each under a number. Tickets with neighbouring numbers share a word of 64 bits.
#[derive(Default)]
pub struct Seen(Numbered<(u64, i64), u64>);

impl Seen {
    /// Whether the ticket was not in the set before; it is afterwards.
    pub fn first(&mut self, set: u64, ticket: i64) -> bool {
        let (page, bit) = place(ticket);
        let word = self.0.entry((set, page)).or_default();
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    pub fn has(&self, set: u64, ticket: i64) -> bool {
        let (page, bit) = place(ticket);
        self.0.get(&(set, page)).is_some_and(|word| word & bit != 0)
    }
}

fn place(ticket: i64) -> (i64, u64) {
    (ticket.div_euclid(64), 1 << ticket.rem_euclid(64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_ticket_is_new_once_in_each_set(all in prop::collection::vec((0u64..3, -200i64..200), 0..200)) {
            let (mut seen, mut expected) = (Seen::default(), HashSet::new());
            for (set, ticket) in all {
                prop_assert_eq!(seen.has(set, ticket), expected.contains(&(set, ticket)));
                prop_assert_eq!(seen.first(set, ticket), expected.insert((set, ticket)));
            }
        }
    }
}
