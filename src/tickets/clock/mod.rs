//! Counting attention time: which time counts on a calendar, and when attention is due. Pure.

mod calendar;
mod days;
mod notation;
mod reckoning;
mod rules;
mod stretches;
mod unusable;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod properties;

pub use calendar::Calendar;
pub use reckoning::OutOfReach;
pub use stretches::{Stretch, StretchReason, minutes};
pub use unusable::{LONGEST, Unusable};

use chrono::{DateTime, Utc};

/// A stretch of time: it includes `from` and excludes `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}
