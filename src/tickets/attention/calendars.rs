//! Calendars: the hours during which attention time counts.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policies;
use crate::auth::policy::Action;
use crate::db::schema::{attention_times, calendars};
use crate::holidays::{Holidays, sets};
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::catalogue::{CatalogueFilters, read_catalogue};
use crate::http::paging::{Page, Paging};
use crate::http::{Answer, Body, Call, Query};
use crate::problem::{FieldCode, FieldError, Problem, Result};
use crate::tickets::clock::{Calendar as Counted, OutOfReach};
use crate::tickets::model::Criticality;

/// The hours during which attention time counts.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = calendars)]
pub struct Calendar {
    /// Identifier of the calendar.
    id: Uuid,
    /// The name. Names are unique, ignoring accents and case.
    #[schema(max_length = 200, example = "Horario de oficina")]
    name: String,
    /// An OpenStreetMap `opening_hours` expression in the entity's time zone; `PH` are the public holidays of
    /// `GET /holidays`. A time span belongs to the day on which it begins, even if it ends after midnight.
    #[schema(max_length = 500, example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off")]
    opening_hours: String,
    /// Whether the calendar can be chosen for an attention time. An attention time keeps a calendar that is no longer
    /// active.
    active: bool,
    /// When the calendar was created.
    created_at: DateTime<Utc>,
    /// When the calendar was last changed.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
    #[serde(skip)]
    name_key: String,
}

impl Calendar {
    fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}

/// A calendar to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarCreate {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Horario de oficina")]
    name: String,
    /// An OpenStreetMap `opening_hours` expression with exact hours and some open time from now on, in the entity's
    /// time zone. For the accepted expressions see `POST /calendars`.
    #[schema(
        format = "opening-hours",
        min_length = 1,
        max_length = 500,
        example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off"
    )]
    opening_hours: String,
}

/// The fields of a calendar that can be changed.
#[derive(Serialize, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = calendars)]
#[serde(deny_unknown_fields)]
pub struct CalendarProfile {
    /// The name. It must be unique, ignoring accents and case.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Horario de oficina")]
    name: String,
    /// An OpenStreetMap `opening_hours` expression with exact hours and some open time from now on, in the entity's
    /// time zone. For the accepted expressions see `POST /calendars`.
    #[schema(
        format = "opening-hours",
        min_length = 1,
        max_length = 500,
        example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off"
    )]
    opening_hours: String,
    /// Whether the calendar can be chosen for an attention time. An attention time keeps a calendar that is no longer
    /// active.
    active: bool,
}

/// List calendars
///
/// In the order of the names. A calendar defines the hours during which attention time counts.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "calendars", operation_id = "listCalendars", params(Paging, CatalogueFilters),
    responses((status = 200, body = Page<Calendar>, description = "One page of the calendars"))
)]
#[get("/calendars")]
pub async fn list(call: Call, query: Query<CatalogueFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let (items, total): (Vec<Calendar>, _) =
            read_catalogue!(db, paging, filters, calendars, calendars::table, Calendar::as_select());
        paging.answer(filters.sort(), items, total, |calendar| (calendar.name_key.clone(), calendar.id))
    })
    .await
}

/// Read a calendar
///
/// With its opening hours in the `opening_hours` notation of OpenStreetMap.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "calendars", operation_id = "getCalendar", params(("calendar_id" = Uuid, Path, description = "Identifier of the calendar.")),
    responses((status = 200, body = Calendar, description = "The calendar"))
)]
#[get("/calendars/{calendar_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| calendars::table.find(*id).select(Calendar::as_select()).get_result(db)?.answer())
        .await
}

/// Create a calendar
///
/// It has no effect until an attention time refers to it.
///
/// `opening_hours` may have up to 50 rules: weekdays, `PH` with or without an offset, dates, months, years, ISO weeks
/// and dates relative to Easter, with times that may extend past midnight, and `open` or `off` with a comment. A rule
/// after `;` replaces the hours that begin on its days; one after `,` adds to them. An expression that cannot be
/// evaluated exactly is rejected with `not_supported`, and `detail` names the part: sun times, open ends (`08:00+`),
/// repetitions, `||`, `unknown`, `SH`, comments without `open` or `off`, `PH Mo-Fr` with a space, dates moved to a
/// weekday.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "calendars", operation_id = "createCalendar", request_body = CalendarCreate,
    responses(
        (status = 201, body = Calendar, description = "The new calendar"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[post("/calendars")]
pub async fn create(call: Call, body: Body<CalendarCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let holidays = sets::current(tx)?;
        let new = body.read_with(|value| Ok(faults(value, actor.timezone, &holidays, actor.now)))?;
        let calendar: Calendar = diesel::insert_into(calendars::table)
            .values((
                calendars::id.eq(Uuid::now_v7()),
                calendars::name.eq(new.name),
                calendars::opening_hours.eq(new.opening_hours),
                calendars::created_at.eq(actor.now),
                calendars::updated_at.eq(actor.now),
            ))
            .returning(Calendar::as_returning())
            .get_result(tx)?;
        let location = format!("/api/v1/calendars/{}", calendar.id);
        Ok(Answer::created(location, &calendar)?.version(calendar.id, calendar.version))
    })
    .await
}

/// Change a calendar
///
/// New hours apply to tickets received from then on. Existing due times do not change: see
/// `POST /attention-times/application`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "calendars", operation_id = "updateCalendar", params(("calendar_id" = Uuid, Path, description = "Identifier of the calendar.")),
    request_body(content = CalendarProfile, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Calendar, description = "The calendar after the change"),
        (status = 409, description = "`already_exists`: the name is in use"),
    )
)]
#[patch("/calendars/{calendar_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<CalendarProfile>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        policies::lock(tx)?;
        let calendar =
            calendars::table.find(*id).select(Calendar::as_select()).for_update().get_result(tx)?;
        let holidays = sets::current(tx)?;
        let hours_before = calendar.opening_hours.clone();
        let current = CalendarProfile {
            name: calendar.name,
            opening_hours: calendar.opening_hours,
            active: calendar.active,
        };
        // Hours that have expired in the meantime do not prevent a change of the name.
        let (profile, changes) = body.merge_with(&current, |value| {
            let kept = value["opening_hours"] == *hours_before;
            if kept { Vec::new() } else { faults(value, actor.timezone, &holidays, actor.now) }
        })?;
        let mut touched = Vec::new();
        if profile.opening_hours != hours_before {
            let hours = Counted::parse_open(&profile.opening_hours, actor.timezone, &holidays, actor.now)
                .map_err(|unusable| Problem::field(unusable.at("/opening_hours")))?;
            let times: Vec<(Criticality, i32)> = attention_times::table
                .filter(attention_times::calendar_id.eq(calendar.id))
                .select((attention_times::criticality, attention_times::minutes))
                .load(tx)?;
            let longest = times.iter().map(|(_, minutes)| *minutes).max().unwrap_or_default();
            if hours.due(actor.now, longest, &[]).is_err() {
                return Err(Problem::field(FieldError::new(
                    "/opening_hours",
                    FieldCode::OutOfRange,
                    OutOfReach::text(),
                )));
            }
            touched.extend(times.into_iter().map(|(criticality, _)| criticality));
        }
        actor.check_version(calendar.id, calendar.version)?;
        let calendar: Calendar = diesel::update(calendars::table.find(calendar.id))
            .set((profile, changes.then(|| next_version!(calendars, calendar.version, actor))))
            .returning(Calendar::as_returning())
            .get_result(tx)?;
        if !touched.is_empty() {
            policies::append(tx, &touched, actor.now)?;
        }
        calendar.answer()
    })
    .await
}

/// The errors of the opening hours; a calendar must have some open time from now on.
fn faults(calendar: &Value, timezone: Tz, holidays: &Holidays, now: DateTime<Utc>) -> Vec<FieldError> {
    let Some(hours) = calendar["opening_hours"].as_str() else { return Vec::new() };
    let unusable = Counted::parse_open(hours, timezone, holidays, now).err();
    unusable.map(|unusable| unusable.at("/opening_hours")).into_iter().collect()
}
