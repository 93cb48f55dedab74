//! Files of minutes, such as the signed scan.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::MinutesStatus;
use crate::attachments::record::Record;
use crate::attachments::store::Owner;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::db::schema::minutes;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Call, Query};
use crate::problem::Result;

/// Attach a file to minutes
///
/// Such as the scan with the signatures of those who attended: to a draft by any member of staff, to signed minutes by a
/// professional or the director. One file per
/// request, as `multipart/form-data`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "attachments", operation_id = "createMeetingMinutesAttachment",
    params(("minutes_id" = Uuid, Path, description = "Identifier of the minutes.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment, description = "The metadata of the new file"))
)]
#[post("/meeting-minutes/{minutes_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    record(*id).attach(call, request, payload).await
}

/// List the files of minutes
///
/// In the order of their upload.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "attachments", operation_id = "listMeetingMinutesAttachments",
    params(("minutes_id" = Uuid, Path, description = "Identifier of the minutes."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/meeting-minutes/{minutes_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    record(*id).list(call, query).await
}

fn record(id: Uuid) -> Record {
    Record { id, owner: Owner::Minutes, may_attach, exists }
}

fn exists(db: &mut PgConnection, id: Uuid) -> Result<()> {
    minutes::table.find(id).select(minutes::id).get_result::<Uuid>(db)?;
    Ok(())
}

fn may_attach(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let status: MinutesStatus = minutes::table.find(id).select(minutes::status).for_share().get_result(db)?;
    actor.may_write(status == MinutesStatus::Draft)
}
