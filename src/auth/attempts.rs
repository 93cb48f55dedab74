//! How often somebody tried a password, kept in the database so that all copies of the server count together.
//!
//! The count is by address of the account alone. By the address of the client as well it would bound nothing: behind a
//! balancer all clients have one, and an attacker has many. Whoever tries wrong passwords on purpose thus keeps a person
//! from signing in anew until the window is over; sign-ins that there are go on, since a refresh asks for no password.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer};
use sha2::{Digest, Sha256};

use crate::db::schema::sign_in_attempts as attempts;
use crate::problem::{Code, Problem, Result, Text};

/// How many attempts may fail within a window.
pub const MOST: i32 = 10;

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = BigInt)]
    seconds_left: i64,
}

/// Counts an attempt before its password is looked at, so that many at once are no way around the bound.
///
/// # Errors
/// A 429 where there were too many since the window began, whether there is such an account or not.
pub fn count(db: &mut PgConnection, email: &str) -> Result<()> {
    let counted: Counted = diesel::sql_query(
        "INSERT INTO sign_in_attempts AS kept (address_hash, attempts, since) VALUES ($1, 1, now()) \
         ON CONFLICT (address_hash) DO UPDATE SET \
             attempts = CASE WHEN kept.since <= now() - interval '15 minutes' THEN 1 \
                             ELSE least(kept.attempts, $2) + 1 END, \
             since = CASE WHEN kept.since <= now() - interval '15 minutes' THEN now() ELSE kept.since END \
         RETURNING attempts, ceil(extract(epoch FROM since + interval '15 minutes' - now()))::bigint AS seconds_left",
    )
    .bind::<Binary, _>(hash(email))
    .bind::<Integer, _>(MOST)
    .get_result(db)?;
    if counted.attempts <= MOST {
        return Ok(());
    }
    let mut problem = Problem::new(
        Code::TooManyAttempts,
        Text::new(
            "Demasiados intentos con este correo. Espere lo que dice `Retry-After`.",
            "Too many attempts with this email. Wait for as long as `Retry-After` says.",
        ),
    );
    problem.retry_after = Some(counted.seconds_left.max(1));
    Err(problem)
}

/// Takes back an attempt whose password was not looked at.
///
/// # Errors
/// What the database answers.
pub fn take_back(db: &mut PgConnection, email: &str) -> Result<()> {
    diesel::update(attempts::table.find(hash(email)))
        .set(attempts::attempts.eq(attempts::attempts - 1))
        .execute(db)?;
    Ok(())
}

/// Forgets the attempts, once a password was right.
///
/// # Errors
/// What the database answers.
pub fn forget(db: &mut PgConnection, email: &str) -> Result<()> {
    diesel::delete(attempts::table.find(hash(email))).execute(db)?;
    Ok(())
}

/// Deletes what counts no more.
///
/// # Errors
/// What the database answers.
pub fn clean(db: &mut PgConnection) -> Result<usize> {
    let over = diesel::dsl::sql::<diesel::sql_types::Timestamptz>("now() - interval '15 minutes'");
    Ok(diesel::delete(attempts::table.filter(attempts::since.le(over))).execute(db)?)
}

/// Upper and lower case are the same.
fn hash(email: &str) -> Vec<u8> {
    Sha256::digest(email.to_lowercase()).to_vec()
}
