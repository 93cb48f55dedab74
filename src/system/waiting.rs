//! What waits to be sent or done, for the metrics and for administrators.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};

use crate::problem::Result;

/// The maximum that is counted, so that the cost does not depend on how much waits.
pub const COUNTED: i64 = 10_000;

/// Messages of the outbox, deliveries of active webhooks, and jobs that have not ended. Counts are up to [`COUNTED`], ages in seconds, 0 if nothing
/// waits.
#[derive(Debug, QueryableByName)]
pub struct Waiting {
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
    #[diesel(sql_type = BigInt)]
    pub failed_messages: i64,
    #[diesel(sql_type = Double)]
    pub oldest_message: f64,
    #[diesel(sql_type = BigInt)]
    pub deliveries: i64,
    #[diesel(sql_type = Double)]
    pub oldest_delivery: f64,
    #[diesel(sql_type = BigInt)]
    pub jobs: i64,
    #[diesel(sql_type = Double)]
    pub oldest_job: f64,
}

/// In one statement; each part reads an index up to the limit.
///
/// # Errors
/// The error of the database.
pub fn read(db: &mut PgConnection) -> Result<Waiting> {
    let statement = diesel::sql_query(
        "SELECT (SELECT count(*) FROM (SELECT FROM messages WHERE status = 'waiting' LIMIT $1) AS counted) AS messages, \
             (SELECT count(*) FROM (SELECT FROM messages WHERE status = 'failed' LIMIT $1) AS counted) AS failed_messages, \
             coalesce(extract(epoch FROM clock_timestamp() - \
                 (SELECT min(created_at) FROM messages WHERE status = 'waiting')), 0)::float8 AS oldest_message, \
             (SELECT count(*) FROM (SELECT FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id \
                                    WHERE w.active AND d.state = 'waiting' LIMIT $1) AS counted) AS deliveries, \
             coalesce(extract(epoch FROM clock_timestamp() - \
                 (SELECT min(d.created_at) FROM webhooks w CROSS JOIN LATERAL \
                      (SELECT created_at FROM webhook_deliveries \
                       WHERE webhook_id = w.id AND state = 'waiting' ORDER BY created_at LIMIT 1) AS d \
                  WHERE w.active)), 0)::float8 AS oldest_delivery, \
             (SELECT count(*) FROM (SELECT FROM jobs WHERE state IN ('waiting', 'running') LIMIT $1) AS counted) AS jobs, \
             coalesce(extract(epoch FROM clock_timestamp() - \
                 (SELECT min(created_at) FROM jobs WHERE state IN ('waiting', 'running'))), 0)::float8 AS oldest_job",
    );
    Ok(statement.bind::<BigInt, _>(COUNTED).get_result(db)?)
}
