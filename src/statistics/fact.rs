//! The facts from which figures are counted, as they are read. Pure.

use uuid::Uuid;

use super::links::Scope;
use crate::tickets::filters::AttentionState;
use crate::tickets::model::{ArchiveReason, Channel, Criticality};

/// Microseconds since the year 2000.
pub type Moment = i64;

/// The minutes between two moments.
pub fn minutes(since: Moment, until: Moment) -> f64 {
    until.saturating_sub(since) as f64 / 1e6 / 60.0
}

/// The days of 24 hours between two moments.
pub fn days(since: Moment, until: Moment) -> f64 {
    until.saturating_sub(since) as f64 / 86_400e6
}

/// What decides under which figures the facts of a ticket count.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub received_at: Moment,
    pub criticality: Option<Criticality>,
    pub channel: Channel,
    pub unit_id: Option<Uuid>,
    pub category_id: Option<Uuid>,
    /// Whether it is closed or archived.
    pub over: bool,
}

impl Scope {
    /// Whether the figures are also of this ticket.
    pub fn contains(&self, ticket: &Origin) -> bool {
        fn any<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
            wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
        }
        any(&self.criticality, ticket.criticality.as_ref())
            && any(&self.channel, Some(&ticket.channel))
            && any(&self.category_id, ticket.category_id.as_ref())
            && any(&self.unit_id, ticket.unit_id.as_ref())
    }
}

/// What is known of a ticket that was received, closed or archived in the period.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    pub id: i64,
    pub origin: Origin,
    pub attention: Option<AttentionState>,
    pub attended_at: Option<Moment>,
    pub attended_working_minutes: Option<f64>,
    /// Whether it is solved now.
    pub solved: bool,
    pub closed_at: Option<Moment>,
    pub archived_at: Option<Moment>,
    pub archive_reason: Option<ArchiveReason>,
}

/// Something that happened to a ticket in the period.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub ticket: i64,
    pub at: Moment,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Solved {
        opened_at: Moment,
        level: Option<i16>,
        working_minutes: Option<f64>,
        person_id: Option<Uuid>,
    },
    /// An opening that did not end with a solution in the period; `at` is its beginning.
    Open {
        ended_at: Option<Moment>,
    },
    Reopened {
        level: Option<i16>,
        person_id: Option<Uuid>,
    },
    Escalated {
        to_level: i16,
        person_id: Option<Uuid>,
    },
    Accepted {
        level: i16,
        started_at: Moment,
        due_at: Moment,
        working_minutes: Option<f64>,
        person_id: Option<Uuid>,
    },
    Sent {
        answered: bool,
    },
    /// The ratings of the service as a whole, the timeliness, the courtesy and the solution.
    Answered {
        ratings: [i16; 4],
    },
}

/// Surveys that retention removed: how many of a day are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Removed {
    pub day: chrono::NaiveDate,
    pub origin: Origin,
    pub surveys: i32,
    pub what: What,
}
