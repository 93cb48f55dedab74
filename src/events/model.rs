//! The events of the log as the API represents them: CloudEvents 1.0.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::openapi::schema::{Discriminator, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::entry::Entry;
use super::types;
use crate::audit::log::AuditResource;
use crate::language::text_enum;

text_enum! {
    /// A ticket.
    pub enum TicketTag { Ticket = "ticket" }
}
text_enum! {
    /// A resource that is not a ticket.
    pub enum RecordTag { Record = "record" }
}
text_enum! {
    /// The format of `data`.
    pub enum DataFormat { Json = "application/json" }
}

/// What all events have: the attributes of CloudEvents 1.0.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope {
    /// The version of CloudEvents: `1.0`.
    #[schema(max_length = 10, example = "1.0")]
    specversion: &'static str,
    /// Identifier of the event: the same each time that the event is read or delivered.
    pub id: Uuid,
    /// Where the event comes from: the root of this API.
    #[schema(max_length = 200, example = "/api/v1")]
    source: &'static str,
    /// What the event is about: the kind of resource and its id.
    #[schema(max_length = 300, example = "ticket/123")]
    pub subject: String,
    /// When it happened.
    #[serde(rename = "time")]
    at: DateTime<Utc>,
    /// The format of `data`: `application/json`.
    #[schema(inline)]
    datacontenttype: DataFormat,
    /// The place of the event in the log, to continue after it: `after` of `GET /events`. An opaque text. A webhook has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 100, required = true, example = "4711-9f86d081")]
    pub cursor: String,
}

impl Envelope {
    /// Without a cursor.
    pub fn of(entry: &Entry, subject: String) -> Self {
        Envelope {
            specversion: "1.0",
            id: entry.event_id,
            source: "/api/v1",
            subject,
            at: entry.at,
            datacontenttype: DataFormat::Json,
            cursor: String::new(),
        }
    }
}

/// An event of the log.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum LogEvent {
    Ticket(TicketLogEvent),
    Record(RecordLogEvent),
}

/// An event of a ticket, as CloudEvents 1.0 describe it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketLogEvent {
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Always `ticket`.
    #[schema(inline)]
    pub about: TicketTag,
    /// What happened: `co.mesa.ticket.` and the `kind` of the event in `GET /tickets/{ticket_id}/events`.
    #[schema(value_type = TicketEventType)]
    pub r#type: String,
    /// The ticket, and what changed.
    pub data: TicketLogEventData,
}

/// The ticket of an event, and what changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketLogEventData {
    /// Number of the ticket.
    #[schema(minimum = 1, example = 123)]
    pub ticket_id: i64,
    /// The version of the ticket when the log was read, which is the number before the first `-` in its `ETag`: a client that
    /// has the ticket in this version or a later one need not read it again. Private followups, their files and watchers do
    /// not change it.
    #[schema(minimum = 1, example = 4)]
    pub resource_version: i32,
    /// The names of the fields of the ticket that changed. For a requester, only those that they are notified of.
    #[schema(max_items = 100, max_length = 100, example = json!(["status", "criticality"]))]
    pub changed_fields: Vec<String>,
    /// The followup that was added or published, or that informed the requester; `null` if there is none.
    pub followup_id: Option<Uuid>,
    /// The files that were attached.
    #[schema(max_items = 1000)]
    pub attachment_ids: Vec<Uuid>,
    /// The account that made the change; `null` for an automatic change.
    pub actor_id: Option<Uuid>,
    /// The path of the ticket or, for a followup, of the followup.
    #[schema(max_length = 200, example = "/api/v1/tickets/123")]
    pub link: String,
}

/// An event of an article, a survey, a person, a catalogue or a record of the procedure, as CloudEvents 1.0 describe it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordLogEvent {
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Always `record`.
    #[schema(inline)]
    pub about: RecordTag,
    /// What happened: `co.mesa.`, the kind of resource and the `kind` of the entry in `GET /audit/log`.
    #[schema(value_type = RecordEventType)]
    pub r#type: String,
    /// The resource, and what changed.
    pub data: RecordLogEventData,
}

/// The resource of an event, and what changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordLogEventData {
    /// The kind of resource.
    pub resource: AuditResource,
    /// The id of the resource in its path.
    #[schema(max_length = 200, example = "0197c0de-0000-7000-8000-000000000000")]
    pub resource_id: Option<String>,
    /// The version or revision of the resource after the change; `null` if it has none.
    #[schema(minimum = 1, example = 2)]
    pub resource_version: Option<i32>,
    /// The names of the fields that changed, as in `GET /audit/log`.
    #[schema(max_items = 100, max_length = 100, example = json!(["status"]))]
    pub changed_fields: Vec<String>,
    /// The account that made the change; `null` for the server itself. Not shown for surveys, nor to requesters.
    pub actor_id: Option<Uuid>,
    /// The path of the resource; `null` if it has none of its own. After a removal it leads to a 404.
    #[schema(max_length = 300, example = "/api/v1/units/0197c0de-0000-7000-8000-000000000000")]
    pub link: Option<String>,
}

impl LogEvent {
    pub fn envelope_mut(&mut self) -> &mut Envelope {
        match self {
            LogEvent::Ticket(event) => &mut event.envelope,
            LogEvent::Record(event) => &mut event.envelope,
        }
    }

    /// Its type.
    pub fn name(&self) -> &str {
        match self {
            LogEvent::Ticket(event) => &event.r#type,
            LogEvent::Record(event) => &event.r#type,
        }
    }

    pub fn envelope(&self) -> &Envelope {
        match self {
            LogEvent::Ticket(event) => &event.envelope,
            LogEvent::Record(event) => &event.envelope,
        }
    }
}

impl PartialSchema for LogEvent {
    fn schema() -> RefOr<Schema> {
        let path = |name: String| format!("#/components/schemas/{name}");
        let (ticket, record) = (path(TicketLogEvent::name().into()), path(RecordLogEvent::name().into()));
        let mapping = [("ticket", ticket.clone()), ("record", record.clone())];
        OneOfBuilder::new()
            .item(Ref::new(ticket))
            .item(Ref::new(record))
            .discriminator(Some(Discriminator::with_mapping("about", mapping)))
            .description(Some("An event of the log; `about` determines the schema of its `data`."))
            .into()
    }
}

impl ToSchema for LogEvent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((TicketLogEvent::name().into(), TicketLogEvent::schema()));
        TicketLogEvent::schemas(schemas);
        schemas.push((RecordLogEvent::name().into(), RecordLogEvent::schema()));
        RecordLogEvent::schemas(schemas);
    }
}

/// A type of the log's events of tickets.
struct TicketEventType;
/// A type of the log's events of other resources.
struct RecordEventType;

fn one_of(types: Vec<String>, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(types))
        .description(Some(description))
        .into()
}

impl PartialSchema for TicketEventType {
    fn schema() -> RefOr<Schema> {
        one_of(types::of_tickets(), "What happened to a ticket.")
    }
}
impl ToSchema for TicketEventType {}

impl PartialSchema for RecordEventType {
    fn schema() -> RefOr<Schema> {
        one_of(types::of_records(), "What happened to a resource that is not a ticket.")
    }
}
impl ToSchema for RecordEventType {}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events in the order of the log. It can be empty although `has_more` is true: what the caller does not see, or did
    /// not ask for, was skipped.
    #[schema(max_items = 1000)]
    pub items: Vec<LogEvent>,
    /// Where to continue: `after` of the next request. Always present; store it together with what was made of the events.
    #[schema(max_length = 100, example = "4711-9f86d081")]
    pub next_cursor: String,
    /// Whether there may be more events now.
    pub has_more: bool,
}
