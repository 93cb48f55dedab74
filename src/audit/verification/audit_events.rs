//! Verifies audit events: their hashes, and their entries in the log.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use super::content::{AuditEvent, Hasher, digest};
use super::log::{EntrySource, LogBreak, LogBreakReason};
use super::rows::each_row;
use super::seen::Seen;
use crate::problem::Result;

/// How many audit events are verified at once.
const BATCH: i64 = 5000;

/// Audit events by id, after `after` and up to `last`.
#[derive(Clone, Copy)]
pub struct Span {
    pub after: Uuid,
    pub last: Uuid,
}

/// The result of one batch.
#[derive(Default)]
pub struct Batch {
    pub broken: Vec<LogBreak>,
    pub count: i64,
    pub redacted: i64,
}

/// The next audit events, and whether there may be more. The last batch has no upper bound.
pub fn next(tx: &mut PgConnection, after: Uuid) -> Result<(Span, bool)> {
    #[derive(QueryableByName)]
    struct Last {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let last: Option<Last> =
        diesel::sql_query("SELECT id FROM audit_events WHERE id > $1 ORDER BY id OFFSET $2 - 1 LIMIT 1")
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(BATCH)
            .get_result(tx)
            .optional()?;
    let is_followed = last.is_some();
    Ok((Span { after, last: last.map_or(Uuid::max(), |last| last.id) }, is_followed))
}

/// Verifies a batch, in the snapshot of the transaction, and adds the positions of its events in the log to `seen`.
pub fn verified(tx: &mut PgConnection, span: Span, seen: &Seen) -> Result<Batch> {
    let mut logged = Vec::new();
    let mut batch = Batch::default();
    let mut hasher = Hasher::default();
    let events = diesel::sql_query(
        "SELECT a.id, a.kind, a.resource, a.resource_id, a.actor_id, a.at, a.data_digest, a.hash, a.data_salt, \
                a.data::text, \
                (SELECT CASE l.source WHEN 'audit' THEN coalesce(l.position, -1) ELSE -1 END \
                 FROM log_entries l WHERE l.event_id = a.id AND l.hash = a.hash LIMIT 1), \
                CASE WHEN a.data_salt IS NULL THEN \
                    EXISTS (SELECT FROM anonymizations p \
                            WHERE p.user_id = a.actor_id OR p.user_id::text = a.resource_id) \
                    OR a.data = without_values(a.data) AND EXISTS ( \
                        SELECT FROM expired_records r \
                        WHERE r.resource = a.resource AND r.resource_id = a.resource_id) END \
         FROM audit_events a WHERE a.id > $1 AND a.id <= $2 ORDER BY a.id",
    )
    .bind::<SqlUuid, _>(span.after)
    .bind::<SqlUuid, _>(span.last);
    each_row::<12, _>(tx, events, |row| {
        let position = row.big(10)?;
        logged.extend(position.filter(|position| *position >= 0));
        let (digested, hash, salt, may_be_redacted) =
            (row.bytes(6), row.bytes(7), row.bytes(8), row.is_true(11));
        let content = AuditEvent {
            id: row.required_bytes(0)?,
            kind: row.bytes(1),
            resource: row.bytes(2),
            resource_id: row.bytes(3),
            actor_id: row.bytes(4),
            at: row.big(5)?,
            data_digest: digested,
        };
        batch.count += 1;
        batch.redacted += i64::from(salt.is_none());
        let is_content_right = match (salt, row.bytes(9)) {
            (None, _) => may_be_redacted,
            (Some(salt), Some(data)) => digested == Some(&digest(salt, data)),
            (Some(_), None) => false,
        };
        let reason = if !is_content_right || hash != Some(&hasher.audit_event(&content)) {
            LogBreakReason::Hash
        } else if position.is_none() {
            LogBreakReason::Log
        } else {
            return Ok(());
        };
        batch.broken.push(LogBreak {
            position: None,
            source: Some(EntrySource::Audit),
            event_id: Some(row.required_uuid(0)?),
            reason,
        });
        Ok(())
    })?;
    seen.add(logged);
    Ok(batch)
}
