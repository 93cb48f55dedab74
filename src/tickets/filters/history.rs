//! Filters by the history of a ticket: the lists behind the statistics.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text as SqlText, Timestamptz};

use super::{TicketFilters, Tickets, within};
use crate::auth::policy::{Action, PermissionScope};
use crate::db::schema::{articles, attention_clocks, escalations, openings, surveys, tickets};
use crate::http::Actor;
use crate::http::paging::among;
use crate::http::query::invalid;
use crate::language::text_enum;
use crate::problem::{Problem, Result, Text};

text_enum! {
    /// A field that a ticket may lack.
    pub enum Lacking {
        /// It was never classified.
        Criticality = "criticality",
        /// It has no category.
        Category = "category",
        /// It was archived immediately because of missing data.
        Unit = "unit",
        /// It has no assignee.
        Assignee = "assignee",
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
    /// The words of `ATTENTION` that are this state: `waiting_overdue` also counts as waiting.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            AttentionState::InTime => &["in_time"],
            AttentionState::Late => &["late"],
            AttentionState::Waiting => &["waiting", "waiting_overdue"],
            AttentionState::WaitingOverdue => &["waiting_overdue"],
        }
    }

    fn waits(self) -> bool {
        matches!(self, AttentionState::Waiting | AttentionState::WaitingOverdue)
    }
}

text_enum! {
    /// Whether an action was taken by its due time.
    pub enum Punctuality {
        /// By the due time.
        InTime = "in_time",
        /// After the due time.
        Late = "late",
    }
}

/// The state of the first attention of the ticket `t` at `$now`, as one word; `waiting_overdue` also counts as
/// waiting. Null if it was archived before any acceptance, or imported.
pub const ATTENTION: &str = "\
    CASE WHEN t.imported_at IS NOT NULL THEN NULL \
        WHEN t.attended_at <= t.first_attention_due_at THEN 'in_time' \
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
            return Err(invalid(name, Text::new("Solo puede usarlo el personal.", "Only staff may use it.")));
        }
        let may_read = actor.rights().scope(Action::ReadSurveyAnswers) == Some(PermissionScope::Any);
        if self.satisfied.is_some() && !may_read { Err(Problem::forbidden()) } else { Ok(()) }
    }

    /// The first filter for staff only that is used.
    fn for_staff_alone(&self) -> Option<&'static str> {
        let used = [
            ("attention", !self.attention.is_empty()),
            ("open_at", self.open_at.is_some()),
            ("solved_from", self.solved_from.is_some()),
            ("solved_before", self.solved_before.is_some()),
            ("solved_by_id", !self.solved_by_id.is_empty()),
            ("solved_support_level", !self.solved_support_level.is_empty()),
            ("reopened_from", self.reopened_from.is_some()),
            ("reopened_before", self.reopened_before.is_some()),
            ("accepted_from", self.accepted_from.is_some()),
            ("accepted_before", self.accepted_before.is_some()),
            ("accepted_by_id", !self.accepted_by_id.is_empty()),
            ("accepted_support_level", !self.accepted_support_level.is_empty()),
            ("acceptance", !self.acceptance.is_empty()),
            ("escalated_from", self.escalated_from.is_some()),
            ("escalated_before", self.escalated_before.is_some()),
            ("escalated_by_id", !self.escalated_by_id.is_empty()),
            ("escalated_to_level", !self.escalated_to_level.is_empty()),
            ("closed_from", self.closed_from.is_some()),
            ("closed_before", self.closed_before.is_some()),
            ("archived_from", self.archived_from.is_some()),
            ("archived_before", self.archived_before.is_some()),
            ("archive_reason", !self.archive_reason.is_empty()),
            ("survey_sent_from", self.survey_sent_from.is_some()),
            ("survey_sent_before", self.survey_sent_before.is_some()),
            ("survey_answered_from", self.survey_answered_from.is_some()),
            ("survey_answered_before", self.survey_answered_before.is_some()),
            ("survey_status", !self.survey_status.is_empty()),
            ("satisfied", self.satisfied.is_some()),
            ("has_article", self.has_article.is_some()),
        ];
        used.into_iter().find(|(_, used)| *used).map(|(name, _)| name)
    }
}

/// Restricts the query by the filters on the history.
pub fn narrow<'a>(mut query: Tickets<'a>, filters: &'a TicketFilters, now: DateTime<Utc>) -> Tickets<'a> {
    for lacking in &filters.without {
        query = match lacking {
            Lacking::Criticality => query.filter(tickets::criticality.is_null()),
            Lacking::Category => query.filter(tickets::category_id.is_null()),
            Lacking::Assignee => query.filter(tickets::assignee_id.is_null()),
            Lacking::Unit => query.filter(tickets::requester_unit_id.is_null()),
        };
    }
    if !filters.attention.is_empty() {
        let states: Vec<&str> = filters.attention.iter().flat_map(|state| state.words()).copied().collect();
        if filters.attention.iter().all(|state| state.waits()) {
            // It adds nothing to the condition on the state, and matches how the index expresses it.
            query = query.filter(tickets::attended_at.is_null().and(tickets::archived_at.is_null()));
            query = query.filter(tickets::imported_at.is_null());
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
            sql::<Bool>("tickets.id IN (SELECT ticket_id FROM openings_at(")
                .bind::<Timestamptz, _>(moment)
                .sql("))"),
        );
    }
    within!(query, tickets::closed_at, filters.closed_from, filters.closed_before);
    within!(query, tickets::archived_at, filters.archived_from, filters.archived_before);
    query = match filters.archive_reason.as_slice() {
        [] => query,
        [only] => query.filter(tickets::archive_reason.eq(*only)),
        several => query.filter(tickets::archive_reason.eq_any(several)),
    };
    let moments = [
        filters.open_at,
        filters.closed_before,
        filters.archived_before,
        filters.solved_before,
        filters.reopened_before,
        filters.accepted_before,
        filters.escalated_before,
        filters.survey_sent_before,
        filters.survey_answered_before,
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
    let TicketFilters {
        solved_from,
        solved_before,
        solved_by_id,
        solved_support_level,
        reopened_from,
        reopened_before,
        ..
    } = filters;
    let moments = [solved_from, solved_before, reopened_from, reopened_before];
    if moments.iter().any(|moment| moment.is_some())
        || !solved_by_id.is_empty()
        || !solved_support_level.is_empty()
    {
        let mut found =
            openings::table.filter(openings::outcome.eq("solved")).select(openings::ticket_id).into_boxed();
        within!(found, openings::ended_at, *solved_from, *solved_before);
        within!(found, openings::reopened_at, *reopened_from, *reopened_before);
        found = among!(found, openings::solved_by_id, solved_by_id);
        found = among!(found, openings::support_level, solved_support_level);
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
    let TicketFilters {
        accepted_from,
        accepted_before,
        accepted_by_id,
        accepted_support_level,
        acceptance,
        ..
    } = filters;
    let used = accepted_from.is_some() || accepted_before.is_some() || !accepted_by_id.is_empty();
    if !used && accepted_support_level.is_empty() && acceptance.is_empty() {
        return query;
    }
    let accepted = attention_clocks::accepted_at.is_not_null();
    let mut found = attention_clocks::table.filter(accepted).select(attention_clocks::ticket_id).into_boxed();
    within!(found, attention_clocks::accepted_at, *accepted_from, *accepted_before);
    found = among!(found, attention_clocks::accepted_by, accepted_by_id);
    found = among!(found, attention_clocks::level, accepted_support_level);
    match acceptance.as_slice() {
        [Punctuality::InTime] => {
            found = found.filter(attention_clocks::accepted_at.le(attention_clocks::due_at.nullable()));
        }
        [Punctuality::Late] => {
            found = found.filter(attention_clocks::accepted_at.gt(attention_clocks::due_at.nullable()));
        }
        // Each acceptance is one or the other.
        _ => {}
    }
    query.filter(tickets::id.eq_any(found))
}

fn escalated<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters { escalated_from, escalated_before, escalated_by_id, escalated_to_level, .. } = filters;
    let used = escalated_from.is_some() || escalated_before.is_some();
    if !used && escalated_by_id.is_empty() && escalated_to_level.is_empty() {
        return query;
    }
    // Without the returns to a lower level.
    let raised = escalations::to_level.gt(escalations::from_level);
    let mut found = escalations::table.filter(raised).select(escalations::ticket_id).into_boxed();
    within!(found, escalations::created_at, *escalated_from, *escalated_before);
    found = among!(found, escalations::escalated_by, escalated_by_id);
    found = among!(found, escalations::to_level, escalated_to_level);
    query.filter(tickets::id.eq_any(found))
}

fn surveyed<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let TicketFilters {
        survey_sent_from,
        survey_sent_before,
        survey_answered_from,
        survey_answered_before,
        ..
    } = filters;
    let moments = [survey_sent_from, survey_sent_before, survey_answered_from, survey_answered_before];
    let used = moments.iter().any(|moment| moment.is_some());
    if !used && filters.survey_status.is_empty() && filters.satisfied.is_none() {
        return query;
    }
    let mut found = surveys::table.select(surveys::ticket_id).into_boxed();
    within!(found, surveys::created_at, *survey_sent_from, *survey_sent_before);
    within!(found, surveys::answered_at, *survey_answered_from, *survey_answered_before);
    found = among!(found, surveys::status, filters.survey_status);
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
