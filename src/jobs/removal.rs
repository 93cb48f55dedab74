//! Removes old jobs, and exports that may have data that are erased.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::job::{JobKind, JobState};
use crate::db::schema::{jobs, removed_files};
use crate::problem::Result;

/// How many jobs one call removes.
const MOST: i64 = 100;

/// Removes the jobs that have expired, with their results; returns how many. Their files are removed by the sweep of removed
/// files, where they were registered.
///
/// # Errors
/// The error of the database.
pub fn remove(db: &mut PgConnection, now: DateTime<Utc>) -> Result<usize> {
    let old: Vec<Uuid> = jobs::table
        .filter(jobs::expires_at.lt(now))
        .filter(jobs::state.ne_all([JobState::Waiting, JobState::Running]))
        .order(jobs::expires_at)
        .limit(MOST)
        .select(jobs::id)
        .load(db)?;
    if old.is_empty() {
        return Ok(0);
    }
    Ok(diesel::delete(jobs::table.filter(jobs::id.eq_any(old))).execute(db)?)
}

/// Removes the exports that have ended with their files, since they may have the data of a person that are being erased. Those
/// that run begin again.
///
/// # Errors
/// The error of the database.
pub fn remove_exports(tx: &mut PgConnection) -> Result<()> {
    let exports = || jobs::table.filter(jobs::kind.eq(JobKind::TicketExport));
    let running = exports().filter(jobs::state.eq(JobState::Running));
    diesel::update(running)
        .set((jobs::locked_by.eq(None::<Uuid>), jobs::locked_until.eq(None::<DateTime<Utc>>)))
        .execute(tx)?;
    let gone: Vec<Option<String>> = diesel::delete(exports().filter(jobs::storage_key.is_not_null()))
        .returning(jobs::storage_key)
        .get_results(tx)?;
    let keys: Vec<String> = gone.into_iter().flatten().collect();
    diesel::update(removed_files::table.filter(removed_files::storage_key.eq_any(keys)))
        .set(removed_files::removed_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(())
}
