//! Counting attention time: which time counts on a calendar, and when attention is due. Pure.

mod calendar;
mod reckoning;
mod stretches;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod properties;

pub use calendar::{Calendar, LONGEST, Unusable};
pub use reckoning::OutOfReach;
pub use stretches::{Stretch, StretchReason, minutes};

use chrono::{DateTime, Utc};

/// A stretch of time: `from` belongs to it, `to` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}
