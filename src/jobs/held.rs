//! A job that this copy of the server carries out.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::job::{JobFile, JobKind, JobState};
use super::queue::{KEPT, seen};
use crate::auth::policy::Action;
use crate::db::schema::{job_operations, jobs, removed_files};
use crate::http::Actor;
use crate::language::locale::Locale;
use crate::problem::{Problem, Result};

/// How long a job is taken for; the lease is renewed while it is carried out.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often the lease is renewed.
pub const RENEWED_EVERY: Duration = Duration::from_secs(15);
/// How often a job is tried that fails without progress, by a fault of the server.
const MOST_ATTEMPTS: i16 = 8;

/// A job that was taken. Another copy of the server takes it once the lease has expired: each change checks the lease.
#[derive(Debug, Clone, QueryableByName)]
pub struct Held {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    key_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    era: Option<i32>,
    #[diesel(sql_type = Text)]
    pub kind: JobKind,
    #[diesel(sql_type = Text)]
    pub locale: Locale,
    #[diesel(sql_type = Jsonb)]
    pub parameters: Value,
    #[diesel(sql_type = Text)]
    seen: String,
    #[diesel(sql_type = SmallInt)]
    attempts: i16,
    #[diesel(sql_type = SqlUuid)]
    locked_by: Uuid,
}

/// What a job did in one transaction.
pub struct Progress {
    pub done: i32,
    pub refused: i32,
}

impl Held {
    /// Takes the job that nobody carries out and that was not worked on for the longest time: new ones first, so that accounts
    /// with many operations do not hold up others. Jobs of one account are taken in the order of their creation.
    /// `with_exports`: whether it may be an export, which is not interrupted.
    ///
    /// # Errors
    /// The error of the database.
    pub fn take(db: &mut PgConnection, with_exports: bool) -> Result<Option<Self>> {
        let taken: Option<Held> = diesel::sql_query(
            "WITH due AS MATERIALIZED ( \
                 SELECT j.id FROM jobs j WHERE j.state IN ('waiting', 'running') \
                     AND (j.locked_until IS NULL OR j.locked_until <= clock_timestamp()) \
                     AND ($2 OR j.kind <> 'ticket_export') \
                     AND NOT EXISTS (SELECT FROM jobs earlier WHERE earlier.owner_id = j.owner_id \
                         AND earlier.state IN ('waiting', 'running') AND (earlier.created_at, earlier.id) < (j.created_at, j.id)) \
                 ORDER BY j.locked_until NULLS FIRST, j.created_at, j.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) \
             UPDATE jobs SET state = 'running', locked_by = $1, locked_until = clock_timestamp() + interval '60 seconds', \
                 started_at = coalesce(started_at, clock_timestamp()) \
             WHERE id = (SELECT id FROM due) \
             RETURNING id, owner_id, key_id, era, kind, locale, parameters, seen, attempts, locked_by",
        )
        .bind::<SqlUuid, _>(Uuid::new_v4())
        .bind::<Bool, _>(with_exports)
        .get_result(db)
        .optional()?;
        Ok(taken)
    }

    /// Whether the last attempt ended by a fault of the server.
    pub fn has_failed(&self) -> bool {
        self.attempts > 0
    }

    /// Locks the job until the end of the transaction; `false` if it was canceled or another copy of the server has it.
    ///
    /// # Errors
    /// The error of the database.
    pub fn lock(&self, tx: &mut PgConnection) -> Result<bool> {
        let own = jobs::table
            .find(self.id)
            .filter(jobs::locked_by.eq(self.locked_by))
            .filter(jobs::state.eq(JobState::Running));
        let found: Option<Uuid> = own.select(jobs::id).for_no_key_update().first(tx).optional()?;
        Ok(found.is_some())
    }

    /// The owner, with the rights that they have now.
    ///
    /// # Errors
    /// A 401 if the account, the key or the sign-in is not valid any more, a 403 if it may do none of these.
    pub fn owner(&self, tx: &mut PgConnection, permission: &[Action], timezone: Tz) -> Result<Actor> {
        Actor::of_job(tx, self.owner_id, (self.key_id, self.era), permission, timezone)
    }

    /// The same, if they see what they saw when the job was created.
    ///
    /// # Errors
    /// As `owner`; a 403 if they see something else.
    pub fn same_owner(&self, tx: &mut PgConnection, permission: &[Action], timezone: Tz) -> Result<Actor> {
        let owner = self.owner(tx, permission, timezone)?;
        if seen(&owner)? == self.seen { Ok(owner) } else { Err(Problem::forbidden()) }
    }

    /// Keeps the job for another while.
    ///
    /// # Errors
    /// The error of the database.
    pub fn renew(&self, db: &mut PgConnection) -> Result<()> {
        let until = crate::db::now(db)? + LEASE;
        diesel::update(self.row()).set(jobs::locked_until.eq(until)).execute(db)?;
        Ok(())
    }

    /// Records what was done since the last time, in a transaction that has locked the job.
    ///
    /// # Errors
    /// The error of the database.
    pub fn progress(&self, tx: &mut PgConnection, progress: &Progress) -> Result<()> {
        diesel::update(self.row())
            .set((
                jobs::done.eq(jobs::done + progress.done),
                jobs::refused.eq(jobs::refused + progress.refused),
                jobs::attempts.eq(0),
            ))
            .execute(tx)?;
        Ok(())
    }

    /// Records how many rows of all were written, of a job that begins again when it is taken again.
    ///
    /// # Errors
    /// The error of the database.
    pub fn written(&self, db: &mut PgConnection, done: i32, total: i32) -> Result<bool> {
        let progress = (jobs::done.eq(done), jobs::total.eq(total.max(done)));
        let changed = diesel::update(self.row().filter(jobs::state.eq(JobState::Running))).set(progress);
        Ok(changed.execute(db)? > 0)
    }

    /// Ends a job that came to its end.
    ///
    /// # Errors
    /// The error of the database.
    pub fn succeed(&self, tx: &mut PgConnection) -> Result<()> {
        self.end(tx, JobState::Succeeded, None)
    }

    /// Ends a job that wrote a file of so many rows, under this key of the object store.
    ///
    /// # Errors
    /// The error of the database.
    pub fn succeed_with(
        &self,
        tx: &mut PgConnection,
        (storage_key, file): (&str, &JobFile),
        rows: i32,
    ) -> Result<()> {
        let now = crate::db::now(tx)?;
        // No other row names the content: the sweep removes it some time after this.
        diesel::update(removed_files::table.find(storage_key))
            .set(removed_files::removed_at.eq(now + KEPT))
            .execute(tx)?;
        diesel::update(self.row())
            .set((
                jobs::total.eq(rows),
                jobs::done.eq(rows),
                jobs::storage_key.eq(storage_key),
                jobs::file_name.eq(&file.file_name),
                jobs::content_type.eq(&file.content_type),
                jobs::size.eq(file.size_bytes),
                jobs::sha256.eq(&file.sha256),
            ))
            .execute(tx)?;
        self.succeed(tx)
    }

    /// Another attempt follows after a fault of the server, unless there were too many; a refusal ends the job.
    ///
    /// # Errors
    /// The error of the database: the job is taken again when the lease expires.
    pub fn failed(&self, tx: &mut PgConnection, problem: &Problem) -> Result<()> {
        if !self.lock(tx)? {
            return Ok(());
        }
        let attempts: i16 = self.row().select(jobs::attempts).first(tx)?;
        if problem.code.status().is_server_error() && attempts + 1 < MOST_ATTEMPTS {
            let wait = TimeDelta::seconds(1 << attempts.clamp(0, 6));
            return self.release(tx, attempts + 1, wait);
        }
        let document =
            serde_json::to_value(problem.document(self.locale, None)).map_err(Problem::internal)?;
        let waiting = job_operations::table.filter(job_operations::job_id.eq(self.id));
        diesel::delete(waiting.filter(job_operations::result.is_null())).execute(tx)?;
        self.end(tx, JobState::Failed, Some(document))
    }

    /// Lets another copy of the server continue.
    ///
    /// # Errors
    /// The error of the database: the job is taken again when the lease expires.
    pub fn give_back(&self, tx: &mut PgConnection) -> Result<()> {
        if !self.lock(tx)? {
            return Ok(());
        }
        let now = crate::db::now(tx)?;
        let free = (jobs::locked_until.eq(now), jobs::locked_by.eq(None::<Uuid>));
        diesel::update(self.row()).set(free).execute(tx)?;
        Ok(())
    }

    fn release(&self, tx: &mut PgConnection, attempts: i16, wait: TimeDelta) -> Result<()> {
        let next = crate::db::now(tx)? + wait;
        diesel::update(self.row())
            .set((jobs::attempts.eq(attempts), jobs::locked_until.eq(next), jobs::locked_by.eq(None::<Uuid>)))
            .execute(tx)?;
        Ok(())
    }

    fn end(&self, tx: &mut PgConnection, state: JobState, problem: Option<Value>) -> Result<()> {
        let now = crate::db::now(tx)?;
        diesel::update(self.row())
            .set((
                jobs::state.eq(state),
                jobs::problem.eq(problem),
                jobs::finished_at.eq(now),
                jobs::expires_at.eq(now + KEPT),
                jobs::locked_until.eq(None::<DateTime<Utc>>),
            ))
            .execute(tx)?;
        Ok(())
    }

    fn row(&self) -> Own {
        own(self.id, self.locked_by)
    }
}

#[diesel::dsl::auto_type]
fn own(id: Uuid, locked_by: Uuid) -> _ {
    jobs::table.find(id).filter(jobs::locked_by.eq(locked_by))
}
type Own = own;
