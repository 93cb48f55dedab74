//! The surveys of all tickets.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Row, Survey, SurveyStatus, present};
use crate::auth::policy::{Action, Scope};
use crate::db::schema::surveys;
use crate::http::paging::{Page, Paging, seek};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::problem::{Problem, Result};

text_enum! {
    /// The order of a list by time of creation.
    pub enum CreatedSort {
        Descending = "-created_at",
        Ascending = "created_at",
    }
}

/// Filters for the list of surveys.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SurveyFilters {
    status: Option<SurveyStatus>,
    /// `-created_at` (the default) or `created_at`.
    #[param(inline)]
    sort: Option<CreatedSort>,
}

/// List surveys
///
/// The answers of individual people; technicians read totals in the statistics instead.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadSurveyAnswers))),
    tag = "surveys", operation_id = "listSurveys", params(Paging, SurveyFilters),
    responses((status = 200, body = Page<Survey>))
)]
#[get("/surveys")]
pub async fn list(call: Call, query: Query<SurveyFilters>) -> Result<HttpResponse> {
    call.read(Action::ReadSurveyAnswers, |db, actor| {
        if actor.scope != Scope::Any {
            return Err(Problem::forbidden());
        }
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(CreatedSort::Descending);
        let after = paging.after::<CreatedSort, DateTime<Utc>, Uuid>(sort)?;
        let filtered = || {
            let mut query = surveys::table.into_boxed();
            if let Some(status) = filters.status {
                query = query.filter(surveys::status.eq(status));
            }
            query
        };
        let total = if paging.with_total { Some(filtered().count().get_result(db)?) } else { None };
        let query = match sort {
            CreatedSort::Descending => seek!(filtered(), after, surveys::created_at, surveys::id, desc),
            CreatedSort::Ascending => seek!(filtered(), after, surveys::created_at, surveys::id, asc),
        };
        let rows = query.select(Row::as_select()).limit(paging.rows()).load(db)?;
        let items = present(db, rows)?;
        paging.answer(sort, items, total, |survey| (survey.created_at, survey.id))
    })
    .await
}
