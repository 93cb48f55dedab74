//! The occasion of a message.

use crate::language::text_enum;

text_enum! {
    /// The occasion of a message.
    pub enum MessageKind {
        /// The request was registered.
        Received = "received",
        /// A request was registered; to the staff of its level.
        NewTicket = "new_ticket",
        /// A ticket waits for its assignment, and nobody could be assigned automatically or its assignee can no longer
        /// attend to it; to the staff of its level.
        WaitingForStaff = "waiting_for_staff",
        /// The ticket was classified as critical: to its assignee or the staff of its level, and to the requester if this
        /// voids an earlier acceptance.
        BecameCritical = "became_critical",
        /// The appointment is void because the assignee changed; to the requester.
        AppointmentVoided = "appointment_voided",
        /// The ticket was assigned to the recipient.
        Assigned = "assigned",
        /// The request was accepted; with the assignee and the appointment.
        Accepted = "accepted",
        /// The appointment was changed.
        Rescheduled = "rescheduled",
        /// The request was escalated to a higher level, or to a third party; to the requester and the staff of that level.
        Escalated = "escalated",
        /// The request was returned to a lower support level; to the requester and the staff of that level.
        Returned = "returned",
        /// The request was put on hold.
        Held = "held",
        /// The requester is asked for information.
        InformationRequested = "information_requested",
        /// The hold has ended.
        Resumed = "resumed",
        /// A followup was added to the ticket.
        Followup = "followup",
        /// The attention is due soon.
        DueSoon = "due_soon",
        /// The attention is overdue.
        Overdue = "overdue",
        /// The request is solved; the requester is asked to answer the survey.
        Solved = "solved",
        /// The parent of a ticket assigned to the recipient was solved; its solution may also apply to that ticket.
        ParentSolved = "parent_solved",
        /// The ticket is closed.
        Closed = "closed",
        /// The ticket was reopened.
        Reopened = "reopened",
        /// The ticket is archived.
        Archived = "archived",
        /// A reminder of an unanswered survey.
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
        /// The server ended a webhook; to its owner or, if they cannot be told, to the directors.
        WebhookEnded = "webhook_ended",
    }
}

impl MessageKind {
    /// Whether staff who turned off mail about new tickets get no message of this kind, unless the ticket is assigned to
    /// them or critical.
    pub fn can_be_turned_off(self) -> bool {
        use MessageKind::*;
        matches!(
            self,
            NewTicket | WaitingForStaff | BecameCritical | Escalated | Returned | DueSoon | Overdue
        )
    }

    /// Whether a message of this kind is about the account of its recipient, or what belongs to it: neither about a ticket
    /// nor about an improvement action.
    pub fn is_about_account(self) -> bool {
        use MessageKind::*;
        matches!(self, PasswordReset | Invitation | EmailChanged | PasswordChanged | WebhookEnded)
    }
}
