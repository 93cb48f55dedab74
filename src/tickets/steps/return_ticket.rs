//! Returning a case to the support level below.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::escalations;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;

/// A return to the support level below.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnCreate {
    /// Why the level below can attend to it; for staff, the requester does not see it.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Se configuró la red; falta instalar la impresora."
    )]
    reason: String,
}

/// Return a ticket
///
/// Allowed for a ticket of level 2 or 3 that is `escalated`, `assigned` or `in_progress`.
/// Returns it to the support level below, where it waits as `escalated` for its assignment; it has no assignee and no
/// appointment until then. A new attention clock starts for that level, with the attention time and the calendar in
/// force at the reception of the ticket; the clocks until then stay as they are. The requester and the active staff of
/// that level are notified, the requester without the reason. The return is listed with the escalations of the ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Return))),
    tag = "ticket steps", operation_id = "returnTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = ReturnCreate,
    responses(
        (status = 200, body = Ticket, description = "The ticket after the step"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `no_lower_level`: the ticket is at level 1; `no_due_time`: the calendar is not open for long enough"),
    )
)]
#[post("/tickets/{ticket_id}/return")]
pub async fn return_ticket(call: Call, id: Path<i64>, body: Body<ReturnCreate>) -> Result<HttpResponse> {
    take(call, *id, (Step::Return, EventKind::Returned), body, |case, actor, ReturnCreate { reason }| {
        escalations::lower(case, reason, actor.id)?;
        Ok(Reply::Ticket)
    })
    .await
}
