//! New jobs.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::job::{Job, JobKind, JobState, Row};
use crate::db::schema::{jobs, users};
use crate::http::credential::Proof;
use crate::http::{Actor, Answer};
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Result, Text};

/// How long a job is kept after it was created and again after it ended, with its results and its file.
pub const KEPT: TimeDelta = TimeDelta::hours(72);

/// How many jobs of one account wait or run at a time.
const MOST: i64 = 20;

/// A job to create.
pub struct NewJob {
    pub kind: JobKind,
    /// What the request was sent with: the job ends with the key, or when all sign-ins of the account end.
    pub proof: Proof,
    /// The language of the problems in its results.
    pub locale: Locale,
    pub parameters: Value,
    /// The number of operations or rows, if it is known.
    pub total: Option<i32>,
}

impl NewJob {
    /// Queues the job.
    ///
    /// # Errors
    /// [`Code::TooManyJobs`] if the account has too many that have not ended.
    pub fn create(self, tx: &mut PgConnection, actor: &Actor) -> Result<Row> {
        // Requests of one account are counted one after the other.
        users::table.find(actor.id).select(users::id).for_no_key_update().execute(tx)?;
        let unfinished: i64 = jobs::table
            .filter(jobs::owner_id.eq(actor.id))
            .filter(jobs::state.eq_any([JobState::Waiting, JobState::Running]))
            .count()
            .get_result(tx)?;
        if unfinished >= MOST {
            let detail = Text::made(
                format!("Hay {MOST} trabajos sin terminar. Espere a que termine uno, o cancélelo."),
                format!("{MOST} jobs have not ended. Wait until one has, or cancel one."),
            );
            return Err(Problem::new(Code::TooManyJobs, detail));
        }
        let (key_id, era) = match self.proof {
            Proof::SignIn { era } => (None, Some(era)),
            Proof::TokenOfKey { key_id, .. } | Proof::Key { key_id, .. } => (Some(key_id), None),
        };
        let row = diesel::insert_into(jobs::table).values((
            jobs::id.eq(Uuid::now_v7()),
            jobs::owner_id.eq(actor.id),
            jobs::key_id.eq(key_id),
            jobs::era.eq(era),
            jobs::kind.eq(self.kind),
            jobs::locale.eq(self.locale),
            jobs::parameters.eq(self.parameters),
            jobs::seen.eq(seen(actor)?),
            jobs::total.eq(self.total),
            jobs::created_at.eq(actor.now),
            jobs::expires_at.eq(actor.now + KEPT),
        ));
        Ok(row.returning(Row::as_returning()).get_result(tx)?)
    }
}

/// The response to a request that became a job: a 202 with the path of the job.
///
/// # Errors
/// A fault of the server.
pub fn accepted(row: Row) -> Result<Answer> {
    let location = Some(format!("/api/v1/jobs/{}", row.id));
    Ok(Answer { location, ..Answer::accepted_with(&Job::from(row))? })
}

/// A digest of what decides which tickets the caller sees.
///
/// # Errors
/// A fault of the server.
pub fn seen(actor: &Actor) -> Result<String> {
    let rights = (actor.role, actor.reads_private(), &actor.limit.unit_ids, &actor.limit.category_ids);
    let text = serde_json::to_vec(&rights).map_err(Problem::internal)?;
    Ok(hex::encode(Sha256::digest(text)))
}
