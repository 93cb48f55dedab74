//! The list of improvement actions: the plan.

use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{ActionKind, ActionStatus, Found as Row, ImprovementAction, actions, form, found};
use crate::auth::policy::Action;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{Found, serve, whole_list};
use crate::http::body::Content;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Call, Query};
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
/// The plan (FO-EM-15 Plan de Mejoramiento), the latest first. With a `format` other than `json`, the whole list as one
/// document with the latest followup of each action, whatever `limit` and `cursor` are: up to 200 actions, otherwise a 400.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "improvement actions", operation_id = "listImprovementActions", params(Paging, ImprovementActionFilters, FormatQuery),
    responses((status = 200, description = "One page of the improvement actions", content(
        (Page<ImprovementAction> = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/improvement-actions")]
pub async fn list(
    call: Call,
    query: Query<ImprovementActionFilters>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let load = move |db: &mut PgConnection, actor: &Actor, accept: &str| {
        let (paging, format, filters): (_, FormatQuery, ImprovementActionFilters) =
            query.read_list_apart("format")?;
        let format = format.or_accepted(accept);
        let paging = if format == ReportFormat::Json { paging } else { whole_list() };
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
                let (rows, total): (Vec<Row>, _) = read_page!(
                    db,
                    paging,
                    sort.as_str(),
                    filtered,
                    (actions::$column as $key, actions::id as Uuid),
                    found!()
                );
                let items = ImprovementAction::present(db, rows, day)?;
                match format {
                    ReportFormat::Json => paging
                        .answer(sort.as_str(), items, total, |action| (action.$column, action.id))
                        .map(Found::Json),
                    format => Found::all(format, form::plan(db, items)?),
                }
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
    };
    serve(call, request, form::KIND, load, form::table).await
}
