//! Activity 3: classify.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::db::schema::{attention_times, attentions};
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::clock;
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
/// Sets how critical it is, and with that until when it must be attended. Allowed until it is solved; a new
/// classification moves the due time as long as nobody of the present support level has accepted the ticket.
#[utoipa::path(
    tag = "steps", operation_id = "classifyTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Classification,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/classification")]
pub async fn classify(call: Call, id: Path<i64>, body: Body<Classification>) -> Result<HttpResponse> {
    let step = (Action::Classify, Step::Classify, "classified");
    take(call, *id, step, body, |case, _, Classification { criticality }| {
        let minutes: i32 =
            attention_times::table.find(criticality).select(attention_times::minutes).first(case.tx)?;
        let ticket = &mut case.ticket;
        let attention = attentions::table.find((ticket.id, ticket.support_level));
        let known: Option<(chrono::DateTime<chrono::Utc>, Option<chrono::DateTime<chrono::Utc>>)> =
            attention.select((attentions::started_at, attentions::accepted_at)).first(case.tx).optional()?;
        match known {
            None => {
                let due_at = clock::due(ticket.received_at, minutes);
                diesel::insert_into(attentions::table)
                    .values((
                        attentions::ticket_id.eq(ticket.id),
                        attentions::level.eq(ticket.support_level),
                        attentions::started_at.eq(ticket.received_at),
                        attentions::minutes.eq(minutes),
                        attentions::due_at.eq(due_at),
                    ))
                    .execute(case.tx)?;
                ticket.attention_due_at = Some(due_at);
            }
            Some((started_at, None)) => {
                let due_at = clock::due(started_at, minutes);
                diesel::update(attention)
                    .set((attentions::minutes.eq(minutes), attentions::due_at.eq(due_at)))
                    .execute(case.tx)?;
                ticket.attention_due_at = Some(due_at);
            }
            Some((_, Some(_))) => {}
        }
        if ticket.attended_at.is_none() {
            ticket.first_attention_due_at = Some(clock::due(ticket.received_at, minutes));
        }
        ticket.criticality = Some(criticality);
        ticket.classified_at = Some(case.now);
        if ticket.status == Status::Received {
            ticket.status = Status::Classified;
        }
        Ok(Reply::Ticket)
    })
    .await
}
