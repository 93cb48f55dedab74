//! Ending a job before its end.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::job::{Job, JobState, Row};
use super::queue::KEPT;
use crate::db::schema::{job_operations, jobs};
use crate::http::body::EmptyBody;
use crate::http::{Body, Call};
use crate::problem::{Problem, Result};

/// Cancel a job
///
/// What it did remains: `GET /jobs/{job_id}/results` has the operations that were carried out. No other one is carried out
/// after this response. A job that was canceled before is returned as it is.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(super::ACTIONS))),
    tag = "jobs", operation_id = "cancelJob", request_body = Option<EmptyBody>,
    params(("job_id" = Uuid, Path, description = "Identifier of the job.")),
    responses(
        (status = 200, body = Job, description = "The canceled job"),
        (status = 409, description = "`wrong_state`: the job has ended"),
    )
)]
#[post("/jobs/{job_id}/cancellation")]
pub async fn cancel(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        // Waits for the operations that are being carried out.
        let own = jobs::table.find(*id).filter(jobs::owner_id.eq(actor.id));
        let row: Row = own.select(Row::as_select()).for_no_key_update().first(tx)?;
        body.read()?;
        actor.check_version(row.id, row.version())?;
        match row.state {
            JobState::Canceled => return row.answer(),
            JobState::Waiting | JobState::Running => {}
            ended => return Err(Problem::wrong_state(ended.as_str())),
        }
        let waiting = job_operations::table.filter(job_operations::job_id.eq(*id));
        diesel::delete(waiting.filter(job_operations::result.is_null())).execute(tx)?;
        let now = crate::db::now(tx)?;
        let canceled: Row = diesel::update(jobs::table.find(*id))
            .set((
                jobs::state.eq(JobState::Canceled),
                jobs::finished_at.eq(now),
                jobs::expires_at.eq(now + KEPT),
                jobs::locked_until.eq(None::<DateTime<Utc>>),
            ))
            .returning(Row::as_returning())
            .get_result(tx)?;
        canceled.answer()
    })
    .await
}
