//! Which tickets were open at the end of each slot. Pure.

use super::fact::Moment;

/// The openings that contain at least one of the moments; others need no memory.
pub struct Backlog {
    /// In ascending order.
    moments: Vec<Moment>,
    open: Vec<Open>,
}

/// An opening of a ticket, by the first and the last moment at which it was open.
struct Open {
    ticket: u32,
    first: u16,
    last: u16,
}

impl Backlog {
    pub fn new(moments: Vec<Moment>) -> Self {
        Backlog { moments, open: Vec::new() }
    }

    /// Adds an opening: a ticket is open at a moment if it was opened before it, and not ended before it.
    pub fn add(&mut self, ticket: u32, opened_at: Moment, ended_at: Option<Moment>) {
        let first = self.moments.partition_point(|moment| *moment <= opened_at);
        let after = ended_at.map_or(self.moments.len(), |end| self.moments.partition_point(|at| *at <= end));
        if first < after
            && let (Ok(first), Ok(last)) = (u16::try_from(first), u16::try_from(after - 1))
        {
            self.open.push(Open { ticket, first, last });
        }
    }

    /// The moment at the end of a slot, and the tickets that were open at it.
    pub fn at(&self, slot: usize) -> (Moment, impl Iterator<Item = u32> + '_) {
        let open = self.open.iter().filter(move |one| (one.first..=one.last).contains(&(slot as u16)));
        (self.moments.get(slot).copied().unwrap_or_default(), open.map(|one| one.ticket))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ticket_is_open_after_its_opening_up_to_its_end() {
        let mut backlog = Backlog::new(vec![10, 20, 20, 30]);
        backlog.add(1, 10, Some(20));
        backlog.add(2, 9, Some(19));
        backlog.add(3, 20, None);
        // A clock that was set back.
        backlog.add(4, 25, Some(15));
        let at = |slot| backlog.at(slot).1.collect::<Vec<u32>>();
        assert_eq!([at(0), at(1), at(2), at(3)], [vec![2], vec![1], vec![1], vec![3]]);
        assert_eq!(backlog.at(3).0, 30);
    }

    proptest! {
        #[test]
        fn each_moment_has_the_openings_that_contain_it(
            mut moments in prop::collection::vec(0i64..50, 1..6),
            openings in prop::collection::vec((0i64..50, prop::option::of(0i64..50)), 0..20),
        ) {
            moments.sort_unstable();
            let mut backlog = Backlog::new(moments.clone());
            for (ticket, (opened, ended)) in (0..).zip(&openings) {
                backlog.add(ticket, *opened, *ended);
            }
            for (slot, moment) in moments.iter().enumerate() {
                let open = |(opened, ended): &(i64, Option<i64>)| opened < moment && ended.is_none_or(|end| end >= *moment);
                let expected: Vec<u32> = (0..).zip(&openings).filter(|(_, one)| open(one)).map(|(ticket, _)| ticket).collect();
                prop_assert_eq!(backlog.at(slot).1.collect::<Vec<u32>>(), expected);
            }
        }
    }
}
