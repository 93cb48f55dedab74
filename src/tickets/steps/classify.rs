//! Activity 3: classify.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reply, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::archiving;
use crate::tickets::attention::running;
use crate::tickets::categories;
use crate::tickets::model::{ArchiveReason, Criticality, Ticket};
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    #[schema(example = "high")]
    criticality: Criticality,
    /// What it is about, where that is not what was said; it stays as it is where it is left out.
    category_id: Option<Uuid>,
}

/// Classify a ticket
///
/// Sets how critical it is, and with that until when it must be attended: the attention time and the calendar of the
/// criticality as they were at the ticket's reception. Allowed until it is solved; a new classification moves the due
/// time as long as nobody of the present support level has accepted the ticket.
///
/// It may say what the ticket is about as well. Where that is a category that asks for a head of unit and the requester
/// is none, the ticket is not classified but archived as `profile_not_authorized`, which is the event `archived`, and the
/// requester is told; the answer shows it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Classify))),
    tag = "steps", operation_id = "classifyTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Classification,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`, `no_due_time`"))
)]
#[post("/tickets/{ticket_id}/classification")]
pub async fn classify(call: Call, id: Path<i64>, body: Body<Classification>) -> Result<HttpResponse> {
    let step = (Step::Classify, EventKind::Classified);
    take(call, *id, step, body, move |case, _, Classification { criticality, category_id }| {
        let ticket = &mut case.ticket;
        if let Some(category) = category_id.filter(|id| ticket.category_id != Some(*id)) {
            ticket.category_id = Some(category);
            if !categories::may_ask(case.tx, category, ticket.requester_id, ticket.requester_unit_id)? {
                case.turn_into(EventKind::Archived);
                archiving::set_aside(case, ArchiveReason::ProfileNotAuthorized, None, None)?;
                return Ok(Reply::Ticket);
            }
        }
        ticket.criticality = Some(criticality);
        ticket.classified_at = Some(case.now);
        match (ticket.status, ticket.resumes_to) {
            (Status::Received, _) => ticket.status = Status::Classified,
            (_, Some(Status::Received)) => ticket.resumes_to = Some(Status::Classified),
            _ => {}
        }
        running::reckon(case)?;
        Ok(Reply::Ticket)
    })
    .await
}
