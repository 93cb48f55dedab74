//! Requesting missing information from the requester.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::people::users;
use crate::problem::Result;
use crate::tickets::holds::{self, HoldKind};
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;
use crate::tickets::{followups, information};

/// The information that the requester has to give, and the deadline.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InformationRequestCreate {
    /// The missing information, as a text for the requester.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "¿Cuál es la placa del equipo?")]
    missing: String,
    /// The deadline for the requester's answer: in the future, at most 365 days from now. If omitted, the configured
    /// number of days from now; three by default.
    #[schema(example = "2030-01-15T22:00:00Z")]
    #[serde(rename = "deadline_at")]
    deadline: Option<DateTime<Utc>>,
}

/// Request missing information from the requester
///
/// The ticket goes `on_hold`, from any other state before `solved`, and returns to that state when the requester
/// answers: with a public followup, with a file on the ticket or on a public followup, or, before its classification,
/// with a correction (`PATCH`). In the meantime staff may end the hold by `resumption`, classify it, assign it or
/// archive it. Without an answer by the deadline it is archived as `missing_information`.
///
/// The requester is notified of the missing information and the deadline, by mail and in a public followup. The
/// attention clock is paused while the ticket waits: `attention_due_at` is `null` unless the ticket was accepted
/// before.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Hold))),
    tag = "ticket steps", operation_id = "requestTicketInformation", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = InformationRequestCreate,
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this, or a program sent it (`automatic`); `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/information-request")]
pub async fn request_information(
    call: Call,
    id: Path<i64>,
    body: Body<InformationRequestCreate>,
) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    id: i64,
    body: Body<InformationRequestCreate>,
) -> Result<Answer> {
    let days = setting.desk.config.information_days;
    let step = (Step::RequestInformation, EventKind::InformationRequested);
    take(tx, actor, id, step, body, move |case, actor, InformationRequestCreate { missing, deadline }| {
        let deadline = information::deadline(deadline, days, case.now)?;
        holds::begin(case, HoldKind::Information, &missing)?;
        let ticket = &mut case.ticket;
        ticket.information_deadline = Some(deadline);
        if ticket.clock_stopped_at.is_none() {
            ticket.attention_due_at = None;
            ticket.attention_due_soon_at = None;
        }
        let locale = users::locale(case.tx, ticket.requester_id)?;
        let words = information::words(locale, &missing, deadline, case.timezone);
        let followup_id = followups::write_public(case, actor.id, words)?;
        case.details.missing = Some(missing.clone());
        let data = json!({"missing": missing, "deadline": deadline, "followup_id": followup_id});
        case.notify(MessageKind::InformationRequested, case.ticket.requester_id, data);
        Ok(Reply::Ticket)
    })
}
