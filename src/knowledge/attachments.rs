//! Files of articles.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::articles::check_visible;
use crate::attachments::attach::{Target, attach_file};
use crate::attachments::store::{self, Owner};
use crate::attachments::upload::Received;
use crate::attachments::{Attachment, Upload};
use crate::auth::policy::Action;
use crate::db::schema::attachments;
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Answer, Call, Query};
use crate::problem::Result;

/// Attach a file to an article
///
/// One file per request, as `multipart/form-data`; the file is visible to everyone who may read the article.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteArticles))),
    tag = "attachments", operation_id = "createArticleAttachment",
    params(("article_id" = Uuid, Path, description = "Identifier of the article.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 201, body = Attachment, description = "The metadata of the new file"))
)]
#[post("/kb/articles/{article_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<Uuid>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    attach_file(call, Article(*id), request, payload).await
}

#[derive(Clone, Copy)]
struct Article(Uuid);

impl Target for Article {
    fn check_visible(&self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        check_visible(db, actor, self.0)
    }

    fn check_open(&self, _: &mut PgConnection, _: &Actor) -> Result<()> {
        Ok(())
    }

    fn write(self, tx: &mut PgConnection, actor: &Actor, file: &Received) -> Result<Answer> {
        check_visible(tx, actor, self.0)?;
        let attachment = store::insert(tx, actor, Owner::Article(self.0), file, actor.now)?;
        Ok(Answer::created(format!("/api/v1/attachments/{}", attachment.id), &attachment)?
            .version(attachment.id, 1))
    }
}

/// List the files of an article
///
/// In the order of their upload.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadArticles))),
    tag = "attachments", operation_id = "listArticleAttachments",
    params(("article_id" = Uuid, Path, description = "Identifier of the article."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/kb/articles/{article_id}/attachments")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        check_visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        store::page(db, &paging, |files| files.filter(attachments::article_id.eq(*id)))
    })
    .await
}
