//! The running attention clock of the current support level of a ticket.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid};

use super::policies::{self, Policy};
use crate::db::schema::{attention_clocks, attention_policies, attentions, tickets};
use crate::db::{Literal, Statement};
use crate::problem::{Code, Problem, Result};
use crate::tickets::clock::{Calendar, Span};
use crate::tickets::model::{Criticality, TicketRow};
use crate::tickets::steps::Case;
use crate::tickets::store;
use crate::tickets::workflow::TicketStatus;

/// The due times of a clock.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    pub due_at: DateTime<Utc>,
    /// When three quarters of the time have counted.
    pub due_soon_at: DateTime<Utc>,
    /// The same as `due_at` for the clock that started with the reception.
    pub first_due_at: DateTime<Utc>,
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

/// Starts the provisional clock of a ticket that was just registered: the attention time of this criticality counts
/// from the reception until the classification. If the calendar is not open for that long, there is none.
pub fn begin(
    tx: &mut PgConnection,
    row: &mut TicketRow,
    provisional: Criticality,
    timezone: Tz,
) -> Result<()> {
    let policy = policies::of_ticket(tx, row, provisional)?;
    let pauses = match row.status {
        TicketStatus::Received => Vec::new(),
        _ => store::pauses_of(tx, row.id, row.updated_at)?,
    };
    let Some(due) = provisional_due(tx, &policy, row.received_at, &pauses, timezone)? else { return Ok(()) };
    due.write(row, row.received_at);
    if row.status == TicketStatus::OnHold {
        row.attention_due_at = None;
        row.attention_due_soon_at = None;
    }
    first_clock(row, &policy, due).execute(tx)?;
    diesel::update(tickets::table.find(row.id))
        .set((
            tickets::attention_due_at.eq(row.attention_due_at),
            tickets::attention_due_soon_at.eq(row.attention_due_soon_at),
            tickets::first_attention_due_at.eq(row.first_attention_due_at),
        ))
        .execute(tx)?;
    Ok(())
}

/// The due times of a provisional clock; `None` if the calendar is not open for that long.
pub fn provisional_due(
    db: &mut PgConnection,
    policy: &Policy,
    received_at: DateTime<Utc>,
    pauses: &[Span],
    timezone: Tz,
) -> Result<Option<Due>> {
    let calendar = policy.calendar(db, timezone)?;
    match Due::reckon(policy, &calendar, received_at, received_at, pauses) {
        Err(problem) if problem.code == Code::NoDueTime => Ok(None),
        due => due.map(Some),
    }
}

/// The statement that records the clock which started with the reception of the ticket, if it has none.
pub fn first_clock<'a>(row: &TicketRow, policy: &'a Policy, due: Due) -> Statement<'a> {
    Statement::new(
        "INSERT INTO attentions (ticket_id, level, started_at, policy_id, minutes, opening_hours, due_at, holiday_set_id) \
         VALUES (",
    )
    .bind::<BigInt, _>(row.id)
    .sql(", ")
    .bind::<SmallInt, _>(row.support_level)
    .sql(", ")
    .bind::<Timestamptz, _>(row.received_at)
    .sql(", ")
    .bind::<SqlUuid, _>(policy.id)
    .sql(", ")
    .bind::<Integer, _>(policy.minutes)
    .sql(", ")
    .bind::<Text, _>(&policy.opening_hours)
    .sql(", ")
    .bind::<Timestamptz, _>(due.due_at)
    .sql(", ")
    .bind::<SqlUuid, _>(policy.holiday_set_id)
    .sql(") ON CONFLICT DO NOTHING")
}

/// Records the clocks which started with the reception of these tickets.
///
/// # Errors
/// An error of the database.
pub fn insert_first_clocks(tx: &mut PgConnection, clocks: &[(&TicketRow, &Policy, Due)]) -> Result<()> {
    let clocks = clocks.iter().map(|(row, policy, due)| {
        (
            attentions::ticket_id.eq(row.id),
            attentions::level.eq(row.support_level),
            attentions::started_at.eq(row.received_at),
            attentions::policy_id.eq(policy.id),
            attentions::minutes.eq(policy.minutes),
            attentions::opening_hours.eq(&policy.opening_hours),
            attentions::due_at.eq(due.due_at),
            attentions::holiday_set_id.eq(policy.holiday_set_id),
        )
    });
    diesel::insert_into(attentions::table).values(clocks.collect::<Vec<_>>()).execute(tx)?;
    Ok(())
}

/// How many provisional clocks one round starts.
const BATCH: i64 = 100;

/// Starts the provisional clocks of unclassified tickets that have none, because an earlier version of the server
/// registered them; returns how many.
pub fn begin_missing(db: &mut PgConnection, provisional: Criticality, timezone: Tz) -> Result<usize> {
    db.transaction(|tx| {
        let rows: Vec<TicketRow> = tickets::table
            // A literal, so that its index can be used.
            .filter(Literal::<Bool>::new(
                "first_attention_due_at IS NULL AND status IN ('received', 'on_hold')",
            ))
            .order(tickets::id)
            .limit(BATCH)
            .select(TicketRow::as_select())
            .for_update()
            .skip_locked()
            .load(tx)?;
        let mut begun = 0;
        for mut row in rows {
            begin(tx, &mut row, provisional, timezone)?;
            begun += usize::from(row.first_attention_due_at.is_some());
        }
        Ok(begun)
    })
}

/// The criticality by which the clock of the ticket's current level counts: its own, or until the classification the
/// provisional one with which the clock started. `None` if no clock has started.
fn counted_by(case: &mut Case<'_>) -> Result<Option<Criticality>> {
    if case.ticket.criticality.is_some() {
        return Ok(case.ticket.criticality);
    }
    let started = attentions::table
        .inner_join(attention_policies::table)
        .filter(attentions::ticket_id.eq(case.ticket.id))
        .filter(attentions::level.eq(case.ticket.support_level));
    Ok(started.select(attention_policies::criticality).first(case.tx).optional()?)
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
    let criticality =
        counted_by(case)?.ok_or_else(|| Problem::internal("the clock of a ticket without a criticality"))?;
    let ticket = &mut case.ticket;
    let known: Vec<(Option<i32>, i16, DateTime<Utc>)> = attention_clocks::table
        .filter(attention_clocks::ticket_id.eq(ticket.id))
        .select((attention_clocks::round, attention_clocks::level, attention_clocks::started_at))
        .load(case.tx)?;
    let is_running =
        |(round, level, _): &&(Option<i32>, i16, _)| round.is_none() && *level == ticket.support_level;
    let started_at = match known.iter().find(is_running) {
        // The first clock.
        Some(_) if known.len() == 1 => ticket.received_at,
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
        .set((attentions::started_at.eq(started_at), reckoned))
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

/// Starts a new clock of the current level for a ticket that waits for its acceptance again. The clocks until now are
/// kept as earlier ones. If the calendar is no longer open for that long, there is no due time.
pub fn restart(case: &mut Case<'_>) -> Result<()> {
    stop(case);
    match start_again(case) {
        Err(problem) if problem.code == Code::NoDueTime => Ok(()),
        started => started,
    }
}

/// No clock runs, and its notices can be sent again.
pub fn stop(case: &mut Case<'_>) {
    let ticket = &mut case.ticket;
    ticket.clock_stopped_at = None;
    ticket.due_soon_told_at = None;
    ticket.overdue_told_at = None;
    ticket.attention_due_at = None;
    ticket.attention_due_soon_at = None;
}

/// Recomputes the due times at the end of a wait. If the calendar is no longer open for that long, there is no due time
/// and the ticket still continues.
pub fn resume(case: &mut Case<'_>) -> Result<()> {
    if counted_by(case)?.is_none() {
        return Ok(());
    }
    match reckon(case) {
        Err(problem) if problem.code == Code::NoDueTime => Ok(()),
        reckoned => reckoned,
    }
}
