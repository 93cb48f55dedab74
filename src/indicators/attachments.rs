//! Files of indicators, such as the signed scan of the form.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::definitions::IndicatorStatus;
use crate::attachments::record::Record;
use crate::attachments::store::Owner;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::db::schema::indicators;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Call, Query};
use crate::problem::Result;

/// Attach a file to an indicator
///
/// Such as the signed scan of the form: by any member of staff; to a retired one by a professional or the
/// director. One file per
/// request, as `multipart/form-data`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "attachments", operation_id = "createIndicatorAttachment",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment, description = "The metadata of the new file"))
)]
#[post("/indicators/{indicator_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    record(*id).attach(call, request, payload).await
}

/// List the files of an indicator
///
/// In the order of their upload.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "attachments", operation_id = "listIndicatorAttachments",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/indicators/{indicator_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    record(*id).list(call, query).await
}

fn record(id: Uuid) -> Record {
    Record { id, owner: Owner::Indicator, may_attach, exists }
}

fn exists(db: &mut PgConnection, id: Uuid) -> Result<()> {
    indicators::table.find(id).select(indicators::id).get_result::<Uuid>(db)?;
    Ok(())
}

fn may_attach(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let status: IndicatorStatus =
        indicators::table.find(id).select(indicators::status).for_share().get_result(db)?;
    // Whoever may measure it may attach its form.
    actor.may_write(status != IndicatorStatus::Retired)
}
