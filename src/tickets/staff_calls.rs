//! Telling the staff of tickets that wait for them. A step only marks the ticket; this task decides who is told: those
//! who are on shift or on call now, and, while nobody on shift was told, those who come on next.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use serde_json::json;
use uuid::Uuid;

use super::model::{CallCause, Criticality};
use super::roster::{Roster, Told, Waiting};
use super::steps::Case;
use super::workflow::TicketStatus;
use crate::config::Config;
use crate::db::schema::tickets;
use crate::holidays::sets;
use crate::outbox::{self, MessageKind};
use crate::people::availability::EntityClock;
use crate::people::user::UNNAMED;
use crate::problem::{Problem, Result};

/// How many tickets one transaction processes.
const BATCH: i64 = 200;

/// The states in which a ticket waits for staff.
const WAITING: [TicketStatus; 3] =
    [TicketStatus::Received, TicketStatus::Classified, TicketStatus::Escalated];

impl CallCause {
    fn message(self) -> MessageKind {
        match self {
            CallCause::Received => MessageKind::NewTicket,
            CallCause::Escalated => MessageKind::Escalated,
            CallCause::Returned => MessageKind::Returned,
            CallCause::Critical => MessageKind::BecameCritical,
            CallCause::Unassigned => MessageKind::WaitingForStaff,
        }
    }
}

impl Case<'_> {
    /// The staff of the ticket's level are told of it, soon after the step. Without effect if it has an assignee.
    pub fn call_staff(&mut self, cause: CallCause) {
        self.ticket.staff_called_at = Some(self.now);
        self.ticket.staff_call_cause = Some(cause);
    }

    /// A ticket with an assignee, or one that is over, waits for nobody; on one that is over no third party works.
    pub(super) fn settle_call(&mut self) {
        let ticket = &mut self.ticket;
        let is_over =
            matches!(ticket.status, TicketStatus::Solved | TicketStatus::Closed | TicketStatus::Archived);
        if ticket.assignee_id.is_some() || is_over {
            ticket.staff_called_at = None;
            ticket.staff_call_cause = None;
        }
        if is_over {
            ticket.third_party = None;
            ticket.third_party_promised_for = None;
        }
    }
}

/// Marks a ticket to which nobody could be assigned automatically, unless the staff are already to be told of it.
pub fn call_for_unassigned(db: &mut PgConnection, ticket_id: i64) -> Result<()> {
    let waits = tickets::table
        .find(ticket_id)
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::staff_called_at.is_null())
        .filter(tickets::status.eq_any(WAITING));
    let now = crate::db::now(db)?;
    diesel::update(waits)
        .set((tickets::staff_called_at.eq(now), tickets::staff_call_cause.eq(CallCause::Unassigned)))
        .execute(db)?;
    Ok(())
}

/// A ticket of which the staff are to be told.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tickets)]
struct Called {
    id: i64,
    support_level: i16,
    criticality: Option<Criticality>,
    requester_id: Uuid,
    #[diesel(select_expression = tickets::staff_call_cause.assume_not_null())]
    cause: CallCause,
}

/// What the messages of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    cause: CallCause,
    level: i16,
    by_default: bool,
}

/// Tells the staff of the tickets that wait for them; returns the number of messages. Nobody is told twice about the same
/// event of a ticket. Concurrent instances of the server share the work.
///
/// # Errors
/// A database error; messages that were already queued remain queued.
pub fn tell(db: &mut PgConnection, config: &Config) -> Result<usize> {
    let (mut told, mut after) = (0, 0);
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| tell_batch(tx, config, after))?;
        let Some((count, last)) = batch else { return Ok(told) };
        told += count;
        after = last;
    }
}

/// The number of messages, and the last ticket; `None` if there is no further one.
fn tell_batch(tx: &mut PgConnection, config: &Config, after: i64) -> Result<Option<(usize, i64)>> {
    let called: Vec<Called> = tickets::table
        .filter(tickets::staff_called_at.is_not_null())
        .filter(tickets::id.gt(after))
        .filter(tickets::assignee_id.is_null())
        // A request by mail that waits for minimum data was seen by nobody yet, and may be critical.
        .filter(
            tickets::status.eq_any(WAITING).or(tickets::status
                .eq(TicketStatus::OnHold)
                .and(diesel::dsl::not(tickets::automatic))
                .and(
                    tickets::requester_document_id.is_null().or(tickets::requester_unit_id.is_null()).or(
                        tickets::requester_full_name.eq(UNNAMED).or(tickets::requester_landline
                            .is_null()
                            .and(tickets::requester_extension.is_null())
                            .and(tickets::requester_mobile.is_null())),
                    ),
                )),
        )
        .order(tickets::id)
        .limit(BATCH)
        .select(Called::as_select())
        .for_update()
        .skip_locked()
        .load(tx)?;
    let Some(last) = called.last().map(|ticket| ticket.id) else { return Ok(None) };
    let now = crate::db::now(tx)?;
    let holidays = sets::current(tx)?;
    let clock = EntityClock { timezone: config.timezone, holidays: &holidays };
    let roster = Roster::load(tx, clock, now)?;
    let calls: Vec<(Called, Told)> = called
        .into_iter()
        .map(|ticket| {
            let counted_by = ticket.criticality.unwrap_or(config.provisional_criticality);
            let told = roster.whom_to_tell(&Waiting {
                level: ticket.support_level,
                criticality: ticket.criticality,
                urgent: counted_by == Criticality::Critical,
                requester_id: ticket.requester_id,
            });
            (ticket, told)
        })
        .filter(|(_, told)| !told.recipients.is_empty())
        .collect();
    let known = told_before(tx, calls.iter().map(|(ticket, _)| ticket.id).collect())?;
    let mut groups: BTreeMap<Group, Vec<(i64, Uuid)>> = BTreeMap::new();
    for (ticket, told) in &calls {
        let group = Group { cause: ticket.cause, level: ticket.support_level, by_default: told.by_default };
        let new = told.recipients.iter().map(|recipient| (ticket.id, *recipient));
        groups.entry(group).or_default().extend(new.filter(|pair| !known.contains(pair)));
    }
    let count = groups.values().map(Vec::len).sum();
    for (Group { cause, level, by_default }, about) in groups {
        let data = json!({"to_level": level, "nobody_reachable": by_default});
        outbox::queue_each(tx, cause.message(), &about, &data, now)?;
    }
    let settled = calls.iter().filter(|(_, told)| told.settled).map(|(ticket, _)| ticket.id);
    let settled: Vec<i64> = settled.collect();
    if !settled.is_empty() {
        diesel::update(tickets::table.filter(tickets::id.eq_any(settled)))
            .set((
                tickets::staff_called_at.eq(None::<DateTime<Utc>>),
                tickets::staff_call_cause.eq(None::<CallCause>),
            ))
            .execute(tx)?;
    }
    Ok(Some((count, last)))
}

/// Who was told about each of these tickets since the staff were called last.
fn told_before(tx: &mut PgConnection, ids: Vec<i64>) -> Result<HashSet<(i64, Uuid)>> {
    #[derive(QueryableByName)]
    struct Before {
        #[diesel(sql_type = BigInt)]
        ticket_id: i64,
        #[diesel(sql_type = SqlUuid)]
        recipient_id: Uuid,
    }
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let told: Vec<Before> = diesel::sql_query(
        "SELECT m.ticket_id, m.recipient_id FROM tickets t JOIN messages m ON m.ticket_id = t.id \
         WHERE t.id = ANY($1) AND m.created_at >= t.staff_called_at AND m.recipient_id <> t.requester_id \
             AND m.kind IN ('new_ticket', 'escalated', 'returned', 'became_critical', 'waiting_for_staff')",
    )
    .bind::<Array<BigInt>, _>(ids)
    .load(tx)?;
    Ok(told.into_iter().map(|one| (one.ticket_id, one.recipient_id)).collect())
}
