//! What became of the operations of a job.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::job::Row;
use crate::db::schema::job_operations as rows;
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Call, Query};
use crate::problem::{Problem, ProblemDocument, Result};

/// What became of an operation of a job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobResult {
    /// The place of the operation in the request, from 0.
    #[schema(minimum = 0, example = 0)]
    position: i32,
    #[serde(flatten)]
    kept: KeptResult,
}

/// What is kept of the result of an operation: no data of a ticket.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct KeptResult {
    /// The HTTP status code that a request of its own would have.
    #[schema(minimum = 200, maximum = 499, example = 201)]
    pub status: u16,
    /// The `ETag` of the ticket or of what was created; `null` if the operation was not carried out.
    #[schema(max_length = 200)]
    pub etag: Option<String>,
    /// The path of what was created; `null` if nothing was.
    #[schema(max_length = 200, example = "/api/v1/tickets/123")]
    pub location: Option<String>,
    /// Why the operation was not carried out; `null` if it was.
    #[schema(value_type = Option<ProblemDocument>)]
    pub problem: Option<Value>,
}

/// List the results of a job
///
/// One for each operation that was carried out or refused, in the order of the operations; while the job runs, those that
/// it has done.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(super::ACTIONS))),
    tag = "jobs", operation_id = "listJobResults",
    params(("job_id" = Uuid, Path, description = "Identifier of the job."), Paging),
    responses((status = 200, body = Page<JobResult>, description = "One page of the results"))
)]
#[get("/jobs/{job_id}/results")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        const SORT: &str = "position";
        let (paging, _) = query.read_list()?;
        let job = Row::find(db, actor, *id)?;
        let filtered =
            || rows::table.filter(rows::job_id.eq(job.id)).filter(rows::result.is_not_null()).into_boxed();
        let (found, total): (Vec<(i32, Option<Value>)>, _) = read_page!(
            db,
            paging,
            SORT,
            filtered,
            (rows::position as i32, rows::job_id as Uuid),
            (rows::position, rows::result)
        );
        let mut items = Vec::with_capacity(found.len());
        for (position, result) in found {
            let kept = serde_json::from_value(result.unwrap_or_default()).map_err(Problem::internal)?;
            items.push(JobResult { position, kept });
        }
        paging.answer(SORT, items, total, |one| (one.position, job.id))
    })
    .await
}
