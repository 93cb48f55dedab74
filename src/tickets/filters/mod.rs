//! The filters of the list of tickets.

mod history;
mod words;

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text as SqlText, Timestamptz};
use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use super::list::{NEVER, TicketSort};
use super::model::{ArchiveReason, Channel, Criticality};
use super::workflow::TicketStatus;
use crate::auth::policy::PermissionScope;
use crate::db::Literal;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::http::paging::among;
use crate::tickets::survey::SurveyStatus;

pub use history::{ATTENTION, AttentionState};
use history::{Lacking, Punctuality};
use words::Matches;

/// The assignee: a user's id, `me`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Assignee {
    Me,
    Nobody,
    User(Uuid),
}

impl FromStr for Assignee {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text {
            "me" => Ok(Assignee::Me),
            "none" => Ok(Assignee::Nobody),
            id => {
                id.parse().map(Assignee::User).map_err(|_| "expected `me`, `none` or a user's id".to_owned())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Assignee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A length of time such as `30m`, `2h` or `1d`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length(TimeDelta);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let length = || {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let number: i64 = number.parse().ok()?;
            match unit {
                "m" => TimeDelta::try_minutes(number),
                "h" => TimeDelta::try_hours(number),
                "d" => TimeDelta::try_days(number),
                _ => None,
            }
        };
        length().map(Length).ok_or_else(|| "expected a length such as `30m`, `2h` or `1d`".to_owned())
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Which tickets to list. A filter that is repeated matches any of its values; different filters must all match.
#[derive(Clone, Default, PartialEq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketFilters {
    /// Only tickets in this state; repeat it for several states.
    #[serde(default)]
    #[param(required = false)]
    pub(super) status: Vec<TicketStatus>,
    /// Only tickets of this criticality; repeat it for several.
    #[serde(default)]
    #[param(required = false)]
    criticality: Vec<Criticality>,
    /// Only tickets that were made by this channel; repeat it for several.
    #[serde(default)]
    #[param(required = false)]
    channel: Vec<Channel>,
    /// Only tickets of this category; repeat it for several.
    #[serde(default)]
    #[param(required = false)]
    category_id: Vec<Uuid>,
    /// Only tickets of this unit: the requester's unit when the ticket was registered. Repeat it for several.
    #[serde(default)]
    #[param(required = false)]
    unit_id: Vec<Uuid>,
    /// Only tickets of this assignee: a user's id, `me` for the caller, or `none` for tickets without an assignee.
    /// Repeat it for several.
    #[serde(default)]
    #[param(required = false, inline, value_type = Vec<AssigneeName>)]
    assignee_id: Vec<Assignee>,
    /// Only tickets of this requester; repeat it for several.
    #[serde(default)]
    #[param(required = false)]
    requester_id: Vec<Uuid>,
    /// Only tickets whose current support level is this one; repeat it for several.
    #[serde(default)]
    #[param(required = false, value_type = Vec<SupportLevel>, inline)]
    support_level: Vec<i16>,
    /// Whether the attention clock runs and its due time has passed.
    overdue: Option<bool>,
    /// The attention clock runs and is due within this time from now; excludes overdue tickets. Minutes, hours or
    /// days, such as `30m`, `5h` or `2d`.
    #[param(max_length = 6, value_type = Option<String>, pattern = "^[1-9][0-9]{0,4}[mhd]$")]
    due_within: Option<Length>,
    /// Received at this moment or later.
    pub(super) received_from: Option<DateTime<Utc>>,
    /// Received before this moment.
    pub(super) received_before: Option<DateTime<Utc>>,
    /// Last changed at this moment or later.
    updated_from: Option<DateTime<Utc>>,
    /// Last changed before this moment.
    updated_before: Option<DateTime<Utc>>,
    /// Its appointment is at this moment or later; excludes tickets without one.
    scheduled_for_from: Option<DateTime<Utc>>,
    /// Its appointment is before this moment; excludes tickets without one.
    scheduled_for_before: Option<DateTime<Utc>>,
    /// Its attention is due at this moment or later; excludes tickets without a due time. Includes tickets that were
    /// attended already.
    attention_due_from: Option<DateTime<Utc>>,
    /// Its attention is due before this moment; excludes tickets without a due time. Includes tickets that were attended
    /// already.
    attention_due_before: Option<DateTime<Utc>>,
    /// Only tickets that lack this field. Repeat it for several: then only tickets that lack all of them.
    #[serde(default)]
    #[param(inline, required = false)]
    without: Vec<Lacking>,
    /// The state of the first attention; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(inline, required = false)]
    attention: Vec<AttentionState>,
    /// Open at this moment: received before it and neither solved nor archived before it, or reopened and not solved
    /// again. Only staff may use this filter.
    open_at: Option<DateTime<Utc>>,
    /// Solved at this moment or later. All conditions on a solution (`solved_…` and `reopened_…`) must hold for the
    /// same solution, even if it was later reopened. Only staff may use this filter.
    solved_from: Option<DateTime<Utc>>,
    /// Solved before this moment. Only staff may use this filter.
    solved_before: Option<DateTime<Utc>>,
    /// The person who solved it; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false)]
    solved_by_id: Vec<Uuid>,
    /// The support level at which it was solved; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false, value_type = Vec<SupportLevel>, inline)]
    solved_support_level: Vec<i16>,
    /// A solution was reopened at this moment or later. Only staff may use this filter.
    reopened_from: Option<DateTime<Utc>>,
    /// A solution was reopened before this moment. Only staff may use this filter.
    reopened_before: Option<DateTime<Utc>>,
    /// Accepted at a support level, for the first time since the ticket reached it, at this moment or later. All
    /// conditions on an acceptance must hold for the same acceptance. Only staff may use this filter.
    accepted_from: Option<DateTime<Utc>>,
    /// Accepted at a support level before this moment. Only staff may use this filter.
    accepted_before: Option<DateTime<Utc>>,
    /// The person who accepted it; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false)]
    accepted_by_id: Vec<Uuid>,
    /// The support level at which it was accepted; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false, value_type = Vec<SupportLevel>, inline)]
    accepted_support_level: Vec<i16>,
    /// Whether it was accepted by the due time of that level; repeat it for several values. Only staff may use this
    /// filter.
    #[serde(default)]
    #[param(required = false, inline)]
    acceptance: Vec<Punctuality>,
    /// Escalated at this moment or later; a return is not an escalation. All conditions on an escalation must hold for
    /// the same escalation. Only staff may use this filter.
    escalated_from: Option<DateTime<Utc>>,
    /// Escalated before this moment. Only staff may use this filter.
    escalated_before: Option<DateTime<Utc>>,
    /// The person who escalated it; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false)]
    escalated_by_id: Vec<Uuid>,
    /// The support level that it was escalated to; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false, value_type = Vec<SupportLevel>, inline)]
    escalated_to_level: Vec<i16>,
    /// Closed at this moment or later. Only staff may use this filter.
    closed_from: Option<DateTime<Utc>>,
    /// Closed before this moment. Only staff may use this filter.
    closed_before: Option<DateTime<Utc>>,
    /// Archived at this moment or later. Only staff may use this filter.
    archived_from: Option<DateTime<Utc>>,
    /// Archived before this moment. Only staff may use this filter.
    archived_before: Option<DateTime<Utc>>,
    /// The reason for which it was archived; repeat it for several. Only staff may use this filter.
    #[serde(default)]
    #[param(required = false)]
    archive_reason: Vec<ArchiveReason>,
    /// The survey was offered for the first time at this moment or later. Only staff may use this filter.
    survey_sent_from: Option<DateTime<Utc>>,
    /// The survey was offered for the first time before this moment. Only staff may use this filter.
    survey_sent_before: Option<DateTime<Utc>>,
    /// The survey was answered at this moment or later. Only staff may use this filter.
    survey_answered_from: Option<DateTime<Utc>>,
    /// The survey was answered before this moment. Only staff may use this filter.
    survey_answered_before: Option<DateTime<Utc>>,
    /// Whether the survey was answered; excludes tickets without a survey. Repeat it for several values. Only staff may
    /// use this filter.
    #[serde(default)]
    #[param(required = false)]
    survey_status: Vec<SurveyStatus>,
    /// Whether the survey rates the service as a whole 4 or 5. Only roles that may read individual answers may use this
    /// filter: professionals and the director.
    satisfied: Option<bool>,
    /// Whether it was imported from another system. The filters `attention`, `overdue`, `due_within`, `open_at`, `solved_…`,
    /// `reopened_…`, `accepted_…`, `acceptance`, `escalated_…` and `survey_…` find none of these: the desk did not measure them.
    imported: Option<bool>,
    /// Only tickets that were imported from this system; repeat it for several.
    #[serde(default)]
    #[param(required = false, min_length = 1, max_length = 50)]
    external_source: Vec<String>,
    /// Only tickets that were imported and had this identifier in the other system; repeat it for several.
    #[serde(default)]
    #[param(required = false, min_length = 1, max_length = 100)]
    external_id: Vec<String>,
    /// Whether a knowledge base article was written from it. Only staff may use this filter.
    has_article: Option<bool>,
    /// Words of the subject and description, in any inflection, with or without accents; the requester's name, document,
    /// e-mail address or unit; or the number of the ticket, such as `123` or `#123`. All words must be in the ticket, or in
    /// one of the followups that the caller may read; for a requester, in the newest 5,000 tickets and 1,000 followups.
    /// `"two words"` matches a phrase, `or` separates alternatives, and `-word` excludes a word: the ticket, or one of its
    /// followups, must have all other words and not this one. The last word also matches words that begin with it, if it
    /// has at least 3 letters, or 5 digits, and no space follows it. If nothing is found, words of 5 letters or more
    /// may differ in one letter.
    #[param(max_length = 200)]
    q: Option<String>,
    /// The tickets that contain the words of `q`, once they are looked up.
    #[serde(skip)]
    matches: Option<Matches>,
    /// `-received_at` (the default), `received_at`, `-updated_at`, `updated_at`, `attention_due_at`,
    /// `-attention_due_at`, or `queue`: the order of work, for open tickets only.
    #[param(inline)]
    pub sort: Option<TicketSort>,
}

impl TicketFilters {
    /// The states whose tickets can match, each once. PostgreSQL does not know which filters exclude a state, and would read
    /// all tickets in it.
    pub fn states(&self) -> impl Iterator<Item = TicketStatus> {
        use TicketStatus::{Archived, Closed, InProgress, OnHold, Solved};
        let unassigned = self.without.contains(&Lacking::Assignee)
            || !self.assignee_id.is_empty() && self.assignee_id.iter().all(|who| *who == Assignee::Nobody);
        let closed = self.closed_from.is_some() || self.closed_before.is_some();
        let archived = self.archived_from.is_some() || self.archived_before.is_some();
        let archived = archived || !self.archive_reason.is_empty();
        let open = self.sort == Some(TicketSort::Queue);
        let clock_runs = self.overdue == Some(true) || self.due_within.is_some();
        let every = TicketStatus::ALL.iter().copied();
        every.filter(move |state| {
            (self.status.is_empty() || self.status.contains(state))
                && !(unassigned && matches!(state, Solved | Closed))
                && (!closed || *state == Closed)
                && (!archived || *state == Archived)
                && !(open && matches!(state, Solved | Closed | Archived))
                && !(clock_runs && matches!(state, InProgress | OnHold | Solved | Closed | Archived))
        })
    }

    /// The same filters, for the tickets in this state alone.
    pub fn in_state(&self, status: TicketStatus) -> Self {
        TicketFilters { status: vec![status], ..self.clone() }
    }

    /// Whether they contain at most one state and no other filter.
    pub fn name_at_most_a_state(&self) -> bool {
        let alone =
            TicketFilters { status: self.status.clone(), sort: self.sort, ..TicketFilters::default() };
        self.status.len() < 2 && *self == alone
    }
}

/// The schema of a support level in the contract: 1 technician, 2 professional, 3 director or a third party.
struct SupportLevel;

impl PartialSchema for SupportLevel {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(1))
            .maximum(Some(3))
            .into()
    }
}

impl ToSchema for SupportLevel {}

/// The schema of an assignee in the contract: a user's id, `me` or `none`.
struct AssigneeName;

impl PartialSchema for AssigneeName {
    fn schema() -> RefOr<Schema> {
        let pattern = "^(me|none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(36)).into()
    }
}

impl ToSchema for AssigneeName {}

impl Assignee {
    fn user(self, me: Uuid) -> Option<Uuid> {
        match self {
            Assignee::Me => Some(me),
            Assignee::User(id) => Some(id),
            Assignee::Nobody => None,
        }
    }
}

/// Restricts a boxed query to moments within a period; each bound is optional.
macro_rules! within {
    ($query:ident, $column:expr, $from:expr, $before:expr) => {
        if let Some(from) = $from {
            $query = $query.filter($column.ge(from));
        }
        if let Some(before) = $before {
            $query = $query.filter($column.lt(before));
        }
    };
}
use within;

type Tickets<'a> = tickets::BoxedQuery<'a, Pg>;

/// A state as a literal in the statement, so that PostgreSQL knows its value when it prepares the statement.
pub fn literal(status: TicketStatus) -> Literal<SqlText> {
    Literal::new(format!("'{}'", status.as_str()))
}

/// The tickets that match these filters and that the caller may see, in no order.
pub fn filtered<'a>(filters: &'a TicketFilters, actor: &'a Actor) -> Tickets<'a> {
    let mut query = tickets::table.into_boxed();
    if actor.scope == PermissionScope::Own {
        query = query.filter(tickets::requester_id.eq(actor.id));
    }
    query = among!(query, tickets::requester_unit_id, actor.limit.unit_ids);
    query = among!(query, tickets::category_id, actor.limit.category_ids);
    query = match filters.status.as_slice() {
        [] => query,
        // Not an equality: PostgreSQL would not use the index in the order of the list, and would scan all newer
        // tickets in other states to find those in this one.
        [only] => query.filter(tickets::status.between(literal(*only), literal(*only))),
        several => query.filter(tickets::status.eq_any(several)),
    };
    query = among!(query, tickets::criticality, filters.criticality);
    query = among!(query, tickets::channel, filters.channel);
    query = among!(query, tickets::category_id, filters.category_id);
    query = among!(query, tickets::requester_unit_id, filters.unit_id);
    if !filters.assignee_id.is_empty() {
        let people: Vec<Uuid> = filters.assignee_id.iter().filter_map(|who| who.user(actor.id)).collect();
        let nobody = filters.assignee_id.iter().any(|who| matches!(who, Assignee::Nobody));
        query = match (people.is_empty(), nobody) {
            (true, _) => query.filter(tickets::assignee_id.is_null()),
            (false, false) => among!(query, tickets::assignee_id, people),
            (false, true) => {
                query.filter(tickets::assignee_id.is_null().or(tickets::assignee_id.eq_any(people)))
            }
        };
    }
    query = among!(query, tickets::requester_id, filters.requester_id);
    query = among!(query, tickets::support_level, filters.support_level);
    query = match filters.external_source.as_slice() {
        [] => query,
        [only] => query.filter(tickets::external_source.eq(only)),
        several => query.filter(tickets::external_source.eq_any(several)),
    };
    query = match filters.external_id.as_slice() {
        [] => query,
        [only] => query.filter(tickets::external_id.eq(only)),
        several => query.filter(tickets::external_id.eq_any(several)),
    };
    query = match filters.imported {
        Some(true) => query.filter(tickets::imported_at.is_not_null()),
        Some(false) => query.filter(tickets::imported_at.is_null()),
        // For the indexes of what was imported.
        None if !filters.external_source.is_empty() || !filters.external_id.is_empty() => {
            query.filter(tickets::imported_at.is_not_null())
        }
        None => query,
    };
    within!(query, tickets::received_at, filters.received_from, filters.received_before);
    within!(query, tickets::updated_at, filters.updated_from, filters.updated_before);
    within!(query, tickets::scheduled_for, filters.scheduled_for_from, filters.scheduled_for_before);
    let due_at = || Literal::<Timestamptz>::new(NEVER);
    within!(query, due_at(), filters.attention_due_from, filters.attention_due_before);
    if filters.attention_due_from.is_some() || filters.attention_due_before.is_some() {
        query = query.filter(tickets::attention_due_at.is_not_null());
    }
    query = words::narrow(query, filters, actor);
    if filters.sort == Some(TicketSort::Queue) {
        // A literal, so that the index over the order of work can be used.
        query = query.filter(Literal::<Bool>::new("status NOT IN ('solved', 'closed', 'archived')"));
    }
    match filters.overdue {
        Some(true) => query = query.filter(tickets::clock_due_at.lt(actor.now)),
        Some(false) => {
            query = query.filter(tickets::clock_due_at.is_null().or(tickets::clock_due_at.ge(actor.now)));
        }
        None => {}
    }
    if let Some(Length(length)) = filters.due_within {
        query = query.filter(tickets::clock_due_at.between(actor.now, actor.now + length));
    }
    history::narrow(query, filters, actor.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        let minutes = |text: &str| text.parse::<Length>().ok().map(|length| length.0.num_minutes());
        assert_eq!((minutes("30m"), minutes("2h"), minutes("1d")), (Some(30), Some(120), Some(1440)));
        for text in ["", "m", "30", "30s", "1.5h", "é", "3é", "99999999999999999999d"] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }
}
