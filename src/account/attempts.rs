//! Counts attempts to sign in, in the database, so that all copies of the server share the counts.
//!
//! Two things are counted: attempts on an account from one network, and attempts on the same account from all
//! networks of a group. Each further wrong password doubles the wait before the next attempt. There are two groups:
//! the networks from which any user signed in before, and all others. So attempts by strangers do not delay users who
//! sign in from a network of the organization. Whether a network is known does not depend on the account that is
//! tried, and an address without an account is counted like one with an account: the waits do not reveal which
//! accounts exist.

use chrono::Duration;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer};
use sha2::{Digest, Sha256};

use crate::db::schema::{sign_in_attempts as attempts, sign_in_places as places};
use crate::http::ClientAddress;
use crate::problem::{Code, Problem, Result, Text};

/// How many wrong passwords for an account are allowed from one network before the next attempt has to wait.
const FREE: i32 = 5;
/// The same from all networks together from which no user signed in before.
const FREE_FROM_UNKNOWN: i32 = 20;
/// The same from all networks together from which a user signed in before: so many that a person who signed in once
/// from elsewhere does not easily delay others.
const FREE_FROM_KNOWN: i32 = 200;
/// How many links for one address may be requested from one network before the next request has to wait.
const FREE_LINKS: i32 = 3;
/// The same from all networks together.
const FREE_LINKS_FROM_ANYWHERE: i32 = 10;
/// How many links for any addresses may be requested from one network before the next request has to wait.
const FREE_LINKS_OF_NETWORK: i32 = 30;
/// How many passwords may be tried with one link before the next has to wait.
const FREE_WITH_LINK: i32 = 10;
/// The longest wait, in seconds.
const LONGEST: i32 = 15 * 60;
/// For how long an attempt counts after the last one, in hours.
const COUNTS_FOR: i32 = 24;
/// For how long a network is known after the last sign-in from it, in days.
const KNOWN_FOR: i64 = 90;

/// Prefixes of what is counted. No email address has a null character.
const NETWORK: &str = "\0network";
const KNOWN_NETWORKS: &str = "\0known networks";
const LINK_REQUEST: &str = "\0link request";

#[derive(QueryableByName)]
struct Wait {
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

/// An attempt that is counted before its password is verified, so that concurrent attempts do not bypass the waits.
pub struct Attempt {
    network: Vec<u8>,
    pair: Vec<u8>,
    group: Vec<u8>,
}

impl Attempt {
    /// Counts an attempt in a separate transaction.
    ///
    /// # Errors
    /// [`Code::TooManyAttempts`] if the wait after the last attempt is not over, whether there is such an account or
    /// not.
    pub fn count(db: &mut PgConnection, email: &str, from: ClientAddress) -> Result<Self> {
        let (account, network) = (hash(&[email]), hash(&[NETWORK, &from.network()]));
        let pair = hash(&[email, &from.network()]);
        db.transaction(|tx| {
            let known: i64 = places::table.filter(places::place_hash.eq(&network)).count().get_result(tx)?;
            let (group, free) = match known {
                0 => (account.clone(), FREE_FROM_UNKNOWN),
                _ => (hash(&[KNOWN_NETWORKS, email]), FREE_FROM_KNOWN),
            };
            // In one order for all, so that two do not wait for each other.
            take(tx, &group, &account, free)?;
            take(tx, &pair, &account, FREE)?;
            Ok(Attempt { network, pair, group })
        })
    }

    /// Takes the attempt back: its password was not verified.
    pub fn take_back(&self, db: &mut PgConnection) -> Result<()> {
        give_back(db, &self.group)?;
        give_back(db, &self.pair)
    }

    /// The password was right: clears the count of this network, which is known from now on.
    pub fn was_right(&self, db: &mut PgConnection) -> Result<()> {
        give_back(db, &self.group)?;
        diesel::delete(attempts::table.find(&self.pair)).execute(db)?;
        diesel::insert_into(places::table)
            .values((
                places::place_hash.eq(&self.network),
                // The row is about a network, not about the account.
                places::account_hash.eq(&self.network),
                places::last_at.eq(diesel::dsl::now),
            ))
            .on_conflict(places::place_hash)
            .do_update()
            .set(places::last_at.eq(diesel::dsl::now))
            .execute(db)?;
        Ok(())
    }
}

/// Whether a user signed in from this network before.
pub(super) fn is_known(db: &mut PgConnection, network: &str) -> Result<bool> {
    let place = places::table.filter(places::place_hash.eq(hash(&[NETWORK, network])));
    Ok(diesel::select(diesel::dsl::exists(place)).get_result(db)?)
}

/// Counts a request for a link to set a password.
///
/// # Errors
/// [`Code::TooManyAttempts`] if the wait after the last request is not over, whether there is such an account or not.
pub fn count_link_request(tx: &mut PgConnection, email: &str, from: ClientAddress) -> Result<()> {
    let (account, network) = (hash(&[email]), hash(&[LINK_REQUEST, NETWORK, &from.network()]));
    take(tx, &hash(&[LINK_REQUEST, email]), &account, FREE_LINKS_FROM_ANYWHERE)?;
    take(tx, &network, &network, FREE_LINKS_OF_NETWORK)?;
    take(tx, &hash(&[LINK_REQUEST, email, &from.network()]), &account, FREE_LINKS)
}

/// Counts a link that staff have mailed to an address.
///
/// # Errors
/// [`Code::TooManyAttempts`] if the wait after the last request for the address is not over.
pub fn count_link_by_staff(tx: &mut PgConnection, email: &str) -> Result<()> {
    take(tx, &hash(&[LINK_REQUEST, email]), &hash(&[email]), FREE_LINKS_FROM_ANYWHERE)
}

/// Counts a new password that is sent with a link.
///
/// # Errors
/// [`Code::TooManyAttempts`] if the wait after the last one is not over.
pub fn count_link_use(db: &mut PgConnection, token_hash: &[u8]) -> Result<()> {
    db.transaction(|tx| take(tx, token_hash, token_hash, FREE_WITH_LINK))
}

/// Undoes one counted attempt.
fn give_back(db: &mut PgConnection, subject: &[u8]) -> Result<()> {
    diesel::sql_query(
        "UPDATE sign_in_attempts SET attempts = attempts - 1, next_at = '-infinity' WHERE subject_hash = $1",
    )
    .bind::<Binary, _>(subject)
    .execute(db)?;
    Ok(())
}

/// Counts one more attempt if the wait before it is over. Without a wait, `next_at` is `-infinity`, so that a clock
/// that is set back does not make a user wait. A wait that is longer than the longest one was set by a clock that was
/// ahead, and does not count.
fn take(tx: &mut PgConnection, subject: &[u8], account: &[u8], free: i32) -> Result<()> {
    let taken = diesel::sql_query(
        "INSERT INTO sign_in_attempts AS kept (subject_hash, account_hash, attempts, last_at, next_at) \
         VALUES ($1, $5, 1, now(), '-infinity') \
         ON CONFLICT (subject_hash) DO UPDATE SET \
             attempts = CASE WHEN kept.last_at > now() - make_interval(hours => $4) \
                             THEN least(kept.attempts, 1000) + 1 ELSE 1 END, \
             last_at = now(), \
             next_at = CASE WHEN kept.last_at > now() - make_interval(hours => $4) AND kept.attempts + 1 > $2 \
                            THEN now() + make_interval(secs => least( \
                                power(2, least(greatest(kept.attempts + 1 - $2, 0), 30)) - 1, $3)) \
                            ELSE '-infinity' END \
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
    Err(too_many(wait.seconds.max(1)))
}

/// Too many attempts; the next one has to wait for this many seconds.
pub(super) fn too_many(seconds: i64) -> Problem {
    let mut problem = Problem::new(
        Code::TooManyAttempts,
        Text::new(
            "Demasiados intentos con este correo electrónico. Espere los segundos que indica `Retry-After`.",
            "Too many attempts with this email. Wait for the number of seconds in `Retry-After`.",
        ),
    );
    problem.retry_after = Some(seconds);
    problem
}

/// Removes the counts of an email that no account has any more.
pub fn forget(db: &mut PgConnection, email: &str) -> Result<()> {
    let account = hash(&[email]);
    diesel::delete(attempts::table.filter(attempts::account_hash.eq(&account))).execute(db)?;
    diesel::delete(places::table.filter(places::account_hash.eq(&account))).execute(db)?;
    Ok(())
}

/// Deletes expired counts.
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
