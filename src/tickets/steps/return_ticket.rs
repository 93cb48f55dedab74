//! Returning a case to a lower support level, or from a third party.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::Result;
use crate::tickets::escalations;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;

/// A return to a lower support level, or from a third party.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnCreate {
    /// The support level to which it returns: any below the current one; the current one too if a third party works on the
    /// ticket, which then returns to its assignee. If omitted, the level below; at level 1, from the third party.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    to_level: Option<i16>,
    /// Why that level can attend to it; for staff, the requester does not see it.
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
/// Allowed for a ticket of level 2 or 3, or on which a third party works, that is `escalated`, `assigned` or `in_progress`.
/// Returns it to a lower support level, where it waits as `escalated` for its assignment; it has no assignee and no
/// appointment until then. A new attention clock starts for that level, with the attention time and the calendar in
/// force at the reception of the ticket; the clocks until then stay as they are. The requester is notified without the
/// reason, and the staff of that level who are on shift or on call, or otherwise who come on next.
///
/// The work of a third party ends. With the current level in `to_level` the state, the assignee and the clock do not change,
/// unless the assignee is of a lower level than the ticket: it is then unassigned, and the staff of its level are told.
/// The return is listed with the escalations of the ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Return))),
    tag = "ticket steps", operation_id = "returnTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = ReturnCreate,
    responses(
        (status = 200, body = Ticket, description = "The ticket after the step"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `no_lower_level`: the ticket is at level 1 and no third party works on it; `no_due_time`: the calendar is not open for long enough"),
    )
)]
#[post("/tickets/{ticket_id}/return")]
pub async fn return_ticket(call: Call, id: Path<i64>, body: Body<ReturnCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<ReturnCreate>,
) -> Result<Answer> {
    take(
        tx,
        actor,
        id,
        (Step::Return, EventKind::Returned),
        body,
        |case, actor, ReturnCreate { to_level, reason }| {
            escalations::lower(case, to_level, reason, actor.id)?;
            Ok(Reply::Ticket)
        },
    )
}
