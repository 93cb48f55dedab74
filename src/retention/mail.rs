//! Expired sent and received mail.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use crate::problem::Result;

#[derive(QueryableByName)]
pub struct Count {
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// Sent or failed before `$1`, for a ticket that had ended by then or for no ticket.
const SENT: &str = "\
    messages m WHERE m.status <> 'waiting' AND coalesce(m.sent_at, m.created_at) < $1 \
    AND (m.ticket_id IS NULL OR (SELECT coalesce(t.closed_at, t.archived_at) < $1 FROM tickets t WHERE t.id = m.ticket_id))";

/// Processed before `$1`, for a ticket that had ended by then or for no ticket.
const RECEIVED: &str = "\
    inbound_emails m WHERE m.processed_at < $1 \
    AND (m.ticket_id IS NULL OR (SELECT coalesce(t.closed_at, t.archived_at) < $1 FROM tickets t WHERE t.id = m.ticket_id))";

/// Number of expired sent messages.
pub fn sent_due(db: &mut PgConnection, up_to: DateTime<Utc>) -> Result<i64> {
    count(db, SENT, up_to)
}

/// Number of expired received messages.
pub fn received_due(db: &mut PgConnection, up_to: DateTime<Utc>) -> Result<i64> {
    count(db, RECEIVED, up_to)
}

fn count(db: &mut PgConnection, due: &str, up_to: DateTime<Utc>) -> Result<i64> {
    let count = diesel::sql_query(format!("SELECT count(*) AS count FROM {due}"));
    Ok(count.bind::<Timestamptz, _>(up_to).get_result::<Count>(db)?.count)
}

/// Removes the oldest expired sent messages; returns how many.
pub fn remove_sent(tx: &mut PgConnection, up_to: DateTime<Utc>, most: i64) -> Result<i64> {
    let removed = diesel::sql_query(format!(
        "WITH due AS MATERIALIZED ( \
             SELECT m.id FROM {SENT} ORDER BY coalesce(m.sent_at, m.created_at), m.id LIMIT $2 FOR UPDATE OF m SKIP LOCKED), \
         gone AS (DELETE FROM messages USING due WHERE messages.id = due.id RETURNING messages.id) \
         SELECT count(*) AS count FROM gone"
    ));
    let removed = removed.bind::<Timestamptz, _>(up_to).bind::<BigInt, _>(most);
    Ok(removed.get_result::<Count>(tx)?.count)
}

/// Removes the oldest expired received messages with their content; returns how many.
pub fn remove_received(
    tx: &mut PgConnection,
    up_to: DateTime<Utc>,
    most: i64,
    now: DateTime<Utc>,
) -> Result<i64> {
    let removed = diesel::sql_query(format!(
        "WITH due AS MATERIALIZED ( \
             SELECT m.id FROM {RECEIVED} ORDER BY m.processed_at, m.id LIMIT $2 FOR UPDATE OF m SKIP LOCKED), \
         gone AS (DELETE FROM inbound_emails USING due WHERE inbound_emails.id = due.id RETURNING storage_key), \
         files AS ( \
             INSERT INTO removed_files (storage_key, removed_at) SELECT DISTINCT storage_key, $3 FROM gone \
             ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at) \
         SELECT count(*) AS count FROM gone"
    ));
    let removed = removed.bind::<Timestamptz, _>(up_to).bind::<BigInt, _>(most).bind::<Timestamptz, _>(now);
    Ok(removed.get_result::<Count>(tx)?.count)
}
