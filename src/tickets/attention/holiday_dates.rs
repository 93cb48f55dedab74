//! The public holidays of one year, by date.

use actix_web::{HttpResponse, get};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::policy::Action;
use crate::holidays::sets;
use crate::http::paging::Page;
use crate::http::{Call, Query};
use crate::problem::Result;

/// A date that is a public holiday.
#[derive(Serialize, ToSchema)]
pub struct HolidayDate {
    /// The date.
    #[schema(example = "2026-07-13")]
    date: NaiveDate,
    /// The name of the public holiday.
    #[schema(max_length = 200, example = "Virgen de Chiquinquirá")]
    name: String,
}

/// The year of the dates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HolidayYear {
    /// The calendar year of the dates; the entity's current year if omitted.
    #[param(minimum = 1900, maximum = 9999)]
    year: Option<i32>,
}

/// List the dates of the holidays
///
/// For one calendar year, by the holidays in force now, in the order of the dates; two can fall on one date. All of them, at most 1000, are
/// on one page.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadCatalogs))),
    tag = "holidays", operation_id = "listHolidayDates", params(HolidayYear),
    responses((status = 200, body = Page<HolidayDate>, description = "The dates of the public holidays"))
)]
#[get("/holiday-dates")]
pub async fn list(call: Call, query: Query<HolidayYear>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let year = query.read()?.year.unwrap_or_else(|| actor.now.with_timezone(&actor.timezone).year());
        let holidays = sets::current(db)?;
        let dates = holidays.of_year(year).into_iter();
        let items = dates.map(|(date, rule)| HolidayDate { date, name: rule.name.clone() }).collect();
        Page::whole(items)
    })
    .await
}
