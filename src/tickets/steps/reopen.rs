//! Reopen a solved case.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Case, Reply, Setting, assign, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::holidays::sets;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::people::availability::EntityClock;
use crate::problem::{Code, Result};
use crate::tickets::automatic::Candidates;
use crate::tickets::model::Ticket;
use crate::tickets::release;
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
/// It returns to the person who solved it, if that person is active, of a sufficient support level and under contract.
/// Otherwise it is assigned automatically and waits for its acceptance, with a new attention clock; if nobody is available, it
/// waits for its assignment, and the staff of its level are told. The previous solution stays in the history.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Reopen))),
    tag = "ticket steps", operation_id = "reopenTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<ReopeningCreate>),
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/reopening")]
pub async fn reopen(call: Call, id: Path<i64>, body: Body<ReopeningCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<ReopeningCreate>,
) -> Result<Answer> {
    let step = (Step::Reopen, EventKind::Reopened);
    take(tx, actor, id, step, body, |case, _, ReopeningCreate { reason }| {
        open_again(case, reason)?;
        Ok(Reply::Ticket)
    })
}

/// Returns a solved ticket to work and notifies its assignee and its requester.
pub fn open_again(case: &mut Case<'_>, reason: Option<String>) -> Result<()> {
    let ticket = &mut case.ticket;
    ticket.status = TicketStatus::InProgress;
    ticket.solution = None;
    ticket.solved_at = None;
    ticket.solved_by_id = None;
    ticket.reopened_count += 1;
    let by_requester = case.actor_id == Some(ticket.requester_id);
    let solver = ticket.assignee_id;
    match solver {
        Some(solver) if release::may_attend(case, solver)? => {
            case.notify(
                MessageKind::Reopened,
                solver,
                json!({"reason": reason, "by_requester": by_requester}),
            );
        }
        _ => pass_on(case)?,
    }
    case.details.reason = reason;
    case.notify_requester(MessageKind::Reopened);
    Ok(())
}

/// Gives the ticket to somebody available, or leaves it to the staff of its level.
fn pass_on(case: &mut Case<'_>) -> Result<()> {
    // The requester is told of the reopening.
    case.ticket.accepted_at = None;
    release::release(case)?;
    let holidays = sets::current(case.tx)?;
    let clock = EntityClock { timezone: case.timezone, holidays: &holidays };
    let level = case.ticket.support_level;
    let mut candidates = Candidates::load(case.tx, &[level], clock, case.now)?;
    match candidates.choose(level, case.ticket.criticality, None) {
        Ok(person) => {
            assign::give(case, person.id)?;
            case.details.automatic = Some(true);
            Ok(())
        }
        Err(problem) if problem.code == Code::NobodyAvailable => Ok(()),
        Err(problem) => Err(problem),
    }
}
