//! Changing the appointment that the assignee set at the acceptance.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::holidays::sets;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::outbox::MessageKind;
use crate::people::availability::EntityClock;
use crate::people::{schedules, users};
use crate::problem::Result;
use crate::tickets::model::Ticket;
use crate::tickets::workflow::Step;
use crate::tickets::{appointment, followups};

/// A new appointment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReschedulingCreate {
    /// When the requester will be attended: in the future, inside the assignee's shifts and outside of their absences.
    #[schema(example = "2030-01-16T14:30:00Z")]
    scheduled_for: DateTime<Utc>,
    /// Why the appointment changes; it is sent to the requester.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "El repuesto llega mañana.")]
    reason: String,
}

/// Reschedule a ticket
///
/// Only the assignee may do so, while the ticket is `in_progress`. The requester is notified of the new appointment
/// and the reason, by mail and in a public followup. A critical ticket is attended immediately and has no
/// appointment: a 422 with `not_allowed` on `/scheduled_for`. A ticket that was accepted as critical and is no longer
/// critical gets its first appointment here.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Reschedule))),
    tag = "ticket steps", operation_id = "rescheduleTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = ReschedulingCreate,
    responses((status = 200, body = Ticket, description = "The ticket after the step"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/rescheduling")]
pub async fn reschedule(call: Call, id: Path<i64>, body: Body<ReschedulingCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<ReschedulingCreate>,
) -> Result<Answer> {
    let step = (Step::Reschedule, EventKind::Rescheduled);
    take(tx, actor, id, step, body, move |case, actor, ReschedulingCreate { scheduled_for, reason }| {
        let scheduled_for = Some(scheduled_for);
        let holidays = sets::current(case.tx)?;
        let clock = EntityClock { timezone: case.timezone, holidays: &holidays };
        let schedule = schedules::for_user(case.tx, actor.id, case.now)?;
        appointment::check(case.ticket.criticality, scheduled_for, &schedule, clock, case.now)?;
        case.ticket.scheduled_for = scheduled_for;
        let locale = users::locale(case.tx, case.ticket.requester_id)?;
        let words = appointment::words(locale, &actor.full_name, scheduled_for, clock);
        let words = match locale {
            Locale::Es => format!("Su cita fue reprogramada: {words} Motivo: {reason}"),
            Locale::En => format!("Your appointment was rescheduled: {words} Reason: {reason}"),
        };
        let followup_id = followups::write_public(case, actor.id, words)?;
        case.details.reason = Some(reason.clone());
        let data = json!({"scheduled_for": scheduled_for, "reason": reason, "followup_id": followup_id});
        case.notify(MessageKind::Rescheduled, case.ticket.requester_id, data);
        Ok(Reply::Ticket)
    })
}
