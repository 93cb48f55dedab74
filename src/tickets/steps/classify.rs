//! Activity 3: classify.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::db::schema::attentions;
use crate::http::{Body, Call};
use crate::problem::Result;
use crate::tickets::attention::policies;
use crate::tickets::model::{Criticality, Ticket};
use crate::tickets::store;
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
        let policy = policies::of_ticket(case.tx, &case.ticket, criticality)?;
        let calendar = policy.calendar(timezone)?;
        let pauses = store::pauses_of(case.tx, case.ticket.id, case.now)?;
        let ticket = &mut case.ticket;
        let attention = attentions::table.find((ticket.id, ticket.support_level));
        let known: Option<(DateTime<Utc>, Option<DateTime<Utc>>)> =
            attention.select((attentions::started_at, attentions::accepted_at)).first(case.tx).optional()?;
        let (started_at, accepted_at) = known.unwrap_or((ticket.received_at, None));
        if accepted_at.is_none() {
            let due_at = calendar.due(started_at, policy.minutes, &pauses)?;
            let reckoned = (
                attentions::policy_id.eq(policy.id),
                attentions::minutes.eq(policy.minutes),
                attentions::opening_hours.eq(&policy.opening_hours),
                attentions::due_at.eq(due_at),
            );
            diesel::insert_into(attentions::table)
                .values((
                    attentions::ticket_id.eq(ticket.id),
                    attentions::level.eq(ticket.support_level),
                    attentions::started_at.eq(started_at),
                    reckoned,
                ))
                .on_conflict((attentions::ticket_id, attentions::level))
                .do_update()
                .set(reckoned)
                .execute(case.tx)?;
            ticket.attention_due_at = Some(due_at);
        }
        if ticket.attended_at.is_none() {
            ticket.first_attention_due_at =
                Some(calendar.due(ticket.received_at, policy.minutes, &pauses)?);
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
