//! Articles: an incident, its resolution, and the steps.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::content_rules::{check, lacks_steps};
use super::revisions;
use crate::auth::policy::{Action, PermissionScope};
use crate::db::json::Json;
use crate::db::schema::{articles, categories, users};
use crate::http::body::Patch;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::text_enum;
use crate::people::{Named, Person};
use crate::problem::{Problem, Result};

text_enum! {
    /// Who may read an article.
    pub enum ArticleVisibility {
        /// Requesters and staff.
        Public = "public",
        /// Staff only.
        Internal = "internal",
    }
}

text_enum! {
    /// The state of an article.
    pub enum ArticleStatus {
        /// Being written.
        Draft = "draft",
        /// Visible to its readers.
        Published = "published",
        /// Out of date: stored, but no longer shown to requesters or suggested.
        Retired = "retired",
    }
}

/// A link to further information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleReference {
    /// The text of the link.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Manual del switch")]
    pub title: String,
    /// The address of the page: an `http` or `https` URL.
    #[schema(
        format = "uri",
        max_length = 2000,
        pattern = "^https?://",
        example = "https://example.com/manual"
    )]
    pub url: String,
}

/// The schema of a step of an article. A hundred of the longest steps, with the other searched texts, stay below the
/// limit of one megabyte that PostgreSQL has for the words of a text.
pub struct ArticleStep;

impl PartialSchema for ArticleStep {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.min_length(Some(1)).max_length(Some(500)).pattern(Some(r"\S")).into()
    }
}

impl ToSchema for ArticleStep {}

/// The content of an article, for its creation and change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleCreate {
    /// The title of the article.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Impresora de red sin respuesta")]
    pub title: String,
    /// What happened: the problem that the article is about.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "La impresora aparece atascada y no imprime."
    )]
    pub incident: String,
    /// How the problem was solved.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "El puerto del switch estaba caído; se cambió."
    )]
    pub resolution: String,
    /// The steps of the resolution, in order: at most 100 texts of at most 500 characters. At creation empty if
    /// omitted; a PATCH replaces the whole list.
    #[serde(default)]
    #[schema(required = false, max_items = 100, value_type = Vec<ArticleStep>, example = json!(["Probar el puerto", "Cambiar el puerto"]))]
    pub steps: Vec<String>,
    /// Whether it was decided that no steps apply; `steps` must then be empty. An article is published with its steps or
    /// with this mark. At creation `false` if omitted.
    #[serde(default)]
    #[schema(required = false)]
    pub no_steps: bool,
    /// Links to further information. At creation empty if omitted; a PATCH replaces the whole list.
    #[serde(default)]
    #[schema(required = false, max_items = 50)]
    pub references: Vec<ArticleReference>,
    /// Sources without a link, such as manuals and standards: at most 50 texts of at most 500 characters. At creation
    /// empty if omitted; a PATCH replaces the whole list.
    #[serde(default)]
    #[schema(required = false, max_items = 50, value_type = Vec<ArticleStep>, example = json!(["Manual de usuario del switch, capítulo 3"]))]
    pub bibliography: Vec<String>,
    /// Identifier of the category: an active one. A category that is already set may stay when it is deactivated.
    /// Optional; `null` for none.
    pub category_id: Option<Uuid>,
    /// Who may read the article once it is published. At creation `internal` if omitted.
    #[serde(default = "internal")]
    #[schema(required = false)]
    pub visibility: ArticleVisibility,
    /// The state of the article. At creation `draft` if omitted. Any state can follow any other.
    #[serde(default = "draft")]
    #[schema(required = false)]
    pub status: ArticleStatus,
    /// The number of the ticket from which the article was written. Optional; `null` for none.
    #[schema(minimum = 1, example = 123)]
    pub ticket_id: Option<i64>,
}

fn internal() -> ArticleVisibility {
    ArticleVisibility::Internal
}

fn draft() -> ArticleStatus {
    ArticleStatus::Draft
}

/// An article of the knowledge base.
#[derive(Serialize, ToSchema)]
pub struct Article {
    /// Identifier of the article.
    id: Uuid,
    /// The title of the article.
    #[schema(max_length = 200, example = "Impresora de red sin respuesta")]
    title: String,
    /// What happened: the problem that the article is about.
    #[schema(max_length = 20_000, example = "La impresora aparece atascada y no imprime.")]
    incident: String,
    /// How the problem was solved.
    #[schema(max_length = 20_000, example = "El puerto del switch estaba caído; se cambió.")]
    resolution: String,
    /// The steps of the resolution, in order.
    #[schema(max_items = 100, max_length = 500)]
    steps: Vec<String>,
    /// Whether it was decided that no steps apply. `false` also for an article without steps from before this mark.
    no_steps: bool,
    /// Links to further information; empty if there are none.
    #[schema(max_items = 50)]
    references: Vec<ArticleReference>,
    /// Sources without a link; empty if there are none.
    #[schema(max_items = 50, max_length = 500)]
    bibliography: Vec<String>,
    /// The category of the article; `null` if it has none.
    category: Option<Named>,
    /// Who may read the article once it is published.
    visibility: ArticleVisibility,
    /// The state of the article.
    status: ArticleStatus,
    /// The number of the ticket from which the article was written. Omitted if there is none, and always omitted for
    /// requesters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 123)]
    ticket_id: Option<i64>,
    /// The person who created the article.
    author: Person,
    /// The number of the current revision, from 1 on; earlier revisions are kept.
    #[schema(minimum = 1, example = 1)]
    revision: i32,
    /// The time at which the article was published for the first time; `null` if it never was. It stays when the
    /// article is retired.
    published_at: Option<DateTime<Utc>>,
    /// The time at which the article was created.
    created_at: DateTime<Utc>,
    /// The time of the last revision.
    updated_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = articles)]
struct Row {
    id: Uuid,
    title: String,
    incident: String,
    resolution: String,
    steps: Json<Vec<String>>,
    no_steps: Option<bool>,
    references: Json<Vec<ArticleReference>>,
    bibliography: Json<Vec<String>>,
    category_id: Option<Uuid>,
    visibility: ArticleVisibility,
    status: ArticleStatus,
    ticket_id: Option<i64>,
    revision: i32,
    published_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

type Found = (Row, Person, Option<(Uuid, String)>);

impl Article {
    fn shown_to(actor: &Actor, (row, author, category): Found) -> Self {
        Article {
            id: row.id,
            title: row.title,
            incident: row.incident,
            resolution: row.resolution,
            steps: row.steps.0,
            no_steps: row.no_steps.unwrap_or(false),
            references: row.references.0,
            bibliography: row.bibliography.0,
            category: category.map(|(id, name)| Named { id, name }),
            visibility: row.visibility,
            status: row.status,
            ticket_id: row.ticket_id.filter(|_| actor.is_staff()),
            author,
            revision: row.revision,
            published_at: row.published_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn find(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<Self> {
        check_visible(db, actor, id)?;
        let found: Found = articles::table
            .inner_join(users::table)
            .left_join(categories::table)
            .filter(articles::id.eq(id))
            .select((Row::as_select(), Person::as_select(), (categories::id, categories::name).nullable()))
            .first(db)?;
        Ok(Self::shown_to(actor, found))
    }
}

/// Checks that the article exists and that the caller may see it.
///
/// # Errors
/// A 404 otherwise.
pub fn check_visible(db: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let (visibility, status): (ArticleVisibility, ArticleStatus) =
        articles::table.find(id).select((articles::visibility, articles::status)).get_result(db)?;
    let offered = visibility == ArticleVisibility::Public && status == ArticleStatus::Published;
    if (actor.scope == PermissionScope::Published || !actor.is_staff()) && !offered {
        return Err(Problem::not_found());
    }
    Ok(())
}

/// Read an article
///
/// The current content. Requesters can only read published public articles.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadArticles))),
    tag = "knowledge", operation_id = "getArticle",
    params(("article_id" = Uuid, Path, description = "Identifier of the article.")),
    responses((status = 200, body = Article, description = "The article"))
)]
#[get("/kb/articles/{article_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let article = Article::find(db, actor, *id)?;
        Ok(Answer::ok(&article)?.version(article.id, article.revision))
    })
    .await
}

/// Write an article
///
/// Created as an `internal` draft unless `status` and `visibility` are given. Requesters can only read it once it is
/// `published` and `public`. It is published with its `steps`, or with `no_steps` if none apply: otherwise the response
/// is a 422 that names `/steps`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteArticles))),
    tag = "knowledge", operation_id = "createArticle", request_body = ArticleCreate,
    responses((status = 201, body = Article, description = "The new article"))
)]
#[post("/kb/articles")]
pub async fn write(call: Call, body: Body<ArticleCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let content = body.read()?;
        check(tx, &content, None)?;
        let id = Uuid::now_v7();
        diesel::insert_into(articles::table)
            .values((
                values(&content),
                articles::no_steps.eq(content.no_steps),
                articles::id.eq(id),
                articles::author_id.eq(actor.id),
                articles::published_at.eq((content.status == ArticleStatus::Published).then_some(actor.now)),
                articles::created_at.eq(actor.now),
                articles::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        revisions::store(tx, actor, id, 1, content)?;
        let article = Article::find(tx, actor, id)?;
        Ok(Answer::created(format!("/api/v1/kb/articles/{id}"), &article)?
            .version(article.id, article.revision))
    })
    .await
}

/// Change an article
///
/// Each change is a new revision; earlier ones are kept. Set `status` to `published` to publish it, with its `steps` or
/// `no_steps`, and to `retired` to withdraw it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteArticles))),
    tag = "knowledge", operation_id = "updateArticle",
    params(("article_id" = Uuid, Path, description = "Identifier of the article.")),
    request_body(content = ArticleCreate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Article, description = "The article after the change"))
)]
#[patch("/kb/articles/{article_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<ArticleCreate>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = articles::table.find(*id).select(Row::as_select()).for_update().get_result(tx)?;
        let current = ArticleCreate {
            title: row.title,
            incident: row.incident,
            resolution: row.resolution,
            steps: row.steps.0,
            no_steps: row.no_steps.unwrap_or(false),
            references: row.references.0,
            bibliography: row.bibliography.0,
            category_id: row.category_id,
            visibility: row.visibility,
            status: row.status,
            ticket_id: row.ticket_id,
        };
        let (content, changes) = body.merge(&current)?;
        actor.check_version(row.id, row.revision)?;
        if !changes {
            return Ok(Answer::ok(&Article::find(tx, actor, row.id)?)?.version(row.id, row.revision));
        }
        check(tx, &content, Some(&current))?;
        let no_steps = if lacks_steps(&content) { row.no_steps } else { Some(content.no_steps) };
        let published = content.status == ArticleStatus::Published;
        let published_at = row.published_at.or(published.then_some(actor.now));
        let revision = row.revision + 1;
        diesel::update(articles::table.find(row.id))
            .set((
                values(&content),
                articles::no_steps.eq(no_steps),
                articles::published_at.eq(published_at),
                articles::revision.eq(revision),
                articles::updated_at.eq(actor.now.max(row.updated_at)),
            ))
            .execute(tx)?;
        revisions::store(tx, actor, row.id, revision, content)?;
        let article = Article::find(tx, actor, row.id)?;
        Ok(Answer::ok(&article)?.version(article.id, article.revision))
    })
    .await
}

type Values<'a> = (
    diesel::dsl::Eq<articles::title, &'a str>,
    diesel::dsl::Eq<articles::incident, &'a str>,
    diesel::dsl::Eq<articles::resolution, &'a str>,
    diesel::dsl::Eq<articles::steps, Json<Vec<String>>>,
    diesel::dsl::Eq<articles::references, Json<Vec<ArticleReference>>>,
    diesel::dsl::Eq<articles::bibliography, Json<Vec<String>>>,
    diesel::dsl::Eq<articles::category_id, Option<Uuid>>,
    diesel::dsl::Eq<articles::visibility, ArticleVisibility>,
    diesel::dsl::Eq<articles::status, ArticleStatus>,
    diesel::dsl::Eq<articles::ticket_id, Option<i64>>,
);

fn values(content: &ArticleCreate) -> Values<'_> {
    (
        articles::title.eq(content.title.as_str()),
        articles::incident.eq(content.incident.as_str()),
        articles::resolution.eq(content.resolution.as_str()),
        articles::steps.eq(Json(content.steps.clone())),
        articles::references.eq(Json(content.references.clone())),
        articles::bibliography.eq(Json(content.bibliography.clone())),
        articles::category_id.eq(content.category_id),
        articles::visibility.eq(content.visibility),
        articles::status.eq(content.status),
        articles::ticket_id.eq(content.ticket_id),
    )
}
