//! The life of a ticket: which step each state allows, and where it leads. Pure.

use crate::db::text_enum;
use crate::problem::{Code, Problem, Result, Text};

text_enum! {
    /// Where a ticket stands.
    pub enum Status {
        /// Registered, with its number; nobody has looked at it yet.
        Received = "received",
        /// Its criticality is known, so it is known when attention is due.
        Classified = "classified",
        /// Somebody has it and has not yet made it theirs.
        Assigned = "assigned",
        /// The assignee accepted it and told the requester so.
        InProgress = "in_progress",
        /// Handed to a higher support level, where nobody has it yet.
        Escalated = "escalated",
        /// Waits for something outside of the desk.
        OnHold = "on_hold",
        /// The solution is recorded; the requester may still reopen it.
        Solved = "solved",
        /// Over.
        Closed = "closed",
        /// Set aside as withdrawn, after telling the requester.
        Archived = "archived",
    }
}

text_enum! {
    /// What can be done to a ticket.
    pub enum Step {
        Change = "change",
        Classify = "classification",
        Assign = "assignment",
        Accept = "acceptance",
        Reschedule = "rescheduling",
        Escalate = "escalations",
        Hold = "hold",
        Resume = "resumption",
        Followup = "followups",
        Attach = "attachments",
        Solve = "solution",
        Close = "closure",
        Reopen = "reopening",
        Archive = "archive",
        Merge = "merge",
    }
}

/// Whether a ticket in this state may take this step.
pub fn allows(status: Status, step: Step) -> bool {
    use Status::*;
    let before_solved = !matches!(status, Solved | Closed | Archived);
    match step {
        Step::Change => status == Received,
        Step::Classify | Step::Archive | Step::Merge => before_solved,
        Step::Assign => before_solved && status != Received,
        Step::Accept => status == Assigned,
        Step::Reschedule | Step::Escalate | Step::Hold | Step::Solve => status == InProgress,
        Step::Resume => status == OnHold,
        Step::Close | Step::Reopen => status == Solved,
        Step::Followup | Step::Attach => !matches!(status, Closed | Archived),
    }
}

/// Every step that this state allows.
pub fn allowed(status: Status) -> impl Iterator<Item = Step> {
    Step::ALL.iter().copied().filter(move |step| allows(status, *step))
}

/// # Errors
/// A 409 that names the state and the steps it allows.
#[track_caller]
pub fn check(status: Status, step: Step) -> Result<()> {
    if allows(status, step) {
        return Ok(());
    }
    let steps: Vec<&str> = allowed(status).map(Step::as_str).collect();
    let words = if steps.is_empty() { "—".to_owned() } else { steps.join(", ") };
    let state = status.as_str();
    let mut problem = Problem::new(
        Code::StepNotAllowed,
        Text::made(
            format!("En el estado `{state}` se admite: {words}."),
            format!("In the state `{state}` these are allowed: {words}."),
        ),
    );
    problem.members.insert("state".to_owned(), state.into());
    problem.members.insert("allowed_steps".to_owned(), steps.into());
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_once_a_ticket_is_over() {
        assert_eq!(allowed(Status::Closed).count() + allowed(Status::Archived).count(), 0);
    }

    #[test]
    fn every_state_but_the_last_two_leads_on() {
        for status in Status::ALL.iter().filter(|status| !matches!(status, Status::Closed | Status::Archived))
        {
            assert!(
                allowed(*status).any(|step| !matches!(step, Step::Followup | Step::Attach)),
                "{status:?}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_state_and_what_it_allows() {
        let problem = check(Status::Solved, Step::Accept).unwrap_err();
        assert_eq!(problem.code.status().as_u16(), 409);
        assert_eq!(problem.members["state"], "solved");
        assert_eq!(
            problem.members["allowed_steps"],
            serde_json::json!(["followups", "attachments", "closure", "reopening"])
        );
    }
}
