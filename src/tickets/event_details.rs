//! What an event of a ticket records beside the fields that changed.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::followups::Visibility;
use super::information::AnsweredBy;
use super::model::Channel;
use crate::problem::{Problem, Result};

/// The details of an event. Those that are `None` are not recorded.
#[derive(Debug, Default, Serialize)]
pub struct EventDetails {
    /// `received`.
    pub channel: Option<Channel>,
    /// `received`: the archived ticket that this one presents again.
    pub resubmission_of: Option<i64>,
    /// `resubmitted`: the ticket that presents this one again.
    pub resubmitted_as: Option<i64>,
    /// `assigned`: whether Mesa chose the assignee.
    pub automatic: Option<bool>,
    /// `assigned` in a handover, `held`, `rescheduled`, `reopened`, `escalated`, `archived`, `merged`.
    pub reason: Option<String>,
    /// `escalated`: the third party that works on the ticket.
    pub third_party: Option<String>,
    /// Events with a followup.
    pub followup_id: Option<Uuid>,
    /// Events with a followup.
    pub visibility: Option<Visibility>,
    /// `information_requested`: what the requester is asked for.
    pub missing: Option<String>,
    /// `archived` because the information did not arrive by this time.
    pub deadline: Option<DateTime<Utc>>,
    /// `resumed`: the kind of the hold that ended. `related`, `unrelated`: how this ticket relates to `ticket_id`.
    pub kind: Option<&'static str>,
    /// `resumed`: how the requester answered.
    pub answered_by: Option<AnsweredBy>,
    /// `due_changed`: the attention time, in minutes.
    pub minutes: Option<i32>,
    /// `due_changed`: the opening hours in which it is counted.
    pub opening_hours: Option<String>,
    /// `related`, `unrelated`: the other ticket.
    pub ticket_id: Option<i64>,
    /// `merged`: the ticket that remains.
    pub into: Option<i64>,
    /// `duplicate_merged`: the ticket that was archived as a duplicate of this one.
    pub duplicate_id: Option<i64>,
    /// `solved` together with this parent.
    pub parent_id: Option<i64>,
    /// `solved`: the children that were solved as well.
    pub solved_children: Option<Vec<i64>>,
    /// `solved`: the children whose assignees were offered the solution.
    pub offered_children: Option<Vec<i64>>,
    /// `closed` by Mesa: how many days after the solution.
    pub after_days: Option<i64>,
    /// `file_attached`.
    pub attachment_id: Option<Uuid>,
    /// `file_attached`.
    pub file_name: Option<String>,
    /// `file_attached` by mail, which may bring several.
    pub attachment_ids: Option<Vec<Uuid>>,
    /// `file_attached` by mail.
    pub file_names: Option<Vec<String>>,
}

impl EventDetails {
    /// # Errors
    /// An internal error if they cannot be written as JSON.
    pub fn into_map(self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self).map_err(Problem::internal)? {
            Value::Object(mut details) => {
                details.retain(|_, value| !value.is_null());
                Ok(details)
            }
            _ => Ok(Map::new()),
        }
    }
}
