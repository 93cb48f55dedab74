//! Resuming a case that is on hold.

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
use crate::tickets::holds;
use crate::tickets::minimum_data;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;

/// Resume a ticket
///
/// It returns to the state in `resumes_to`: its state before the hold, or `classified` or `assigned` if that was done
/// in the meantime. If it waited for information from its requester, the attention clock resumes. The requester is notified.
///
/// A request by mail that waits for minimum data of its requester takes them from the requester's account. If data are
/// still missing and the ticket is not critical, the response is a 409 `incomplete` that names each.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Hold))),
    tag = "ticket steps", operation_id = "resumeTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<EmptyBody>),
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do; `incomplete`: minimum data of the requester are missing"))
)]
#[post("/tickets/{ticket_id}/resumption")]
pub async fn resume(call: Call, id: Path<i64>, body: Body<EmptyBody>) -> Result<HttpResponse> {
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
    take(tx, actor, id, (Step::Resume, EventKind::Resumed), body, move |case, _, _| {
        minimum_data::complete_from_account(case)?;
        case.details.kind = holds::end(case)?.map(|ended| ended.kind.as_str());
        minimum_data::require(&case.ticket)?;
        case.notify_requester(MessageKind::Resumed);
        Ok(Reply::Ticket)
    })
}
