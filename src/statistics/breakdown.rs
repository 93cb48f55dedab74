//! The groups into which figures can be broken down. Pure.

use crate::language::text_enum;

text_enum! {
    /// A breakdown of the figures.
    pub enum Breakdown {
        /// By criticality: `by_criticality`.
        Criticality = "criticality",
        /// By the channel of the registration: `by_channel`.
        Channel = "channel",
        /// By category: `by_category`.
        Category = "category",
        /// By the unit of the requester: `by_unit`.
        Unit = "unit",
        /// The work of each member of staff: `by_person`.
        Person = "person",
        /// The work of each support level: `by_level`.
        Level = "level",
    }
}

/// The breakdowns of tickets; the others are of the work of staff.
pub const OF_TICKETS: [Breakdown; 4] =
    [Breakdown::Criticality, Breakdown::Channel, Breakdown::Category, Breakdown::Unit];

/// A set of breakdowns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breakdowns(u8);

impl Breakdowns {
    pub fn of(wanted: &[Breakdown]) -> Self {
        Breakdowns(wanted.iter().fold(0, |set, one| set | 1 << *one as u8))
    }

    /// Of a request that names none: few and short rows.
    pub fn usual() -> Self {
        Self::of(&[Breakdown::Criticality, Breakdown::Channel])
    }

    pub fn all() -> Self {
        Self::of(Breakdown::ALL)
    }

    pub fn has(self, one: Breakdown) -> bool {
        self.0 & 1 << one as u8 != 0
    }

    /// Whether the work of staff is counted.
    pub fn has_work(self) -> bool {
        self.has(Breakdown::Person) || self.has(Breakdown::Level)
    }
}
