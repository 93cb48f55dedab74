//! `Idempotency-Key`: repeats of a request get its first response.

use actix_web::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::answer::Answer;
use crate::db::schema::idempotency_keys as keys;
use crate::problem::{Code, Problem, Result, Text};

diesel::define_sql_function! {
    #[sql_name = "pg_try_advisory_xact_lock"]
    fn try_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// How long a response is kept, in hours.
pub const KEPT_HOURS: i64 = 24;

/// How long one copy of the server holds the claim on a key; after that a repeat continues the work.
const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// A key with the fingerprints of its request.
pub struct Key {
    pub key: String,
    /// Fingerprints of method, path and body: the first is stored, each of them is recognized.
    pub requests: Vec<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = keys)]
struct Kept {
    request_hash: Vec<u8>,
    status: Option<i16>,
    etag: Option<String>,
    location: Option<String>,
    body: Vec<u8>,
    claimed_until: Option<DateTime<Utc>>,
}

/// The state of a request under its key.
pub enum Known {
    /// It was not carried out.
    Nothing,
    /// It was begun, and the process that did so ended.
    Begun,
    Answered(Answer),
}

/// Returns the response stored under the key, or runs `act` and stores its response, in the transaction `tx`.
pub fn once(
    tx: &mut PgConnection,
    user_id: Uuid,
    key: &Key,
    act: impl FnOnce(&mut PgConnection) -> Result<Answer>,
) -> Result<Answer> {
    lock(tx, user_id, key)?;
    if let Known::Answered(answer) = known(tx, user_id, key)? {
        return Ok(answer);
    }
    let answer = act(tx)?;
    write(tx, user_id, key, Ok(&answer))?;
    Ok(answer)
}

/// Claims a request, for work that cannot run in one transaction; the claim expires if the process dies. If there is
/// no stored response yet, the caller must call `finish`, `let_go` or `forget`.
///
/// # Errors
/// A 409 if another process holds the claim; a 422 if the key was used with another request.
pub fn claim(tx: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<Known> {
    lock(tx, user_id, key)?;
    let known = known(tx, user_id, key)?;
    if !matches!(known, Known::Answered(_)) {
        let until = crate::db::now(tx)? + CLAIM;
        write(tx, user_id, key, Err(until))?;
    }
    Ok(known)
}

/// Stores the response to a claimed request. If another process continued it and finished first, returns that
/// response.
pub fn finish(tx: &mut PgConnection, user_id: Uuid, key: &Key, answer: Answer) -> Result<Answer> {
    if kept(tx, user_id, key)?.is_none_or(|kept| kept.claimed_until.is_some()) {
        write(tx, user_id, key, Ok(&answer))?;
        return Ok(answer);
    }
    match known(tx, user_id, key)? {
        Known::Answered(first) => Ok(first),
        _ => Ok(answer),
    }
}

/// Releases a claimed request so that a repeat can continue it.
pub fn let_go(db: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<()> {
    let now = crate::db::now(db)?;
    diesel::update(keys::table.find((user_id, &key.key)).filter(keys::claimed_until.gt(now)))
        .set(keys::claimed_until.eq(now))
        .execute(db)?;
    Ok(())
}

/// Frees a claimed key: nothing was done under it.
pub fn forget(db: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<()> {
    let claimed = keys::table.find((user_id, &key.key)).filter(keys::claimed_until.is_not_null());
    diesel::delete(claimed).execute(db)?;
    Ok(())
}

/// Whether the key was used within the last day, with any request.
pub fn is_known(db: &mut PgConnection, user_id: Uuid, key: &str) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(of_today(user_id, key))).get_result(db)?)
}

fn lock(tx: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<()> {
    if diesel::select(try_lock(lock_number(user_id, &key.key))).get_result::<bool>(tx)? {
        return Ok(());
    }
    Err(in_progress())
}

fn in_progress() -> Problem {
    let mut problem = Problem::new(
        Code::RequestInProgress,
        Text::new(
            "La primera petición con esta clave aún está en curso.",
            "The first request with this key is still being carried out.",
        ),
    );
    problem.retry_after = Some(1);
    problem
}

/// A response, or the time until which the key is claimed.
fn write(
    tx: &mut PgConnection,
    user_id: Uuid,
    key: &Key,
    known: std::result::Result<&Answer, DateTime<Utc>>,
) -> Result<()> {
    let (answer, until) = (known.ok(), known.err());
    let row = (
        keys::user_id.eq(user_id),
        keys::key.eq(&key.key),
        keys::request_hash.eq(key.requests.first().map_or(&[][..], Vec::as_slice)),
        keys::status.eq(answer.map(|answer| i16::try_from(answer.status.as_u16()).unwrap_or(200))),
        keys::etag.eq(answer.and_then(|answer| answer.etag.as_deref())),
        keys::location.eq(answer.and_then(|answer| answer.location.as_deref())),
        keys::body.eq(answer.map_or(&[][..], |answer| &answer.body)),
        keys::created_at.eq(diesel::dsl::now),
        keys::claimed_until.eq(until),
    );
    diesel::insert_into(keys::table)
        .values(row)
        .on_conflict((keys::user_id, keys::key))
        .do_update()
        .set(row)
        .execute(tx)?;
    Ok(())
}

#[diesel::dsl::auto_type]
fn of_today<'a>(user_id: Uuid, key: &'a str) -> _ {
    let today: diesel::expression::SqlLiteral<diesel::sql_types::Timestamptz> =
        diesel::dsl::sql("now() - interval '24 hours'");
    keys::table.find((user_id, key)).filter(keys::created_at.gt(today))
}

fn kept(db: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<Option<Kept>> {
    Ok(of_today(user_id, &key.key).select(Kept::as_select()).first(db).optional()?)
}

/// The state of the request under the key, if it was used within the last day.
///
/// # Errors
/// A 422 if it was used with another request, a 409 if the first is still being carried out.
pub fn known(db: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<Known> {
    let Some(kept) = kept(db, user_id, key)? else { return Ok(Known::Nothing) };
    if !key.requests.contains(&kept.request_hash) {
        return Err(Problem::new(
            Code::IdempotencyKeyReused,
            Text::new(
                "Esta clave ya se usó con otra petición; use una nueva.",
                "This key was used with another request; use a new one.",
            ),
        ));
    }
    let Some(status) = kept.status else {
        let now = crate::db::now(db)?;
        // A claim longer than the maximum was made by a clock that was ahead.
        let held = kept.claimed_until.is_some_and(|until| until > now && until <= now + CLAIM * 2);
        return if held { Err(in_progress()) } else { Ok(Known::Begun) };
    };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Known::Answered(Answer {
        status: status.unwrap_or(StatusCode::OK),
        etag: kept.etag,
        location: kept.location,
        next_cursor: None,
        body: kept.body,
        replayed: true,
    }))
}

/// The number by which PostgreSQL locks concurrent requests with one key; if two keys share a number, one of them
/// only gets a 409 and is retried.
fn lock_number(user_id: Uuid, key: &str) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(user_id).chain_update(key).finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}
