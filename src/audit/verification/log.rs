//! Reads the log of all events, and compares its entries with the events.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bytea, Text};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::rows::each_row;
use super::seen::Seen;
use crate::audit::tree::hash::{self, Hash};
use crate::language::text_enum;
use crate::problem::{Problem, Result};

/// How many entries are compared at once.
const BATCH: i64 = 5000;

text_enum! {
    /// The fault of an entry of the log, or of an audit event.
    pub enum LogBreakReason {
        /// The audit event was changed: its hash does not match its content.
        Hash = "hash",
        /// The log has no entry of the audit event, or one with another hash.
        Log = "log",
        /// The entry has another hash than its event.
        Mismatch = "mismatch",
        /// The event of the entry is missing.
        EventMissing = "event_missing",
        /// The entries from this position on are missing, up to the next one that exists.
        EntryMissing = "entry_missing",
    }
}

text_enum! {
    /// The kind of event that an entry of the log refers to.
    pub enum EntrySource {
        Ticket = "ticket",
        Audit = "audit",
    }
}

/// A place where the log is broken.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogBreak {
    /// The position in the log, from 0 on; `null` for a fault found at an audit event, which `event_id` names.
    #[schema(minimum = 0, example = 1041)]
    #[serde(rename = "log_position")]
    pub position: Option<i64>,
    /// The kind of the event; `null` if the entry is missing.
    pub source: Option<EntrySource>,
    /// Identifier of the event; `null` if the entry is missing.
    pub event_id: Option<Uuid>,
    /// What is wrong at this place.
    pub reason: LogBreakReason,
}

/// An entry of the log.
pub struct Entry {
    pub position: i64,
    /// The hash of the leaf of the tree: over the hash of the event, or that of the entry if the event is missing.
    pub leaf: Hash,
    /// `None` if the event has the hash of the entry.
    pub fault: Option<EntryFault>,
}

/// What is wrong with an entry.
#[derive(Clone, Copy)]
pub struct EntryFault {
    pub source: EntrySource,
    pub event_id: Uuid,
    pub reason: LogBreakReason,
}

/// A tree head that the server keeps.
#[derive(QueryableByName)]
pub struct KeptHead {
    #[diesel(sql_type = BigInt)]
    pub size: i64,
    #[diesel(sql_type = Bytea)]
    pub root: Vec<u8>,
    #[diesel(sql_type = Text)]
    pub note: String,
}

/// Entries by position, from `from` to `last`.
#[derive(Clone, Copy)]
pub struct Span {
    pub from: i64,
    /// `None` if these are the last entries.
    pub last: Option<i64>,
    /// The number of entries before them.
    pub size: i64,
}

impl Span {
    /// The number of entries up to the end of the span, unless it is the last one.
    pub fn size_after(&self) -> i64 {
        self.size.saturating_add(BATCH)
    }
}

/// The entries of a span.
pub struct EntryBatch {
    pub entries: Vec<Entry>,
    /// The heads of more leaves than before the span and at most as many as after it; all further ones with the last
    /// span.
    pub heads: Vec<KeptHead>,
    pub is_last: bool,
}

/// The next entries, from this position on, of a tree that has `size` leaves before them.
pub fn next(tx: &mut PgConnection, from: i64, size: i64) -> Result<Span> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = BigInt)]
        position: i64,
    }
    let last: Option<Last> = diesel::sql_query(
        "SELECT position FROM log_entries WHERE position >= $1 ORDER BY position OFFSET $2 - 1 LIMIT 1",
    )
    .bind::<BigInt, _>(from)
    .bind::<BigInt, _>(BATCH)
    .get_result(tx)
    .optional()?;
    Ok(Span { from, last: last.map(|last| last.position), size })
}

/// Reads the entries of a span and the heads of these sizes, in the snapshot of the transaction: in that in which the
/// span was found, so that it has as many entries as were counted, and no head is newer than the last entry. Entries
/// that are not in `seen` are compared with their events.
pub fn entries(tx: &mut PgConnection, span: Span, seen: &Seen) -> Result<EntryBatch> {
    let mut entries = Vec::new();
    let rows = diesel::sql_query(
        "SELECT position, hash FROM log_entries WHERE position >= $1 AND position <= $2 ORDER BY position",
    )
    .bind::<BigInt, _>(span.from)
    .bind::<BigInt, _>(span.last.unwrap_or(i64::MAX));
    each_row::<2, _>(tx, rows, |row| {
        let leaf = hash::leaf(row.required_bytes(1)?);
        entries.push(Entry { position: row.required_big(0)?, leaf, fault: None });
        Ok(())
    })?;
    let others = seen.others(entries.iter().map(|entry| entry.position));
    if !others.is_empty() {
        compare(tx, others, &mut entries)?;
    }
    let heads = diesel::sql_query(
        "SELECT size, root, note FROM tree_heads WHERE size > $1 AND size <= $2 ORDER BY size",
    )
    .bind::<BigInt, _>(span.size)
    .bind::<BigInt, _>(if span.last.is_none() { i64::MAX } else { span.size_after() })
    .load(tx)?;
    Ok(EntryBatch { entries, heads, is_last: span.last.is_none() })
}

/// Compares the entries at these positions with their events.
fn compare(tx: &mut PgConnection, positions: Vec<i64>, entries: &mut [Entry]) -> Result<()> {
    // Events are looked up by index: a join might read all of them for each batch.
    let rows = diesel::sql_query(
        "SELECT position, coalesce(event_hash, hash), \
                CASE WHEN event_hash IS DISTINCT FROM hash OR source IS NULL OR source NOT IN ('ticket', 'audit') \
                    THEN coalesce(source, '') END, event_id, event_hash IS NULL \
         FROM (SELECT position, source, event_id, hash, CASE source \
                   WHEN 'ticket' THEN (SELECT e.hash FROM events e WHERE e.id = event_id) \
                   ELSE (SELECT a.hash FROM audit_events a WHERE a.id = event_id) END AS event_hash \
               FROM log_entries WHERE position = ANY ($1) OFFSET 0) AS compared",
    )
    .bind::<Array<BigInt>, _>(positions);
    each_row::<5, _>(tx, rows, |row| {
        let position = row.required_big(0)?;
        let Ok(index) = entries.binary_search_by_key(&position, |entry| entry.position) else {
            return Ok(());
        };
        let Some(entry) = entries.get_mut(index) else { return Ok(()) };
        entry.leaf = hash::leaf(row.required_bytes(1)?);
        if let Some(source) = row.bytes(2) {
            entry.fault = Some(EntryFault {
                source: source_of(source)?,
                event_id: row.required_uuid(3)?,
                reason: if row.is_true(4) { LogBreakReason::EventMissing } else { LogBreakReason::Mismatch },
            });
        }
        Ok(())
    })
}

fn source_of(word: &[u8]) -> Result<EntrySource> {
    let known = EntrySource::ALL.iter().copied().find(|known| known.as_str().as_bytes() == word);
    known.ok_or_else(|| Problem::internal("an entry of the log has an unknown source"))
}
