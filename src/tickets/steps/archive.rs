//! Archive a case as withdrawn, after notifying the requester.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::{Action, PermissionScope};
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::archiving;
use crate::tickets::minimum_data::{self, MinimumDatum};
use crate::tickets::model::{ArchiveReason, Ticket};
use crate::tickets::workflow::Step;

/// The reason for which a ticket is archived.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveCreate {
    /// Why the ticket is archived. A requester may only use `withdrawn`.
    reason: ArchiveReason,
    /// What is missing, for the reason `missing_information` only. The message to the requester names it. For that
    /// reason `missing_data` or `note` is required.
    #[serde(default)]
    #[schema(required = false, max_items = 6, example = json!([]))]
    missing_data: Vec<MinimumDatum>,
    /// An explanation for the requester, in addition to the standard text of the reason.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "Ya no se necesita.")]
    note: Option<String>,
}

/// Archive a ticket
///
/// Archives it from any state before `solved` and notifies the requester of the reason and the next step. It cannot
/// be reopened; the request can be submitted again by `resubmission`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Archive))),
    tag = "ticket steps", operation_id = "archiveTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = ArchiveCreate,
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/archive")]
pub async fn archive(call: Call, id: Path<i64>, body: Body<ArchiveCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<ArchiveCreate>,
) -> Result<Answer> {
    let step = (Step::Archive, EventKind::Archived);
    take(tx, actor, id, step, body, move |case, actor, ArchiveCreate { reason, missing_data, note }| {
        if actor.scope == PermissionScope::Own && reason != ArchiveReason::Withdrawn {
            return Err(Problem::field(FieldError::new(
                "/reason",
                FieldCode::NotAllowed,
                Text::new(
                    "Usted solo puede desistir de la solicitud: `withdrawn`.",
                    "You may only withdraw the request: `withdrawn`.",
                ),
            )));
        }
        check_missing(reason, &missing_data, note.is_some())?;
        let note = minimum_data::note(case.tx, &case.ticket, &missing_data, note)?;
        archiving::set_aside(case, reason, note, None)?;
        Ok(Reply::Ticket)
    })
}

/// The requester of an incomplete request must learn what is missing.
fn check_missing(reason: ArchiveReason, missing: &[MinimumDatum], has_note: bool) -> Result<()> {
    if reason != ArchiveReason::MissingInformation && !missing.is_empty() {
        return Err(Problem::field(FieldError::new(
            "/missing_data",
            FieldCode::NotAllowed,
            Text::new("Solo para `missing_information`.", "Only for `missing_information`."),
        )));
    }
    if reason == ArchiveReason::MissingInformation && missing.is_empty() && !has_note {
        return Err(Problem::field(FieldError::new(
            "/missing_data",
            FieldCode::Required,
            Text::new(
                "Diga qué falta, en `missing_data` o en `note`: el mensaje al solicitante lo nombra.",
                "State what is missing, in `missing_data` or `note`: the message to the requester names it.",
            ),
        )));
    }
    Ok(())
}
