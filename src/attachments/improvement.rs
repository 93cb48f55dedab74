//! Evidence of improvement actions.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::store::{self, Owner};
use super::{Attachment, Upload, upload};
use crate::auth::policy::Action;
use crate::db::schema::attachments;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Answer, Call, Query};
use crate::improvement::actions::{self, ActionStatus};
use crate::problem::{Problem, Result};

/// Attach evidence to an improvement action
///
/// Until its efficacy is verified, by its owner, a professional or the director; to a draft by any of the staff. One file a
/// request, as `multipart/form-data`.
#[utoipa::path(
    tag = "attachments", operation_id = "attachToImprovementAction", params(("action_id" = Uuid, Path)),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment), (status = 409, description = "`wrong_state`"))
)]
#[post("/improvement-actions/{action_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let id = *id;
    call.check(Action::WriteRecords, move |db, actor| may_attach(db, actor, id)).await?;
    let file = upload::receive(&call.desk, &request, payload).await?;
    let fingerprint = file.fingerprint();
    call.write_fingerprinted(Action::WriteRecords, fingerprint, move |tx, actor| {
        may_attach(tx, actor, id)?;
        let attachment = store::insert(tx, actor, Owner::ImprovementAction(id), &file, actor.now)?;
        Ok(Answer::created(format!("/api/v1/attachments/{}", attachment.id), &attachment)?.version(1))
    })
    .await
}

fn may_attach(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let (owner_id, status) = actions::standing(db, id)?;
    if matches!(status, ActionStatus::Effective | ActionStatus::Ineffective) {
        return Err(Problem::wrong_state(status.as_str()));
    }
    actor.may_write(status == ActionStatus::Draft || owner_id == actor.id)
}

/// List the evidence of an improvement action
///
/// In the order in which it came.
#[utoipa::path(
    tag = "attachments", operation_id = "listImprovementActionAttachments",
    params(("action_id" = Uuid, Path), Paging),
    responses((status = 200, body = Page<Attachment>))
)]
#[get("/improvement-actions/{action_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(Action::ReadRecords, move |db, _| {
        actions::check_exists(db, *id)?;
        let (paging, _) = query.read_list()?;
        store::page(db, &paging, |files| files.filter(attachments::improvement_action_id.eq(*id)))
    })
    .await
}
