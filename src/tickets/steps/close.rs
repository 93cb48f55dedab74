//! Closing a case that was solved.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Step, TicketStatus};

/// Close a solved ticket
///
/// By the requester or by staff. A solved ticket that nobody reopens is closed automatically after the configured number
/// of days.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Close))),
    tag = "ticket steps", operation_id = "closeTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<EmptyBody>),
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/closure")]
pub async fn close(call: Call, id: Path<i64>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<EmptyBody>,
) -> Result<Answer> {
    take(tx, actor, id, (Step::Close, EventKind::Closed), body, |case, _, _| {
        case.ticket.status = TicketStatus::Closed;
        case.ticket.closed_at = Some(case.now);
        case.notify_requester(MessageKind::Closed);
        Ok(Reply::Ticket)
    })
}
