//! All data that the desk holds about a person, streamed.

use actix_web::http::header::ContentEncoding;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::THEIRS;
use super::anonymization::Anonymization;
use crate::account::keys::{self, AccessKey};
use crate::attachments::{Attachment, store as attachments};
use crate::audit::log::{self, AuditResource};
use crate::audit::log_list::{self, AuditLogEntry};
use crate::auth::policy::{Action, PermissionScope};
use crate::db::schema::tickets;
use crate::http::desk::Desk;
use crate::http::{Actor, Call};
use crate::inbound::emails::{self, InboundEmail};
use crate::mail::messages::{self, MessageKept};
use crate::people::user::User;
use crate::problem::{Problem, Result};
use crate::surveys::{self, Survey};
use crate::tickets::followups::{self, Followup};
use crate::tickets::model::{Ticket, TicketRow};
use crate::tickets::store;

/// The number of rows that are read at once.
const BATCH: usize = 200;

/// The personal data of a person.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the streamed document in the contract")]
pub struct PersonalData {
    /// The time at which the export began.
    exported_at: DateTime<Utc>,
    /// The account of the person.
    account: User,
    /// The anonymization of the person; `null` unless the person was anonymized.
    anonymization: Option<Anonymization>,
    /// The tickets of which the person is the requester.
    tickets: Vec<Ticket>,
    /// The public followups of those tickets, the public followups that the person wrote in any ticket, and what a
    /// requester wrote by mail about a ticket into which their own was merged.
    followups: Vec<Followup>,
    /// The files of those tickets that the person may see, and those that they attached to any ticket; for their
    /// content see `GET /attachments/{attachment_id}/content`.
    attachments: Vec<Attachment>,
    /// The person's survey answers.
    surveys: Vec<Survey>,
    /// Messages of the desk to the person.
    messages: Vec<MessageKept>,
    /// Inbound messages from any address of the person.
    inbound_emails: Vec<InboundEmail>,
    /// The keys of the person's own programs, without the keys themselves.
    keys: Vec<AccessKey>,
    /// The entries of the audit log about the account.
    audit_events: Vec<AuditLogEntry>,
}

/// Read the personal data of a person
///
/// All data that the desk holds about a person, for that person and for the director (*habeas data*, Ley 1581 de
/// 2012). Parts of tickets that a requester may not see are not included.
///
/// The response is one JSON document, streamed list by list, each in the order of creation. An error during streaming
/// ends the response early, so that it is not valid JSON: only a valid document is complete.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadPersonalData)), ("x-mesa-unversioned" = json!(true))),
    tag = "personal data", operation_id = "getUserPersonalData",
    params(("user_id" = Uuid, Path, description = "Identifier of the user.")),
    responses((status = 200, body = PersonalData, description = "The personal data"))
)]
#[get("/users/{user_id}/personal-data")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    // The first part is read before the response begins, so that an invalid request gets a problem response.
    let first = call.check(move |db, actor| {
        if actor.scope != PermissionScope::Any && *id != actor.id {
            return Err(Problem::not_found());
        }
        let account = User::find(db, *id)?;
        let nothing = serde_json::json!({});
        log::record_export(db, actor, AuditResource::User, Some(id.to_string()), nothing)?;
        let begun = format!(
            "{{\"exported_at\":{},\"account\":{},\"anonymization\":{}",
            json(&actor.now)?,
            json(&account)?,
            json(&Anonymization::find(db, *id)?)?
        );
        Ok((begun, actor.clone(), *id))
    });
    let (begun, actor, person) = first.await?;
    let state = State { desk: call.desk, actor, person, begun: Some(begun), next: Some(Place::default()) };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(ContentEncoding::Identity)
        .streaming(stream::try_unfold(state, State::step)))
}

/// The position of the next batch: the list, and the row after which it continues.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    list: usize,
    number: i64,
    id: Uuid,
    /// Whether an entry of the list was already written.
    within: bool,
}

struct State {
    desk: Data<Desk>,
    actor: Actor,
    person: Uuid,
    begun: Option<String>,
    /// `None` once everything is written.
    next: Option<Place>,
}

impl State {
    /// One piece of the document. A connection is held for one batch only.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        if let Some(begun) = self.begun.take() {
            return Ok(Some((begun.into(), self)));
        }
        let Some(place) = self.next else { return Ok(None) };
        let (actor, person) = (self.actor.clone(), self.person);
        let written = self.desk.db.run(move |db| piece(db, &actor, person, place)).await;
        let (text, next) = written.inspect_err(|problem| {
            ::log::error!("an export of personal data was interrupted: {}", problem.log_line());
        })?;
        self.next = next;
        Ok(Some((text.into(), self)))
    }
}

/// A batch of a list, as text, and the position of the next one.
fn piece(
    db: &mut PgConnection,
    actor: &Actor,
    person: Uuid,
    place: Place,
) -> Result<(String, Option<Place>)> {
    let (name, next) = LISTS[place.list];
    let batch = next(db, actor, person, place)?;
    let mut text = if place.within { String::new() } else { format!(",\"{name}\":[") };
    if place.within && !batch.items.is_empty() {
        text.push(',');
    }
    text.push_str(&batch.items.join(","));
    if let Some((number, id)) = batch.last {
        return Ok((text, Some(Place { number, id, within: true, ..place })));
    }
    text.push(']');
    let list = place.list + 1;
    if list == LISTS.len() {
        text.push('}');
        return Ok((text, None));
    }
    Ok((text, Some(Place { list, ..Place::default() })))
}

/// Rows of a list.
struct Batch {
    items: Vec<String>,
    /// The key of the last row, if there may be more.
    last: Option<(i64, Uuid)>,
}

type Read = fn(&mut PgConnection, &Actor, Uuid, Place) -> Result<Batch>;

const LISTS: [(&str, Read); 8] = [
    ("tickets", read_tickets),
    ("followups", |db, actor, person, place| {
        let ids = ids(
            db,
            &format!(
                "followups f WHERE f.visibility = 'public' AND (f.author_id = $1 OR f.ticket_id = ANY ({THEIRS})) \
                 OR f.author_id = $1 AND (f.from_copy OR f.unverified IS NOT NULL \
                     AND (SELECT role = 'requester' FROM users WHERE id = $1))"
            ),
            (person, place),
        )?;
        let found = followups::by_ids(db, actor, &ids)?;
        batch(ids, found, |one| one.id)
    }),
    ("attachments", |db, _, person, place| {
        let ids = ids(
            db,
            &format!(
                "attachments f WHERE f.uploaded_by = $1 AND f.ticket_id IS NOT NULL \
                 OR f.ticket_id = ANY ({THEIRS}) AND (f.followup_id IS NULL \
                     OR (SELECT w.visibility = 'public' FROM followups w WHERE w.id = f.followup_id))"
            ),
            (person, place),
        )?;
        let found = attachments::by_ids(db, &ids)?;
        batch(ids, found, |one| one.id)
    }),
    ("surveys", |db, _, person, place| {
        let ids = ids(db, "surveys f WHERE f.requester_id = $1", (person, place))?;
        let found = surveys::by_ids(db, &ids)?;
        batch(ids, found, |one| one.id)
    }),
    ("messages", |db, _, person, place| {
        let ids = ids(db, "messages f WHERE f.recipient_id = $1", (person, place))?;
        let found = messages::by_ids(db, &ids)?;
        batch(ids, found, MessageKept::id)
    }),
    ("inbound_emails", |db, _, person, place| {
        let ids = ids(
            db,
            &format!(
                "inbound_emails f WHERE f.from_address IN (SELECT lower(email) FROM users WHERE id = $1 \
                 UNION SELECT lower(requester_email) FROM tickets WHERE requester_id = $1) \
             AND CASE WHEN f.ticket_id IS NULL \
                 THEN NOT EXISTS (SELECT FROM users WHERE id <> $1 AND lower(email) = f.from_address) \
                 ELSE f.ticket_id = ANY ({THEIRS}) END \
             OR f.followup_id IN (SELECT id FROM followups WHERE author_id = $1)"
            ),
            (person, place),
        )?;
        let found = emails::by_ids(db, &ids)?;
        batch(ids, found, InboundEmail::id)
    }),
    ("keys", |db, actor, person, place| {
        let ids = ids(db, "access_keys f WHERE f.user_id = $1", (person, place))?;
        let found = keys::by_ids(db, actor, person, &ids)?;
        batch(ids, found, |one| one.id)
    }),
    ("audit_events", |db, _, person, place| {
        let about = "audit_events f WHERE f.resource = 'user' AND f.resource_id = $1::text";
        let ids = ids(db, about, (person, place))?;
        let found = log_list::by_ids(db, &ids)?;
        batch(ids, found, |one| one.id)
    }),
];

fn read_tickets(db: &mut PgConnection, actor: &Actor, person: Uuid, place: Place) -> Result<Batch> {
    let rows: Vec<TicketRow> = tickets::table
        .filter(tickets::requester_id.eq(person))
        .filter(tickets::id.gt(place.number))
        .order(tickets::id)
        .select(TicketRow::as_select())
        .limit(BATCH as i64)
        .load(db)?;
    let last = rows.get(BATCH - 1).map(|row| (row.id, Uuid::nil()));
    let items = store::present(db, actor, rows)?.iter().map(json).collect::<Result<_>>()?;
    Ok(Batch { items, last })
}

/// The next ids of a list, in the order of creation. `$1` is the person.
fn ids(db: &mut PgConnection, list: &str, (person, after): (Uuid, Place)) -> Result<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let query =
        format!("SELECT id FROM (SELECT f.id FROM {list}) AS list WHERE id > $2 ORDER BY id LIMIT $3");
    let rows: Vec<Row> = diesel::sql_query(query)
        .bind::<SqlUuid, _>(person)
        .bind::<SqlUuid, _>(after.id)
        .bind::<BigInt, _>(BATCH as i64)
        .load(db)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The objects with these ids, in the order of the ids.
fn batch<T: Serialize>(ids: Vec<Uuid>, mut found: Vec<T>, id: fn(&T) -> Uuid) -> Result<Batch> {
    found.sort_by_key(id);
    let last = ids.get(BATCH - 1).map(|id| (0, *id));
    Ok(Batch { items: found.iter().map(json).collect::<Result<_>>()?, last })
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Problem::internal)
}
