//! The steps that a caller may take: what the state of the ticket allows, and the policy allows to this person.

use uuid::Uuid;

use super::model::TicketRow;
use super::workflow::{self, Step, TicketStatus};
use crate::auth::policy::{Action, PermissionScope, Rights};
use crate::http::Actor;
use crate::problem::Result;

pub(super) const LOWEST_LEVEL: i16 = 1;

/// The facts about a ticket on which its next steps depend.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub status: TicketStatus,
    pub resumes_to: Option<TicketStatus>,
    pub requester_id: Uuid,
    pub assignee_id: Option<Uuid>,
    pub support_level: i16,
    /// A third party works on it.
    pub third_party: bool,
    /// A program sent it.
    pub automatic: bool,
}

impl From<&TicketRow> for Standing {
    fn from(row: &TicketRow) -> Self {
        Standing {
            status: row.status,
            resumes_to: row.resumes_to,
            requester_id: row.requester_id,
            assignee_id: row.assignee_id,
            support_level: row.support_level,
            third_party: row.third_party.is_some(),
            automatic: row.automatic,
        }
    }
}

/// The action that a step requires: the permission of its operation.
pub fn action(step: Step) -> Action {
    match step {
        Step::Change => Action::ChangeTicket,
        Step::Classify => Action::Classify,
        Step::Assign => Action::Assign,
        Step::Accept => Action::Accept,
        Step::Reschedule => Action::Reschedule,
        Step::Escalate => Action::Escalate,
        Step::Return => Action::Return,
        Step::Hold | Step::RequestInformation | Step::Resume => Action::Hold,
        Step::Followup => Action::AddPublicFollowup,
        Step::Attach => Action::Attach,
        Step::Solve => Action::Solve,
        Step::Close => Action::Close,
        Step::Reopen => Action::Reopen,
        Step::Archive => Action::Archive,
        Step::Resubmit => Action::Resubmit,
        Step::Merge => Action::Relate,
    }
}

fn may(rights: Rights<'_>, id: Uuid, ticket: Standing, step: Step) -> bool {
    match rights.scope(action(step)) {
        None => false,
        Some(PermissionScope::Own) => ticket.requester_id == id,
        Some(PermissionScope::Assignee) => ticket.assignee_id == Some(id),
        Some(_) => true,
    }
}

/// There is no level below the lowest; from there a ticket only returns from a third party. At the highest level it can
/// still be escalated to a third party. A program is not asked for information.
fn is_possible(ticket: Standing, step: Step) -> bool {
    match step {
        Step::Return => ticket.support_level > LOWEST_LEVEL || ticket.third_party,
        Step::RequestInformation => !ticket.automatic,
        _ => true,
    }
}

/// The steps that this person may take next.
pub fn steps(actor: &Actor, ticket: impl Into<Standing>) -> Vec<Step> {
    let ticket = ticket.into();
    workflow::allowed(ticket.status, ticket.resumes_to)
        .filter(|step| is_possible(ticket, *step))
        .filter(|step| may(actor.rights(), actor.id, ticket, *step))
        .collect()
}

/// # Errors
/// A 409 that names the state and the steps that this person may take instead.
#[track_caller]
pub fn check(actor: &Actor, ticket: impl Into<Standing>, step: Step) -> Result<()> {
    let ticket = ticket.into();
    let is_refused = step == Step::RequestInformation && !is_possible(ticket, step);
    if workflow::allows(ticket.status, ticket.resumes_to, step) && !is_refused {
        return Ok(());
    }
    Err(workflow::refused(ticket.status, &steps(actor, ticket)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::policy::Role;

    fn taken_by(role: Role, status: TicketStatus, requester: bool, assignee: bool) -> Vec<Step> {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ticket = Standing {
            status,
            resumes_to: None,
            requester_id: if requester { me } else { other },
            assignee_id: Some(if assignee { me } else { other }),
            support_level: 2,
            third_party: false,
            automatic: false,
        };
        workflow::allowed(status, None).filter(|step| may(Rights::of_role(role), me, ticket, *step)).collect()
    }

    #[test]
    fn the_assignee_may_solve_and_colleagues_may_not() {
        for role in [Role::Technician, Role::Professional, Role::Director] {
            let all = taken_by(role, TicketStatus::InProgress, false, true);
            let others = taken_by(role, TicketStatus::InProgress, false, false);
            assert!(all.contains(&Step::Solve) && !others.contains(&Step::Solve), "{role:?}");
            assert!(others.contains(&Step::Assign), "{role:?}");
        }
    }

    #[test]
    fn a_requester_takes_few_steps_and_only_of_their_own_tickets() {
        let own = taken_by(Role::Requester, TicketStatus::Received, true, false);
        assert_eq!(own, [Step::Change, Step::Followup, Step::Attach, Step::Archive]);
        assert_eq!(
            taken_by(Role::Requester, TicketStatus::Solved, true, false),
            [Step::Followup, Step::Attach, Step::Close, Step::Reopen]
        );
        assert!(taken_by(Role::Requester, TicketStatus::Solved, false, false).is_empty());
    }
}
