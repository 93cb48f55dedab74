//! The jobs of the caller.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::job::{Job, JobKind, JobState, Row};
use crate::db::schema::jobs;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Call, Query};
use crate::problem::Result;

/// Which jobs to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobFilters {
    /// Only jobs in this state. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    state: Vec<JobState>,
    /// Only jobs of this kind. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<JobKind>,
}

/// List the caller's jobs
///
/// The newest first. A job is removed 72 hours after it ended.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(super::ACTIONS))),
    tag = "jobs", operation_id = "listJobs", params(Paging, JobFilters),
    responses((status = 200, body = Page<Job>, description = "One page of the jobs"))
)]
#[get("/jobs")]
pub async fn list(call: Call, query: Query<JobFilters>) -> Result<HttpResponse> {
    call.read(|db, actor| {
        const SORT: &str = "-created_at";
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let query = jobs::table.filter(jobs::owner_id.eq(actor.id)).into_boxed();
            among!(among!(query, jobs::state, filters.state), jobs::kind, filters.kind)
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            SORT,
            filtered,
            (jobs::created_at as DateTime<Utc>, jobs::id as Uuid),
            Row::as_select()
        );
        let items: Vec<Job> = rows.into_iter().map(Job::from).collect();
        paging.answer(SORT, items, total, |job| (job.created_at, job.id))
    })
    .await
}

/// Read a job
///
/// With its progress. Ask again every few seconds until `finished_at` is not `null`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(super::ACTIONS))),
    tag = "jobs", operation_id = "getJob", params(("job_id" = Uuid, Path, description = "Identifier of the job.")),
    responses((status = 200, body = Job, description = "The job"))
)]
#[get("/jobs/{job_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| Row::find(db, actor, *id)?.answer()).await
}
