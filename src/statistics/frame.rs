//! The consecutive parts of time that are read together, and the frames of them that have figures. Pure.

use std::ops::Range;

use chrono::NaiveDate;

use super::breakdown::Breakdowns;
use super::fact::Moment;

/// A part of time. Each slot ends where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub begin: Moment,
    /// The first moment after it.
    pub end: Moment,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    /// The moment of its backlog.
    pub backlog: Moment,
}

/// Consecutive slots that have figures, with the breakdowns of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub slots: Range<usize>,
    pub by: Breakdowns,
}

/// At least one slot, and the frames. A slot can belong to several frames, and to none.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub slots: Vec<Slot>,
    pub frames: Vec<Frame>,
}

impl Plan {
    /// The slot that contains this moment.
    pub fn slot(&self, at: Moment) -> Option<usize> {
        let place = self.slots.partition_point(|slot| slot.begin <= at).checked_sub(1)?;
        self.slots.get(place).filter(|slot| at < slot.end).map(|_| place)
    }

    /// The slot that contains this day.
    pub fn slot_of_day(&self, day: NaiveDate) -> Option<usize> {
        let place = self.slots.partition_point(|slot| slot.first_day <= day).checked_sub(1)?;
        self.slots.get(place).filter(|slot| day <= slot.last_day).map(|_| place)
    }

    /// For each slot, the indexes of the frames that contain it.
    pub fn frames_by_slot(&self) -> Vec<Vec<usize>> {
        let containing = |slot: usize| {
            let frames = self.frames.iter().enumerate();
            frames.filter(|(_, frame)| frame.slots.contains(&slot)).map(|(place, _)| place).collect()
        };
        (0..self.slots.len()).map(containing).collect()
    }

    /// The first moment of all slots, and the first one after them.
    pub fn bounds(&self) -> Option<(Moment, Moment)> {
        Some((self.slots.first()?.begin, self.slots.last()?.end))
    }

    pub fn has_work(&self) -> bool {
        self.frames.iter().any(|frame| frame.by.has_work())
    }
}
