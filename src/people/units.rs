//! Administrative units and their heads.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Person;
use crate::auth::policy::Action;
use crate::db::schema::{units, users};
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::catalogue::{CatalogueFilters, read_catalogue};
use crate::http::paging::{Page, Paging};
use crate::http::{Answer, Body, Call, Query};
use crate::problem::{FieldError, Problem, Result};

/// An administrative unit (unidad administrativa).
#[derive(Serialize, ToSchema)]
pub struct Unit {
    /// Identifier of the unit.
    id: Uuid,
    /// The name. Names are unique, ignoring accents and case.
    #[schema(max_length = 200, example = "Secretaría de Hacienda")]
    name: String,
    /// The head of the unit, who may submit requests of categories that require the profile `unit_head`; `null` if the
    /// unit has no head.
    head: Option<Person>,
    /// A unit that is not active can no longer be chosen; existing references to it remain.
    active: bool,
    /// When the unit was created.
    created_at: DateTime<Utc>,
    /// When the unit was last changed.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
    #[serde(skip)]
    name_key: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = units)]
struct Row {
    id: Uuid,
    name: String,
    head_id: Option<Uuid>,
    active: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
    name_key: String,
}

type Found = (Row, Option<Person>);

impl From<Found> for Unit {
    fn from((row, head): Found) -> Self {
        Unit {
            id: row.id,
            name: row.name,
            head,
            active: row.active,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            name_key: row.name_key,
        }
    }
}

impl Unit {
    fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let found: Found = units::table
            .left_join(users::table.on(units::head_id.eq(users::id.nullable())))
            .filter(units::id.eq(id))
            .select((Row::as_select(), Option::<Person>::as_select()))
            .first(db)?;
        Ok(found.into())
    }

    fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

/// A unit to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitCreate {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Secretaría de Hacienda")]
    name: String,
    /// Identifier of the head of the unit: an active user. If omitted, the unit has no head.
    head_id: Option<Uuid>,
}

/// The fields of a unit that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitProfile {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Secretaría de Hacienda")]
    name: String,
    /// Identifier of the head of the unit; a new head must be an active user. `null` removes the head.
    head_id: Option<Uuid>,
    /// Whether the unit can be chosen. Existing references to a unit that is no longer active remain.
    active: bool,
}

/// List units
///
/// In the order of the names, each with its head.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "units", operation_id = "listUnits", params(Paging, CatalogueFilters),
    responses((status = 200, body = Page<Unit>, description = "One page of the units"))
)]
#[get("/units")]
pub async fn list(call: Call, query: Query<CatalogueFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let with_heads = || units::table.left_join(users::table.on(units::head_id.eq(users::id.nullable())));
        let selection = (Row::as_select(), Option::<Person>::as_select());
        let (rows, total): (Vec<Found>, _) =
            read_catalogue!(db, paging, filters, units, with_heads(), selection);
        let items: Vec<Unit> = rows.into_iter().map(Unit::from).collect();
        paging.answer(filters.sort(), items, total, |unit| (unit.name_key.clone(), unit.id))
    })
    .await
}

/// Read a unit
///
/// With its head, who may submit requests of categories that require the profile `unit_head`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "units", operation_id = "getUnit", params(("unit_id" = Uuid, Path, description = "Identifier of the unit.")),
    responses((status = 200, body = Unit, description = "The unit"))
)]
#[get("/units/{unit_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| Unit::find(db, *id)?.answer()).await
}

/// Create a unit
///
/// Names are unique, ignoring accents and case.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "units", operation_id = "createUnit", request_body = UnitCreate,
    responses(
        (status = 201, body = Unit, description = "The new unit"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[post("/units")]
pub async fn create(call: Call, body: Body<UnitCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let new = body.read()?;
        check_head(tx, new.head_id)?;
        let id = Uuid::now_v7();
        diesel::insert_into(units::table)
            .values((
                units::id.eq(id),
                units::name.eq(new.name),
                units::head_id.eq(new.head_id),
                units::created_at.eq(actor.now),
                units::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        let unit = Unit::find(tx, id)?;
        let version = unit.version;
        Ok(Answer::created(format!("/api/v1/units/{id}"), &unit)?.version(id, version))
    })
    .await
}

/// Change a unit
///
/// Omitted fields keep their values; `null` removes the head.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "units", operation_id = "updateUnit", params(("unit_id" = Uuid, Path, description = "Identifier of the unit.")),
    request_body(content = UnitProfile, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Unit, description = "The unit after the change"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[patch("/units/{unit_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<UnitProfile>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = units::table.find(*id).select(Row::as_select()).for_update().get_result(tx)?;
        let (profile, changes) =
            body.merge(&UnitProfile { name: row.name, head_id: row.head_id, active: row.active })?;
        actor.check_version(row.id, row.version)?;
        if profile.head_id != row.head_id {
            check_head(tx, profile.head_id)?;
        }
        diesel::update(units::table.find(row.id))
            .set((
                units::name.eq(profile.name),
                units::head_id.eq(profile.head_id),
                units::active.eq(profile.active),
                changes.then(|| next_version!(units, row.version, actor)),
            ))
            .execute(tx)?;
        Unit::find(tx, row.id)?.answer()
    })
    .await
}

fn check_head(tx: &mut PgConnection, head_id: Option<Uuid>) -> Result<()> {
    let Some(head_id) = head_id else { return Ok(()) };
    let known = users::table.find(head_id).filter(users::active);
    if diesel::select(diesel::dsl::exists(known)).get_result::<bool>(tx)? {
        Ok(())
    } else {
        Err(Problem::field(FieldError::unknown_id("/head_id")))
    }
}
