//! Reading files of tickets, followups, articles and improvement actions.

use actix_web::http::header::{
    Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::prelude::*;
use uuid::Uuid;

use crate::attachments::serve::{Download, RangeHeaders, serve};
use crate::attachments::{Attachment, store};
use crate::auth::policy::Action;
use crate::http::body::Content;
use crate::http::routes::Routes;
use crate::http::{Actor, Answer, Call};
use crate::knowledge::articles::check_visible;
use crate::problem::{Problem, Result};
use crate::tickets::followups;

pub fn routes(routes: &mut Routes) {
    routes.service(read).service(download);
}

/// The file and the key of its content, if the caller may see its owner.
fn visible(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<(Attachment, String)> {
    let (file, key) = store::find(db, id)?;
    let may = |action: Action| match actor.rights().scope(action) {
        Some(_) => Ok(()),
        None => Err(Problem::not_found()),
    };
    if let Some(ticket_id) = file.ticket_id {
        may(Action::ReadTicket)?;
        crate::tickets::store::visible(db, actor, ticket_id)?;
        if let Some(followup_id) = file.followup_id {
            followups::visible(db, actor, ticket_id, followup_id)?;
        }
    }
    if let Some(article_id) = file.article_id {
        may(Action::ReadArticles)?;
        check_visible(db, actor, article_id)?;
    }
    if file.is_of_record() {
        may(Action::ReadRecords)?;
    }
    Ok((file, key))
}

/// Read the metadata of a file
///
/// Name, size, type and hash; the bytes are at `/content`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!([Action::ReadTicket, Action::ReadArticles, Action::ReadRecords]))),
    tag = "attachments", operation_id = "getAttachment",
    params(("attachment_id" = Uuid, Path, description = "Identifier of the attachment.")),
    responses((status = 200, body = Attachment, description = "The metadata of the file"))
)]
#[get("/attachments/{attachment_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (file, _) = visible(db, actor, *id)?;
        Ok(Answer::ok(&file)?.version(*id, 1))
    })
    .await
}

/// Download a file
///
/// Always as a download, so that a browser does not open it as a page of this server. An interrupted download can be
/// resumed with `Range` and `If-Range`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!([Action::ReadTicket, Action::ReadArticles, Action::ReadRecords]))),
    tag = "attachments", operation_id = "downloadAttachment",
    params(("attachment_id" = Uuid, Path, description = "Identifier of the attachment."), RangeHeaders),
    responses(
        (status = 200, description = "The content, of the type in `content_type` of the file", content_type = "*/*", body = Content),
        (status = 206, description = "The part of the content that `Range` requests", content_type = "*/*", body = Content),
        (status = 416, description = "`range_not_satisfiable`: `Content-Range` has the size of the content")
    )
)]
#[get("/attachments/{attachment_id}/content")]
pub async fn download(call: Call, id: Path<Uuid>, request: HttpRequest) -> Result<HttpResponse> {
    let (file, storage_key) = call.look(move |db, actor| visible(db, actor, *id)).await?;
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_owned()),
            language_tag: None,
            value: file.file_name.into_bytes(),
        })],
    };
    let Attachment { sha256, size, content_type, .. } = file;
    serve(&call.desk, &request, Download { storage_key, sha256, size, content_type, disposition }).await
}
