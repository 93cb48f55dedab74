//! How often somebody tried a password, kept in the database so that all copies of the server count together.
//!
//! What is counted is an account as it is tried from one place, and the same account as it is tried from all places that
//! it was never signed in from. Each further wrong password makes the next one wait twice as long. Whoever tries the
//! passwords of others holds up themselves, and where many do so from many places, those who have signed in from theirs
//! before are not held up by it.

use chrono::Duration;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer};
use sha2::{Digest, Sha256};

use crate::db::schema::{sign_in_attempts as attempts, sign_in_places as places};
use crate::http::ClientAddress;
use crate::problem::{Code, Problem, Result, Text};

/// How many wrong passwords an account may be tried with from one place before the next has to wait.
const FREE: i32 = 5;
/// The same from all places together that it was never signed in from.
const FREE_FROM_ANYWHERE: i32 = 20;
/// The longest wait, in seconds.
const LONGEST: i32 = 15 * 60;
/// For how long an attempt counts after the last one, in hours.
const COUNTS_FOR: i32 = 24;
/// For how long a place is known after the last sign-in from it, in days.
const KNOWN_FOR: i64 = 90;

#[derive(QueryableByName)]
struct Wait {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

/// An attempt that was counted before its password is looked at, so that many at once are no way around the waits.
pub struct Attempt {
    pair: Vec<u8>,
    account: Vec<u8>,
    /// Whether the account was signed in from there before.
    known: bool,
}

impl Attempt {
    /// # Errors
    /// A 429 where its turn has not come, whether there is such an account or not.
    pub fn count(db: &mut PgConnection, email: &str, from: ClientAddress) -> Result<Self> {
        let pair = hash(&[email, &from.network()]);
        db.transaction(|tx| {
            let known: i64 = places::table.filter(places::place_hash.eq(&pair)).count().get_result(tx)?;
            let attempt = Attempt { pair, account: hash(&[email]), known: known > 0 };
            // In one order for all, so that two do not wait for each other.
            if !attempt.known {
                take(tx, &attempt.account, &attempt.account, FREE_FROM_ANYWHERE)?;
            }
            take(tx, &attempt.pair, &attempt.account, FREE)?;
            Ok(attempt)
        })
    }

    /// Takes it back: its password was not looked at.
    ///
    /// # Errors
    /// What the database answers.
    pub fn take_back(&self, db: &mut PgConnection) -> Result<()> {
        if !self.known {
            give_back(db, &self.account)?;
        }
        give_back(db, &self.pair)
    }

    /// Its password was right: forgets what was wrong from this place, and knows the place from now on.
    ///
    /// # Errors
    /// What the database answers.
    pub fn was_right(&self, db: &mut PgConnection) -> Result<()> {
        if !self.known {
            give_back(db, &self.account)?;
        }
        diesel::delete(attempts::table.find(&self.pair)).execute(db)?;
        diesel::insert_into(places::table)
            .values((
                places::place_hash.eq(&self.pair),
                places::account_hash.eq(&self.account),
                places::last_at.eq(diesel::dsl::now),
            ))
            .on_conflict(places::place_hash)
            .do_update()
            .set(places::last_at.eq(diesel::dsl::now))
            .execute(db)?;
        Ok(())
    }
}

/// As if it had not been tried.
fn give_back(db: &mut PgConnection, subject: &[u8]) -> Result<()> {
    diesel::update(attempts::table.find(subject))
        .set((attempts::attempts.eq(attempts::attempts - 1), attempts::next_at.eq(diesel::dsl::now)))
        .execute(db)?;
    Ok(())
}

/// One more attempt, where its turn has come. Who would have to wait for longer than anybody has been told so by a clock that
/// was ahead.
fn take(tx: &mut PgConnection, subject: &[u8], account: &[u8], free: i32) -> Result<()> {
    let taken = diesel::sql_query(
        "INSERT INTO sign_in_attempts AS kept (subject_hash, account_hash, attempts, last_at, next_at) \
         VALUES ($1, $5, 1, now(), now()) \
         ON CONFLICT (subject_hash) DO UPDATE SET \
             attempts = CASE WHEN kept.last_at > now() - make_interval(hours => $4) \
                             THEN least(kept.attempts, 1000) + 1 ELSE 1 END, \
             last_at = now(), \
             next_at = CASE WHEN kept.last_at > now() - make_interval(hours => $4) \
                            THEN now() + make_interval(secs => least( \
                                power(2, least(greatest(kept.attempts + 1 - $2, 0), 30)) - 1, $3)) \
                            ELSE now() END \
         WHERE kept.next_at <= now() OR kept.next_at > clock_timestamp() + make_interval(secs => $3)",
    )
    .bind::<Binary, _>(subject)
    .bind::<Integer, _>(free)
    .bind::<Integer, _>(LONGEST)
    .bind::<Integer, _>(COUNTS_FOR)
    .bind::<Binary, _>(account)
    .execute(tx)?;
    if taken == 1 {
        return Ok(());
    }
    let wait: Wait = diesel::sql_query(
        "SELECT ceil(extract(epoch FROM next_at - now()))::bigint AS seconds FROM sign_in_attempts WHERE subject_hash = $1",
    )
    .bind::<Binary, _>(subject)
    .get_result(tx)?;
    let mut problem = Problem::new(
        Code::TooManyAttempts,
        Text::new(
            "Demasiados intentos con este correo. Espere lo que dice `Retry-After`.",
            "Too many attempts with this email. Wait for as long as `Retry-After` says.",
        ),
    );
    problem.retry_after = Some(wait.seconds.max(1));
    Err(problem)
}

/// Forgets the account of this email, which is nobody's any more.
///
/// # Errors
/// What the database answers.
pub fn forget(db: &mut PgConnection, email: &str) -> Result<()> {
    let account = hash(&[email]);
    diesel::delete(attempts::table.filter(attempts::account_hash.eq(&account))).execute(db)?;
    diesel::delete(places::table.filter(places::account_hash.eq(&account))).execute(db)?;
    Ok(())
}

/// Deletes what counts no more.
///
/// # Errors
/// What the database answers.
pub fn clean(db: &mut PgConnection) -> Result<usize> {
    let now = crate::db::now(db)?;
    let over = now - Duration::hours(COUNTS_FOR.into());
    let unknown = now - Duration::days(KNOWN_FOR);
    diesel::delete(places::table.filter(places::last_at.le(unknown))).execute(db)?;
    Ok(diesel::delete(attempts::table.filter(attempts::last_at.le(over))).execute(db)?)
}

/// Upper and lower case are the same.
fn hash(parts: &[&str]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.to_lowercase());
        digest.update([0]);
    }
    digest.finalize().to_vec()
}
