//! Removes old jobs, and exports that may have data that are erased.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::job::{JobKind, JobState};
use crate::db::schema::{anonymizations, jobs, removed_files};
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

/// The advisory lock that an erasure of personal data holds, and that exports share at their beginning and their end.
const ERASURE: i64 = 0x4d45_5341_0007;

/// Removes the exports that have ended with their files, since they may have the data of a person that are being erased. An
/// export that runs compares [`erasures`] at its end, and cannot end before this transaction does.
///
/// # Errors
/// The error of the database.
pub fn remove_exports(tx: &mut PgConnection) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(ERASURE).execute(tx)?;
    let ended = jobs::table
        .filter(jobs::kind.eq(JobKind::TicketExport))
        .filter(jobs::state.ne_all([JobState::Waiting, JobState::Running]));
    let gone: Vec<Option<String>> = diesel::delete(ended).returning(jobs::storage_key).get_results(tx)?;
    let keys: Vec<String> = gone.into_iter().flatten().collect();
    diesel::update(removed_files::table.filter(removed_files::storage_key.eq_any(keys)))
        .set(removed_files::removed_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(())
}

/// The number of erasures so far. Waits for one that is under way, and lets none begin before the end of the transaction.
///
/// # Errors
/// The error of the database.
pub fn erasures(tx: &mut PgConnection) -> Result<i64> {
    diesel::sql_query("SELECT pg_advisory_xact_lock_shared($1)").bind::<BigInt, _>(ERASURE).execute(tx)?;
    Ok(anonymizations::table.count().get_result(tx)?)
}
