//! Putting a case on hold for an external cause.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::tickets::holds::{self, HoldKind};
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;

/// The reason of a hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldCreate {
    /// Why the ticket has to wait; it is sent to the requester.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Se espera el repuesto del proveedor."
    )]
    reason: String,
}

/// Put a ticket on hold
///
/// Allowed for a ticket that is `in_progress`.
/// For a wait that the requester has not caused. The attention clock keeps running; `resumption` ends the hold.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Hold))),
    tag = "ticket steps", operation_id = "holdTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = HoldCreate,
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/hold")]
pub async fn hold(call: Call, id: Path<i64>, body: Body<HoldCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<HoldCreate>,
) -> Result<Answer> {
    take(tx, actor, id, (Step::Hold, EventKind::Held), body, |case, _, HoldCreate { reason }| {
        holds::begin(case, HoldKind::Hold, &reason)?;
        case.details.reason = Some(reason.clone());
        case.notify(MessageKind::Held, case.ticket.requester_id, json!({"reason": reason}));
        Ok(Reply::Ticket)
    })
}
