//! Removes old deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::db::schema::webhook_deliveries as rows;
use crate::problem::Result;

/// How long deliveries are kept that do not wait any more, in days.
pub const KEPT_DAYS: i64 = 30;
/// How many one call removes.
const MOST: i64 = 10_000;

/// Removes deliveries that were made long ago and do not wait; returns how many.
///
/// # Errors
/// The error of the database.
pub fn remove(db: &mut PgConnection, now: DateTime<Utc>) -> Result<usize> {
    let old = rows::table
        .filter(rows::state.ne("waiting"))
        .filter(rows::created_at.lt(now - TimeDelta::days(KEPT_DAYS)))
        .order(rows::created_at)
        .limit(MOST)
        .select(rows::id);
    let ids: Vec<uuid::Uuid> = old.load(db)?;
    if ids.is_empty() {
        return Ok(0);
    }
    let gone = rows::table.filter(rows::id.eq_any(ids)).filter(rows::state.ne("waiting"));
    Ok(diesel::delete(gone).execute(db)?)
}
