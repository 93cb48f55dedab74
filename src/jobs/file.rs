//! The file that a job wrote.

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get};
use object_store::path::Path as StoredPath;
use object_store::{Error, ObjectStoreExt};
use serde_json::json;
use uuid::Uuid;

use super::job::Row;
use super::queue::seen;
use crate::attachments::serve::{Download, RangeHeaders, serve};
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::http::Call;
use crate::http::body::Content;
use crate::problem::{Problem, Result};

/// Download the file of a job
///
/// Each request is recorded in the audit log as an export. An interrupted download can be resumed with `Range` and `If-Range`. A file is for those who still see what it was made
/// from: it is a 403 once the account has another role or another limit than when the job was created.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "jobs", operation_id = "downloadJobFile",
    params(("job_id" = Uuid, Path, description = "Identifier of the job."), RangeHeaders),
    responses(
        (status = 200, description = "The content, of the type in `written_file.content_type` of the job", content_type = "*/*", body = Content),
        (status = 206, description = "The part of the content that `Range` requests", content_type = "*/*", body = Content),
        (status = 404, description = "`not_found`: there is no such job, or it has no file (yet)"),
        (status = 416, description = "`range_not_satisfiable`: `Content-Range` has the size of the content"),
    )
)]
#[get("/jobs/{job_id}/file")]
pub async fn download(call: Call, id: Path<Uuid>, request: HttpRequest) -> Result<HttpResponse> {
    let (file, storage_key) = call
        .check(move |db, actor| {
            let row = Row::find(db, actor, *id)?;
            let file = row.file().ok_or_else(Problem::not_found)?;
            if row.seen != seen(actor)? {
                return Err(Problem::forbidden());
            }
            let details = json!({"job_id": row.id});
            log::record_export(db, actor, AuditResource::TicketList, None, details)?;
            Ok((file, row.storage_key.unwrap_or_default()))
        })
        .await?;
    // After the restoration of a backup, which has the files of attachments and messages alone.
    if let Err(Error::NotFound { .. }) = call.desk.files.head(&StoredPath::from(storage_key.as_str())).await {
        return Err(Problem::not_found());
    }
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(file.file_name)],
    };
    let (sha256, size, content_type) = (file.sha256, file.size_bytes, file.content_type);
    serve(&call.desk, &request, Download { storage_key, sha256, size, content_type, disposition }).await
}
