//! Categories: the subjects of requests, and the profile that each requires.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::policy::Action;
use crate::db::schema::{categories, tickets};
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::catalogue::{CatalogueFilters, read_catalogue};
use crate::http::paging::{Page, Paging};
use crate::http::{Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::problem::{FieldError, Problem, Result};

text_enum! {
    /// The profile that the requester needs to submit a request of the category (perfil de usuario según el asunto).
    pub enum RequiredProfile {
        /// Every requester.
        Any = "any",
        /// The head of the unit that the request is for, when it was received.
        UnitHead = "unit_head",
    }
}

/// A category: the subject of a request.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = categories)]
pub struct Category {
    /// Identifier of the category.
    id: Uuid,
    /// The name. Names are unique, ignoring accents and case.
    #[schema(max_length = 200, example = "Impresoras")]
    name: String,
    /// What the category covers; empty if no description was given.
    #[schema(max_length = 20_000)]
    description: String,
    /// The profile that the requester needs to submit a request of this category.
    required_profile: RequiredProfile,
    /// Whether a critical ticket of this category that is not accepted in time is escalated to the next support level
    /// automatically.
    escalates_overdue: bool,
    /// Whether the solution of a ticket of this category records what access was granted (`access_grants`).
    records_access_grants: bool,
    /// Whether the category can be chosen. Existing tickets keep a category that is no longer active.
    active: bool,
    /// When the category was created.
    created_at: DateTime<Utc>,
    /// When the category was last changed.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
    #[serde(skip)]
    name_key: String,
}

impl Category {
    fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

/// A category to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryCreate {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Impresoras")]
    name: String,
    /// What the category covers; empty if omitted.
    #[schema(max_length = 2000, example = "Atascos, tóner, colas de impresión.")]
    description: Option<String>,
    /// The profile that the requester needs to submit a request of this category; `any` if omitted.
    required_profile: Option<RequiredProfile>,
    /// Whether a critical ticket that is not accepted in time is escalated to the next support level automatically;
    /// false if omitted.
    escalates_overdue: Option<bool>,
    /// Whether the solution of a ticket of this category must record what access was granted; false if omitted.
    records_access_grants: Option<bool>,
}

/// The fields of a category that can be changed.
#[derive(Serialize, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = categories)]
#[serde(deny_unknown_fields)]
pub struct CategoryProfile {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Impresoras")]
    name: String,
    /// What the category covers.
    #[schema(max_length = 2000, example = "Atascos, tóner, colas de impresión.")]
    description: String,
    /// The profile that the requester needs to submit a request of this category.
    required_profile: RequiredProfile,
    /// Whether a critical ticket that is not accepted in time is escalated to the next support level automatically.
    escalates_overdue: bool,
    /// Whether the solution of a ticket of this category must record what access was granted.
    records_access_grants: bool,
    /// Whether the category can be chosen. Existing tickets keep a category that is no longer active.
    active: bool,
}

/// List categories
///
/// In the order of the names; `active=true` omits categories that can no longer be chosen.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "categories", operation_id = "listCategories", params(Paging, CatalogueFilters),
    responses((status = 200, body = Page<Category>, description = "One page of the categories"))
)]
#[get("/categories")]
pub async fn list(call: Call, query: Query<CatalogueFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let (items, total): (Vec<Category>, _) =
            read_catalogue!(db, paging, filters, categories, categories::table, Category::as_select());
        paging.answer(filters.sort(), items, total, |category| (category.name_key.clone(), category.id))
    })
    .await
}

/// Read a category
///
/// With `required_profile`: the profile that the requester needs to submit a request of this category.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "categories", operation_id = "getCategory", params(("category_id" = Uuid, Path, description = "Identifier of the category.")),
    responses((status = 200, body = Category, description = "The category"))
)]
#[get("/categories/{category_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| categories::table.find(*id).select(Category::as_select()).get_result(db)?.answer())
        .await
}

/// Create a category
///
/// Names are unique, ignoring accents and case.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "categories", operation_id = "createCategory", request_body = CategoryCreate,
    responses(
        (status = 201, body = Category, description = "The new category"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[post("/categories")]
pub async fn create(call: Call, body: Body<CategoryCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let new = body.read()?;
        let category: Category = diesel::insert_into(categories::table)
            .values((
                categories::id.eq(Uuid::now_v7()),
                categories::name.eq(new.name),
                categories::description.eq(new.description.unwrap_or_default()),
                categories::required_profile.eq(new.required_profile.unwrap_or(RequiredProfile::Any)),
                categories::escalates_overdue.eq(new.escalates_overdue.unwrap_or(false)),
                categories::records_access_grants.eq(new.records_access_grants.unwrap_or(false)),
                categories::created_at.eq(actor.now),
                categories::updated_at.eq(actor.now),
            ))
            .returning(Category::as_returning())
            .get_result(tx)?;
        let location = format!("/api/v1/categories/{}", category.id);
        Ok(Answer::created(location, &category)?.version(category.id, category.version))
    })
    .await
}

/// Change a category
///
/// Omitted fields keep their values. A category that is not active can no longer be chosen; existing tickets keep it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "categories", operation_id = "updateCategory", params(("category_id" = Uuid, Path, description = "Identifier of the category.")),
    request_body(content = CategoryProfile, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Category, description = "The category after the change"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[patch("/categories/{category_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<CategoryProfile>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let category =
            categories::table.find(*id).select(Category::as_select()).for_update().get_result(tx)?;
        let (profile, changes) = body.merge(&CategoryProfile {
            name: category.name,
            description: category.description,
            required_profile: category.required_profile,
            escalates_overdue: category.escalates_overdue,
            records_access_grants: category.records_access_grants,
            active: category.active,
        })?;
        actor.check_version(category.id, category.version)?;
        diesel::update(categories::table.find(category.id))
            .set((profile, changes.then(|| next_version!(categories, category.version, actor))))
            .returning(Category::as_returning())
            .get_result(tx)?
            .answer()
    })
    .await
}

/// Whether the requester of this ticket had the profile that the category at `/category_id` requires when the ticket was
/// received: whether they were the head of the unit of the ticket.
///
/// # Errors
/// A 422 if the category does not exist or is not active.
pub fn may_ask(db: &mut PgConnection, category: Uuid, ticket_id: i64) -> Result<bool> {
    let found = categories::table.find(category).filter(categories::active);
    let profile: Option<RequiredProfile> =
        found.select(categories::required_profile).get_result(db).optional()?;
    match profile {
        None => Err(Problem::field(FieldError::unknown_id("/category_id"))),
        Some(RequiredProfile::Any) => Ok(true),
        Some(RequiredProfile::UnitHead) => {
            let head = tickets::reception_head_id.is_not_distinct_from(tickets::requester_id.nullable());
            Ok(tickets::table.find(ticket_id).select(head).get_result(db)?)
        }
    }
}
