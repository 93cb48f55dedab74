//! The keys of the caller's own programs.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attempts::Attempt;
use super::keys::{self, AccessKey, AccessKeyCreate, NewAccessKey};
use super::sessions::{self, Account};
use crate::auth::passwords;
use crate::auth::policy::Action;
use crate::db::schema::users;
use crate::http::body::EmptyBody;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Body, Call, ClientAddress, Query};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// A key for the caller's own programs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnKeyCreate {
    /// The current password of the account.
    #[schema(max_length = 200, format = Password, example = "una-clave-larga")]
    current_password: String,
    /// What the key is for.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Tablero de la oficina")]
    name: Option<String>,
    /// From this time on the key is no longer valid: within two years. A year from now if omitted.
    expires_at: Option<DateTime<Utc>>,
}

/// List the caller's keys
///
/// The newest first, with those that are revoked or expired.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnKeys))),
    tag = "me", operation_id = "listMyKeys", params(Paging),
    responses((status = 200, body = Page<AccessKey>, description = "One page of the keys"))
)]
#[get("/me/keys")]
pub async fn list(call: Call, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(|db, actor| keys::list(db, actor, actor.id, &query.read_list()?.0)).await
}

/// Read a key of the caller
///
/// With its last use; never with the key itself.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnKeys))),
    tag = "me", operation_id = "getMyKey", params(("key_id" = Uuid, Path, description = "Identifier of the key.")),
    responses((status = 200, body = AccessKey, description = "The key"))
)]
#[get("/me/keys/{key_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| keys::read(db, actor, actor.id, *id)).await
}

/// Create a key for the caller's own programs
///
/// With it a program may do what the caller may do. It ends when the account is disabled and whenever all sessions of the
/// account end, for example by a change of the password. An account can have ten usable keys. Wrong passwords count like
/// failed attempts of `POST /auth/login`. The key is shown once; `Idempotency-Key` is not supported, since the response
/// would be kept with the key.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnKeys)), ("x-mesa-not-idempotent" = json!(true))),
    tag = "me", operation_id = "createMyKey", request_body = OwnKeyCreate,
    responses(
        (status = 201, body = NewAccessKey, description = "The new key, which is shown only now"),
        (status = 409, description = "`too_many_keys`: the account has ten usable keys"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    )
)]
#[post("/me/keys")]
pub async fn create(call: Call, from: ClientAddress, body: Body<OwnKeyCreate>) -> Result<HttpResponse> {
    // Counted first, in a separate transaction: the count of a wrong password must not be rolled back.
    let counted = call.check(move |db, actor| {
        let wanted = body.read()?;
        let (email, current_hash): (String, Option<String>) =
            users::table.find(actor.id).select((users::email, users::password_hash)).get_result(db)?;
        let attempt = Attempt::count(db, &email, from)?;
        Ok((wanted, current_hash, attempt))
    });
    let (wanted, current_hash, attempt) = counted.await?;
    let OwnKeyCreate { current_password, name, expires_at } = wanted;
    let known_hash = current_hash.clone();
    let is_right =
        passwords::compute(move || passwords::verify(&current_password, known_hash.as_deref())).await;
    match is_right {
        Ok(true) => {}
        Ok(false) => return Err(not_current()),
        Err(busy) => {
            call.desk.db.run(move |db| attempt.take_back(db)).await?;
            return Err(busy);
        }
    }
    let create = move |tx: &mut PgConnection, actor: &Actor| {
        if Account::lock(tx, actor.id)?.password_hash != current_hash {
            return Err(not_current());
        }
        attempt.was_right(tx)?;
        let key = keys::create(tx, actor, actor.id, AccessKeyCreate { name, expires_at })?;
        key.answer("/api/v1/me/keys")
    };
    let answer = call.check(move |db, actor| db.transaction(|tx| create(tx, actor))).await?;
    Ok(sessions::secret(answer))
}

/// Revoke a key of the caller
///
/// At once, with the access tokens issued for it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOwnKeys))),
    tag = "me", operation_id = "deleteMyKey", params(("key_id" = Uuid, Path, description = "Identifier of the key.")),
    responses((status = 204, description = "The key is revoked, or was before"))
)]
#[delete("/me/keys/{key_id}")]
pub async fn revoke(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| keys::revoke(tx, actor, actor.id, *id)).await
}

fn not_current() -> Problem {
    Problem::field(FieldError::new(
        "/current_password",
        FieldCode::NotAllowed,
        Text::new("No es la contraseña actual.", "This is not the current password."),
    ))
}
