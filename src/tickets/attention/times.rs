//! The attention times of the procedure, stored as data: a number of minutes on a calendar.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::policies::{self, kept_calendar};
use crate::auth::policy::Action;
use crate::db::schema::{attention_times, calendars};
use crate::holidays::sets;
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::paging::Page;
use crate::http::{Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result};
use crate::tickets::clock::OutOfReach;
use crate::tickets::model::Criticality;

/// The maximum time from the reception of a ticket of this criticality until its acceptance.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = attention_times)]
pub struct AttentionTime {
    /// The criticality that the attention time applies to.
    criticality: Criticality,
    /// The attention time in minutes, counted on the calendar.
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
    /// The calendar on which the minutes count.
    #[diesel(embed)]
    calendar: TimesCalendar,
    /// When the attention time was last changed.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The calendar on which an attention time is counted.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = calendars)]
#[schema(as = AttentionTimeCalendar)]
pub struct TimesCalendar {
    /// Identifier of the calendar.
    id: Uuid,
    /// The name of the calendar.
    #[schema(max_length = 200, example = "Horario de oficina")]
    name: String,
    /// The opening hours during which the minutes count, as an OpenStreetMap `opening_hours` expression.
    #[schema(max_length = 500, example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off")]
    opening_hours: String,
    #[serde(skip)]
    active: bool,
}

/// The fields of an attention time that can be changed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttentionTimeProfile {
    /// The attention time in minutes, counted on the calendar.
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
    /// Identifier of the calendar on which the minutes count. A new one must be active.
    calendar_id: Uuid,
}

/// List the attention times
///
/// The attention time of each criticality, and its calendar; the shortest first. All of them are on one page.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "attention times", operation_id = "listAttentionTimes",
    responses(
        (status = 200, body = Page<AttentionTime>, description = "The attention times"),
    )
)]
#[get("/attention-times")]
pub async fn list(call: Call) -> Result<HttpResponse> {
    call.read(|db, _| {
        let items = attention_times::table
            .inner_join(calendars::table)
            .order((attention_times::minutes, attention_times::criticality))
            .select(AttentionTime::as_select())
            .load(db)?;
        Page::whole(items)
    })
    .await
}

/// Read an attention time
///
/// The attention time of one criticality and its calendar.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "attention times", operation_id = "getAttentionTime", params(("criticality" = Criticality, Path, description = "The criticality that the attention time applies to.")),
    responses((status = 200, body = AttentionTime, description = "The attention time"))
)]
#[get("/attention-times/{criticality}")]
pub async fn read(criticality: Path<Criticality>, call: Call) -> Result<HttpResponse> {
    call.read(move |db, _| find(db, *criticality)?.answer()).await
}

/// Change an attention time
///
/// It applies to tickets received from then on, regardless of when they are classified or escalated. Existing due
/// times do not change: see `POST /attention-times/application`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage))),
    tag = "attention times", operation_id = "updateAttentionTime", params(("criticality" = Criticality, Path, description = "The criticality that the attention time applies to.")),
    request_body(content = AttentionTimeProfile, content_type = "application/merge-patch+json"),
    responses((status = 200, body = AttentionTime, description = "The attention time after the change"))
)]
#[patch("/attention-times/{criticality}")]
pub async fn change(
    // Read before the caller is authenticated: a path of another operation never matches this one.
    criticality: Path<Criticality>,
    call: Call,
    body: Body<Patch<AttentionTimeProfile>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        policies::lock(tx)?;
        let time = find(tx, *criticality)?;
        let (profile, changes) =
            body.merge(&AttentionTimeProfile { minutes: time.minutes, calendar_id: time.calendar.id })?;
        if changes {
            let calendar: TimesCalendar = calendars::table
                .find(profile.calendar_id)
                .select(TimesCalendar::as_select())
                .get_result(tx)
                .optional()?
                .filter(|calendar: &TimesCalendar| calendar.active || calendar.id == time.calendar.id)
                .ok_or_else(|| Problem::field(FieldError::unknown_id("/calendar_id")))?;
            let hours = kept_calendar(&calendar.opening_hours, actor.timezone, &sets::current(tx)?)?;
            if hours.due(actor.now, profile.minutes, &[]).is_err() {
                return Err(Problem::field(FieldError::new(
                    "/within_minutes",
                    FieldCode::OutOfRange,
                    OutOfReach::text(),
                )));
            }
        }
        actor.check_version(time.criticality.as_str(), time.version)?;
        if !changes {
            return time.answer();
        }
        diesel::update(attention_times::table.find(*criticality))
            .set((
                attention_times::minutes.eq(profile.minutes),
                attention_times::calendar_id.eq(profile.calendar_id),
                next_version!(attention_times, time.version, actor),
            ))
            .execute(tx)?;
        policies::append(tx, &[*criticality], actor.now)?;
        find(tx, *criticality)?.answer()
    })
    .await
}

impl AttentionTime {
    fn answer(&self) -> Result<Answer> {
        Ok(Answer::ok(self)?.version(self.criticality.as_str(), self.version))
    }
}

fn find(db: &mut PgConnection, criticality: Criticality) -> Result<AttentionTime> {
    let found = attention_times::table
        .inner_join(calendars::table)
        .filter(attention_times::criticality.eq(criticality));
    Ok(found.select(AttentionTime::as_select()).first(db)?)
}
