//! Verifies the histories of tickets, a batch of tickets at a time: hashes, chains, and their entries in the log.
//!
//! PostgreSQL reads the rows in the order of the histories and looks up the log; hashes are computed here.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;
use utoipa::ToSchema;

use super::chains::{Chains, Event, Known};
use super::content::TicketEvent;
use super::rows::each_row;
use super::seen::Seen;
use crate::language::text_enum;
use crate::problem::Result;

/// How many tickets are verified at once.
const BATCH: i64 = 500;

text_enum! {
    /// Why a history is broken.
    pub enum BreakReason {
        /// The event was changed: its hash does not match its content; or it is redacted although its requester was
        /// never anonymized.
        Hash = "hash",
        /// It does not contain the hash of the event before it, or it is the last one and not the one that was
        /// written.
        Link = "link",
        /// Events between this one and the one before it are missing.
        Gap = "gap",
        /// Events from this place on are missing; at 0, the ticket itself.
        Missing = "missing",
        /// It was added after the last event that was written.
        Added = "added",
        /// The log of all events has no entry for it, or one with another hash.
        Log = "log",
    }
}

/// A place where a history is broken.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Break {
    /// The number of the ticket.
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// The place of the event in the history of the ticket, from 1 on; 0 stands for the ticket itself.
    #[schema(minimum = 0, example = 4)]
    pub seq: i32,
    /// What is wrong at this place.
    pub reason: BreakReason,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub tickets: i64,
    pub events: i64,
    pub redacted: i64,
}

/// Tickets by number, after `after` and up to `last`.
#[derive(Clone, Copy)]
pub struct Span {
    pub after: i64,
    pub last: i64,
}

/// The result of one batch.
pub struct Batch {
    pub broken: Vec<Break>,
    pub counted: Counted,
}

/// The next tickets. The last batch has no upper bound, so that no later ticket is skipped.
pub fn next(tx: &mut PgConnection, after: i64) -> Result<Span> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let last: Option<Last> = diesel::sql_query(
        "SELECT id FROM ( \
             (SELECT id FROM tickets WHERE id > $1 ORDER BY id LIMIT $2) \
             UNION (SELECT ticket_id FROM histories WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2)) AS known \
         ORDER BY id OFFSET $2 - 1 LIMIT 1",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(BATCH)
    .get_result(tx)
    .optional()?;
    Ok(Span { after, last: last.map_or(i64::MAX, |last| last.id) })
}

/// Verifies a batch, in the snapshot of the transaction, and adds the positions of its events in the log to `seen`.
pub fn verified(tx: &mut PgConnection, span: Span, seen: &Seen) -> Result<Batch> {
    let known = known(tx, span)?;
    let mut logged = Vec::new();
    let mut chains = Chains::of(known);
    // The log is looked up by index: a join might read all of it for each batch.
    let events = diesel::sql_query(
        "SELECT e.ticket_id, e.seq, e.id, e.kind, e.actor_id, e.at, e.previous_hash, e.data_digest, e.hash, \
                e.data_salt, e.data::text, \
                (SELECT CASE l.source WHEN 'ticket' THEN coalesce(l.position, -1) ELSE -1 END \
                 FROM log_entries l WHERE l.event_id = e.id AND l.hash = e.hash LIMIT 1) \
         FROM events e WHERE e.ticket_id > $1 AND e.ticket_id <= $2 ORDER BY e.ticket_id, e.seq",
    )
    .bind::<BigInt, _>(span.after)
    .bind::<BigInt, _>(span.last);
    each_row::<12, _>(tx, events, |row| {
        let position = row.big(11)?;
        logged.extend(position.filter(|position| *position >= 0));
        chains.add(&Event {
            content: TicketEvent {
                ticket_id: row.required_big(0)?,
                seq: row.required_integer(1)?,
                id: row.required_bytes(2)?,
                kind: row.bytes(3),
                actor_id: row.bytes(4),
                at: row.big(5)?,
                previous_hash: row.bytes(6),
                data_digest: row.bytes(7),
            },
            hash: row.bytes(8),
            salt: row.bytes(9),
            data: row.bytes(10),
            is_logged: position.is_some(),
        });
        Ok(())
    })?;
    seen.add(logged);
    Ok(chains.end())
}

/// The tickets of the batch, and those of which only the end of the history is kept, by number.
fn known(tx: &mut PgConnection, span: Span) -> Result<Vec<Known>> {
    let mut known = Vec::new();
    let rows = diesel::sql_query(
        "SELECT coalesce(t.id, h.ticket_id) AS number, t.id IS NOT NULL, a.user_id IS NOT NULL, h.events, h.hash \
         FROM (SELECT id, requester_id FROM tickets WHERE id > $1 AND id <= $2) AS t \
         FULL JOIN (SELECT * FROM histories WHERE ticket_id > $1 AND ticket_id <= $2) AS h ON h.ticket_id = t.id \
         LEFT JOIN anonymizations a ON a.user_id = t.requester_id \
         ORDER BY number",
    )
    .bind::<BigInt, _>(span.after)
    .bind::<BigInt, _>(span.last);
    each_row::<5, _>(tx, rows, |row| {
        known.push(Known {
            ticket_id: row.required_big(0)?,
            exists: row.is_true(1),
            is_anonymized: row.is_true(2),
            events: row.integer(3)?,
            hash: row.bytes(4).map(<[u8]>::to_vec),
        });
        Ok(())
    })?;
    Ok(known)
}
