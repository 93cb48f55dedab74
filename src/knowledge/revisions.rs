//! The revisions of an article.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::articles::{ArticleCreate, check_visible};
use crate::auth::policy::Action;
use crate::db::json::Json;
use crate::db::schema::{article_revisions as revisions, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Actor, Answer, Call, Query};
use crate::people::Person;
use crate::problem::{Problem, Result};

/// An article after one change.
#[derive(Serialize, ToSchema)]
pub struct ArticleRevision {
    /// Identifier of the article.
    article_id: Uuid,
    /// The number of the revision, from 1 on.
    #[schema(minimum = 1, example = 1)]
    revision: i32,
    /// The person who wrote this revision.
    changed_by: Person,
    /// The time at which it was written.
    changed_at: DateTime<Utc>,
    /// The whole content of the article after the change.
    content: ArticleCreate,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = revisions)]
struct Row {
    article_id: Uuid,
    revision: i32,
    changed_at: DateTime<Utc>,
    content: Json<ArticleCreate>,
}

impl From<(Row, Person)> for ArticleRevision {
    fn from((row, changed_by): (Row, Person)) -> Self {
        ArticleRevision {
            article_id: row.article_id,
            revision: row.revision,
            changed_by,
            changed_at: row.changed_at,
            content: row.content.0,
        }
    }
}

/// List the revisions of an article
///
/// All contents of the article, the oldest first. No revision is removed, but personal data may be removed from its
/// content as required by law.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteArticles))),
    tag = "knowledge", operation_id = "listArticleRevisions",
    params(("article_id" = Uuid, Path, description = "Identifier of the article."), Paging),
    responses((status = 200, body = Page<ArticleRevision>, description = "One page of the revisions"))
)]
#[get("/kb/articles/{article_id}/revisions")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        check_visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let filtered =
            || revisions::table.inner_join(users::table).filter(revisions::article_id.eq(*id)).into_boxed();
        let (rows, total): (Vec<(Row, Person)>, _) = read_page!(
            db,
            paging,
            "revision",
            filtered,
            (revisions::revision as i32, revisions::article_id as Uuid),
            (Row::as_select(), Person::as_select())
        );
        let items: Vec<ArticleRevision> = rows.into_iter().map(ArticleRevision::from).collect();
        paging.answer("revision", items, total, |revision| (revision.revision, revision.article_id))
    })
    .await
}

/// Read a revision of an article
///
/// The content of the revision, with its author and time.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteArticles))),
    tag = "knowledge", operation_id = "getArticleRevision",
    params(
        ("article_id" = Uuid, Path, description = "Identifier of the article."),
        ("revision" = i32, Path, minimum = 1, description = "The number of the revision, from 1 on."),
    ),
    responses((status = 200, body = ArticleRevision, description = "The revision"))
)]
#[get("/kb/articles/{article_id}/revisions/{revision}")]
pub async fn read(call: Call, path: Path<(Uuid, i32)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        check_visible(db, actor, path.0)?;
        let found: (Row, Person) = revisions::table
            .inner_join(users::table)
            .filter(revisions::article_id.eq(path.0))
            .filter(revisions::revision.eq(path.1))
            .select((Row::as_select(), Person::as_select()))
            .first(db)?;
        Ok(Answer::ok(&ArticleRevision::from(found))?.version(format!("{}/{}", path.0, path.1), 1))
    })
    .await
}

/// Stores a revision.
pub fn store(
    tx: &mut PgConnection,
    actor: &Actor,
    article_id: Uuid,
    revision: i32,
    content: ArticleCreate,
) -> Result<()> {
    // The previous version of the server accepts no other fields: those that say nothing are not stored.
    let mut content = serde_json::to_value(content).map_err(Problem::internal)?;
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|name, value| {
            !(name == "no_steps" && *value == json!(false) || name == "bibliography" && *value == json!([]))
        });
    }
    diesel::insert_into(revisions::table)
        .values((
            revisions::article_id.eq(article_id),
            revisions::revision.eq(revision),
            revisions::changed_by.eq(actor.id),
            revisions::changed_at.eq(actor.now),
            revisions::content.eq(Json(content)),
        ))
        .execute(tx)?;
    Ok(())
}
