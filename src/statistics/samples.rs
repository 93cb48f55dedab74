//! The times of facts, stored compactly, to be distributed over frames and groups after reading. Pure.

use std::ops::Range;

use super::spread::Sorted;

/// One row for each fact of a kind that has times, as columns: 22 bytes, and five more with the work of staff.
#[derive(Default)]
pub struct Samples {
    slot: Vec<u16>,
    ticket: Vec<u32>,
    /// In minutes; not a number where there is none.
    elapsed: Vec<f64>,
    working: Vec<f64>,
    person: Vec<u32>,
    level: Vec<u8>,
}

/// Who did the work: the index of a person, and the support level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worker {
    pub person: u32,
    pub level: u8,
}

impl Samples {
    /// `worker` is given for all facts or for none.
    pub fn add(
        &mut self,
        slot: u16,
        ticket: u32,
        elapsed: f64,
        working: Option<f64>,
        worker: Option<Worker>,
    ) {
        self.slot.push(slot);
        self.ticket.push(ticket);
        self.elapsed.push(elapsed);
        self.working.push(working.unwrap_or(f64::NAN));
        if let Some(worker) = worker {
            self.person.push(worker.person);
            self.level.push(worker.level);
        }
    }

    pub fn ticket(&self, row: u32) -> u32 {
        self.ticket.get(row as usize).copied().unwrap_or(u32::MAX)
    }

    pub fn worker(&self, row: u32) -> Worker {
        let person = self.person.get(row as usize).copied().unwrap_or(u32::MAX);
        Worker { person, level: self.level.get(row as usize).copied().unwrap_or(u8::MAX) }
    }

    /// The rows in the order of their slots.
    pub fn by_slot(&self, slots: usize) -> BySlot<'_> {
        let mut starts = vec![0_usize; slots + 1];
        for slot in &self.slot {
            starts[usize::from(*slot) + 1] += 1;
        }
        for slot in 0..slots {
            starts[slot + 1] += starts[slot];
        }
        let mut ends = starts.clone();
        let mut rows = vec![0; self.slot.len()];
        for (row, slot) in (0_u32..).zip(&self.slot) {
            let end = &mut ends[usize::from(*slot)];
            rows[*end] = row;
            *end += 1;
        }
        BySlot { samples: self, starts, rows }
    }
}

/// Rows in the order of their slots.
pub struct BySlot<'a> {
    pub samples: &'a Samples,
    starts: Vec<usize>,
    rows: Vec<u32>,
}

impl BySlot<'_> {
    fn rows(&self, slots: &Range<usize>) -> impl Iterator<Item = u32> + '_ {
        self.rows[self.starts[slots.start]..self.starts[slots.end]].iter().copied()
    }

    /// The elapsed times of these slots, each with its row.
    pub fn elapsed(&self, slots: &Range<usize>) -> Sorted {
        Sorted::new(self.rows(slots).map(|row| (self.samples.elapsed[row as usize], row)))
    }

    /// The working times of these slots, each with its row.
    pub fn working(&self, slots: &Range<usize>) -> Sorted {
        Sorted::new(self.rows(slots).map(|row| (self.samples.working[row as usize], row)))
    }
}
