//! The keys of a service account.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::service_account::ServiceAccount;
use crate::account::keys::{self, AccessKey, AccessKeyCreate, NewAccessKey};
use crate::account::sessions;
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Body, Call, Query};
use crate::problem::Result;

/// List the keys of a service account
///
/// The newest first, with those that are revoked or expired.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "listServiceAccountKeys",
    params(("service_account_id" = Uuid, Path, description = "Identifier of the service account."), Paging),
    responses((status = 200, body = Page<AccessKey>, description = "One page of the keys"))
)]
#[get("/service-accounts/{service_account_id}/keys")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (paging, _) = query.read_list()?;
        let account = ServiceAccount::find(db, *id)?;
        keys::list(db, actor, account.id, &paging)
    })
    .await
}

/// Read a key of a service account
///
/// With its last use; never with the key itself.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "getServiceAccountKey",
    params(
        ("service_account_id" = Uuid, Path, description = "Identifier of the service account."),
        ("key_id" = Uuid, Path, description = "Identifier of the key."),
    ),
    responses((status = 200, body = AccessKey, description = "The key"))
)]
#[get("/service-accounts/{service_account_id}/keys/{key_id}")]
pub async fn read(call: Call, ids: Path<(Uuid, Uuid)>) -> Result<HttpResponse> {
    let (account_id, key_id) = ids.into_inner();
    call.read(move |db, actor| {
        let account = ServiceAccount::find(db, account_id)?;
        keys::read(db, actor, account.id, key_id)
    })
    .await
}

/// Create a key of a service account
///
/// The key is shown once: only its hash is kept. A service account can have two usable keys, so that the next one can be
/// distributed before the current one is revoked. `Idempotency-Key` is not supported, since the response would be kept with
/// the key.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts)), ("x-mesa-not-idempotent" = json!(true))),
    tag = "service accounts", operation_id = "createServiceAccountKey", params(("service_account_id" = Uuid, Path, description = "Identifier of the service account.")),
    request_body = AccessKeyCreate,
    responses(
        (status = 201, body = NewAccessKey, description = "The new key, which is shown only now"),
        (status = 409, description = "`too_many_keys`: the service account has two usable keys; `wrong_state`: it is not active"),
    )
)]
#[post("/service-accounts/{service_account_id}/keys")]
pub async fn create(call: Call, id: Path<Uuid>, body: Body<AccessKeyCreate>) -> Result<HttpResponse> {
    let answer = call.check(move |db, actor| {
        db.transaction(|tx| {
            let account = ServiceAccount::lock(tx, *id)?;
            let key = keys::create(tx, actor, account.id, body.read()?)?;
            key.answer(&format!("/api/v1/service-accounts/{}/keys", account.id))
        })
    });
    Ok(sessions::secret(answer.await?))
}

/// Revoke a key of a service account
///
/// At once, with the access tokens issued for it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ManageServiceAccounts))),
    tag = "service accounts", operation_id = "deleteServiceAccountKey",
    params(
        ("service_account_id" = Uuid, Path, description = "Identifier of the service account."),
        ("key_id" = Uuid, Path, description = "Identifier of the key."),
    ),
    responses((status = 204, description = "The key is revoked, or was before"))
)]
#[delete("/service-accounts/{service_account_id}/keys/{key_id}")]
pub async fn revoke(call: Call, ids: Path<(Uuid, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    let (account_id, key_id) = ids.into_inner();
    call.write(body, move |tx, actor, _| {
        let account = ServiceAccount::find(tx, account_id)?;
        keys::revoke(tx, actor, account.id, key_id)
    })
    .await
}
