//! The life of a ticket: the steps that each state allows, and the state that follows. Pure.

use crate::language::text_enum;
use crate::problem::{Code, Problem, Text};

text_enum! {
    /// The state of a ticket.
    pub enum TicketStatus {
        /// Registered, with its number; not yet classified.
        Received = "received",
        /// The criticality is set, and with it the due time of the attention.
        Classified = "classified",
        /// It has an assignee who has not yet accepted it.
        Assigned = "assigned",
        /// The assignee accepted it and the requester was notified.
        InProgress = "in_progress",
        /// At another support level, after an escalation or a return; it has no assignee there yet.
        Escalated = "escalated",
        /// Waits for an external cause, or for information from the requester.
        OnHold = "on_hold",
        /// The solution is recorded; the requester may still reopen it.
        Solved = "solved",
        /// Ended after its solution.
        Closed = "closed",
        /// Archived without a solution, for the reason in `archive.reason`; the requester was notified.
        Archived = "archived",
    }
}

text_enum! {
    /// A step of a ticket. Each value except `change` is the last part of the path of the step, with `-` for `_`:
    /// `information_request` is `POST /tickets/{ticket_id}/information-request`.
    pub enum Step {
        /// Correct the ticket: `PATCH /tickets/{ticket_id}`.
        Change = "change",
        /// Set the criticality.
        Classify = "classification",
        /// Assign it to a person.
        Assign = "assignment",
        /// Accept it as its assignee.
        Accept = "acceptance",
        /// Change the appointment.
        Reschedule = "rescheduling",
        /// Escalate it to a higher support level or to a third party.
        Escalate = "escalations",
        /// Return it to a lower support level, or from a third party.
        Return = "return",
        /// Put it on hold for an external cause.
        Hold = "hold",
        /// Request missing information from the requester.
        RequestInformation = "information_request",
        /// End the hold.
        Resume = "resumption",
        /// Add a followup.
        Followup = "followups",
        /// Attach a file.
        Attach = "attachments",
        /// Record the solution.
        Solve = "solution",
        /// Close it after its solution.
        Close = "closure",
        /// Reopen it after its solution.
        Reopen = "reopening",
        /// Archive it without a solution.
        Archive = "archive",
        /// Submit the archived request again, as a new ticket.
        Resubmit = "resubmission",
        /// Merge it into another ticket as a duplicate.
        Merge = "merge",
    }
}

/// Whether a ticket in this state allows this step. `resumes_to` is the state to which a ticket on hold returns:
/// before its classification it may be corrected, and after it assigned.
pub fn allows(status: TicketStatus, resumes_to: Option<TicketStatus>, step: Step) -> bool {
    use TicketStatus::*;
    let before_solved = !matches!(status, Solved | Closed | Archived);
    let unclassified = resumes_to.unwrap_or(status) == Received;
    match step {
        Step::Change => unclassified,
        Step::Classify | Step::Archive | Step::Merge => before_solved,
        Step::Assign => before_solved && !unclassified,
        Step::Accept => status == Assigned,
        Step::Return => matches!(status, Assigned | InProgress | Escalated),
        Step::Reschedule | Step::Escalate | Step::Hold | Step::Solve => status == InProgress,
        Step::RequestInformation => before_solved && status != OnHold,
        Step::Resume => status == OnHold,
        Step::Close | Step::Reopen => status == Solved,
        Step::Followup | Step::Attach => !matches!(status, Closed | Archived),
        Step::Resubmit => status == Archived,
    }
}

/// Every step that this state allows.
pub fn allowed(status: TicketStatus, resumes_to: Option<TicketStatus>) -> impl Iterator<Item = Step> {
    Step::ALL.iter().copied().filter(move |step| allows(status, resumes_to, *step))
}

/// The state, as the end of a sentence that begins with `El caso` or `The ticket`.
fn in_words(status: TicketStatus) -> Text {
    match status {
        TicketStatus::Received => Text::new("está sin clasificar", "is not yet classified"),
        TicketStatus::Classified => Text::new("está sin asignar", "is not yet assigned"),
        TicketStatus::Assigned => Text::new("está sin aceptar", "is not yet accepted"),
        TicketStatus::InProgress => Text::new("está en atención", "is in progress"),
        TicketStatus::Escalated => {
            Text::new("está en otro nivel, sin asignar", "is at another level, not yet assigned")
        }
        TicketStatus::OnHold => Text::new("está en espera", "is on hold"),
        TicketStatus::Solved => Text::new("está solucionado", "is solved"),
        TicketStatus::Closed => Text::new("está cerrado", "is closed"),
        TicketStatus::Archived => Text::new("está archivado", "is archived"),
    }
}

/// A 409 that names the state and the steps that are allowed instead.
#[track_caller]
pub fn refused(status: TicketStatus, instead: &[Step]) -> Problem {
    let steps: Vec<&str> = instead.iter().map(|step| step.as_str()).collect();
    let Text { es, en } = in_words(status);
    let over = matches!(status, TicketStatus::Closed | TicketStatus::Archived);
    let names = steps.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(", ");
    let detail = match (steps.as_slice(), over) {
        ([], true) => Text::made(
            format!("El caso {es} y no admite más pasos."),
            format!("The ticket {en} and allows no further steps."),
        ),
        ([], false) => Text::made(
            format!("El caso {es} y usted no puede dar ningún paso."),
            format!("The ticket {en}, and you may take no step."),
        ),
        ([_], _) => Text::made(
            format!("El caso {es}. Usted solo puede dar este paso: {names}."),
            format!("The ticket {en}. You may only take this step: {names}."),
        ),
        _ => Text::made(
            format!("El caso {es}. Usted puede dar estos pasos: {names}."),
            format!("The ticket {en}. You may take these steps: {names}."),
        ),
    };
    let mut problem = Problem::new(Code::StepNotAllowed, detail);
    problem.members.insert("current_status".to_owned(), status.as_str().into());
    problem.members.insert("allowed_steps".to_owned(), steps.into());
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_ticket_is_over_it_can_only_be_presented_again() {
        assert_eq!(allowed(TicketStatus::Closed, None).count(), 0);
        assert_eq!(allowed(TicketStatus::Archived, None).collect::<Vec<_>>(), [Step::Resubmit]);
    }

    #[test]
    fn what_waits_is_corrected_until_it_is_classified_and_assigned_from_then_on() {
        for (resumes_to, corrected) in [
            (TicketStatus::Received, true),
            (TicketStatus::Classified, false),
            (TicketStatus::Assigned, false),
            (TicketStatus::InProgress, false),
            (TicketStatus::Escalated, false),
        ] {
            assert_eq!(
                allows(TicketStatus::OnHold, Some(resumes_to), Step::Change),
                corrected,
                "{resumes_to:?}"
            );
            assert_eq!(
                allows(TicketStatus::OnHold, Some(resumes_to), Step::Assign),
                !corrected,
                "{resumes_to:?}"
            );
        }
    }

    #[test]
    fn every_state_but_the_last_two_leads_on() {
        for status in TicketStatus::ALL
            .iter()
            .filter(|status| !matches!(status, TicketStatus::Closed | TicketStatus::Archived))
        {
            assert!(
                allowed(*status, None).any(|step| !matches!(step, Step::Followup | Step::Attach)),
                "{status:?}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_state_and_the_allowed_steps() {
        let problem = refused(TicketStatus::Solved, &allowed(TicketStatus::Solved, None).collect::<Vec<_>>());
        assert_eq!(problem.code.status().as_u16(), 409);
        assert_eq!(problem.members["current_status"], "solved");
        assert_eq!(
            problem.members["allowed_steps"],
            serde_json::json!(["followups", "attachments", "closure", "reopening"])
        );
        assert_eq!(
            problem.detail.es,
            "El caso está solucionado. Usted puede dar estos pasos: `followups`, `attachments`, `closure`, `reopening`."
        );
    }

    #[test]
    fn a_refusal_without_steps_says_so_in_both_languages() {
        for status in TicketStatus::ALL {
            let Text { es, en } = refused(*status, &[]).detail;
            assert!(!es.contains('—') && !es.contains(':') && es.starts_with("El caso está "), "{es}");
            assert!(!en.contains('—') && !en.contains(':') && en.starts_with("The ticket is "), "{en}");
        }
        let details = |status| refused(status, &[]).detail;
        let closed = details(TicketStatus::Closed);
        assert_eq!(closed.es, "El caso está cerrado y no admite más pasos.");
        assert_eq!(closed.en, "The ticket is closed and allows no further steps.");
        let archived = details(TicketStatus::Archived);
        assert_eq!(archived.es, "El caso está archivado y no admite más pasos.");
        assert_eq!(archived.en, "The ticket is archived and allows no further steps.");
    }
}
