//! Files of risks, such as the signed scan of the form.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::{RiskStatus, risks};
use crate::attachments::record::Record;
use crate::attachments::store::Owner;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Call, Query};
use crate::problem::Result;

/// Attach a file to a risk
///
/// Such as the signed scan of the form: to a draft by any member of staff, otherwise by its owner, a professional or the
/// director. One file per
/// request, as `multipart/form-data`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "attachments", operation_id = "createRiskAttachment",
    params(("risk_id" = Uuid, Path, description = "Identifier of the risk.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment, description = "The metadata of the new file"))
)]
#[post("/risks/{risk_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    record(*id).attach(call, request, payload).await
}

/// List the files of a risk
///
/// In the order of their upload.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "attachments", operation_id = "listRiskAttachments",
    params(("risk_id" = Uuid, Path, description = "Identifier of the risk."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/risks/{risk_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    record(*id).list(call, query).await
}

fn record(id: Uuid) -> Record {
    Record { id, owner: Owner::Risk, may_attach, exists }
}

fn exists(db: &mut PgConnection, id: Uuid) -> Result<()> {
    risks::table.find(id).select(risks::id).get_result::<Uuid>(db)?;
    Ok(())
}

fn may_attach(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let (owner_id, status): (Uuid, RiskStatus) =
        risks::table.find(id).select((risks::owner_id, risks::status)).for_share().get_result(db)?;
    actor.may_write(status == RiskStatus::Draft || owner_id == actor.id)
}
