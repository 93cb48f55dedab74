//! The weekly shifts of a member of staff.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, put};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::availability::{self, Shift};
use super::user::User;
use super::users;
use crate::audit::log::{self, AuditResource, Part};
use crate::auth::policy::Action;
use crate::db::schema;
use crate::db::schema::shifts;
use crate::http::{Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The weekly shifts of a member of staff, in the order of the days. A person without shifts is always on shift.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shifts {
    /// The shifts in the order of the days; an empty list means that the person is always on shift.
    #[schema(max_items = 50)]
    #[serde(rename = "shifts")]
    items: Vec<Shift>,
}

impl Shifts {
    fn answer(db: &mut PgConnection, user: &User) -> Result<Answer> {
        Ok(Answer::ok(&Shifts { items: week(db, user.id)? })?.version(tag(user.id), user.version))
    }
}

fn week(db: &mut PgConnection, user_id: Uuid) -> Result<Vec<Shift>> {
    let shifts = shifts::table
        .filter(shifts::user_id.eq(user_id))
        .order((shifts::weekday, shifts::starts_at))
        .select(Shift::as_select())
        .load(db)?;
    Ok(shifts)
}

/// Read the shifts of a person
///
/// The `ETag` is that of the person.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "shifts", operation_id = "getUserShifts", params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    responses((status = 200, body = Shifts, description = "The shifts"))
)]
#[get("/users/{user_id}/shifts")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let user = User::find(db, *id)?;
        Shifts::answer(db, &user)
    })
    .await
}

/// Set the shifts of a person
///
/// Replaces all shifts: read them, change them and send them back; with an empty list the person is always on shift. With
/// `on_call` a shift is no working time: the person can be reached in it, for urgent tickets and when nobody is on shift.
/// Shifts must not overlap: each one that overlaps an earlier one in the list is an error with the code `overlaps`.
/// Existing appointments do not change. Not allowed for a person whose role is above that of the caller.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "shifts", operation_id = "replaceUserShifts", params(("user_id" = Uuid, Path, description = "Identifier of the user.")), request_body = Shifts,
    responses((status = 200, body = Shifts, description = "The shifts after the change"))
)]
#[put("/users/{user_id}/shifts")]
pub async fn replace(call: Call, id: Path<Uuid>, body: Body<Shifts>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let mut user = User::lock(tx, *id)?;
        users::may_manage(actor, user.role)?;
        let Shifts { items } = body.read()?;
        actor.check_version(tag(user.id), user.version)?;
        user.must_be_staff()?;
        let overlapping = availability::overlapping(&items);
        if !overlapping.is_empty() {
            return Err(Problem::fields(overlapping.into_iter().map(overlap).collect()));
        }
        let before = week(tx, user.id)?;
        diesel::delete(shifts::table.filter(shifts::user_id.eq(user.id))).execute(tx)?;
        let rows =
            items.iter().map(|shift| (shifts::id.eq(Uuid::now_v7()), shifts::user_id.eq(user.id), shift));
        diesel::insert_into(shifts::table).values(rows.collect::<Vec<_>>()).execute(tx)?;
        let parts = [Part { field: "shifts", from: json!(before), to: json!(week(tx, user.id)?) }];
        log::record_parts(tx, actor, AuditResource::User, user.id, parts)?;
        user.version += 1;
        diesel::update(schema::users::table.find(user.id))
            .set((schema::users::version.eq(user.version), schema::users::updated_at.eq(actor.now)))
            .execute(tx)?;
        Shifts::answer(tx, &user)
    })
    .await
}

/// Identifies the shifts of a person in their `ETag`.
fn tag(user_id: Uuid) -> String {
    format!("{user_id}/shifts")
}

fn overlap(place: usize) -> FieldError {
    FieldError::new(
        format!("/shifts/{place}"),
        FieldCode::Overlaps,
        Text::new("Se cruza con un turno anterior de la lista.", "It overlaps an earlier shift in the list."),
    )
}
