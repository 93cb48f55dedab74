//! Verifies that the audit log and the log of all events match.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Nullable, Text, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::language::text_enum;
use crate::problem::Result;

/// How many audit events or entries are verified at once.
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
#[derive(Debug, Serialize, QueryableByName, ToSchema)]
pub struct LogBreak {
    /// The position in the log, from 0 on; `null` for a fault found at an audit event, which `event_id` names.
    #[diesel(sql_type = Nullable<BigInt>)]
    #[schema(minimum = 0, example = 1041)]
    #[serde(rename = "log_position")]
    pub position: Option<i64>,
    /// The kind of the event; `null` if the entry is missing.
    #[diesel(sql_type = Nullable<Text>)]
    pub source: Option<EntrySource>,
    /// Identifier of the event; `null` if the entry is missing.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub event_id: Option<Uuid>,
    /// What is wrong at this place.
    #[diesel(sql_type = Text)]
    pub reason: LogBreakReason,
}

/// The result of one batch of audit events.
pub struct AuditBatch {
    pub broken: Vec<LogBreak>,
    pub count: i64,
    pub redacted: i64,
    /// The last one; `None` if there are no more.
    pub last: Option<Uuid>,
}

/// Verifies the next audit events by id.
pub fn audit_events(db: &mut PgConnection, after: Uuid) -> Result<AuditBatch> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = BigInt)]
        redacted: i64,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        last: Option<Uuid>,
    }
    db.build_transaction().read_only().repeatable_read().run(|tx| {
        let counted: Counted = diesel::sql_query(
            "SELECT count(*) AS count, count(*) FILTER (WHERE data_salt IS NULL) AS redacted, \
                 (array_agg(id ORDER BY id DESC))[1] AS last \
             FROM (SELECT id, data_salt FROM audit_events WHERE id > $1 ORDER BY id LIMIT $2) AS batch",
        )
        .bind::<SqlUuid, _>(after)
        .bind::<BigInt, _>(BATCH)
        .get_result(tx)?;
        let Counted { count, redacted, last } = counted;
        let Some(end) = last else { return Ok(AuditBatch { broken: Vec::new(), count, redacted, last }) };
        let broken = diesel::sql_query(
            "SELECT NULL::bigint AS position, 'audit' AS source, event_id, reason FROM ( \
                 SELECT a.id AS event_id, CASE \
                     WHEN a.hash <> audit_event_hash(a) OR CASE WHEN a.data_salt IS NULL \
                         THEN NOT EXISTS (SELECT FROM anonymizations p \
                                          WHERE p.user_id = a.actor_id OR p.user_id::text = a.resource_id) \
                             AND NOT (a.data = without_values(a.data) AND EXISTS ( \
                                 SELECT FROM expired_records r \
                                 WHERE r.resource = a.resource AND r.resource_id = a.resource_id)) \
                         ELSE a.data_digest <> audit_event_digest(a) END THEN 'hash' \
                     WHEN (SELECT l.hash FROM log_entries l WHERE l.event_id = a.id LIMIT 1) \
                         IS DISTINCT FROM a.hash THEN 'log' \
                 END AS reason \
                 FROM audit_events a WHERE a.id > $1 AND a.id <= $2) AS found \
             WHERE reason IS NOT NULL ORDER BY event_id",
        )
        .bind::<SqlUuid, _>(after)
        .bind::<SqlUuid, _>(end)
        .load(tx)?;
        Ok(AuditBatch { broken, count, redacted, last: (count == BATCH).then_some(end) })
    })
}

/// An entry of the log with the hash of its event.
#[derive(QueryableByName)]
pub struct Entry {
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = Text)]
    pub source: EntrySource,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    #[diesel(sql_type = Bytea)]
    pub hash: Vec<u8>,
    /// `None` if the event is missing.
    #[diesel(sql_type = Nullable<Bytea>)]
    pub event_hash: Option<Vec<u8>>,
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

/// The entries from a position on, in one snapshot.
pub struct EntryBatch {
    pub entries: Vec<Entry>,
    /// The heads of more than `size` and at most as many leaves as there are now; all further ones with the last
    /// batch.
    pub heads: Vec<KeptHead>,
    pub is_last: bool,
}

/// Reads the entries from this position on, and the heads of a tree that has `size` leaves before it.
pub fn entries(db: &mut PgConnection, from: i64, size: i64) -> Result<EntryBatch> {
    db.build_transaction().read_only().repeatable_read().run(|tx| {
        let entries: Vec<Entry> = diesel::sql_query(
            "SELECT position, source, event_id, hash, CASE source \
                 WHEN 'ticket' THEN (SELECT e.hash FROM events e WHERE e.id = event_id) \
                 ELSE (SELECT a.hash FROM audit_events a WHERE a.id = event_id) END AS event_hash \
             FROM log_entries WHERE position >= $1 ORDER BY position LIMIT $2",
        )
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(BATCH)
        .load(tx)?;
        let count = i64::try_from(entries.len()).unwrap_or_default();
        let is_last = count < BATCH;
        let heads = diesel::sql_query(
            "SELECT size, root, note FROM tree_heads WHERE size > $1 AND size <= $2 ORDER BY size",
        )
        .bind::<BigInt, _>(size)
        .bind::<BigInt, _>(if is_last { i64::MAX } else { size + count })
        .load(tx)?;
        Ok(EntryBatch { entries, heads, is_last })
    })
}
