//! Recording that granted access was revoked.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::list::{self, AccessGrant};
use crate::auth::policy::Action;
use crate::db::schema::access_grants;
use crate::http::body::EmptyBody;
use crate::http::{Body, Call};
use crate::problem::{Problem, Result};

/// Record that granted access was revoked
///
/// The grant stays in the list with the time and the person; it cannot be revoked again, nor granted again: new access
/// is a new ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::RevokeAccess)), ("x-mesa-if-match" = json!(true))),
    tag = "history", operation_id = "revokeAccessGrant",
    params(("access_grant_id" = Uuid, Path, description = "Identifier of the grant.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 200, body = AccessGrant, description = "The revoked access"),
        (status = 409, description = "`wrong_state`: it was revoked before"),
    )
)]
#[post("/audit/access-grants/{access_grant_id}/revocation")]
pub async fn revoke(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let found = access_grants::table.find(*id);
        let (granted_at, revoked_at): (DateTime<Utc>, Option<DateTime<Utc>>) =
            found.select((access_grants::granted_at, access_grants::revoked_at)).for_update().first(tx)?;
        body.read()?;
        actor.check_version(*id, list::version(revoked_at.is_some()))?;
        if revoked_at.is_some() {
            return Err(Problem::wrong_state("revoked"));
        }
        diesel::update(found)
            .set((
                access_grants::revoked_at.eq(actor.now.max(granted_at)),
                access_grants::revoked_by.eq(actor.id),
            ))
            .execute(tx)?;
        list::answer(tx, *id)
    })
    .await
}
