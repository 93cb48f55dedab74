//! The ages by which the backlog is divided. Pure.

/// The age of an open ticket, in days of 24 hours since its reception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    UpTo1Day,
    UpTo7Days,
    UpTo30Days,
    Older,
}

impl Age {
    pub fn of_days(days: f64) -> Self {
        if days <= 1.0 {
            Age::UpTo1Day
        } else if days <= 7.0 {
            Age::UpTo7Days
        } else if days <= 30.0 {
            Age::UpTo30Days
        } else {
            Age::Older
        }
    }
}
