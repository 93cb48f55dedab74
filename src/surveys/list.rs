//! The surveys of all tickets: the list, and one by its id.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Row, Survey, SurveyStatus, present, present_one};
use crate::auth::policy::Action;
use crate::db::schema::surveys;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Answer, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;
use crate::tickets::store;

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
    /// Surveys in this state. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<SurveyStatus>,
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
    responses((status = 200, body = Page<Survey>, description = "One page of the surveys"))
)]
#[get("/surveys")]
pub async fn list(call: Call, query: Query<SurveyFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(CreatedSort::Descending).as_str();
        let filtered = || {
            let mut query = surveys::table.into_boxed();
            query = among!(query, surveys::status, filters.status);
            query
        };
        let (rows, total) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (surveys::created_at as DateTime<Utc>, surveys::id as Uuid),
            Row::as_select()
        );
        let items = present(db, rows)?;
        paging.answer(sort, items, total, |survey| (survey.created_at, survey.id))
    })
    .await
}

/// Read a survey
///
/// The requester reads those of their own tickets, another one is a 404; professionals and the director read all.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!([Action::AnswerSurvey, Action::ReadSurveyAnswers]))),
    tag = "surveys", operation_id = "getSurvey",
    params(("survey_id" = Uuid, Path, description = "Identifier of the survey.")),
    responses((status = 200, body = Survey, description = "The survey"))
)]
#[get("/surveys/{survey_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let row: Row = surveys::table.find(*id).select(Row::as_select()).get_result(db)?;
        store::visible(db, actor, row.ticket_id)?;
        let version = row.version();
        Ok(Answer::ok(&present_one(db, row)?)?.version(id, version))
    })
    .await
}
