//! Activity 5: the assignee accepts the case and states when the requester will be attended.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::attentions;
use crate::holidays::sets;
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::people::availability::EntityClock;
use crate::people::{schedules, users};
use crate::problem::Result;
use crate::tickets::attention::working;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Step, TicketStatus};
use crate::tickets::{appointment, followups};

/// The acceptance of a ticket by its assignee.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceCreate {
    /// When the requester will be attended: in the future, inside the assignee's shifts (otherwise `outside_shift`,
    /// whose detail states the next shift) and outside of their absences. Required unless the ticket is critical; not
    /// allowed for a critical ticket, which is attended immediately.
    #[schema(example = "2030-01-15T14:30:00Z")]
    scheduled_for: Option<DateTime<Utc>>,
}

/// Accept a ticket
///
/// Allowed for a ticket that is `assigned`.
/// Only the assignee may accept it. The acceptance stops the attention clock. The requester is notified of who
/// attends to the request and when, by mail and in a public followup, in the requester's language and the entity's
/// time zone.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Accept))),
    tag = "ticket steps", operation_id = "acceptTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<AcceptanceCreate>),
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/acceptance")]
pub async fn accept(call: Call, id: Path<i64>, body: Body<AcceptanceCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<AcceptanceCreate>,
) -> Result<Answer> {
    let step = (Step::Accept, EventKind::Accepted);
    take(tx, actor, id, step, body, move |case, actor, AcceptanceCreate { scheduled_for }| {
        let holidays = sets::current(case.tx)?;
        let clock = EntityClock { timezone: case.timezone, holidays: &holidays };
        let schedule = schedules::for_user(case.tx, actor.id, case.now)?;
        appointment::check(case.ticket.criticality, scheduled_for, &schedule, clock, case.now)?;
        let ticket = &mut case.ticket;
        diesel::update(attentions::table.find((ticket.id, ticket.support_level)))
            .filter(attentions::accepted_at.is_null())
            .set((attentions::accepted_at.eq(case.now), attentions::accepted_by.eq(actor.id)))
            .execute(case.tx)?;
        ticket.status = TicketStatus::InProgress;
        ticket.accepted_at = Some(case.now);
        ticket.scheduled_for = scheduled_for;
        let first = ticket.attended_at.is_none();
        ticket.attended_at.get_or_insert(case.now);
        ticket.clock_stopped_at.get_or_insert(case.now);
        working::keep_acceptance(case, first)?;
        let locale = users::locale(case.tx, case.ticket.requester_id)?;
        let words = appointment::words(locale, &actor.full_name, scheduled_for, clock);
        let followup_id = followups::write_public(case, actor.id, words)?;
        let data = json!({"scheduled_for": scheduled_for, "followup_id": followup_id});
        case.notify(MessageKind::Accepted, case.ticket.requester_id, data);
        Ok(Reply::Ticket)
    })
}
