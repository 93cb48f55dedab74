//! Activity 5: the assignee makes the case theirs and says when the requester will be attended.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Reply, take};
use crate::auth::policy::Action;
use crate::db::schema::attentions;
use crate::http::{Body, Call};
use crate::problem::{FieldError, Problem, Result, Text};
use crate::tickets::model::{Criticality, Ticket};
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// When the requester will be attended, in the future. Required unless the ticket is critical: that one is
    /// attended at once and takes none.
    #[schema(example = "2030-01-15T14:30:00Z")]
    scheduled_for: Option<DateTime<Utc>>,
}

/// Accept a ticket
///
/// Only the assignee can. It stops the attention clock and tells the requester who attends and when.
#[utoipa::path(
    tag = "steps", operation_id = "acceptTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Acceptance,
    responses((status = 200, body = Ticket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/acceptance")]
pub async fn accept(call: Call, id: Path<i64>, body: Body<Acceptance>) -> Result<HttpResponse> {
    let step = (Action::Accept, Step::Accept, "accepted");
    take(call, *id, step, body, |case, _, Acceptance { scheduled_for }| {
        let critical = case.ticket.criticality == Some(Criticality::Critical);
        check_appointment(critical, scheduled_for, case.now)?;
        let ticket = &mut case.ticket;
        diesel::update(attentions::table.find((ticket.id, ticket.support_level)))
            .filter(attentions::accepted_at.is_null())
            .set(attentions::accepted_at.eq(case.now))
            .execute(case.tx)?;
        ticket.status = Status::InProgress;
        ticket.accepted_at = Some(case.now);
        ticket.scheduled_for = scheduled_for;
        ticket.attended_at.get_or_insert(case.now);
        case.tell("accepted", case.ticket.requester_id, json!({"scheduled_for": scheduled_for}));
        Ok(Reply::Ticket)
    })
    .await
}

fn check_appointment(critical: bool, scheduled_for: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<()> {
    let fault = match scheduled_for {
        None if critical => return Ok(()),
        None => FieldError::required("/scheduled_for"),
        Some(_) if critical => FieldError::new(
            "/scheduled_for",
            "not_allowed",
            Text::new("Un caso crítico se atiende de inmediato.", "A critical ticket is attended at once."),
        ),
        Some(moment) if moment > now => return Ok(()),
        Some(_) => FieldError::new(
            "/scheduled_for",
            "not_in_future",
            Text::new("Debe estar en el futuro.", "It must lie in the future."),
        ),
    };
    Err(Problem::field(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_critical_ticket_takes_no_appointment_and_any_other_needs_one_in_the_future() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let later = Some(now + chrono::Duration::hours(1));
        assert!(check_appointment(true, None, now).is_ok());
        assert!(check_appointment(true, later, now).is_err());
        assert!(check_appointment(false, later, now).is_ok());
        assert!(check_appointment(false, None, now).is_err());
        assert!(check_appointment(false, Some(now), now).is_err());
    }
}
