//! Activity 3: classify.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Reply, Setting, assign, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::tickets::archiving;
use crate::tickets::attention::running;
use crate::tickets::categories;
use crate::tickets::holds;
use crate::tickets::minimum_data;
use crate::tickets::model::{ArchiveReason, CallCause, Criticality, Ticket};
use crate::tickets::workflow::{Step, TicketStatus};

/// The criticality of a ticket, and its category if that has to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationCreate {
    /// The impact of the incident. It determines the attention time.
    #[schema(example = "high")]
    criticality: Criticality,
    /// Identifier of the new category, which must be active; the category does not change if omitted.
    category_id: Option<Uuid>,
}

/// Classify a ticket
///
/// Sets the criticality, which determines the due time of the attention by the attention time and the calendar in force
/// at the reception of the ticket. Until then the provisional attention time counts (`MESA_PROVISIONAL_CRITICALITY`). Allowed
/// until it is solved; a new classification changes the due time unless the ticket was already accepted at its current
/// support level.
///
/// If a ticket becomes critical that was accepted as another criticality, its appointment is void: it is `assigned` again,
/// and a new clock starts now with the attention time of critical tickets. A hold for an external cause ends. The assignee
/// and the requester are notified. A ticket that becomes critical without an assignee is told to the staff of its level on
/// shift and on call.
///
/// A request by mail that waits for minimum data of its requester goes on at once if it is classified as critical. It can
/// be classified as less critical only when the data are complete, or while it waits for them: otherwise the response is
/// a 409 `incomplete` that names each missing datum.
///
/// It may also set or change the category. If the new category requires a head of unit and the requester was not the
/// head of the unit of the ticket at its reception, the ticket is not classified but archived as `profile_not_authorized` (event `archived`),
/// and the requester is notified; the response shows the archived ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Classify))),
    tag = "ticket steps", operation_id = "classifyTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = ClassificationCreate,
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `no_due_time`: the calendar is not open for long enough; `incomplete`: minimum data of the requester are missing"))
)]
#[post("/tickets/{ticket_id}/classification")]
pub async fn classify(call: Call, id: Path<i64>, body: Body<ClassificationCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<ClassificationCreate>,
) -> Result<Answer> {
    let step = (Step::Classify, EventKind::Classified);
    take(tx, actor, id, step, body, move |case, actor, ClassificationCreate { criticality, category_id }| {
        let ticket = &mut case.ticket;
        if let Some(category) = category_id.filter(|id| ticket.category_id != Some(*id)) {
            ticket.category_id = Some(category);
            if !categories::may_ask(case.tx, category, ticket.id)? {
                case.turn_into(EventKind::Archived);
                archiving::set_aside(case, ArchiveReason::ProfileNotAuthorized, None, None)?;
                return Ok(Reply::Ticket);
            }
        }
        let becomes_critical =
            criticality == Criticality::Critical && ticket.criticality != Some(Criticality::Critical);
        ticket.criticality = Some(criticality);
        ticket.classified_at = Some(case.now);
        match (ticket.status, ticket.resumes_to) {
            (TicketStatus::Received, _) => ticket.status = TicketStatus::Classified,
            (_, Some(TicketStatus::Received)) => ticket.resumes_to = Some(TicketStatus::Classified),
            _ => {}
        }
        minimum_data::complete_from_account(case)?;
        minimum_data::require(&case.ticket)?;
        if criticality == Criticality::Critical && !minimum_data::missing(&case.ticket).is_empty() {
            // It is attended at once, and its requester may still complete the data.
            holds::end(case)?;
        }
        let voids_acceptance = becomes_critical && case.ticket.clock_stopped_at.is_some();
        if voids_acceptance {
            void_acceptance(case)?;
        } else {
            running::reckon(case)?;
        }
        if becomes_critical {
            match case.ticket.assignee_id {
                Some(assignee) if assignee != actor.id => {
                    let data = json!({"voids_acceptance": voids_acceptance});
                    case.notify(MessageKind::BecameCritical, assignee, data);
                }
                Some(_) => {}
                None => case.call_staff(CallCause::Critical),
            }
        }
        Ok(Reply::Ticket)
    })
}

/// A critical ticket is attended at once: its appointment is void, it waits for its acceptance again, and the attention
/// time of critical tickets counts from now. A hold for an external cause ends.
fn void_acceptance(case: &mut Case<'_>) -> Result<()> {
    if case.ticket.information_deadline.is_none() {
        holds::end(case)?;
    }
    let ticket = &mut case.ticket;
    if ticket.accepted_at.take().is_some() {
        let data = json!({"scheduled_for": ticket.scheduled_for.take()});
        match ticket.status {
            TicketStatus::OnHold => ticket.resumes_to = Some(TicketStatus::Assigned),
            _ => ticket.status = TicketStatus::Assigned,
        }
        case.notify(MessageKind::BecameCritical, case.ticket.requester_id, data);
    }
    let (assignee, assigned_at) = (case.ticket.assignee_id, case.ticket.assigned_at);
    running::stop(case);
    running::start_again(case)?;
    if let Some(assignee) = assignee {
        assign::keep_assignee(case, assignee, assigned_at.unwrap_or(case.now))?;
    }
    Ok(())
}
