//! Notices to staff when the attention of a ticket is due soon, and when it is overdue.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::escalations;
use super::model::{Criticality, TicketRow};
use super::roster::{Roster, Waiting};
use super::steps::{self, Case};
use crate::audit::kind::EventKind;
use crate::db::schema::{categories, tickets};
use crate::holidays::sets;
use crate::outbox::MessageKind;
use crate::people::availability::EntityClock;
use crate::problem::{Problem, Result};

/// How many tickets one transaction processes.
const BATCH: i64 = 100;

/// The reason of an automatic escalation; it is shown to staff.
const NOBODY_ACCEPTED: &str = "Caso crítico que nadie aceptó a la hora de vencimiento.";

/// Notifies the responsible staff of every clock that has reached three quarters of its time or has expired; returns
/// the number of tickets. Concurrent instances of the server share the work: each notice of a ticket is sent once,
/// and never for a ticket that was accepted in the meantime.
///
/// # Errors
/// A database error; notices that were already queued remain queued.
pub fn notify(db: &mut PgConnection, timezone: Tz) -> Result<usize> {
    let mut told = 0;
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| {
            let now = crate::db::now(tx)?;
            let holidays = sets::current(tx)?;
            let staff = Roster::load(tx, EntityClock { timezone, holidays: &holidays }, now)?;
            Ok(overdue(tx, &staff, timezone, now)? + due_soon(tx, &staff, timezone, now)?)
        })?;
        told += batch;
        if batch == 0 {
            return Ok(told);
        }
    }
}

/// The assignee, or otherwise the staff of the ticket's support level who are on shift or on call; all of the level if
/// nobody is.
fn responsible(staff: &Roster, ticket: &TicketRow) -> Vec<Uuid> {
    if let Some(assignee) = ticket.assignee_id {
        return vec![assignee];
    }
    let told = staff.whom_to_tell(&Waiting {
        level: ticket.support_level,
        criticality: ticket.criticality,
        urgent: ticket.criticality.is_none_or(|criticality| criticality == Criticality::Critical),
        requester_id: ticket.requester_id,
    });
    if told.by_default || told.recipients.is_empty() {
        staff.of_level(ticket.support_level)
    } else {
        told.recipients
    }
}

fn due_soon(tx: &mut PgConnection, staff: &Roster, timezone: Tz, now: DateTime<Utc>) -> Result<usize> {
    let rows: Vec<TicketRow> = tickets::table
        .filter(tickets::clock_due_at.gt(now))
        .filter(tickets::attention_due_soon_at.le(now))
        .filter(tickets::due_soon_told_at.is_null())
        .order((tickets::attention_due_soon_at, tickets::id))
        .limit(BATCH)
        .select(TicketRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx)?;
    Ok(steps::each(tx, rows, |tx, row| {
        let recipients = responsible(staff, &row);
        let mut case = Case::automatic(tx, row, timezone, now);
        case.ticket.due_soon_told_at = Some(now);
        tell_all(&mut case, MessageKind::DueSoon, recipients);
        case.record(EventKind::DueSoon).map(|_| ())
    }))
}

fn overdue(tx: &mut PgConnection, staff: &Roster, timezone: Tz, now: DateTime<Utc>) -> Result<usize> {
    let rows: Vec<TicketRow> = tickets::table
        .filter(tickets::clock_due_at.le(now))
        .filter(tickets::overdue_told_at.is_null())
        .order((tickets::clock_due_at, tickets::id))
        .limit(BATCH)
        .select(TicketRow::as_select())
        .for_update()
        .skip_locked()
        .load(tx)?;
    let escalating: HashSet<Uuid> = categories::table
        .filter(categories::id.eq_any(rows.iter().filter_map(|row| row.category_id)))
        .filter(categories::escalates_overdue)
        .select(categories::id)
        .load(tx)?
        .into_iter()
        .collect();
    Ok(steps::each(tx, rows, |tx, row| {
        let escalates = row.criticality == Some(Criticality::Critical)
            && row.support_level < 3
            && row.category_id.is_some_and(|category| escalating.contains(&category));
        let mut recipients = responsible(staff, &row);
        recipients.extend(staff.of_level(3));
        if escalates {
            recipients.extend(staff.of_level(row.support_level + 1));
        }
        let mut case = Case::automatic(tx, row, timezone, now);
        // The notice that it is due soon is no longer needed.
        case.ticket.due_soon_told_at.get_or_insert(now);
        case.ticket.overdue_told_at = Some(now);
        tell_all(&mut case, MessageKind::Overdue, recipients);
        let row = case.record(EventKind::Overdue)?;
        if escalates {
            let mut case = Case::automatic(tx, row, timezone, now);
            escalations::escalate_by_itself(&mut case, NOBODY_ACCEPTED.to_owned())?;
            case.record(EventKind::Escalated)?;
        }
        Ok(())
    }))
}

/// Notifies each recipient once, even if listed twice.
fn tell_all(case: &mut Case<'_>, kind: MessageKind, mut recipients: Vec<Uuid>) {
    recipients.sort();
    recipients.dedup();
    let data = json!({"due_at": case.ticket.attention_due_at, "level": case.ticket.support_level});
    for recipient in recipients {
        case.notify(kind, recipient, data.clone());
    }
}
