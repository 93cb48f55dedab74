//! Activity 4: assign, to a person or to whoever has the least to do.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText, Uuid as SqlUuid};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reply, take};
use crate::auth::policy::{Action, Role};
use crate::db::schema::{attentions, users};
use crate::http::{Body, Call};
use crate::problem::{Code, FieldError, Problem, Result, Text};
use crate::tickets::model::Ticket;
use crate::tickets::workflow::{Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Active staff of the ticket's support level or above. Left out: whoever of that level has the least open work.
    assignee_id: Option<Uuid>,
    /// Who has the ticket now, as the caller knows it; a 409 where somebody else has it by then. Needed to take a
    /// ticket for oneself, or to have it assigned automatically, that somebody has already.
    replaces: Option<Uuid>,
}

/// Assign a ticket
///
/// Allowed from its classification until it is solved. Of people who take the same ticket at the same moment one
/// gets it, the others an `already_assigned`. The new assignee has to accept it.
#[utoipa::path(
    tag = "steps", operation_id = "assignTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = Assignment,
    responses(
        (status = 200, body = Ticket),
        (status = 409, description = "`step_not_allowed`, `already_assigned`, `nobody_available`"),
    )
)]
#[post("/tickets/{ticket_id}/assignment")]
pub async fn assign(call: Call, id: Path<i64>, body: Body<Assignment>) -> Result<HttpResponse> {
    let step = (Action::Assign, Step::Assign, "assigned");
    take(call, *id, step, body, |case, actor, Assignment { assignee_id, replaces }| {
        let has_it = case.ticket.assignee_id;
        let taken = match (has_it, replaces) {
            (_, Some(_)) => has_it != replaces || assignee_id == has_it,
            (Some(_), None) => {
                assignee_id.is_none() || assignee_id == has_it || assignee_id == Some(actor.id)
            }
            (None, None) => false,
        };
        if taken {
            return Err(already_assigned(has_it));
        }
        let level = case.ticket.support_level;
        let assignee = match assignee_id {
            Some(assignee) => able(case.tx, assignee, level)?,
            None => least_busy(case.tx, level, has_it)?,
        };
        let ticket = &mut case.ticket;
        diesel::update(attentions::table.find((ticket.id, level)))
            .set((attentions::assignee_id.eq(assignee), attentions::assigned_at.eq(case.now)))
            .execute(case.tx)?;
        ticket.assignee_id = Some(assignee);
        ticket.assigned_at = Some(case.now);
        ticket.accepted_at = None;
        ticket.scheduled_for = None;
        if ticket.status != Status::OnHold {
            ticket.status = Status::Assigned;
        }
        case.note("automatic", assignee_id.is_none());
        case.tell("assigned", assignee, json!({}));
        Ok(Reply::Ticket)
    })
    .await
}

fn already_assigned(has_it: Option<Uuid>) -> Problem {
    let mut problem = Problem::new(
        Code::AlreadyAssigned,
        Text::new(
            "Vea en `assignee_id` quién lo tiene; para relevarlo, nómbrelo en `replaces`.",
            "See in `assignee_id` who has it; to take over, name them in `replaces`.",
        ),
    );
    problem.members.insert("assignee_id".to_owned(), json!(has_it));
    problem
}

/// The person can be given work of this level.
fn able(tx: &mut PgConnection, id: Uuid, level: i16) -> Result<Uuid> {
    let role: Option<Role> =
        users::table.find(id).filter(users::active).select(users::role).first(tx).optional()?;
    match role.map(Role::support_level) {
        None => Err(Problem::field(FieldError::unknown_id("/assignee_id"))),
        Some(Some(own)) if own >= level => Ok(id),
        Some(_) => Err(Problem::field(FieldError::new(
            "/assignee_id",
            "not_allowed",
            Text::made(
                format!("Debe ser personal del nivel de soporte {level} o superior."),
                format!("It must be staff of support level {level} or above."),
            ),
        ))),
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Keeps two automatic assignments at once from choosing the same person.
const LOCK: i64 = 0x4d45_5341_0002;

/// Whoever of this level has the fewest tickets in hand, and among equals was given one longest ago; somebody other
/// than who has it now.
fn least_busy(tx: &mut PgConnection, level: i16, has_it: Option<Uuid>) -> Result<Uuid> {
    let role = Role::ALL.iter().find(|role| role.support_level() == Some(level));
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
    let found: Option<Found> = diesel::sql_query(
        "SELECT u.id FROM users u \
         LEFT JOIN tickets t ON t.assignee_id = u.id AND t.status IN ('assigned', 'in_progress', 'on_hold') \
         WHERE u.active AND u.role = $1 AND u.id IS DISTINCT FROM $2 \
         GROUP BY u.id ORDER BY count(t.id), max(t.assigned_at) NULLS FIRST, u.id LIMIT 1",
    )
    .bind::<SqlText, _>(role.map_or("", |role| role.as_str()))
    .bind::<diesel::sql_types::Nullable<SqlUuid>, _>(has_it)
    .get_result(tx)
    .optional()?;
    found.map(|found| found.id).ok_or_else(|| {
        Problem::new(
            Code::NobodyAvailable,
            Text::made(
                format!("No hay nadie activo del nivel de soporte {level}."),
                format!("Nobody of support level {level} is active."),
            ),
        )
    })
}
