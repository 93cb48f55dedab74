//! The list of risks.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::level::RiskLevel;
use super::{Found, Risk, RiskStatus, RiskTreatment, found, risks};
use crate::auth::policy::Action;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Call, Query};
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
/// Drafts and closed ones included, the latest first.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "risks", operation_id = "listRisks", params(Paging, RiskFilters),
    responses((status = 200, body = Page<Risk>, description = "One page of the risks"))
)]
#[get("/risks")]
pub async fn list(call: Call, query: Query<RiskFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
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
                let (rows, total): (Vec<Found>, _) = read_page!(
                    db,
                    paging,
                    sort.as_str(),
                    filtered,
                    (risks::$column as $key, risks::id as Uuid),
                    found!()
                );
                paging.answer(sort.as_str(), Risk::present(db, rows)?, total, |risk| (risk.$column, risk.id))
            }};
        }
        match sort {
            RiskSort::CreatedDescending | RiskSort::CreatedAscending => page!(created_at, DateTime<Utc>),
            RiskSort::ReviewAscending | RiskSort::ReviewDescending => page!(review_on, NaiveDate),
        }
    })
    .await
}
