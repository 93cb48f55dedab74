//! Returning the work of people who can no longer attend to it to its support level: their account is not active, their role
//! is below the level of the ticket, or their contract has ended.

use std::collections::HashMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use serde_json::json;
use uuid::Uuid;

use super::attention::running;
use super::holds;
use super::model::{CallCause, TicketRow};
use super::steps::{self, Case};
use super::workflow::TicketStatus;
use crate::audit::kind::EventKind;
use crate::auth::policy::Role;
use crate::db::schema::{escalations, tickets, users};
use crate::outbox::MessageKind;
use crate::problem::{Problem, Result};

/// How many tickets one transaction returns.
const BATCH: i64 = 100;

/// Whether this person can be the assignee of the ticket: active, of a sufficient support level and under contract. Staff of
/// any level can manage a case that a third party works on.
pub fn may_attend(case: &mut Case<'_>, person_id: Uuid) -> Result<bool> {
    let known: Option<(Role, Option<NaiveDate>)> = users::table
        .find(person_id)
        .filter(users::active)
        .select((users::role, users::contract_ends_on))
        .get_result(case.tx)
        .optional()?;
    let required = if case.ticket.third_party.is_some() { 1 } else { case.ticket.support_level };
    let today = case.now.with_timezone(&case.timezone).date_naive();
    Ok(known.is_some_and(|(role, contract_ends_on)| {
        role.support_level().is_some_and(|own| own >= required)
            && contract_ends_on.is_none_or(|last_day| today <= last_day)
    }))
}

/// Takes the ticket from its assignee: it waits for its assignment at its support level, whose staff are told. If it had been
/// accepted, a new clock starts and the requester is told. A hold for an external cause ends.
pub fn release(case: &mut Case<'_>) -> Result<()> {
    if case.ticket.information_deadline.is_none() {
        holds::end(case)?;
    }
    let changed_level = escalations::table.filter(escalations::ticket_id.eq(case.ticket.id));
    let changed_level = diesel::select(diesel::dsl::exists(changed_level)).get_result::<bool>(case.tx)?;
    let waits_as = if changed_level { TicketStatus::Escalated } else { TicketStatus::Classified };
    let ticket = &mut case.ticket;
    match ticket.status {
        TicketStatus::OnHold => ticket.resumes_to = Some(waits_as),
        _ => ticket.status = waits_as,
    }
    ticket.assignee_id = None;
    ticket.assigned_at = None;
    let scheduled_for = ticket.scheduled_for.take();
    if ticket.accepted_at.take().is_some() {
        let data = json!({"scheduled_for": scheduled_for, "unassigned": true});
        case.notify(MessageKind::AppointmentVoided, case.ticket.requester_id, data);
    }
    if case.ticket.clock_stopped_at.is_some() {
        running::restart(case)?;
    }
    case.call_staff(CallCause::Unassigned);
    Ok(())
}

/// An open ticket of a person who can no longer attend to it.
#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    assignee_id: Uuid,
    #[diesel(sql_type = Text)]
    cause: String,
}

/// A ticket that was given to a person after the end of their contract stays with them until another end is recorded.
const LEFT: &str = "\
    SELECT t.id, t.assignee_id, CASE WHEN NOT u.active THEN 'inactive' WHEN u.role = 'requester' OR l.level < t.support_level \
        AND t.third_party IS NULL THEN 'demoted' ELSE 'contract_ended' END AS cause \
    FROM tickets t JOIN users u ON u.id = t.assignee_id \
        LEFT JOIN (VALUES ('technician', 1), ('professional', 2), ('director', 3)) AS l (role, level) ON l.role = u.role \
    WHERE t.status IN ('assigned', 'in_progress', 'on_hold') AND NOT t.id = ANY($3) \
        AND (NOT u.active OR u.role = 'requester' OR l.level < t.support_level AND t.third_party IS NULL \
            OR (u.contract_ends_on < (now() AT TIME ZONE $1)::date \
                AND t.assigned_at < greatest(u.contract_set_at, (u.contract_ends_on + 1)::timestamp AT TIME ZONE $1))) \
    ORDER BY t.id LIMIT $2";

/// Returns the open work of people who can no longer attend to it; returns the number of tickets. Concurrent instances of
/// the server share the work.
///
/// # Errors
/// A database error; tickets that were returned before remain returned.
pub fn return_open_work(db: &mut PgConnection, timezone: Tz) -> Result<usize> {
    let mut seen: Vec<i64> = Vec::new();
    let mut returned = 0;
    loop {
        let (found, done) = db.transaction::<_, Problem, _>(|tx| {
            let left: Vec<Left> = diesel::sql_query(LEFT)
                .bind::<Text, _>(timezone.name())
                .bind::<BigInt, _>(BATCH)
                .bind::<Array<BigInt>, _>(&seen)
                .load(tx)?;
            let found: Vec<i64> = left.iter().map(|one| one.id).collect();
            let left: HashMap<i64, Left> = left.into_iter().map(|one| (one.id, one)).collect();
            let rows: Vec<TicketRow> = tickets::table
                .filter(tickets::id.eq_any(&found))
                .order(tickets::id)
                .select(TicketRow::as_select())
                .for_update()
                .skip_locked()
                .load(tx)?;
            // A ticket that changed hands in the meantime is left alone.
            let rows: Vec<TicketRow> = rows
                .into_iter()
                .filter(|row| left.get(&row.id).is_some_and(|one| row.assignee_id == Some(one.assignee_id)))
                .filter(|row| !matches!(row.status, TicketStatus::Solved | TicketStatus::Closed))
                .collect();
            let now = crate::db::now(tx)?;
            let done = steps::each(tx, rows, |tx, row| {
                let Some(Left { assignee_id, cause, .. }) = left.get(&row.id) else { return Ok(()) };
                let mut case = Case::automatic(tx, row, timezone, now);
                case.details.reason = Some(cause.clone());
                case.details.user_id = Some(*assignee_id);
                release(&mut case)?;
                case.record(EventKind::Unassigned).map(|_| ())
            });
            Ok((found, done))
        })?;
        returned += done;
        if found.is_empty() {
            return Ok(returned);
        }
        seen.extend(found);
    }
}
