//! Escalations: handing a case to a higher support level.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::attention::policies;
use super::steps::{Reply, take};
use super::store;
use super::workflow::{Status, Step};
use crate::auth::policy::Action;
use crate::db::schema::{attentions, escalations, users};
use crate::http::paging::{NoFilters, Page, Paging, seek};
use crate::http::{Answer, Body, Call, Query};
use crate::people::Person;
use crate::problem::{Code, FieldError, Problem, Result, Text};

/// A change of support level.
#[derive(Serialize, ToSchema)]
pub struct Escalation {
    id: Uuid,
    #[schema(example = 123)]
    ticket_id: i64,
    #[schema(minimum = 1, maximum = 3, example = 1)]
    from_level: i16,
    #[schema(minimum = 1, maximum = 3, example = 2)]
    to_level: i16,
    #[schema(example = "La falla es de la red, no de la impresora.")]
    reason: String,
    escalated_by: Person,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = escalations)]
struct Row {
    id: Uuid,
    ticket_id: i64,
    from_level: i16,
    to_level: i16,
    reason: String,
    created_at: DateTime<Utc>,
}

impl From<(Row, Person)> for Escalation {
    fn from((row, escalated_by): (Row, Person)) -> Self {
        Escalation {
            id: row.id,
            ticket_id: row.ticket_id,
            from_level: row.from_level,
            to_level: row.to_level,
            reason: row.reason,
            escalated_by,
            created_at: row.created_at,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEscalation {
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "La falla es de la red, no de la impresora."
    )]
    reason: String,
    /// The next level where it is left out.
    #[schema(minimum = 2, maximum = 3, example = 2)]
    to_level: Option<i16>,
}

/// List the escalations of a ticket
#[utoipa::path(
    tag = "steps", operation_id = "listEscalations", params(("ticket_id" = i64, Path, minimum = 1), Paging),
    responses((status = 200, body = Page<Escalation>))
)]
#[get("/tickets/{ticket_id}/escalations")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(Action::UsePrivateFollowups, move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let after = paging.after::<String, DateTime<Utc>, Uuid>("created_at".into())?;
        let filtered = || {
            escalations::table
                .inner_join(users::table)
                .filter(escalations::ticket_id.eq(ticket.id))
                .into_boxed()
        };
        let total = if paging.with_total { Some(filtered().count().get_result(db)?) } else { None };
        let rows: Vec<(Row, Person)> =
            seek!(filtered(), after, escalations::created_at, escalations::id, asc)
                .select((Row::as_select(), Person::as_select()))
                .limit(paging.rows())
                .load(db)?;
        let items: Vec<Escalation> = rows.into_iter().map(Escalation::from).collect();
        paging.answer("created_at", items, total, |escalation| (escalation.created_at, escalation.id))
    })
    .await
}

/// Escalate a ticket
///
/// Hands it to a higher support level, where it waits to be assigned. A second attention clock starts for that level,
/// by the attention time and the calendar that held at the ticket's reception.
/// Answers the escalation; read the ticket for its new state.
#[utoipa::path(
    tag = "steps", operation_id = "escalateTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = NewEscalation,
    responses((status = 201, body = Escalation), (status = 409, description = "`step_not_allowed`, `no_higher_level`, `no_due_time`"))
)]
#[post("/tickets/{ticket_id}/escalations")]
pub async fn escalate(call: Call, id: Path<i64>, body: Body<NewEscalation>) -> Result<HttpResponse> {
    let step = (Action::Escalate, Step::Escalate, "escalated");
    let timezone = call.desk.config.timezone;
    take(call, *id, step, body, move |case, actor, NewEscalation { reason, to_level }| {
        let from_level = case.ticket.support_level;
        let to_level = to_level.unwrap_or(from_level + 1);
        if from_level == 3 {
            return Err(Problem::new(
                Code::NoHigherLevel,
                Text::new("El caso ya está en el nivel 3.", "The ticket is at level 3 already."),
            ));
        }
        if to_level <= from_level {
            return Err(Problem::field(FieldError::new(
                "/to_level",
                "out_of_range",
                Text::made(
                    format!("Debe ser mayor que el nivel actual, {from_level}."),
                    format!("It must be above the present level, {from_level}."),
                ),
            )));
        }
        let row = Row {
            id: Uuid::now_v7(),
            ticket_id: case.ticket.id,
            from_level,
            to_level,
            reason,
            created_at: case.now,
        };
        diesel::insert_into(escalations::table)
            .values((
                escalations::id.eq(row.id),
                escalations::ticket_id.eq(row.ticket_id),
                escalations::from_level.eq(from_level),
                escalations::to_level.eq(to_level),
                escalations::reason.eq(&row.reason),
                escalations::escalated_by.eq(actor.id),
                escalations::created_at.eq(row.created_at),
            ))
            .execute(case.tx)?;
        let criticality = case
            .ticket
            .criticality
            .ok_or_else(|| Problem::internal("a ticket in progress without a criticality"))?;
        let policy = policies::of_ticket(case.tx, &case.ticket, criticality)?;
        let due_at = policy.calendar(timezone)?.due(case.now, policy.minutes, &[])?;
        diesel::insert_into(attentions::table)
            .values((
                attentions::ticket_id.eq(case.ticket.id),
                attentions::level.eq(to_level),
                attentions::started_at.eq(case.now),
                attentions::policy_id.eq(policy.id),
                attentions::minutes.eq(policy.minutes),
                attentions::opening_hours.eq(policy.opening_hours),
                attentions::due_at.eq(due_at),
            ))
            .execute(case.tx)?;
        case.note("reason", row.reason.as_str());
        let ticket = &mut case.ticket;
        ticket.status = Status::Escalated;
        ticket.support_level = to_level;
        ticket.assignee_id = None;
        ticket.assigned_at = None;
        ticket.accepted_at = None;
        ticket.scheduled_for = None;
        ticket.attention_due_at = Some(due_at);
        case.tell("escalated", case.ticket.requester_id, json!({"to_level": to_level}));
        let location = format!("/api/v1/tickets/{}/escalations", row.ticket_id);
        Ok(Reply::Made(Answer::created(location, &Escalation::from((row, actor.person())))?))
    })
    .await
}
