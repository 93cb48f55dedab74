//! Evidence of improvement actions.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::PgConnection;
use uuid::Uuid;

use super::{self as actions, ActionStatus};
use crate::attachments::record::Record;
use crate::attachments::store::Owner;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Call, Query};
use crate::problem::{Problem, Result};

/// Attach evidence to an improvement action
///
/// Until its efficacy is verified, by its owner, a professional or the director; to a draft by any member of staff.
/// One file per request, as `multipart/form-data`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "attachments", operation_id = "createImprovementActionAttachment",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Attachment, description = "The metadata of the new file"),
        (status = 409, description = "`wrong_state`"),
    )
)]
#[post("/improvement-actions/{action_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    record(*id).attach(call, request, payload).await
}

fn record(id: Uuid) -> Record {
    Record { id, owner: Owner::ImprovementAction, may_attach, exists: actions::check_exists }
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
/// In the order of their upload.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "attachments", operation_id = "listImprovementActionAttachments",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/improvement-actions/{action_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    record(*id).list(call, query).await
}
