//! What a message tells of.

use crate::db::text_enum;

text_enum! {
    /// What a message tells of.
    pub enum MessageKind {
        /// The request was registered.
        Received = "received",
        /// One is to attend the case.
        Assigned = "assigned",
        /// Somebody attends the request, then and then.
        Accepted = "accepted",
        /// The appointment moved.
        Rescheduled = "rescheduled",
        /// The request went up to the next level, or to a third party.
        Escalated = "escalated",
        /// The request waits for something.
        Held = "held",
        /// Something is asked of the requester.
        InformationRequested = "information_requested",
        /// The wait is over.
        Resumed = "resumed",
        /// Somebody wrote on the ticket.
        Followup = "followup",
        /// The attention is due soon.
        DueSoon = "due_soon",
        /// The attention is overdue.
        Overdue = "overdue",
        /// The request is solved; the requester is asked to judge it.
        Solved = "solved",
        /// The parent of the reader's ticket is solved; its solution may solve theirs.
        ParentSolved = "parent_solved",
        /// The ticket is closed.
        Closed = "closed",
        /// The case goes on.
        Reopened = "reopened",
        /// The ticket is archived.
        Archived = "archived",
        /// The survey is still to be answered.
        SurveyReminder = "survey_reminder",
        /// An improvement action is overdue.
        ActionOverdue = "action_overdue",
    }
}
