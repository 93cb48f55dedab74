//! The history of a ticket (trazabilidad).

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::followups::Visibility;
use super::information::AnsweredBy;
use super::model::Channel;
use super::store;
use crate::audit::kind::EventKind;
use crate::audit::{Change, Data};
use crate::auth::policy::Action;
use crate::db::json::Json;
use crate::db::schema::{events, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Call, Query};
use crate::people::Person;
use crate::problem::Result;

/// A change of a ticket.
#[derive(Serialize, ToSchema)]
pub struct Event {
    pub id: Uuid,
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// Its position in the history of the ticket, from 1 on.
    #[schema(minimum = 1, example = 2)]
    pub seq: i32,
    pub kind: EventKind,
    /// The person who made the change; `null` for an automatic change.
    pub actor: Option<Person>,
    pub at: DateTime<Utc>,
    #[schema(max_items = 100)]
    pub changes: Vec<Change>,
    /// Details in addition to the changed fields, such as a reason.
    #[schema(value_type = EventDetails)]
    pub details: Value,
    /// Whether personal data were removed from its `changes` and `details`, as required by law.
    pub redacted: bool,
    /// A hash of the digest of this event's content and the hash of the previous event; in hexadecimal.
    #[schema(max_length = 64, example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    pub hash: String,
}

/// Schema of the details that `Case::note` writes.
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

/// Details in addition to the changed fields, such as a reason. The fields depend on the kind of the event.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes in the contract what `Case::note` writes")]
struct EventDetailFields {
    /// `closed` automatically: after how many days.
    after_days: Option<i64>,
    /// `resumed`: how the requester answered.
    answered_by: Option<AnsweredBy>,
    /// `file_attached`.
    attachment_id: Option<Uuid>,
    /// `file_attached` by mail, with several files.
    #[schema(max_items = 1000)]
    attachment_ids: Option<Vec<Uuid>>,
    /// `assigned`: whether the assignee was chosen automatically.
    automatic: Option<bool>,
    /// `received`: the channel of the request.
    channel: Option<Channel>,
    /// `archived` automatically: the deadline for the requester's answer.
    deadline: Option<DateTime<Utc>>,
    /// `duplicate_merged`: the ticket that was merged into this one.
    duplicate_id: Option<i64>,
    #[schema(max_length = 255)]
    file_name: Option<String>,
    #[schema(max_length = 255, max_items = 1000)]
    file_names: Option<Vec<String>>,
    /// The followup that the event refers to, or that informed the requester.
    followup_id: Option<Uuid>,
    /// The inbound e-mail that caused it; it may have been removed since. Only events that mail caused have this field.
    inbound_email_id: Option<Uuid>,
    /// `merged`: the ticket that remains.
    into: Option<i64>,
    /// `related`, `unrelated`: the kind of relation; `resumed`: the kind of hold.
    #[schema(max_length = 50)]
    kind: Option<String>,
    /// `due_changed`: the attention time that now applies.
    minutes: Option<i32>,
    /// `information_requested`: the requested information.
    #[schema(max_length = 2000)]
    missing: Option<String>,
    /// `due_changed`: the opening hours that now apply.
    #[schema(max_length = 500)]
    opening_hours: Option<String>,
    /// `solved`, for a parent: the children whose assignees were sent the solution.
    #[schema(max_items = 200)]
    offered_children: Option<Vec<i64>>,
    /// `solved`: the parent ticket with which it was solved.
    parent_id: Option<i64>,
    /// The reason of an escalation, hold, handover, reopening or rescheduling; `archived`: the reason in words.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Caused by mail: the account that released the mail after it was set aside or ignored.
    released_by_id: Option<Uuid>,
    /// `received`: the archived ticket that this one resubmits.
    resubmission_of: Option<i64>,
    resubmitted_as: Option<i64>,
    /// `solved`, for a parent: the children that were solved with it.
    #[schema(max_items = 200)]
    solved_children: Option<Vec<i64>>,
    /// Caused by mail: the account that submitted it to the API; `null` for the mailbox and for the command.
    submitted_by_id: Option<Uuid>,
    /// `escalated`: the third party.
    #[schema(max_length = 200)]
    third_party: Option<String>,
    /// `related`, `unrelated`: the other ticket.
    ticket_id: Option<i64>,
    /// Caused by mail: whether the entity's mail server did not verify the author of the mail. Only events that mail
    /// caused have this field.
    unverified: Option<bool>,
    /// The visibility of the followup.
    visibility: Option<Visibility>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Row {
    id: Uuid,
    ticket_id: i64,
    seq: i32,
    kind: EventKind,
    at: DateTime<Utc>,
    data: Json<Data>,
    #[diesel(select_expression = events::data_salt.is_null())]
    redacted: bool,
    hash: Vec<u8>,
}

impl From<(Row, Option<Person>)> for Event {
    fn from((row, actor): (Row, Option<Person>)) -> Self {
        let Json(Data { changes, details }) = row.data;
        Event {
            id: row.id,
            ticket_id: row.ticket_id,
            seq: row.seq,
            kind: row.kind,
            actor,
            at: row.at,
            changes,
            details,
            redacted: row.redacted,
            hash: hex::encode(row.hash),
        }
    }
}

/// The events of these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Event>> {
    let found = events::table.left_join(users::table).filter(events::id.eq_any(ids));
    let rows: Vec<(Row, Option<Person>)> =
        found.select((Row::as_select(), Option::<Person>::as_select())).load(db)?;
    Ok(rows.into_iter().map(Event::from).collect())
}

/// Read the history of a ticket
///
/// Who changed what, when, with the previous and the new values, in order. The history cannot be changed, except that
/// personal data may be removed as required by law; such events have `redacted`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups))),
    tag = "history", operation_id = "listEvents", params(("ticket_id" = i64, Path, minimum = 1), Paging),
    responses((status = 200, body = Page<Event>))
)]
#[get("/tickets/{ticket_id}/events")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let filtered =
            || events::table.left_join(users::table).filter(events::ticket_id.eq(ticket.id)).into_boxed();
        let (rows, total): (Vec<(Row, Option<Person>)>, _) = read_page!(
            db,
            paging,
            "seq",
            filtered,
            (events::seq as i32, events::id as Uuid),
            (Row::as_select(), Option::<Person>::as_select())
        );
        let items: Vec<Event> = rows.into_iter().map(Event::from).collect();
        paging.answer("seq", items, total, |event| (event.seq, event.id))
    })
    .await
}
