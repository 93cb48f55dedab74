//! The history of a ticket (trazabilidad).

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event_details::{self, EventDetails};
use super::others::Shown;
use super::store;
use crate::audit::kind::EventKind;
use crate::audit::{Change, Data};
use crate::auth::policy::Action;
use crate::db::json::Json;
use crate::db::schema::{events, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Actor, Call, Query};
use crate::people::Person;
use crate::problem::Result;

/// An entry of the history of a ticket: what changed, when, by whom.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketEvent)]
pub struct Event {
    /// Identifier of the event.
    pub id: Uuid,
    /// Number of the ticket.
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// The position in the history of the ticket, from 1 on.
    #[schema(minimum = 1, example = 2)]
    pub seq: i32,
    /// What happened.
    pub kind: EventKind,
    /// The person who made the change; `null` for an automatic change.
    pub actor: Option<Person>,
    /// When it happened.
    #[serde(rename = "occurred_at")]
    pub at: DateTime<Utc>,
    /// The fields of the ticket that changed, with their previous and new values; empty if none changed.
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
            details: event_details::published(details),
            redacted: row.redacted,
            hash: hex::encode(row.hash),
        }
    }
}

/// Removes the numbers of tickets that the caller may not read.
fn without_others(db: &mut PgConnection, actor: &Actor, mut events: Vec<Event>) -> Result<Vec<Event>> {
    let named = events.iter().flat_map(|event| event_details::tickets(&event.details));
    let shown = Shown::of(db, actor, named)?;
    for event in &mut events {
        event_details::keep_tickets(&mut event.details, |id| shown.has(id));
    }
    Ok(events)
}

/// The events of these ids.
pub fn by_ids(db: &mut PgConnection, actor: &Actor, ids: &[Uuid]) -> Result<Vec<Event>> {
    let found = events::table.left_join(users::table).filter(events::id.eq_any(ids));
    let rows: Vec<(Row, Option<Person>)> =
        found.select((Row::as_select(), Option::<Person>::as_select())).load(db)?;
    without_others(db, actor, rows.into_iter().map(Event::from).collect())
}

/// List the events of a ticket
///
/// Who changed what, when, with the previous and the new values, in order. The history cannot be changed, except that
/// personal data may be removed as required by law; such events have `redacted`. An account whose tickets are limited does not
/// get the numbers of other tickets outside of its limit.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups))),
    tag = "history", operation_id = "listTicketEvents", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Event>, description = "One page of the events"))
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
        let items = without_others(db, actor, rows.into_iter().map(Event::from).collect())?;
        paging.answer("seq", items, total, |event| (event.seq, event.id))
    })
    .await
}
