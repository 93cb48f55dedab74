//! The running attention clock of the current support level of a ticket.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::policies::{self, Policy};
use crate::db::schema::{attention_clocks, attentions};
use crate::problem::{Code, Problem, Result};
use crate::tickets::clock::{Calendar, Span};
use crate::tickets::model::TicketRow;
use crate::tickets::steps::Case;
use crate::tickets::store;
use crate::tickets::workflow::TicketStatus;

/// The due times of a clock.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    pub due_at: DateTime<Utc>,
    /// When three quarters of the time have counted.
    due_soon_at: DateTime<Utc>,
    /// The same as `due_at` for the clock that started with the reception.
    first_due_at: DateTime<Utc>,
}

impl Due {
    /// # Errors
    /// A 409 if the calendar is not open for that long.
    pub fn reckon(
        policy: &Policy,
        calendar: &Calendar,
        started_at: DateTime<Utc>,
        received_at: DateTime<Utc>,
        pauses: &[Span],
    ) -> Result<Self> {
        Ok(Due {
            due_at: calendar.due(started_at, policy.minutes, pauses)?,
            due_soon_at: calendar.due(started_at, policy.minutes - policy.minutes / 4, pauses)?,
            first_due_at: calendar.due(received_at, policy.minutes, pauses)?,
        })
    }

    /// Writes the due times into the ticket. If the new due time is in the future, its notices are sent again.
    pub fn write(self, ticket: &mut TicketRow, now: DateTime<Utc>) {
        if ticket.attention_due_at != Some(self.due_at) && self.due_at > now {
            ticket.due_soon_told_at = None;
            ticket.overdue_told_at = None;
        }
        ticket.attention_due_at = Some(self.due_at);
        ticket.attention_due_soon_at = Some(self.due_soon_at);
        if ticket.attended_at.is_none() {
            ticket.first_attention_due_at = Some(self.first_due_at);
        }
    }
}

/// Computes the due times of the ticket's current support level, unless it has been accepted at that level. The first
/// clock runs from the reception, a later one from the first computation for its level. While the ticket waits for
/// information from its requester, the clock is paused and there is no due time.
///
/// # Errors
/// A 409 if the calendar is not open for that long.
pub fn reckon(case: &mut Case<'_>) -> Result<()> {
    if case.ticket.clock_stopped_at.is_some() {
        return Ok(());
    }
    let ticket = &mut case.ticket;
    let criticality =
        ticket.criticality.ok_or_else(|| Problem::internal("the clock of a ticket without a criticality"))?;
    let known: Vec<(Option<i32>, i16, DateTime<Utc>)> = attention_clocks::table
        .filter(attention_clocks::ticket_id.eq(ticket.id))
        .select((attention_clocks::round, attention_clocks::level, attention_clocks::started_at))
        .load(case.tx)?;
    let is_running =
        |(round, level, _): &&(Option<i32>, i16, _)| round.is_none() && *level == ticket.support_level;
    let started_at = match known.iter().find(is_running) {
        Some((.., started_at)) => *started_at,
        None if known.is_empty() => ticket.received_at,
        None => case.now,
    };
    let policy = policies::of_ticket(case.tx, ticket, criticality)?;
    let pauses = store::pauses_of(case.tx, ticket.id, case.now)?;
    let due = Due::reckon(
        &policy,
        &policy.calendar(case.tx, case.timezone)?,
        started_at,
        ticket.received_at,
        &pauses,
    )?;
    due.write(ticket, case.now);
    if ticket.status == TicketStatus::OnHold {
        ticket.attention_due_at = None;
        ticket.attention_due_soon_at = None;
    }
    let reckoned = (
        attentions::policy_id.eq(policy.id),
        attentions::minutes.eq(policy.minutes),
        attentions::opening_hours.eq(&policy.opening_hours),
        attentions::due_at.eq(due.due_at),
        attentions::holiday_set_id.eq(policy.holiday_set_id),
    );
    diesel::insert_into(attentions::table)
        .values((
            attentions::ticket_id.eq(ticket.id),
            attentions::level.eq(ticket.support_level),
            attentions::started_at.eq(started_at),
            reckoned,
        ))
        .on_conflict((attentions::ticket_id, attentions::level))
        .do_update()
        .set(reckoned)
        .execute(case.tx)?;
    Ok(())
}

/// Starts the clock of the level that the ticket was returned to. The clocks until now are kept as earlier ones.
///
/// # Errors
/// As `reckon`.
pub fn start_again(case: &mut Case<'_>) -> Result<()> {
    diesel::sql_query(
        "WITH until_now AS (DELETE FROM attentions WHERE ticket_id = $1 RETURNING *) \
         INSERT INTO earlier_attentions (ticket_id, round, level, started_at, minutes, due_at, assignee_id, assigned_at, \
             accepted_at, accepted_by, policy_id, opening_hours, working_minutes, holiday_set_id) \
         SELECT ticket_id, (SELECT coalesce(max(round), 0) + 1 FROM earlier_attentions WHERE ticket_id = $1), level, \
             started_at, minutes, due_at, assignee_id, assigned_at, accepted_at, accepted_by, policy_id, opening_hours, \
             working_minutes, holiday_set_id \
         FROM until_now",
    )
    .bind::<BigInt, _>(case.ticket.id)
    .execute(case.tx)?;
    reckon(case)
}

/// Recomputes the due times at the end of a wait. An unclassified ticket has no clock yet. If the calendar is no
/// longer open for that long, there is no due time and the ticket still continues.
pub fn resume(case: &mut Case<'_>) -> Result<()> {
    if case.ticket.criticality.is_none() {
        return Ok(());
    }
    match reckon(case) {
        Err(problem) if problem.code == Code::NoDueTime => Ok(()),
        reckoned => reckoned,
    }
}
