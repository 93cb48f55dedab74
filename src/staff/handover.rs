//! Reassigning all open tickets of a person: before an absence, or at the end of a contract.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::tickets;
use crate::holidays::sets;
use crate::http::{Answer, Body, Call};
use crate::people::availability::EntityClock;
use crate::people::user::User;
use crate::people::users;
use crate::people::{Person, person};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::automatic::Candidates;
use crate::tickets::model::TicketRow;
use crate::tickets::steps::{Case, assign};
use crate::tickets::workload;

/// The new assignee, and the reason.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverCreate {
    /// Identifier of the new assignee: another active person, of the support level of every ticket or above. If
    /// omitted, automatic assignment chooses for each ticket.
    #[serde(rename = "assignee_id")]
    to: Option<Uuid>,
    /// An explanation for staff; it is recorded in the history of every ticket.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S", example = "Sale a vacaciones.")]
    reason: String,
}

/// A ticket and its new assignee.
#[derive(Serialize, ToSchema)]
pub struct HandedOver {
    /// Number of the ticket.
    #[schema(example = 123, minimum = 1)]
    ticket_id: i64,
    /// The new assignee of the ticket.
    assignee: Person,
}

/// The reassigned tickets, the most critical first.
#[derive(Serialize, ToSchema)]
pub struct Handover {
    /// The reassigned tickets, the most critical first; empty if the person had no open tickets.
    #[serde(rename = "tickets")]
    items: Vec<HandedOver>,
}

/// Reassign all open tickets of a person
///
/// Their tickets in the states `assigned`, `in_progress` and `on_hold` are assigned to the given person, or each to
/// the choice of automatic assignment, the most critical first. Either all are reassigned or none. The new assignees
/// have to accept them; a ticket on hold stays on hold. The work of a person whose role is above that of the caller
/// cannot be handed over.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage)), ("x-mesa-unversioned" = json!(true))),
    tag = "users", operation_id = "handOverTickets", params(("user_id" = Uuid, Path, description = "Identifier of the user.")), request_body = HandoverCreate,
    responses(
        (status = 200, body = Handover, description = "The reassigned tickets"),
        (status = 409, description = "`nobody_available`: `ticket_id` is the ticket without an available person"),
    )
)]
#[post("/users/{user_id}/handover")]
pub async fn hand_over(call: Call, id: Path<Uuid>, body: Body<HandoverCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let user = User::find(tx, *id)?;
        users::may_manage(actor, user.role)?;
        let HandoverCreate { to, reason } = body.read()?;
        let mut rows: Vec<TicketRow> = tickets::table
            .filter(tickets::assignee_id.eq(user.id))
            .filter(workload::is_open())
            .order(tickets::id)
            .select(TicketRow::as_select())
            .for_update()
            .load(tx)?;
        rows.sort_by_key(|row| row.criticality);
        let new_assignees = match to {
            Some(to) => to_one(tx, to, user.id, &rows)?,
            None => {
                let holidays = sets::current(tx)?;
                let clock = EntityClock { timezone: actor.timezone, holidays: &holidays };
                to_available(tx, user.id, &rows, clock, actor.now)?
            }
        };
        let mut items = Vec::with_capacity(rows.len());
        for (row, assignee) in rows.into_iter().zip(new_assignees) {
            let mut case = Case::open(tx, row, actor);
            assign::give(&mut case, assignee.id)?;
            case.details.automatic = Some(to.is_none());
            case.details.reason = Some(reason.clone());
            let row = case.record(EventKind::Assigned)?;
            items.push(HandedOver { ticket_id: row.id, assignee });
        }
        Answer::ok(&Handover { items })
    })
    .await
}

fn to_one(tx: &mut PgConnection, to: Uuid, from: Uuid, rows: &[TicketRow]) -> Result<Vec<Person>> {
    if to == from {
        return Err(Problem::field(FieldError::new(
            "/assignee_id",
            FieldCode::NotAllowed,
            Text::new("Debe ser otra persona.", "It must be another person."),
        )));
    }
    let highest = rows.iter().map(|row| row.support_level).max().unwrap_or(1);
    assign::able(tx, to, highest, "/assignee_id")?;
    let person = person::by_id(tx, [to])?.remove(&to).ok_or_else(Problem::not_found)?;
    Ok(vec![person; rows.len()])
}

fn to_available(
    tx: &mut PgConnection,
    from: Uuid,
    rows: &[TicketRow],
    clock: EntityClock<'_>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<Person>> {
    let levels: Vec<i16> = rows.iter().map(|row| row.support_level).collect();
    let mut candidates = Candidates::load(tx, &levels, clock, now)?;
    let choose = |row: &TicketRow| {
        candidates.choose(row.support_level, row.criticality, Some(from)).map_err(|mut problem| {
            problem.members.insert("ticket_id".to_owned(), row.id.into());
            problem
        })
    };
    rows.iter().map(choose).collect()
}
