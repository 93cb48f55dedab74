//! The entries of a timeline.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::places::Place;
use super::{EntryType, shown};
use crate::attachments::{self, Attachment};
use crate::audit::Change;
use crate::audit::kind::EventKind;
use crate::db::schema::{messages, users};
use crate::http::Actor;
use crate::language::text_enum;
use crate::outbox::MessageStatus;
use crate::people::{Person, person};
use crate::problem::Result;
use crate::tickets::escalations::{self, Escalation};
use crate::tickets::event_details::EventDetails;
use crate::tickets::events::{self, Event};
use crate::tickets::followups::{self, Followup};

// The only value of `type` in each schema, which discriminates the schemas.
text_enum! {
    /// The entry is a step, or another change of the ticket.
    pub enum EventTag { Event = "event" }
}
text_enum! {
    /// The entry is a change of support level.
    pub enum EscalationTag { Escalation = "escalation" }
}
text_enum! {
    /// The entry is a followup.
    pub enum FollowupTag { Followup = "followup" }
}
text_enum! {
    /// The entry is a file.
    pub enum AttachmentTag { Attachment = "attachment" }
}
text_enum! {
    /// The entry is a message to a user.
    pub enum MessageTag { Message = "message" }
}

/// An entry of the timeline of a ticket.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(discriminator(property_name = "type", mapping(
    ("event" = "#/components/schemas/TimelineEvent"),
    ("escalation" = "#/components/schemas/TimelineEscalation"),
    ("followup" = "#/components/schemas/TimelineFollowup"),
    ("attachment" = "#/components/schemas/TimelineAttachment"),
    ("message" = "#/components/schemas/TimelineMessage")
)))]
pub enum TimelineEntry {
    Event(TimelineEvent),
    Escalation(TimelineEscalation),
    Followup(TimelineFollowup),
    Attachment(TimelineAttachment),
    Message(TimelineMessage),
}

/// A step, or another change of the ticket.
#[derive(Serialize, ToSchema)]
pub struct TimelineEvent {
    /// Always `event`.
    #[schema(inline)]
    r#type: EventTag,
    /// When the change was made.
    #[serde(rename = "occurred_at")]
    at: DateTime<Utc>,
    /// Identifier of the event.
    id: Uuid,
    /// What happened.
    kind: EventKind,
    /// The person who made the change; `null` for an automatic change.
    actor: Option<Person>,
    /// The new assignee; only present for an assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    assignee: Option<Person>,
    /// The fields of the ticket that changed, with their previous and new values. For a requester, only the changes
    /// that they are notified of.
    #[schema(max_items = 100)]
    changes: Vec<Change>,
    /// Details in addition to the changed fields, such as a reason; for a requester, only the details that they are
    /// notified of.
    #[schema(value_type = EventDetails)]
    details: Value,
    /// The position in the history of the ticket, from 1 on. Visible to staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, example = 2)]
    seq: Option<i32>,
    /// Whether personal data were removed from `changes` and `details`, as required by law. Visible to staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    redacted: Option<bool>,
    /// A hash, in hexadecimal, of the digest of this event's content and the hash of the previous event. Visible to
    /// staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 64)]
    hash: Option<String>,
}

/// A change of support level; visible to staff only.
#[derive(Serialize, ToSchema)]
pub struct TimelineEscalation {
    /// Always `escalation`.
    #[schema(inline)]
    r#type: EscalationTag,
    /// The same as `created_at`.
    #[serde(rename = "occurred_at")]
    at: DateTime<Utc>,
    #[serde(flatten)]
    escalation: Escalation,
}

/// A followup of the ticket.
#[derive(Serialize, ToSchema)]
pub struct TimelineFollowup {
    /// Always `followup`.
    #[schema(inline)]
    r#type: FollowupTag,
    /// The same as `created_at`.
    #[serde(rename = "occurred_at")]
    at: DateTime<Utc>,
    #[serde(flatten)]
    followup: Followup,
}

/// A file of the ticket or of one of its followups.
#[derive(Serialize, ToSchema)]
pub struct TimelineAttachment {
    /// Always `attachment`.
    #[schema(inline)]
    r#type: AttachmentTag,
    /// The same as `created_at`.
    #[serde(rename = "occurred_at")]
    at: DateTime<Utc>,
    #[serde(flatten)]
    attachment: Attachment,
}

/// A message that was sent, or will be sent, to a user.
#[derive(Serialize, ToSchema)]
pub struct TimelineMessage {
    /// Always `message`.
    #[schema(inline)]
    r#type: MessageTag,
    /// When the message was queued.
    #[serde(rename = "occurred_at")]
    at: DateTime<Utc>,
    /// Identifier of the message.
    id: Uuid,
    /// The kind of message, mostly the name of the event that caused it.
    #[schema(max_length = 50, example = "accepted")]
    kind: String,
    /// The recipient. Visible to staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    recipient: Option<Person>,
    /// The delivery state. Visible to staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<MessageStatus>,
}

impl TimelineEntry {
    /// Its position in the timeline.
    pub fn place(&self) -> (DateTime<Utc>, (i16, Uuid)) {
        let (entry, at, id) = match self {
            TimelineEntry::Event(entry) => (EntryType::Event, entry.at, entry.id),
            TimelineEntry::Escalation(entry) => (EntryType::Escalation, entry.at, entry.escalation.id),
            TimelineEntry::Followup(entry) => (EntryType::Followup, entry.at, entry.followup.id),
            TimelineEntry::Attachment(entry) => (EntryType::Attachment, entry.at, entry.attachment.id),
            TimelineEntry::Message(entry) => (EntryType::Message, entry.at, entry.id),
        };
        (at, (entry as i16, id))
    }
}

/// The entries at these places, in their order: one query per type.
pub fn at(db: &mut PgConnection, actor: &Actor, places: &[Place]) -> Result<Vec<TimelineEntry>> {
    let mut entries = Vec::with_capacity(places.len());
    for entry in EntryType::ALL {
        let of_type = places.iter().filter(|place| place.rank == *entry as i16);
        let ids: Vec<Uuid> = of_type.map(|place| place.id).collect();
        if ids.is_empty() {
            continue;
        }
        match entry {
            EntryType::Event => entries.extend(events_of(db, actor, &ids)?),
            EntryType::Escalation => {
                entries.extend(escalations::by_ids(db, &ids)?.into_iter().map(|escalation| {
                    let at = escalation.created_at;
                    let r#type = EscalationTag::Escalation;
                    TimelineEntry::Escalation(TimelineEscalation { r#type, at, escalation })
                }))
            }
            EntryType::Followup => {
                entries.extend(followups::by_ids(db, actor, &ids)?.into_iter().map(|followup| {
                    let at = followup.created_at;
                    TimelineEntry::Followup(TimelineFollowup { r#type: FollowupTag::Followup, at, followup })
                }))
            }
            EntryType::Attachment => {
                let found = attachments::store::by_ids(db, &ids)?.into_iter();
                entries.extend(found.map(|attachment| {
                    let at = attachment.created_at;
                    let r#type = AttachmentTag::Attachment;
                    TimelineEntry::Attachment(TimelineAttachment { r#type, at, attachment })
                }));
            }
            EntryType::Message => entries.extend(messages_of(db, actor, &ids)?),
        }
    }
    let order: HashMap<(i16, Uuid), usize> =
        places.iter().enumerate().map(|(index, place)| ((place.rank, place.id), index)).collect();
    entries.sort_by_key(|entry| order.get(&entry.place().1).copied());
    Ok(entries)
}

fn events_of(db: &mut PgConnection, actor: &Actor, ids: &[Uuid]) -> Result<Vec<TimelineEntry>> {
    let staff = actor.reads_private();
    let mut events = events::by_ids(db, actor, ids)?;
    if !staff {
        for event in &mut events {
            shown::cut_for_requester(event.kind, &mut event.changes, &mut event.details);
        }
    }
    let assignee_id = |event: &Event| -> Option<Uuid> {
        let change = event.changes.iter().find(|change| change.field == "assignee_id")?;
        change.to.as_str()?.parse().ok()
    };
    let people = person::by_id(db, events.iter().filter_map(assignee_id))?;
    let entry = |event: Event| {
        TimelineEntry::Event(TimelineEvent {
            r#type: EventTag::Event,
            at: event.at,
            id: event.id,
            assignee: assignee_id(&event).and_then(|id| people.get(&id).cloned()),
            kind: event.kind,
            actor: event.actor,
            changes: event.changes,
            details: event.details,
            seq: staff.then_some(event.seq),
            redacted: staff.then_some(event.redacted),
            hash: staff.then_some(event.hash),
        })
    };
    Ok(events.into_iter().map(entry).collect())
}

fn messages_of(db: &mut PgConnection, actor: &Actor, ids: &[Uuid]) -> Result<Vec<TimelineEntry>> {
    type Row = (Uuid, String, DateTime<Utc>, MessageStatus, Person);
    let rows: Vec<Row> = messages::table
        .inner_join(users::table.on(users::id.eq(messages::recipient_id)))
        .filter(messages::id.eq_any(ids))
        .select((messages::id, messages::kind, messages::created_at, messages::status, Person::as_select()))
        .load(db)?;
    let staff = actor.reads_private();
    let message = |(id, kind, at, status, recipient): Row| {
        TimelineEntry::Message(TimelineMessage {
            r#type: MessageTag::Message,
            at,
            id,
            kind,
            recipient: staff.then_some(recipient),
            status: staff.then_some(status),
        })
    };
    Ok(rows.into_iter().map(message).collect())
}
