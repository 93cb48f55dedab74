//! The due time for a number of minutes on a calendar.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::policies::kept_calendar;
use super::reckonings::{Question, Reckoning};
use crate::auth::policy::Action;
use crate::db::schema::calendars;
use crate::holidays::sets;
use crate::http::query::invalid;
use crate::http::{Answer, Call, Query};
use crate::problem::Result;
use crate::tickets::clock::OutOfReach;

/// The input of the computation.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// When the clock starts, such as `2026-11-23T14:00:00Z`; now if omitted.
    #[serde(rename = "starts_at")]
    from: Option<DateTime<Utc>>,
    /// Number of minutes to count.
    #[param(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
}

/// Calculate a due time on a calendar
///
/// The moment at which `within_minutes` have counted on the calendar since `starts_at`, and the stretches of time
/// that counted. It is computed with the current opening hours and public holidays.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs)), ("x-mesa-unversioned" = json!(true))),
    tag = "calendars", operation_id = "getCalendarDueTime", params(("calendar_id" = Uuid, Path, description = "Identifier of the calendar."), Trial),
    responses((status = 200, body = Reckoning, description = "The due time, and the stretches of time that lead to it"))
)]
#[get("/calendars/{calendar_id}/due")]
pub async fn due(call: Call, id: Path<Uuid>, query: Query<Trial>) -> Result<HttpResponse> {
    let timezone = call.desk.config.timezone;
    call.read(move |db, actor| {
        let opening_hours: String =
            calendars::table.find(*id).select(calendars::opening_hours).get_result(db)?;
        let trial = query.read()?;
        let calendar = kept_calendar(&opening_hours, timezone, &sets::current(db)?)?;
        let question = Question {
            from: trial.from.unwrap_or(actor.now),
            minutes: trial.minutes,
            opening_hours,
            timezone,
            pauses: &[],
        };
        let reckoning = question
            .answer(&calendar, |stretch| stretch.counted)
            .map_err(|_| invalid("within_minutes", OutOfReach::text()))?;
        Answer::ok(&reckoning)
    })
    .await
}
