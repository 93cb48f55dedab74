//! What kinds of events there are.

use crate::language::text_enum;

text_enum! {
    /// What happened to a ticket. The database keeps no other.
    pub enum EventKind {
        Received = "received",
        /// The requester corrected it before it was classified.
        Changed = "changed",
        Classified = "classified",
        Assigned = "assigned",
        /// `details` name the followup that told the requester.
        Accepted = "accepted",
        /// `details` name the followup that told the requester.
        Rescheduled = "rescheduled",
        Escalated = "escalated",
        Held = "held",
        /// `details` name the followup that told the requester.
        InformationRequested = "information_requested",
        /// `details` say by what a requester answered.
        Resumed = "resumed",
        FollowupAdded = "followup_added",
        FollowupPublished = "followup_published",
        FileAttached = "file_attached",
        /// The attention times of its criticality changed, and were applied to it.
        DueChanged = "due_changed",
        DueSoon = "due_soon",
        Overdue = "overdue",
        Solved = "solved",
        Closed = "closed",
        Reopened = "reopened",
        Archived = "archived",
        /// It was presented again as another ticket.
        Resubmitted = "resubmitted",
        /// Into another ticket; `details` name the followup that told the requester.
        Merged = "merged",
        /// Another ticket was merged into this one.
        DuplicateMerged = "duplicate_merged",
        Related = "related",
        Unrelated = "unrelated",
        /// Its requester's personal data were taken out, by law.
        Anonymized = "anonymized",
    }
}
