//! `Idempotency-Key`: the first answer to a request is given again to its repeats.

use actix_web::http::StatusCode;
use diesel::prelude::*;
use uuid::Uuid;

use super::answer::Answer;
use crate::db::schema::idempotency_keys as keys;
use crate::problem::{Code, Problem, Result, Text};

diesel::define_sql_function! {
    #[sql_name = "pg_try_advisory_xact_lock"]
    fn try_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// How long an answer is kept, in hours.
pub const KEPT_HOURS: i64 = 24;

/// A key as it came, with what it was sent with.
pub struct Key {
    pub key: String,
    /// Fingerprints of method, path and body: the first is kept, any of them is known again.
    pub requests: Vec<Vec<u8>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = keys)]
struct Kept {
    request_hash: Vec<u8>,
    status: i16,
    etag: Option<String>,
    location: Option<String>,
    body: Vec<u8>,
}

/// Answers from what is kept under the key, or carries `act` out and keeps its answer, in the transaction `tx`.
pub fn once(
    tx: &mut PgConnection,
    user_id: Uuid,
    key: &Key,
    act: impl FnOnce(&mut PgConnection) -> Result<Answer>,
) -> Result<Answer> {
    let lock = lock_number(user_id, &key.key);
    if !diesel::select(try_lock(lock)).get_result::<bool>(tx)? {
        return Err(Problem::new(
            Code::RequestInProgress,
            Text::new(
                "La primera petición con esta clave aún está en curso.",
                "The first request with this key is still being carried out.",
            ),
        ));
    }
    if let Some(answer) = kept(tx, user_id, key)? {
        return Ok(answer);
    }
    let answer = act(tx)?;
    let row = (
        keys::user_id.eq(user_id),
        keys::key.eq(&key.key),
        keys::request_hash.eq(key.requests.first().map_or(&[][..], Vec::as_slice)),
        keys::status.eq(i16::try_from(answer.status.as_u16()).unwrap_or(200)),
        keys::etag.eq(&answer.etag),
        keys::location.eq(&answer.location),
        keys::body.eq(&answer.body),
        keys::created_at.eq(diesel::dsl::now),
    );
    diesel::insert_into(keys::table)
        .values(row)
        .on_conflict((keys::user_id, keys::key))
        .do_update()
        .set(row)
        .execute(tx)?;
    Ok(answer)
}

/// The answer that is kept under the key, where it was used within the last day.
///
/// # Errors
/// A 422 where it was used with another request.
pub fn kept(db: &mut PgConnection, user_id: Uuid, key: &Key) -> Result<Option<Answer>> {
    let kept = keys::table
        .find((user_id, &key.key))
        .filter(keys::created_at.gt(diesel::dsl::sql("now() - interval '24 hours'")))
        .select(Kept::as_select())
        .first(db)
        .optional()?;
    let Some(kept) = kept else { return Ok(None) };
    if !key.requests.contains(&kept.request_hash) {
        return Err(Problem::new(
            Code::IdempotencyKeyReused,
            Text::new(
                "Esta clave ya se usó con otra petición; use una nueva.",
                "This key was used with another request; use a new one.",
            ),
        ));
    }
    let status = u16::try_from(kept.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    Ok(Some(Answer {
        status: status.unwrap_or(StatusCode::OK),
        etag: kept.etag,
        location: kept.location,
        next_cursor: None,
        body: kept.body,
    }))
}

/// The number under which PostgreSQL keeps two requests with one key apart; two keys that share a number only wait
/// for nothing and are told to try again.
fn lock_number(user_id: Uuid, key: &str) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(user_id).chain_update(key).finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}
