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

    /// The bounds of the slots whose work of staff is counted; `None` if that of no frame is.
    pub fn work_bounds(&self) -> Option<(Moment, Moment)> {
        let frames = || self.frames.iter().filter(|frame| frame.by.has_work());
        let first = frames().map(|frame| frame.slots.start).min()?;
        let last = frames().map(|frame| frame.slots.end).max()?.checked_sub(1)?;
        Some((self.slots.get(first)?.begin, self.slots.get(last)?.end))
    }

    pub fn has_work(&self) -> bool {
        self.work_bounds().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::breakdown::Breakdown;

    #[test]
    fn a_moment_and_a_day_belong_to_one_slot_or_none() {
        let day = |place: u64| NaiveDate::default() + chrono::Days::new(place);
        let slot = |begin: Moment, end: Moment, first: u64, last: u64| Slot {
            begin,
            end,
            first_day: day(first),
            last_day: day(last),
            backlog: end,
        };
        let work = Breakdowns::of(&[Breakdown::Level]);
        let frame = |slots, by| Frame { slots, by };
        let plan = Plan {
            slots: vec![slot(10, 20, 1, 2), slot(20, 40, 3, 6), slot(40, 50, 7, 7)],
            frames: vec![frame(0..3, Breakdowns::usual()), frame(1..3, work), frame(1..2, Breakdowns::all())],
        };
        let found = [9, 10, 19, 20, 49, 50].map(|at| plan.slot(at));
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(2), None]);
        let found = [0, 1, 2, 3, 6, 7, 8].map(|number| plan.slot_of_day(day(number)));
        assert_eq!(found, [None, Some(0), Some(0), Some(1), Some(1), Some(2), None]);
        assert_eq!(plan.frames_by_slot(), [vec![0], vec![0, 1, 2], vec![0, 1]]);
        assert_eq!((plan.bounds(), plan.work_bounds()), (Some((10, 50)), Some((20, 50))));
        let without = Plan { frames: vec![frame(0..3, Breakdowns::usual())], ..plan };
        assert_eq!((without.work_bounds(), without.has_work()), (None, false));
    }
}
