//! Activity 3: classify.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::attention::running;
use crate::tickets::model::{Criticality, Ticket};
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    #[schema(example = "high")]
    criticality: Criticality,
}

/// Classify a ticket
///
/// Sets how critical it is, and with that until when it must be attended: the attention time and the calendar of the
/// criticality as they were at the ticket's reception. Allowed until it is solved; a new classification moves the due
/// time as long as nobody of the present support level has accepted the ticket.
#[utoipa::path(
    tag = "steps", operation_id = "classifyTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Classification,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`, `no_due_time`"))
)]
#[post("/tickets/{ticket_id}/classification")]
pub async fn classify(call: Call, id: Path<i64>, body: Body<Classification>) -> Result<HttpResponse> {
    let step = (Action::Classify, Step::Classify, "classified");
    let timezone = call.desk.config.timezone;
    take(call, *id, step, body, move |case, _, Classification { criticality }| {
        let ticket = &mut case.ticket;
        ticket.criticality = Some(criticality);
        ticket.classified_at = Some(case.now);
        match (ticket.status, ticket.resumes_to) {
            (Status::Received, _) => ticket.status = Status::Classified,
            (_, Some(Status::Received)) => ticket.resumes_to = Some(Status::Classified),
            _ => {}
        }
        running::reckon(case, timezone)?;
        Ok(Reply::Ticket)
    })
    .await
}
