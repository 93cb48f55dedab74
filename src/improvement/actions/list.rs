//! The list of improvement actions: the plan.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{ActionKind, ActionStatus, Found, ImprovementAction, actions, found};
use crate::auth::policy::Action;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Call, Query};
use crate::improvement::origin::origin_columns;
use crate::improvement::today;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a list of improvement actions.
    pub enum ImprovementActionSort {
        CreatedDescending = "-created_at",
        CreatedAscending = "created_at",
        DueAscending = "due_on",
        DueDescending = "-due_on",
    }
}

/// The filters of the list of improvement actions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImprovementActionFilters {
    /// Actions in this state. Repeat it to include several states.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<ActionStatus>,
    /// Actions of this kind. Repeat it to include several kinds.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<ActionKind>,
    /// Actions that this user has to carry out. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    owner_id: Vec<Uuid>,
    /// Actions whose origin is this risk. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    risk_id: Vec<Uuid>,
    /// Actions whose origin is this measurement. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    measurement_id: Vec<Uuid>,
    /// Actions whose origin is these minutes. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    minutes_id: Vec<Uuid>,
    /// `true`: only actions that are `open` although `due_on` has passed; `false`: only the others; all if omitted.
    overdue: Option<bool>,
    /// `-created_at` (the default), `created_at`, `due_on` or `-due_on`.
    #[param(inline)]
    sort: Option<ImprovementActionSort>,
}

/// List improvement actions
///
/// The plan (FO-EM-15 Plan de Mejoramiento), the latest first.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "improvement actions", operation_id = "listImprovementActions", params(Paging, ImprovementActionFilters),
    responses((status = 200, body = Page<ImprovementAction>, description = "One page of the improvement actions"))
)]
#[get("/improvement-actions")]
pub async fn list(call: Call, query: Query<ImprovementActionFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (paging, filters) = query.read_list()?;
        let (day, sort) = (today(actor), filters.sort.unwrap_or(ImprovementActionSort::CreatedDescending));
        let filtered = || {
            let mut query = actions::table.into_boxed();
            if !filters.status.is_empty() {
                query = query.filter(actions::status.eq_any(&filters.status));
            }
            if !filters.kind.is_empty() {
                query = query.filter(actions::kind.eq_any(&filters.kind));
            }
            query = among!(query, actions::owner_id, filters.owner_id);
            query = among!(query, actions::origin_risk_id, filters.risk_id);
            query = among!(query, actions::origin_measurement_id, filters.measurement_id);
            query = among!(query, actions::origin_minutes_id, filters.minutes_id);
            match filters.overdue {
                Some(true) => {
                    query.filter(actions::status.eq(ActionStatus::Open).and(actions::due_on.lt(day)))
                }
                Some(false) => {
                    query.filter(actions::status.ne(ActionStatus::Open).or(actions::due_on.ge(day)))
                }
                None => query,
            }
        };
        macro_rules! page {
            ($column:ident, $key:ty) => {{
                let (rows, total): (Vec<Found>, _) = read_page!(
                    db,
                    paging,
                    sort.as_str(),
                    filtered,
                    (actions::$column as $key, actions::id as Uuid),
                    found!()
                );
                paging.answer(sort.as_str(), ImprovementAction::present(db, rows, day)?, total, |action| {
                    (action.$column, action.id)
                })
            }};
        }
        match sort {
            ImprovementActionSort::CreatedDescending | ImprovementActionSort::CreatedAscending => {
                page!(created_at, DateTime<Utc>)
            }
            ImprovementActionSort::DueAscending | ImprovementActionSort::DueDescending => {
                page!(due_on, NaiveDate)
            }
        }
    })
    .await
}
