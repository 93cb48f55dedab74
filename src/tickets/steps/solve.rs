//! Activity 7: record the solution.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Reply, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{ticket_relations, tickets};
use crate::http::{Answer, Body, Call};
use crate::outbox::MessageKind;
use crate::problem::Result;
use crate::surveys;
use crate::tickets::attention::working;
use crate::tickets::model::{Ticket, TicketRow};
use crate::tickets::relations::RelationKind;
use crate::tickets::workflow::{self, Status, Step};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSolution)]
pub struct NewSolution {
    /// What solved it, in words for the requester.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Se cambió el puerto del switch."
    )]
    description: String,
    /// Whether to solve its children by the same description as well; false where it is left out.
    solve_children: Option<bool>,
}

/// A ticket that was just solved, and what of its children.
#[derive(Serialize, ToSchema)]
pub struct SolvedTicket {
    #[serde(flatten)]
    ticket: Ticket,
    /// The children that were solved with it, by number.
    #[schema(example = json!([124]))]
    solved_children: Vec<i64>,
    /// Its children that are neither solved nor over, by number.
    #[schema(example = json!([125]))]
    open_children: Vec<i64>,
}

/// How many children are solved in one call.
const CHILDREN: i64 = 200;

/// Solve a ticket
///
/// Only the assignee can. The requester is told and asked to answer the survey; the ticket closes by itself after
/// some days unless they reopen it.
///
/// A ticket may be the parent of others: `GET /tickets/{ticket_id}/relations` names its children with their states. By
/// `solve_children` those that are `in_progress`, whoever has them, are solved with it by the same description, all of it
/// or none: whoever solves the parent solves them on behalf of their assignees, who stay so. Each has its own event,
/// message and survey. A child in another state, or that somebody else is changing at that moment, is left as it is and
/// named in `open_children`, as are those beyond 200.
#[utoipa::path(
    tag = "steps", operation_id = "solveTicket", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = NewSolution,
    responses((status = 200, body = SolvedTicket), (status = 409, description = "`step_not_allowed`"))
)]
#[post("/tickets/{ticket_id}/solution")]
pub async fn solve(call: Call, id: Path<i64>, body: Body<NewSolution>) -> Result<HttpResponse> {
    let step = (Action::Solve, Step::Solve, EventKind::Solved);
    let timezone = call.desk.config.timezone;
    take(call, *id, step, body, move |case, actor, NewSolution { description, solve_children }| {
        let mut open_children = open_children(case)?;
        let mut solved_children = Vec::new();
        if solve_children == Some(true) {
            for child in lock_solvable(case, &open_children)? {
                solved_children.push(child.id);
                let mut child = Case::open(case.tx, child, Some(actor.id), actor.now);
                record_solution(&mut child, actor.id, description.clone(), timezone)?;
                child.note("parent_id", case.ticket.id);
                child.record(EventKind::Solved)?;
            }
            open_children.retain(|id| !solved_children.contains(id));
        }
        record_solution(case, actor.id, description, timezone)?;
        Ok(Reply::Within(Box::new(|ticket| {
            Answer::ok(&SolvedTicket { ticket, solved_children, open_children })
        })))
    })
    .await
}

/// Solves the case, tells the requester and offers them the survey.
fn record_solution(case: &mut Case<'_>, solved_by: Uuid, description: String, timezone: Tz) -> Result<()> {
    working::keep_solution(case, timezone)?;
    let ticket = &mut case.ticket;
    ticket.status = Status::Solved;
    ticket.solution = Some(description);
    ticket.solved_at = Some(case.now);
    ticket.solved_by_id = Some(solved_by);
    surveys::offer(case.tx, ticket.id, ticket.requester_id, case.now)?;
    case.tell_requester(MessageKind::Solved);
    Ok(())
}

/// The children that are neither solved nor over, by number.
fn open_children(case: &mut Case<'_>) -> Result<Vec<i64>> {
    let children = ticket_relations::table
        .inner_join(tickets::table.on(tickets::id.eq(ticket_relations::related_id)))
        .filter(ticket_relations::ticket_id.eq(case.ticket.id))
        .filter(ticket_relations::kind.eq(RelationKind::ParentOf))
        .filter(tickets::status.ne_all([Status::Solved, Status::Closed, Status::Archived]));
    Ok(children.order(tickets::id).select(tickets::id).load(case.tx)?)
}

/// Those of these tickets that can be solved now. One that is held by somebody else is passed over and not waited for, so
/// that two never wait for each other.
fn lock_solvable(case: &mut Case<'_>, ids: &[i64]) -> Result<Vec<TicketRow>> {
    let solvable: Vec<Status> =
        Status::ALL.iter().copied().filter(|status| workflow::allows(*status, None, Step::Solve)).collect();
    let rows = tickets::table
        .filter(tickets::id.eq_any(ids))
        .filter(tickets::status.eq_any(solvable))
        .order(tickets::id)
        .limit(CHILDREN)
        .select(TicketRow::as_select())
        .for_update()
        .skip_locked()
        .load(case.tx)?;
    Ok(rows)
}
