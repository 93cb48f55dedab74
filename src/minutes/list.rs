//! The list of minutes.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Minutes, MinutesStatus, Row, form};
use crate::auth::policy::Action;
use crate::db::schema::{minutes, minutes_decisions};
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{Found, serve, whole_list};
use crate::http::body::Content;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a list of minutes.
    pub enum MinutesSort {
        HeldDescending = "-held_on",
        HeldAscending = "held_on",
    }
}

/// The filters of the list of minutes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MinutesFilters {
    /// Minutes of meetings in this year; of all years if omitted.
    #[param(minimum = 2000, maximum = 9998)]
    year: Option<i16>,
    /// Minutes in this state; in any state if omitted. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<MinutesStatus>,
    /// Minutes with a decision for which this person is responsible.
    owner_id: Option<Uuid>,
    /// `-held_on` (the default) or `held_on`.
    #[param(inline)]
    sort: Option<MinutesSort>,
}

/// List minutes
///
/// Those of the Comité Primario (FO-DE-01 Acta), the latest meeting first. With a `format` other than `json`, the whole list
/// as one document, whatever `limit` and `cursor` are: up to 200 minutes, otherwise a 400.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "meeting minutes", operation_id = "listMeetingMinutes", params(Paging, MinutesFilters, FormatQuery),
    responses((status = 200, description = "One page of the minutes", content(
        (Page<Minutes> = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/meeting-minutes")]
pub async fn list(call: Call, query: Query<MinutesFilters>, request: HttpRequest) -> Result<HttpResponse> {
    let load = |db: &mut PgConnection, _: &Actor, accept: &str| {
        let (paging, format, filters): (_, FormatQuery, MinutesFilters) = query.read_list_apart("format")?;
        let format = format.or_accepted(accept);
        let paging = if format == ReportFormat::Json { paging } else { whole_list() };
        let sort = filters.sort.unwrap_or(MinutesSort::HeldDescending).as_str();
        let filtered = || {
            let mut query = minutes::table.into_boxed();
            if let Some(year) = filters.year {
                query = query.filter(minutes::year.eq(year));
            }
            query = among!(query, minutes::status, filters.status);
            if let Some(owner_id) = filters.owner_id {
                let theirs = minutes_decisions::table
                    .filter(minutes_decisions::owner_id.eq(owner_id))
                    .select(minutes_decisions::minutes_id);
                query = query.filter(minutes::id.eq_any(theirs));
            }
            query
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (minutes::held_on as NaiveDate, minutes::id as Uuid),
            Row::as_select()
        );
        let items = Minutes::present(db, rows)?;
        match format {
            ReportFormat::Json => {
                paging.answer(sort, items, total, |one| (one.held_on, one.id)).map(Found::Json)
            }
            format => Found::all(format, items),
        }
    };
    serve(call, request, form::KIND, load, form::document).await
}
