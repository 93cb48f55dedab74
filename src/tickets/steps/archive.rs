//! Setting a case aside as withdrawn, after telling the requester.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Reply, resume, take};
use crate::auth::policy::{Action, Scope};
use crate::http::{Body, Call};
use crate::problem::{FieldError, Problem, Result, Text};
use crate::tickets::model::{ArchiveReason, Ticket};
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Archiving {
    /// A requester may only say `withdrawn`.
    reason: ArchiveReason,
    /// In words for the requester.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "Ya no se necesita.")]
    note: Option<String>,
}

/// Archive a ticket
///
/// Sets it aside from any state before `solved` and tells the requester why. It does not come back: the request has to
/// be made again.
#[utoipa::path(
    tag = "steps", operation_id = "archiveTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Archiving,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/archive")]
pub async fn archive(call: Call, id: Path<i64>, body: Body<Archiving>) -> Result<HttpResponse> {
    let step = (Action::Archive, Step::Archive, "archived");
    take(call, *id, step, body, |case, actor, Archiving { reason, note }| {
        if actor.scope == Scope::Own && reason != ArchiveReason::Withdrawn {
            return Err(Problem::field(FieldError::new(
                "/reason",
                "not_allowed",
                Text::new("Usted puede desistir: `withdrawn`.", "You may withdraw: `withdrawn`."),
            )));
        }
        set_aside(case, actor.id, reason, note, None)?;
        Ok(Reply::Ticket)
    })
    .await
}

/// Sets the case aside and tells the requester why; `followup_id` names the public followup that says more.
///
/// # Errors
/// What the database answers.
pub fn set_aside(
    case: &mut Case<'_>,
    by: Uuid,
    reason: ArchiveReason,
    note: Option<String>,
    followup_id: Option<Uuid>,
) -> Result<()> {
    resume::end(case.tx, case.ticket.id, case.now, by)?;
    let ticket = &mut case.ticket;
    ticket.status = Status::Archived;
    ticket.archived_at = Some(case.now);
    ticket.archive_reason = Some(reason);
    ticket.archive_note = note;
    let mut data = json!({"reason": reason, "note": ticket.archive_note});
    if let Some(followup_id) = followup_id {
        data["followup_id"] = json!(followup_id);
    }
    case.tell("archived", case.ticket.requester_id, data);
    Ok(())
}
