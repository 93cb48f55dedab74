//! The details of an event of a ticket, in addition to the changed fields.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::followups::FollowupVisibility;
use super::information::AnsweredBy;
use super::model::Channel;
use crate::http::MailOrigin;
use crate::problem::{Problem, Result};

/// Details in addition to the changed fields, such as a reason. The fields depend on the kind of the event.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// `closed` automatically: after how many days.
    pub after_days: Option<i64>,
    /// `resumed`: how the requester answered.
    pub answered_by: Option<AnsweredBy>,
    /// `file_attached`: the file.
    pub attachment_id: Option<Uuid>,
    /// `file_attached` with several files, by mail or when their followup was made public: the files.
    #[schema(max_items = 1000)]
    pub attachment_ids: Option<Vec<Uuid>>,
    /// `assigned`: whether the assignee was chosen automatically; `reopened`: present if the ticket was assigned to another
    /// person.
    pub automatic: Option<bool>,
    /// `received`: the channel of the request.
    pub channel: Option<Channel>,
    /// `archived` automatically: the deadline for the requester's answer.
    pub deadline: Option<DateTime<Utc>>,
    /// `duplicate_merged`: the ticket that was merged into this one.
    pub duplicate_id: Option<i64>,
    /// `imported`: the identifier of the ticket in the other system.
    #[schema(max_length = 100)]
    pub external_id: Option<String>,
    /// `imported`: the other system.
    #[schema(max_length = 50)]
    pub external_source: Option<String>,
    /// `file_attached`: the name of the file.
    #[schema(max_length = 255)]
    pub file_name: Option<String>,
    /// `file_attached` with several files: the names of the files.
    #[schema(max_length = 255, max_items = 1000)]
    pub file_names: Option<Vec<String>>,
    /// The followup that the event refers to, or that informed the requester; `file_attached`: the followup that was made public,
    /// with copies of its files.
    pub followup_id: Option<Uuid>,
    /// The inbound e-mail that caused it; it may have been removed since. Only events that mail caused have this field.
    pub inbound_email_id: Option<Uuid>,
    /// `merged`: the ticket that remains.
    pub into: Option<i64>,
    /// `related`, `unrelated`: the kind of relation; `resumed`: the kind of hold.
    #[schema(max_length = 50)]
    pub kind: Option<&'static str>,
    /// `due_changed`: the attention time that now applies.
    pub minutes: Option<i32>,
    /// `information_requested`: the requested information.
    #[schema(max_length = 2000)]
    pub missing: Option<String>,
    /// `due_changed`: the opening hours that now apply.
    #[schema(max_length = 500)]
    pub opening_hours: Option<String>,
    /// `solved`, for a parent: the children whose assignees were sent the solution.
    #[schema(max_items = 200)]
    pub offered_children: Option<Vec<i64>>,
    /// `solved`: the parent ticket with which it was solved.
    pub parent_id: Option<i64>,
    /// The reason of an escalation, return, hold, handover, reopening or rescheduling; `archived`, `merged`: the reason as in
    /// `archive.reason`; `unassigned`: why its assignee could no longer attend to it, `inactive`, `demoted` or
    /// `contract_ended`.
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// Caused by mail: the account that released the mail after it was set aside or ignored.
    pub released_by_id: Option<Uuid>,
    /// `received`: the archived ticket that this one resubmits.
    pub resubmission_of: Option<i64>,
    /// `resubmitted`: the ticket that resubmits this one.
    pub resubmitted_as: Option<i64>,
    /// `solved`, for a parent: the children that were solved with it.
    #[schema(max_items = 200)]
    pub solved_children: Option<Vec<i64>>,
    /// Caused by mail: the account that submitted it to the API; `null` for the mailbox and for the command.
    pub submitted_by_id: Option<Uuid>,
    /// `escalated`: the third party.
    #[schema(max_length = 200)]
    pub third_party: Option<String>,
    /// `related`, `unrelated`: the other ticket.
    pub ticket_id: Option<i64>,
    /// Caused by mail: whether the entity's mail server did not verify the author of the mail. Only events that mail
    /// caused have this field.
    pub unverified: Option<bool>,
    /// `watcher_added`, `watcher_removed`: the watcher; `unassigned`: the previous assignee.
    pub user_id: Option<Uuid>,
    /// The visibility of the followup.
    pub visibility: Option<FollowupVisibility>,
}

impl Details {
    /// Records the inbound email that caused the event.
    pub fn set_mail(&mut self, origin: &MailOrigin) {
        self.inbound_email_id = Some(origin.inbound_email_id);
        self.submitted_by_id = origin.submitted_by_id;
        self.released_by_id = origin.released_by_id;
        self.unverified = Some(origin.unverified);
    }

    /// The details as they are stored: without the fields that do not apply.
    ///
    /// # Errors
    /// An internal error if they cannot be written as JSON.
    pub fn into_json(self) -> Result<Value> {
        let by_mail = self.inbound_email_id.is_some();
        let all: Map<String, Value> =
            serde_json::to_value(self).and_then(serde_json::from_value).map_err(Problem::internal)?;
        let applies = |name: &str, value: &Value| !value.is_null() || (by_mail && name == "submitted_by_id");
        Ok(all.into_iter().filter(|(name, value)| applies(name, value)).collect())
    }
}

/// The fields that answers name differently than the stored events, which never change.
const PUBLISHED: [(&str, &str); 7] = [
    ("deadline", "deadline_at"),
    ("into", "into_ticket_id"),
    ("minutes", "within_minutes"),
    ("offered_children", "offered_child_ids"),
    ("resubmission_of", "resubmission_of_id"),
    ("resubmitted_as", "resubmitted_as_id"),
    ("solved_children", "solved_child_ids"),
];

/// Stored details, as answers show them.
pub fn published(mut details: Value) -> Value {
    if let Some(fields) = details.as_object_mut() {
        for (stored, published) in PUBLISHED {
            if let Some(value) = fields.remove(stored) {
                fields.insert(published.to_owned(), value);
            }
        }
    }
    details
}

/// The fields of published details that have numbers of other tickets.
const OF_TICKETS: [&str; 8] = [
    "duplicate_id",
    "into_ticket_id",
    "offered_child_ids",
    "parent_id",
    "resubmission_of_id",
    "resubmitted_as_id",
    "solved_child_ids",
    "ticket_id",
];

/// The numbers of other tickets in published details.
pub fn tickets(details: &Value) -> Vec<i64> {
    let values = OF_TICKETS.iter().filter_map(|name| details.get(name));
    values
        .flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
        .filter_map(|id| id.as_i64())
        .collect()
}

/// Removes the numbers of other tickets that are not to be shown.
pub fn keep_tickets(details: &mut Value, is_shown: impl Fn(i64) -> bool) {
    let Some(fields) = details.as_object_mut() else { return };
    let is_shown = |id: &Value| id.as_i64().is_none_or(&is_shown);
    for name in OF_TICKETS {
        match fields.get_mut(name) {
            Some(Value::Array(ids)) => ids.retain(is_shown),
            Some(id) if !is_shown(id) => {
                fields.remove(name);
            }
            _ => {}
        }
    }
}

/// The schema of [`Details`] in an answer: each field may be missing.
pub struct EventDetails;

impl PartialSchema for EventDetails {
    fn schema() -> RefOr<Schema> {
        let mut schema = Details::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            for (stored, published) in PUBLISHED {
                if let Some(field) = object.properties.remove(stored) {
                    object.properties.insert(published.to_owned(), field);
                }
            }
            object.extensions = Some(ExtensionsBuilder::new().add("x-mesa-any-field-left-out", true).build());
        }
        schema
    }
}

impl ToSchema for EventDetails {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Details::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_with_numbers_of_tickets_is_known() {
        let known = ["after_days", "minutes"];
        let schema = serde_json::to_value(EventDetails::schema()).unwrap();
        let numbers = schema["properties"].as_object().unwrap().iter().filter(|(_, field)| {
            let text = field.to_string();
            text.contains("\"integer\"") && text.contains("int64")
        });
        let named: Vec<&str> =
            numbers.map(|(name, _)| name.as_str()).filter(|name| !known.contains(name)).collect();
        assert_eq!(named, OF_TICKETS);
    }

    #[test]
    fn numbers_of_other_tickets_are_removed_and_the_rest_stays() {
        let mut details =
            json!({"ticket_id": 7, "into_ticket_id": 8, "solved_child_ids": [7, 8, 9], "reason": "x"});
        assert_eq!(tickets(&details).len(), 5);
        keep_tickets(&mut details, |id| id == 8);
        assert_eq!(details, json!({"into_ticket_id": 8, "solved_child_ids": [8], "reason": "x"}));
    }
}
