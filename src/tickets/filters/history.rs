//! Filters by the history of a ticket: the lists behind the statistics.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text as SqlText, Timestamptz};

use super::{TicketFilters, Tickets};
use crate::auth::policy::{Action, PermissionScope, scope};
use crate::db::schema::{articles, attention_clocks, escalations, openings, surveys, tickets};
use crate::http::Actor;
use crate::http::query::invalid;
use crate::language::text_enum;
use crate::problem::{Problem, Result, Text};

text_enum! {
    /// A field that a ticket may lack.
    pub enum Lacking {
        /// It was never classified.
        Criticality = "criticality",
        Category = "category",
        /// It was archived immediately because of missing data.
        Unit = "unit",
    }
}

text_enum! {
    /// The state of the first attention of a ticket.
    pub enum AttentionState {
        /// Accepted for the first time by the due time.
        InTime = "in_time",
        /// Accepted for the first time after it.
        Late = "late",
        /// Not accepted yet and not archived.
        Waiting = "waiting",
        /// Waiting, and the due time has passed, or had passed when the clock was paused.
        WaitingOverdue = "waiting_overdue",
    }
}

impl AttentionState {
    fn waits(self) -> bool {
        matches!(self, AttentionState::Waiting | AttentionState::WaitingOverdue)
    }
}

text_enum! {
    /// Whether an action was taken by its due time.
    pub enum Punctuality {
        InTime = "in_time",
        Late = "late",
    }
}

/// The state of the first attention of the ticket `t` at `$now`, as one word; `waiting_overdue` also counts as
/// waiting. Null if it was archived before any acceptance.
pub const ATTENTION: &str = "\
    CASE WHEN t.attended_at <= t.first_attention_due_at THEN 'in_time' \
        WHEN t.attended_at IS NOT NULL THEN 'late' \
        WHEN t.archived_at IS NOT NULL THEN NULL \
        WHEN t.first_attention_due_at < CASE WHEN t.information_deadline IS NULL THEN $now ELSE \
            (SELECT h.started_at FROM holds h WHERE h.ticket_id = t.id AND h.ended_at IS NULL) END THEN 'waiting_overdue' \
        ELSE 'waiting' END";

impl TicketFilters {
    /// # Errors
    /// A 400 if a requester uses a filter for staff; a 403 if the filter reveals individual survey answers that the
    /// role may not read.
    pub fn check(&self, actor: &Actor) -> Result<()> {
        if let Some(name) = self.for_staff_alone().filter(|_| !actor.is_staff()) {
            return Err(invalid(name, Text::new("Solo lo usa el personal.", "Only staff may use it.")));
        }
        let may_read = scope(actor.role, Action::ReadSurveyAnswers) == Some(PermissionScope::Any);
        if self.satisfied.is_some() && !may_read { Err(Problem::forbidden()) } else { Ok(()) }
    }

    /// The first filter for staff only that is used.
    fn for_staff_alone(&self) -> Option<&'static str> {
        let used = [
            ("attention", !self.attention.is_empty()),
            ("open_at", self.open_at.is_some()),
            ("solved_from", self.solved_from.is_some()),
            ("solved_to", self.solved_to.is_some()),
            ("solved_by", self.solved_by.is_some()),
            ("solved_level", self.solved_level.is_some()),
            ("reopened_from", self.reopened_from.is_some()),
            ("reopened_to", self.reopened_to.is_some()),
            ("accepted_from", self.accepted_from.is_some()),
            ("accepted_to", self.accepted_to.is_some()),
            ("accepted_by", self.accepted_by.is_some()),
            ("accepted_level", self.accepted_level.is_some()),
            ("acceptance", self.acceptance.is_some()),
            ("escalated_from", self.escalated_from.is_some()),
            ("escalated_to", self.escalated_to.is_some()),
            ("escalated_by", self.escalated_by.is_some()),
            ("escalated_to_level", self.escalated_to_level.is_some()),
            ("closed_from", self.closed_from.is_some()),
            ("closed_to", self.closed_to.is_some()),
            ("archived_from", self.archived_from.is_some()),
            ("archived_to", self.archived_to.is_some()),
            ("archive_reason", !self.archive_reason.is_empty()),
            ("survey_sent_from", self.survey_sent_from.is_some()),
            ("survey_sent_to", self.survey_sent_to.is_some()),
            ("survey_answered_from", self.survey_answered_from.is_some()),
            ("survey_answered_to", self.survey_answered_to.is_some()),
            ("survey", self.survey.is_some()),
            ("satisfied", self.satisfied.is_some()),
            ("has_article", self.has_article.is_some()),
        ];
        used.into_iter().find(|(_, used)| *used).map(|(name, _)| name)
    }
}

/// Restricts a boxed query to moments within a period; each bound is optional.
macro_rules! within {
    ($query:ident, $column:expr, $from:expr, $to:expr) => {
        if let Some(from) = $from {
            $query = $query.filter($column.ge(from));
        }
        if let Some(to) = $to {
            $query = $query.filter($column.lt(to));
        }
    };
}

/// Restricts the query by the filters on the history.
pub fn narrow<'a>(mut query: Tickets<'a>, filters: &'a TicketFilters, now: DateTime<Utc>) -> Tickets<'a> {
    for lacking in &filters.without {
        query = match lacking {
            Lacking::Criticality => query.filter(tickets::criticality.is_null()),
            Lacking::Category => query.filter(tickets::category_id.is_null()),
            Lacking::Unit => query.filter(tickets::requester_unit_id.is_null()),
        };
    }
    if !filters.attention.is_empty() {
        let mut states: Vec<&str> = filters.attention.iter().map(|state| state.as_str()).collect();
        if filters.attention.contains(&AttentionState::Waiting) {
            states.push(AttentionState::WaitingOverdue.as_str());
        }
        if filters.attention.iter().all(|state| state.waits()) {
            // It adds nothing to the condition on the state, and matches how the index expresses it.
            query = query.filter(tickets::attended_at.is_null().and(tickets::archived_at.is_null()));
        }
        let [before, after] = attention_around_now();
        query = query.filter(
            sql::<Bool>("(")
                .sql(before)
                .bind::<Timestamptz, _>(now)
                .sql(after)
                .sql(") = ANY(")
                .bind::<Array<SqlText>, _>(states)
                .sql(")"),
        );
    }
    if let Some(moment) = filters.open_at {
        query = query.filter(
            sql::<Bool>("tickets.id IN (SELECT o.ticket_id FROM openings o WHERE o.open_during @> ")
                .bind::<Timestamptz, _>(moment)
                .sql(")"),
        );
    }
    within!(query, tickets::closed_at, filters.closed_from, filters.closed_to);
    within!(query, tickets::archived_at, filters.archived_from, filters.archived_to);
    query = match filters.archive_reason.as_slice() {
        [] => query,
        [only] => query.filter(tickets::archive_reason.eq(*only)),
        several => query.filter(tickets::archive_reason.eq_any(several)),
    };
    let moments = [
        filters.open_at,
        filters.closed_to,
        filters.archived_to,
        filters.solved_to,
        filters.reopened_to,
        filters.accepted_to,
        filters.escalated_to,
        filters.survey_sent_to,
        filters.survey_answered_to,
    ];
    if let Some(first) = moments.into_iter().flatten().min() {
        // No change precedes the reception. PostgreSQL cannot infer that, and would scan all newer tickets.
        query = query.filter(tickets::received_at.le(first));
    }
    query = solutions(query, filters);
    query = acceptances(query, filters);
    query = escalated(query, filters);
    surveyed(query, filters)
}

fn solutions<'a>(mut query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters { solved_from, solved_to, solved_by, solved_level, reopened_from, reopened_to, .. } =
        filters;
    let moments = [solved_from, solved_to, reopened_from, reopened_to];
    if moments.iter().any(|moment| moment.is_some()) || solved_by.is_some() || solved_level.is_some() {
        let mut found =
            openings::table.filter(openings::outcome.eq("solved")).select(openings::ticket_id).into_boxed();
        within!(found, openings::ended_at, *solved_from, *solved_to);
        within!(found, openings::reopened_at, *reopened_from, *reopened_to);
        if let Some(person) = *solved_by {
            found = found.filter(openings::solved_by_id.eq(person));
        }
        if let Some(level) = *solved_level {
            found = found.filter(openings::support_level.eq(level));
        }
        query = query.filter(tickets::id.eq_any(found));
    }
    match filters.has_article {
        Some(true) => query.filter(diesel::dsl::exists(article_of_ticket())),
        Some(false) => query.filter(diesel::dsl::not(diesel::dsl::exists(article_of_ticket()))),
        None => query,
    }
}

#[diesel::dsl::auto_type]
fn article_of_ticket() -> _ {
    articles::table.filter(articles::ticket_id.eq(tickets::id.nullable()))
}

fn acceptances<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters { accepted_from, accepted_to, accepted_by, accepted_level, acceptance, .. } = filters;
    let used = accepted_from.is_some() || accepted_to.is_some() || accepted_by.is_some();
    if !used && accepted_level.is_none() && acceptance.is_none() {
        return query;
    }
    let accepted = attention_clocks::accepted_at.is_not_null();
    let mut found = attention_clocks::table.filter(accepted).select(attention_clocks::ticket_id).into_boxed();
    within!(found, attention_clocks::accepted_at, *accepted_from, *accepted_to);
    if let Some(person) = *accepted_by {
        found = found.filter(attention_clocks::accepted_by.eq(person));
    }
    if let Some(level) = *accepted_level {
        found = found.filter(attention_clocks::level.eq(level));
    }
    match acceptance {
        Some(Punctuality::InTime) => {
            found = found.filter(attention_clocks::accepted_at.le(attention_clocks::due_at.nullable()));
        }
        Some(Punctuality::Late) => {
            found = found.filter(attention_clocks::accepted_at.gt(attention_clocks::due_at.nullable()));
        }
        None => {}
    }
    query.filter(tickets::id.eq_any(found))
}

fn escalated<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters { escalated_from, escalated_to, escalated_by, escalated_to_level, .. } = filters;
    let used = escalated_from.is_some() || escalated_to.is_some();
    if !used && escalated_by.is_none() && escalated_to_level.is_none() {
        return query;
    }
    // Without the returns to a lower level.
    let raised = escalations::to_level.gt(escalations::from_level);
    let mut found = escalations::table.filter(raised).select(escalations::ticket_id).into_boxed();
    within!(found, escalations::created_at, *escalated_from, *escalated_to);
    if let Some(person) = *escalated_by {
        found = found.filter(escalations::escalated_by.eq(person));
    }
    if let Some(level) = *escalated_to_level {
        found = found.filter(escalations::to_level.eq(level));
    }
    query.filter(tickets::id.eq_any(found))
}

fn surveyed<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters { survey_sent_from, survey_sent_to, survey_answered_from, survey_answered_to, .. } =
        filters;
    let moments = [survey_sent_from, survey_sent_to, survey_answered_from, survey_answered_to];
    let used = moments.iter().any(|moment| moment.is_some());
    if !used && filters.survey.is_none() && filters.satisfied.is_none() {
        return query;
    }
    let mut found = surveys::table.select(surveys::ticket_id).into_boxed();
    within!(found, surveys::created_at, *survey_sent_from, *survey_sent_to);
    within!(found, surveys::answered_at, *survey_answered_from, *survey_answered_to);
    if let Some(status) = filters.survey {
        found = found.filter(surveys::status.eq(status));
    }
    match filters.satisfied {
        Some(true) => found = found.filter(surveys::overall.ge(4)),
        Some(false) => found = found.filter(surveys::overall.lt(4)),
        None => {}
    }
    query.filter(tickets::id.eq_any(found))
}

/// `ATTENTION` for the list's own table, split before and after the moment.
fn attention_around_now() -> [&'static str; 2] {
    static PARTS: std::sync::LazyLock<[String; 2]> = std::sync::LazyLock::new(|| {
        let own = ATTENTION.replace("t.", "tickets.");
        let (before, after) = own.split_once("$now").unwrap_or((&own, ""));
        [before.to_owned(), after.to_owned()]
    });
    PARTS.each_ref().map(String::as_str)
}
