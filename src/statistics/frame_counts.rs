//! The counts of a frame while facts are read, and what counts once in it. Pure.

use super::breakdown::OF_TICKETS;
use super::frame::Frame;
use super::tally::{Tally, WorkTally};

/// The groups of a ticket, by the order of `OF_TICKETS`.
pub type Groups = [u32; 4];

/// The counts of a frame.
pub struct FrameCounts {
    pub frame: Frame,
    pub all: Tally,
    /// For each breakdown of tickets, the groups by their index; empty if it is not wanted.
    pub groups: [Vec<Tally>; 4],
    pub people: Vec<WorkTally>,
    /// By the number of the level.
    pub levels: Vec<WorkTally>,
}

/// What counts once for each ticket in a frame.
#[derive(Clone, Copy)]
pub enum Once {
    Solved,
    SolvedAtLevel1,
    WithArticle,
    Reopened,
    Escalated,
    EscalatedTo2,
    EscalatedTo3,
    Accepted,
    AcceptedInTime,
    AcceptedLate,
}

/// The set of `Seen` of a frame, and of a person or level.
pub fn set(once: Once, frame: usize, who: u64) -> u64 {
    (frame as u64) << 48 | (once as u64) << 40 | who
}

/// Levels have numbers that no index of a person reaches.
pub fn level_number(level: u8) -> u64 {
    1 << 39 | u64::from(level)
}

impl FrameCounts {
    /// Adds to all tickets and to the wanted groups.
    pub fn add(&mut self, groups: Groups, add: impl Fn(&mut Tally)) {
        self.all.touched = true;
        add(&mut self.all);
        for ((breakdown, group), tallies) in OF_TICKETS.iter().zip(groups).zip(&mut self.groups) {
            if self.frame.by.has(*breakdown) {
                let tally = at(tallies, group as usize);
                tally.touched = true;
                add(tally);
            }
        }
    }
}

/// The entry at this place, after entries without counts if it is new.
pub fn at<T: Clone + Default>(all: &mut Vec<T>, place: usize) -> &mut T {
    if place >= all.len() {
        all.resize(place + 1, T::default());
    }
    &mut all[place]
}
