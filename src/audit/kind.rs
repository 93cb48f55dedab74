//! What kinds of events there are, and what they tell beside the fields that changed.

use chrono::{DateTime, Utc};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::db::text_enum;
use crate::tickets::followups::Visibility;
use crate::tickets::information::AnsweredBy;
use crate::tickets::model::Channel;

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

/// Schema of what `Case::note` writes.
pub struct EventDetails;

impl PartialSchema for EventDetails {
    fn schema() -> RefOr<Schema> {
        let mut schema = EventDetailFields::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.extensions = Some(ExtensionsBuilder::new().add("x-mesa-any-field-left-out", true).build());
        }
        schema
    }
}

impl ToSchema for EventDetails {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        EventDetailFields::schemas(schemas);
    }
}

/// What the fields alone do not tell, such as a reason. Each kind of event has those that it needs.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "says in the contract what `Case::note` writes")]
struct EventDetailFields {
    /// `closed` by itself: after how many days.
    after_days: Option<i64>,
    /// `resumed`: by what the requester answered.
    answered_by: Option<AnsweredBy>,
    /// `file_attached`.
    attachment_id: Option<Uuid>,
    /// `file_attached` by mail, with several files.
    #[schema(max_items = 1000)]
    attachment_ids: Option<Vec<Uuid>>,
    /// `assigned`: whether the desk chose the person.
    automatic: Option<bool>,
    /// `received`: how it came in.
    channel: Option<Channel>,
    /// `archived` by itself: until when the requester could answer.
    deadline: Option<DateTime<Utc>>,
    /// `duplicate_merged`: the ticket that ended in this one.
    duplicate_id: Option<i64>,
    #[schema(max_length = 255)]
    file_name: Option<String>,
    #[schema(max_length = 255, max_items = 1000)]
    file_names: Option<Vec<String>>,
    /// The followup that is meant, or that told the requester.
    followup_id: Option<Uuid>,
    /// The inbound e-mail that caused it; it may have been removed since. Only events that mail caused have this field.
    inbound_email_id: Option<Uuid>,
    /// `merged`: the ticket that goes on.
    into: Option<i64>,
    /// `related`, `unrelated`: the kind of relation; `resumed`: what it waited for.
    #[schema(max_length = 50)]
    kind: Option<String>,
    /// `due_changed`: the attention time that holds now.
    minutes: Option<i32>,
    /// `information_requested`: what was asked for.
    #[schema(max_length = 2000)]
    missing: Option<String>,
    /// `due_changed`: the opening hours that hold now.
    #[schema(max_length = 500)]
    opening_hours: Option<String>,
    /// `solved`, of a parent: the children whose assignees were sent the solution.
    #[schema(max_items = 200)]
    offered_children: Option<Vec<i64>>,
    /// `solved`: the ticket with which it was solved.
    parent_id: Option<i64>,
    /// Why it was escalated, held, handed over, reopened or rescheduled; `archived`: in words.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Caused by mail: the account that released it after it had been set aside or ignored.
    released_by_id: Option<Uuid>,
    /// `received`: the archived ticket that this one presents again.
    resubmission_of: Option<i64>,
    resubmitted_as: Option<i64>,
    /// `solved`, of a parent: the children that were solved with it.
    #[schema(max_items = 200)]
    solved_children: Option<Vec<i64>>,
    /// Caused by mail: the account that submitted it to the API; `null` for the mailbox and for the command.
    submitted_by_id: Option<Uuid>,
    /// `escalated`: to whom outside.
    #[schema(max_length = 200)]
    third_party: Option<String>,
    /// `related`, `unrelated`: the other ticket.
    ticket_id: Option<i64>,
    /// Caused by mail: whether the entity's mail server did not verify that the author of the mail is who they say. Only events
    /// that mail caused have this field.
    unverified: Option<bool>,
    /// Of a followup.
    visibility: Option<Visibility>,
}
