//! How many deliveries wait, for the metrics.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};

use crate::problem::Result;

/// The maximum that is counted.
pub const COUNTED: i64 = 10_000;

/// What waits for active webhooks.
#[derive(Debug, QueryableByName)]
pub struct Waiting {
    /// How many deliveries, up to `COUNTED`.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How long the oldest of them has waited, in seconds; 0 if none waits.
    #[diesel(sql_type = Double)]
    pub oldest_seconds: f64,
}

/// # Errors
/// The error of the database.
pub fn read(db: &mut PgConnection) -> Result<Waiting> {
    let waiting = diesel::sql_query(
        "SELECT count(*) AS count, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest_seconds \
         FROM (SELECT d.created_at FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id \
               WHERE d.state = 'waiting' AND w.active ORDER BY d.created_at LIMIT $1) AS counted",
    );
    Ok(waiting.bind::<BigInt, _>(COUNTED).get_result(db)?)
}
