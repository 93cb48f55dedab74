//! Activity 7: record the solution.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Reply, Setting, change, take};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{categories, ticket_relations, tickets};
use crate::http::{Actor, Answer, Body, Call};
use crate::outbox::{self, MessageKind};
use crate::problem::Result;
use crate::tickets::access_grants::{self, AccessGrantInput};
use crate::tickets::attention::working;
use crate::tickets::model::{Ticket, TicketRow};
use crate::tickets::relations::RelationKind;
use crate::tickets::survey;
use crate::tickets::workflow::{self, Step, TicketStatus};

/// The solution of a ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SolutionCreate)]
pub struct SolutionCreate {
    /// What was done, as a text for the requester.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Se cambió el puerto del switch."
    )]
    description: String,
    /// Whether to also solve, with the same description, the child tickets that are `in_progress` and assigned to the
    /// caller, and to send the solution to the assignees of the other children. `false` if omitted.
    solve_children: Option<bool>,
    /// The access that was granted with this solution, for the audit of profiles; empty if none was. Required if
    /// `records_access_grants` of the ticket's category is true, optional for other tickets. What an earlier solution
    /// of the ticket granted stays recorded.
    #[schema(max_items = 100)]
    access_grants: Option<Vec<AccessGrantInput>>,
}

/// A ticket that was just solved, and the result for its children.
#[derive(Serialize, ToSchema)]
pub struct SolvedTicket {
    #[serde(flatten)]
    ticket: Ticket,
    /// Numbers of the children that were solved with the ticket.
    #[schema(example = json!([124]))]
    #[serde(rename = "solved_child_ids")]
    solved_children: Vec<i64>,
    /// Numbers of the children that are assigned to other people, who were sent the solution. They are in
    /// `open_child_ids` too.
    #[schema(example = json!([125]))]
    #[serde(rename = "offered_child_ids")]
    offered_children: Vec<i64>,
    /// Numbers of the children that are still neither solved, closed nor archived.
    #[schema(example = json!([125]))]
    #[serde(rename = "open_child_ids")]
    open_children: Vec<i64>,
}

/// The maximum number of children that one call solves, and of children whose assignees it notifies.
const CHILDREN: i64 = 200;

/// Solve a ticket
///
/// Allowed for a ticket that is `in_progress`.
/// Only the assignee may solve it. The requester is notified and invited to answer the survey; the ticket is closed
/// automatically after some days unless it is reopened.
///
/// A ticket may be the parent of others: `GET /tickets/{ticket_id}/relations` lists its children with their states.
/// With `solve_children`, the children that are `in_progress` and assigned to the caller are solved with the same
/// description in the same transaction; each has its own event, message and survey. A child that is assigned to
/// another person does not change: its assignee is sent a message with the solution (`parent_solved`) and decides
/// about the child, which is listed in both `offered_child_ids` and `open_child_ids`. Any other unsolved child does
/// not change and is listed in `open_child_ids` only: a child without an assignee, one of the caller's in another state
/// or locked by a concurrent change, one whose category records granted access, and those beyond the first 200. The event `solved` of the parent has
/// `solved_child_ids` and `offered_child_ids` in its details.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Solve))),
    tag = "ticket steps", operation_id = "solveTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = SolutionCreate,
    responses((status = 200, body = SolvedTicket, description = "The solved ticket, and the result for its children"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[post("/tickets/{ticket_id}/solution")]
pub async fn solve(call: Call, id: Path<i64>, body: Body<SolutionCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<SolutionCreate>,
) -> Result<Answer> {
    let step = (Step::Solve, EventKind::Solved);
    take(tx, actor, id, step, body, move |case, actor, body| {
        let SolutionCreate { description, solve_children, access_grants } = body;
        access_grants::record(case, actor.id, access_grants)?;
        let open = open_children(case)?;
        let (mut solved_children, mut offered_children) = (Vec::new(), Vec::new());
        if solve_children == Some(true) {
            for child in lock_solvable(case, actor.id, &open)? {
                solved_children.push(child.id);
                let mut child = Case::open(case.tx, child, actor);
                record_solution(&mut child, actor.id, description.clone())?;
                child.details.parent_id = Some(case.ticket.id);
                child.record(EventKind::Solved)?;
            }
            offered_children = offer(case, actor.id, &open)?;
            case.details.solved_children = Some(solved_children.clone());
            case.details.offered_children = Some(offered_children.clone());
        }
        let open_children =
            open.into_iter().map(|(id, _)| id).filter(|id| !solved_children.contains(id)).collect();
        record_solution(case, actor.id, description)?;
        Ok(Reply::Within(Box::new(|ticket| {
            Answer::ok(&SolvedTicket { ticket, solved_children, offered_children, open_children })
        })))
    })
}

/// Solves the case, notifies the requester and offers the survey.
fn record_solution(case: &mut Case<'_>, solved_by: Uuid, description: String) -> Result<()> {
    working::keep_solution(case)?;
    let ticket = &mut case.ticket;
    ticket.status = TicketStatus::Solved;
    ticket.solution = Some(description);
    ticket.solved_at = Some(case.now);
    ticket.solved_by_id = Some(solved_by);
    survey::offer(case.tx, ticket.id, ticket.requester_id, solved_by, case.now)?;
    case.notify_requester(MessageKind::Solved);
    Ok(())
}

/// The number and the assignee of each child that is neither solved, closed nor archived.
fn open_children(case: &mut Case<'_>) -> Result<Vec<(i64, Option<Uuid>)>> {
    let children = ticket_relations::table
        .inner_join(tickets::table.on(tickets::id.eq(ticket_relations::related_id)))
        .filter(ticket_relations::ticket_id.eq(case.ticket.id))
        .filter(ticket_relations::kind.eq(RelationKind::ParentOf))
        .filter(tickets::status.ne_all([TicketStatus::Solved, TicketStatus::Closed, TicketStatus::Archived]));
    Ok(children.order(tickets::id).select((tickets::id, tickets::assignee_id)).load(case.tx)?)
}

/// Sends the solution of the case to the assignees of the children that are assigned to other people; returns these
/// children.
fn offer(case: &mut Case<'_>, solver: Uuid, open: &[(i64, Option<Uuid>)]) -> Result<Vec<i64>> {
    let of_others = open.iter().filter_map(|(id, assignee)| Some((*id, (*assignee)?)));
    let of_others = of_others.filter(|(_, assignee)| *assignee != solver);
    let offers: Vec<(i64, Uuid)> = of_others.take(usize::try_from(CHILDREN).unwrap_or_default()).collect();
    let data = json!({"parent_id": case.ticket.id});
    outbox::queue_each(case.tx, MessageKind::ParentSolved, &offers, &data, case.now)?;
    Ok(offers.into_iter().map(|(id, _)| id).collect())
}

/// Locks those of these tickets that this assignee can solve now. Tickets locked by another transaction are skipped,
/// to avoid deadlocks.
fn lock_solvable(
    case: &mut Case<'_>,
    assignee: Uuid,
    open: &[(i64, Option<Uuid>)],
) -> Result<Vec<TicketRow>> {
    let solvable: Vec<TicketStatus> = TicketStatus::ALL
        .iter()
        .copied()
        .filter(|status| workflow::allows(*status, None, Step::Solve))
        .collect();
    // Their solution names what was granted.
    let with_grants =
        categories::table.filter(categories::records_access_grants).select(categories::id.nullable());
    let rows = tickets::table
        .filter(tickets::id.eq_any(open.iter().map(|(id, _)| *id)))
        .filter(tickets::category_id.is_null().or(tickets::category_id.ne_all(with_grants)))
        .filter(tickets::assignee_id.eq(assignee))
        .filter(tickets::status.eq_any(solvable))
        .order(tickets::id)
        .limit(CHILDREN)
        .select(TicketRow::as_select())
        .for_update()
        .skip_locked()
        .load(case.tx)?;
    Ok(rows)
}
