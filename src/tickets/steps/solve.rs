//! Activity 7: record the solution.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::surveys;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSolution)]
pub struct NewSolution {
    /// What solved it, in words for the requester.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Se cambió el puerto del switch."
    )]
    description: String,
}

/// Solve a ticket
///
/// Only the assignee can. The requester is told and asked to answer the survey; the ticket closes by itself after
/// some days unless they reopen it.
#[utoipa::path(
    tag = "steps", operation_id = "solveTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = NewSolution,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/solution")]
pub async fn solve(call: Call, id: Path<i64>, body: Body<NewSolution>) -> Result<HttpResponse> {
    let step = (Action::Solve, Step::Solve, "solved");
    take(call, *id, step, body, |case, actor, NewSolution { description }| {
        let ticket = &mut case.ticket;
        ticket.status = Status::Solved;
        ticket.solution = Some(description);
        ticket.solved_at = Some(case.now);
        ticket.solved_by_id = Some(actor.id);
        surveys::offer(case.tx, ticket.id, ticket.requester_id, case.now)?;
        case.tell_requester("solved");
        Ok(Reply::Ticket)
    })
    .await
}
