//! The list of risks.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::level::RiskLevel;
use super::{Found as Row, Risk, RiskStatus, RiskTreatment, form, found, risks};
use crate::auth::policy::Action;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{Found, serve, whole_list};
use crate::http::body::Content;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Call, Query};
use crate::improvement::origin::origin_columns;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a list of risks.
    pub enum RiskSort {
        CreatedDescending = "-created_at",
        CreatedAscending = "created_at",
        ReviewAscending = "review_on",
        ReviewDescending = "-review_on",
    }
}

/// The filters of the list of risks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RiskFilters {
    /// Risks in this state. Repeat it to include several states.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<RiskStatus>,
    /// Risks of this level without controls (riesgo inherente). Repeat it to include several levels.
    #[serde(default)]
    #[param(required = false)]
    #[serde(rename = "risk_level")]
    level: Vec<RiskLevel>,
    /// Risks with this treatment. Repeat it to include several treatments.
    #[serde(default)]
    #[param(required = false)]
    treatment: Vec<RiskTreatment>,
    /// Risks for which this user is responsible. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    owner_id: Vec<Uuid>,
    /// Risks whose next review is on this day or before.
    review_through_date: Option<NaiveDate>,
    /// `-created_at` (the default), `created_at`, `review_on` or `-review_on`.
    #[param(inline)]
    sort: Option<RiskSort>,
}

/// List risks
///
/// Drafts and closed ones included, the latest first. With a `format` other than `json`, the whole list as one document
/// (FO-DE-11 Matriz de Riesgos), whatever `limit` and `cursor` are: up to 200 risks, otherwise a 400.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "risks", operation_id = "listRisks", params(Paging, RiskFilters, FormatQuery),
    responses((status = 200, description = "One page of the risks", content(
        (Page<Risk> = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/risks")]
pub async fn list(call: Call, query: Query<RiskFilters>, request: HttpRequest) -> Result<HttpResponse> {
    let load = |db: &mut PgConnection, _: &Actor, accept: &str| {
        let (paging, format, filters): (_, FormatQuery, RiskFilters) = query.read_list_apart("format")?;
        let format = format.or_accepted(accept);
        let paging = if format == ReportFormat::Json { paging } else { whole_list() };
        let sort = filters.sort.unwrap_or(RiskSort::CreatedDescending);
        let filtered = || {
            let mut query = risks::table.into_boxed();
            if !filters.status.is_empty() {
                query = query.filter(risks::status.eq_any(&filters.status));
            }
            if !filters.level.is_empty() {
                query = query.filter(risks::level.eq_any(&filters.level));
            }
            if !filters.treatment.is_empty() {
                query = query.filter(risks::treatment.eq_any(&filters.treatment));
            }
            query = among!(query, risks::owner_id, filters.owner_id);
            if let Some(day) = filters.review_through_date {
                query = query.filter(risks::review_on.le(day));
            }
            query
        };
        macro_rules! page {
            ($column:ident, $key:ty) => {{
                let (rows, total): (Vec<Row>, _) = read_page!(
                    db,
                    paging,
                    sort.as_str(),
                    filtered,
                    (risks::$column as $key, risks::id as Uuid),
                    found!()
                );
                let items = Risk::present(db, rows)?;
                match format {
                    ReportFormat::Json => paging
                        .answer(sort.as_str(), items, total, |risk| (risk.$column, risk.id))
                        .map(Found::Json),
                    format => Found::all(format, items),
                }
            }};
        }
        match sort {
            RiskSort::CreatedDescending | RiskSort::CreatedAscending => page!(created_at, DateTime<Utc>),
            RiskSort::ReviewAscending | RiskSort::ReviewDescending => page!(review_on, NaiveDate),
        }
    };
    serve(call, request, form::KIND, load, form::table).await
}
