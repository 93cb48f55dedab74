//! Reopen a solved case.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Case, Reply, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Body, Call};
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Step, TicketStatus};

/// The reason of a reopening.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopeningCreate {
    /// Why the solution was not effective; it is sent to the assignee.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "Volvió a atascarse.")]
    reason: Option<String>,
}

/// Reopen a solved ticket
///
/// It returns to the person who solved it. The previous solution stays in the history.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Reopen))),
    tag = "ticket steps", operation_id = "reopenTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<ReopeningCreate>),
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/reopening")]
pub async fn reopen(call: Call, id: Path<i64>, body: Body<ReopeningCreate>) -> Result<HttpResponse> {
    let step = (Step::Reopen, EventKind::Reopened);
    take(call, *id, step, body, |case, _, ReopeningCreate { reason }| {
        apply(case, reason);
        Ok(Reply::Ticket)
    })
    .await
}

/// Returns a solved ticket to work and notifies its assignee and its requester.
pub fn apply(case: &mut Case<'_>, reason: Option<String>) {
    let ticket = &mut case.ticket;
    ticket.status = TicketStatus::InProgress;
    ticket.solution = None;
    ticket.solved_at = None;
    ticket.solved_by_id = None;
    ticket.reopened_count += 1;
    let by_requester = case.actor_id == Some(ticket.requester_id);
    if let Some(assignee) = ticket.assignee_id {
        let data = json!({"reason": reason, "by_requester": by_requester});
        case.notify(MessageKind::Reopened, assignee, data);
    }
    case.details.reason = reason;
    case.notify_requester(MessageKind::Reopened);
}
