//! The kinds of events.

use crate::language::text_enum;

text_enum! {
    /// The kind of an event of a ticket.
    pub enum EventKind {
        Received = "received",
        /// It was imported from another system, or imported again with other data. `details` name the system and the ticket in it.
        Imported = "imported",
        /// The requester corrected the ticket before it was classified.
        Changed = "changed",
        Classified = "classified",
        Assigned = "assigned",
        /// `details` name the followup that informed the requester.
        Accepted = "accepted",
        /// Its assignee can no longer attend to it: it waits for its assignment at its support level again. `details`
        /// state why.
        Unassigned = "unassigned",
        /// `details` name the followup that informed the requester.
        Rescheduled = "rescheduled",
        Escalated = "escalated",
        /// Returned to a lower support level, or to the assignee after the work of a third party.
        Returned = "returned",
        Held = "held",
        /// `details` name the followup that informed the requester.
        InformationRequested = "information_requested",
        /// `details` state how the requester answered.
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
        /// It was resubmitted as another ticket.
        Resubmitted = "resubmitted",
        /// It was merged into another ticket; `details` name the followup that informed the requester.
        Merged = "merged",
        /// Another ticket was merged into this one.
        DuplicateMerged = "duplicate_merged",
        Related = "related",
        Unrelated = "unrelated",
        /// `details` name the person who now watches the ticket.
        WatcherAdded = "watcher_added",
        /// `details` name the person who no longer watches the ticket.
        WatcherRemoved = "watcher_removed",
        /// The personal data of its requester were removed, by law.
        Anonymized = "anonymized",
    }
}
