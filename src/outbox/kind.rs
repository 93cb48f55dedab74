//! The occasion of a message.

use crate::language::text_enum;

text_enum! {
    /// The occasion of a message.
    pub enum MessageKind {
        /// The request was registered.
        Received = "received",
        /// The ticket was assigned to the recipient.
        Assigned = "assigned",
        /// The request was accepted: who attends it and when.
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
        /// The parent of a ticket assigned to the recipient was solved; its solution may also apply to that ticket.
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
        /// A link to set a new password.
        PasswordReset = "password_reset",
        /// A link to set the first password of an account.
        Invitation = "invitation",
        /// The e-mail address of the recipient's account was changed; sent to the previous address.
        EmailChanged = "email_changed",
        /// A new password was set for the recipient's account.
        PasswordChanged = "password_changed",
    }
}

impl MessageKind {
    /// Whether a message of this kind is about the account of its recipient, and about nothing else.
    pub fn is_about_account(self) -> bool {
        use MessageKind::*;
        matches!(self, PasswordReset | Invitation | EmailChanged | PasswordChanged)
    }
}
