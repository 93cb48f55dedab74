//! The statistics of a period, as they are returned.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::{Figures, Links, Surveys, Work};
use crate::tickets::model::{Channel, Criticality};

/// The figures of a period.
#[derive(Clone, Serialize, ToSchema)]
pub struct Statistics {
    /// The first day of the period.
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day of the period, inclusive.
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
    /// The IANA time zone in which the days begin and end (`MESA_TIMEZONE`).
    #[schema(max_length = 100, example = "America/Bogota")]
    pub timezone: String,
    /// The figures of all tickets that match the filters.
    pub tickets: Figures,
    /// One row for each criticality, and one with `null` for unclassified tickets. With the filter `criticality`, only
    /// its values. Empty if `by` does not include `criticality`.
    pub by_criticality: Vec<ByCriticality>,
    /// One row for each unit of a requester that has any counts, by tickets received, descending. Empty if `by` does
    /// not include `unit`.
    pub by_unit: Vec<ByNamed>,
    /// One row for each category that has any counts, by tickets received, descending. Empty if `by` does not include
    /// `category`.
    pub by_category: Vec<ByNamed>,
    /// One row for each channel that has any counts, by tickets received, descending. Empty if `by` does not include
    /// `channel`.
    pub by_channel: Vec<ByChannel>,
    /// The work of each member of staff in the period. Empty if `by` does not include `person`.
    pub by_person: Vec<ByPerson>,
    /// The work of the staff of each support level in the period; one row for each level. Empty if `by` does not
    /// include `level`.
    pub by_level: Vec<ByLevel>,
    /// The tickets escalated in the period.
    pub escalations: Escalations,
    /// The surveys of all tickets: the same as `tickets.surveys`.
    pub surveys: Surveys,
    /// The activity of the knowledge base in the period.
    pub knowledge: Knowledge,
    /// The parts of the period that have begun, by `interval`, the oldest first; empty if `interval` is omitted. The
    /// first and the last part are shorter if the bounds of the period cut them off.
    pub series: Vec<Part>,
    /// All tickets in the previous period: the same number of months if the period consists of whole months, otherwise
    /// the same number of days. `null` if there is none.
    pub previous: Option<Part>,
}

/// The tickets of one criticality.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByCriticality {
    /// The criticality; `null` for unclassified tickets.
    pub criticality: Option<Criticality>,
    #[serde(flatten)]
    pub figures: Figures,
    /// The mean of `attention_minutes`, in minutes; `null` if there are no values.
    pub(super) attention_minutes_mean: Option<f64>,
    /// The 90th percentile of `attention_minutes`, in minutes; `null` if there are no values.
    pub(super) attention_minutes_p90: Option<f64>,
    /// The mean of `solution_minutes`, in minutes; `null` if there are no values.
    pub(super) solution_minutes_mean: Option<f64>,
    /// The 90th percentile of `solution_minutes`, in minutes; `null` if there are no values.
    pub(super) solution_minutes_p90: Option<f64>,
}

/// The tickets of one unit or category.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByNamed {
    /// Identifier of the unit or category; `null` for tickets without one.
    pub id: Option<Uuid>,
    /// The current name of the unit or category; `null` for tickets without one.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The tickets of one channel.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByChannel {
    /// The channel by which the tickets were registered.
    pub channel: Channel,
    #[serde(flatten)]
    pub figures: Figures,
}

/// The work of one member of staff.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByPerson {
    /// Identifier of the member of staff.
    pub id: Uuid,
    /// The full name of the member of staff.
    #[schema(max_length = 200)]
    pub full_name: String,
    #[serde(flatten)]
    pub work: Work,
}

/// The work of the staff of one support level.
#[derive(Clone, Serialize, ToSchema)]
pub struct ByLevel {
    /// The support level: 1 technician, 2 professional, 3 director.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    #[serde(rename = "support_level")]
    pub level: i16,
    #[serde(flatten)]
    pub work: Work,
}

/// The tickets escalated in the period.
#[derive(Clone, Serialize, ToSchema)]
pub struct Escalations {
    /// Tickets that were escalated; one that was escalated twice counts once.
    pub count: i64,
    /// Tickets that were escalated to support level 2.
    pub to_level_2: i64,
    /// Tickets that were escalated to support level 3.
    pub to_level_3: i64,
    /// For each count, by its name, the path of the list of what it counts. Empty without `with_links=true`.
    pub(super) links: Links,
}

/// Knowledge base activity.
#[derive(Clone, Default, Serialize, ToSchema)]
#[schema(as = KnowledgeFigures)]
pub struct Knowledge {
    /// Knowledge base articles that were first published in the period, regardless of their ticket.
    pub published: i64,
    /// Revisions of articles that were written in the period, including first ones.
    pub revisions: i64,
    /// `solved_with_article` for all tickets.
    pub solved_with_article: i64,
    /// For each count except `revisions`, by its name, the path of the list of what it counts. Empty without
    /// `with_links=true`.
    pub(super) links: Links,
}

/// The figures of all tickets in a part of a period.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = StatisticsPart)]
pub struct Part {
    /// The first day of the part.
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day of the part, inclusive.
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
    #[serde(flatten)]
    pub figures: Figures,
}
