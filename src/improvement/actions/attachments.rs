//! Evidence of improvement actions.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::{self as actions, ActionStatus};
use crate::attachments::attach::{Target, attach_file};
use crate::attachments::store::{self, Owner};
use crate::attachments::upload::Received;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::db::schema::attachments;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Answer, Call, Query};
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
    attach_file(call, ImprovementAction(*id), request, payload).await
}

#[derive(Clone, Copy)]
struct ImprovementAction(Uuid);

impl Target for ImprovementAction {
    fn check_visible(&self, db: &mut PgConnection, _: &Actor) -> Result<()> {
        actions::check_exists(db, self.0)
    }

    fn check_open(&self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        may_attach(db, actor, self.0)
    }

    fn write(self, tx: &mut PgConnection, actor: &Actor, file: &Received) -> Result<Answer> {
        may_attach(tx, actor, self.0)?;
        let attachment = store::insert(tx, actor, Owner::ImprovementAction(self.0), file, actor.now)?;
        Ok(Answer::created(format!("/api/v1/attachments/{}", attachment.id), &attachment)?
            .version(attachment.id, 1))
    }
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
    call.read(move |db, _| {
        actions::check_exists(db, *id)?;
        let (paging, _) = query.read_list()?;
        store::page(db, &paging, |files| files.filter(attachments::improvement_action_id.eq(*id)))
    })
    .await
}
