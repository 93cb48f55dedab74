//! Verifies the histories of tickets, a batch of tickets at a time: hashes, chains, and their entries in the log.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use serde::Serialize;
use utoipa::ToSchema;

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
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct Break {
    /// The number of the ticket.
    #[diesel(sql_type = BigInt)]
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// The place of the event in the history of the ticket, from 1 on; 0 stands for the ticket itself.
    #[diesel(sql_type = Integer)]
    #[schema(minimum = 0, example = 4)]
    pub seq: i32,
    /// What is wrong at this place.
    #[diesel(sql_type = Text)]
    pub reason: BreakReason,
}

#[derive(QueryableByName)]
pub struct Counted {
    #[diesel(sql_type = BigInt)]
    pub tickets: i64,
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    #[diesel(sql_type = BigInt)]
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
    pub span: Span,
    pub broken: Vec<Break>,
    pub counted: Counted,
}

/// Verifies the next tickets. The last batch has no upper bound, so that no later ticket is skipped.
pub fn next(db: &mut PgConnection, after: i64) -> Result<Batch> {
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
    .get_result(db)
    .optional()?;
    verified(db, Span { after, last: last.map_or(i64::MAX, |last| last.id) })
}

/// Verifies a batch in one snapshot.
pub fn verified(db: &mut PgConnection, span: Span) -> Result<Batch> {
    db.build_transaction().read_only().repeatable_read().run(|tx| {
        // The log is looked up by index: a join might read all of it for each batch.
        let broken = diesel::sql_query(
            "SELECT ticket_id, seq, reason FROM ( \
                 SELECT e.ticket_id, e.seq, CASE \
                     WHEN e.seq <> coalesce(lag(e.seq) OVER chain, 0) + 1 THEN 'gap' \
                     WHEN e.hash <> event_hash(e) OR CASE WHEN e.data_salt IS NULL \
                         THEN a.user_id IS NULL ELSE e.data_digest <> event_digest(e) END THEN 'hash' \
                     WHEN e.previous_hash IS DISTINCT FROM lag(e.hash) OVER chain THEN 'link' \
                     WHEN e.seq > coalesce(h.events, 0) THEN 'added' \
                     WHEN e.seq = h.events AND e.hash <> h.hash THEN 'link' \
                     WHEN (SELECT l.hash FROM log_entries l WHERE l.event_id = e.id LIMIT 1) \
                         IS DISTINCT FROM e.hash THEN 'log' \
                 END AS reason \
                 FROM events e \
                 LEFT JOIN histories h ON h.ticket_id = e.ticket_id AND h.ticket_id > $1 AND h.ticket_id <= $2 \
                 LEFT JOIN tickets t ON t.id = e.ticket_id AND t.id > $1 AND t.id <= $2 \
                 LEFT JOIN anonymizations a ON a.user_id = t.requester_id \
                 WHERE e.ticket_id > $1 AND e.ticket_id <= $2 \
                 WINDOW chain AS (PARTITION BY e.ticket_id ORDER BY e.seq)) AS chains \
             WHERE reason IS NOT NULL \
             UNION ALL \
             SELECT coalesce(t.id, h.ticket_id), CASE WHEN t.id IS NULL THEN 0 ELSE coalesce(e.seq, 0) + 1 END, \
                    'missing' \
             FROM (SELECT id FROM tickets WHERE id > $1 AND id <= $2) AS t \
             FULL JOIN (SELECT * FROM histories WHERE ticket_id > $1 AND ticket_id <= $2) AS h ON h.ticket_id = t.id \
             LEFT JOIN LATERAL (SELECT max(seq) AS seq FROM events \
                                WHERE ticket_id = coalesce(t.id, h.ticket_id)) AS e ON true \
             WHERE t.id IS NULL OR coalesce(h.events, 1) > coalesce(e.seq, 0) \
             ORDER BY 1, 2",
        )
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.last)
        .load(tx)?;
        let counted = diesel::sql_query(
            "SELECT (SELECT count(*) FROM tickets WHERE id > $1 AND id <= $2) AS tickets, \
                    count(*) AS events, count(*) FILTER (WHERE data_salt IS NULL) AS redacted \
             FROM events WHERE ticket_id > $1 AND ticket_id <= $2",
        )
        .bind::<BigInt, _>(span.after)
        .bind::<BigInt, _>(span.last)
        .get_result(tx)?;
        Ok(Batch { span, broken, counted })
    })
}
