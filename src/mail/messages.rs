//! The messages of the desk, for professionals and the director.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::content::{Loaded, Purpose};
use crate::auth::policy::{Action, Role};
use crate::config::Config;
use crate::db::schema::{messages, users};
use crate::http::body::EmptyBody;
use crate::http::desk::Desk;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::outbox::{MessageKind, MessageStatus, delivery};
use crate::people::Person;
use crate::problem::{Problem, Result};

text_enum! {
    /// The order of a list of messages.
    pub enum MessageSort {
        Descending = "-created_at",
        Ascending = "created_at",
    }
}

/// A message to a person about a ticket, an improvement action or their account.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageSummary)]
pub struct Message {
    /// Identifier of the message.
    id: Uuid,
    /// Number of the ticket that the message is about; `null` for other messages.
    #[schema(example = 123)]
    ticket_id: Option<i64>,
    /// The improvement action that the message is about; `null` for other messages.
    improvement_action_id: Option<Uuid>,
    /// What the message is about, mostly the name of the event that caused it.
    kind: MessageKind,
    /// The recipient.
    recipient: Person,
    /// The delivery state.
    status: MessageStatus,
    /// The number of attempts to send it, with those that found no mail server: these do not count towards the twelve after
    /// which it fails.
    #[schema(minimum = 0, example = 1)]
    #[serde(rename = "attempt_count")]
    attempts: i32,
    /// The time of the next attempt; `null` unless the message waits. If mail is off, nothing is sent.
    next_attempt_at: Option<DateTime<Utc>>,
    /// The last error of the mail server or the network; `null` if there was none.
    #[schema(max_length = 2000, example = "permanent error (550): 5.1.1 User unknown")]
    last_error: Option<String>,
    /// When the message was queued.
    created_at: DateTime<Utc>,
    /// When the mail server accepted the message; `null` until then.
    sent_at: Option<DateTime<Utc>>,
}

/// A message with its text.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageInFull {
    #[serde(flatten)]
    message: Message,
    /// The address it was sent to, or would be now. A notice that the email address or the password of an account was
    /// changed goes to the address that the account had before.
    #[schema(max_length = 500, example = "requester@mesa.test")]
    #[serde(rename = "to_address")]
    to: String,
    /// The subject that was sent, or would be now.
    #[schema(max_length = 200, example = "[#123] La impresora del despacho no imprime")]
    subject: String,
    /// The text that was sent, or would be now, without links of a survey or to set a password: they are only for the
    /// recipient.
    #[schema(max_length = 100_000, example = "Hola, Rosa Pérez Gómez:\n\nSu solicitud fue solucionada.\n")]
    text: String,
}

/// A message with the text that was sent.
#[derive(Serialize, ToSchema)]
#[schema(as = PersonalDataMessage)]
pub struct MessageKept {
    #[serde(flatten)]
    message: Message,
    /// The address that the message was sent to; `null` if it was not sent.
    #[schema(max_length = 500, example = "requester@mesa.test")]
    #[serde(rename = "to_address")]
    to: Option<String>,
    /// The subject that was sent; `null` if the message was not sent.
    #[schema(max_length = 200, example = "[#123] La impresora del despacho no imprime")]
    subject: Option<String>,
    /// The text that was sent, without links of a survey or to set a password: they are only for the recipient. `null`
    /// if the message was not sent.
    #[schema(max_length = 100_000, example = "Hola, Rosa Pérez Gómez:\n\nSu solicitud fue solucionada.\n")]
    text: Option<String>,
}

impl MessageKept {
    pub fn id(&self) -> Uuid {
        self.message.id
    }
}

/// The messages with these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<MessageKept>> {
    type Sent = (Option<String>, Option<String>, Option<String>);
    let rows: Vec<(Row, Person, Sent)> = messages::table
        .inner_join(users::table)
        .filter(messages::id.eq_any(ids))
        .select((
            Row::as_select(),
            Person::as_select(),
            (messages::sent_to, messages::sent_subject, messages::sent_text),
        ))
        .load(db)?;
    let kept = rows.into_iter().map(|(row, recipient, (to, subject, text))| MessageKept {
        message: Message::from((row, recipient)),
        to,
        subject,
        text,
    });
    Ok(kept.collect())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: Uuid,
    ticket_id: Option<i64>,
    improvement_action_id: Option<Uuid>,
    kind: MessageKind,
    status: MessageStatus,
    attempts: i16,
    unreached: i32,
    next_attempt_at: DateTime<Utc>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl From<(Row, Person)> for Message {
    fn from((row, recipient): (Row, Person)) -> Self {
        Message {
            id: row.id,
            ticket_id: row.ticket_id,
            improvement_action_id: row.improvement_action_id,
            kind: row.kind,
            recipient,
            status: row.status,
            attempts: row.unreached.saturating_add(row.attempts.into()),
            next_attempt_at: (row.status == MessageStatus::Waiting).then_some(row.next_attempt_at),
            last_error: row.last_error,
            created_at: row.created_at,
            sent_at: row.sent_at,
        }
    }
}

/// The filters of the list of messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageFilters {
    /// Only messages in this delivery state. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<MessageStatus>,
    /// Only messages about the ticket with this number.
    #[param(minimum = 1)]
    ticket_id: Option<i64>,
    /// Only messages of this kind. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<MessageKind>,
    /// `-created_at` (the default) or `created_at`.
    #[param(inline)]
    sort: Option<MessageSort>,
}

/// List messages
///
/// The messages of the desk to people, with their delivery state.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOutbox))),
    tag = "messages", operation_id = "listMessages", params(Paging, MessageFilters),
    responses((status = 200, body = Page<Message>, description = "One page of the messages"))
)]
#[get("/messages")]
pub async fn list(call: Call, query: Query<MessageFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(MessageSort::Descending).as_str();
        let filtered = || {
            let mut query = messages::table.inner_join(users::table).into_boxed();
            query = among!(query, messages::status, filters.status);
            if let Some(ticket_id) = filters.ticket_id {
                query = query.filter(messages::ticket_id.eq(ticket_id));
            }
            query = among!(query, messages::kind, filters.kind);
            query
        };
        let (rows, total): (Vec<(Row, Person)>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (messages::created_at as DateTime<Utc>, messages::id as Uuid),
            (Row::as_select(), Person::as_select())
        );
        let items: Vec<Message> = rows.into_iter().map(Message::from).collect();
        paging.answer(sort, items, total, |message| (message.created_at, message.id))
    })
    .await
}

/// Read a message
///
/// With its text: the one that was sent, or the one that would be sent now.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOutbox))),
    tag = "messages", operation_id = "getMessage", params(("message_id" = Uuid, Path, description = "Identifier of the message.")),
    responses((status = 200, body = MessageInFull, description = "The message and its text"))
)]
#[get("/messages/{message_id}")]
pub async fn read(call: Call, desk: Data<Desk>, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let (answer, version) = in_full(db, *id, &desk.config)?;
        Ok(answer.version(*id, version))
    })
    .await
}

/// Send a failed message again
///
/// The message is due now, and `attempt_count` starts again from 0. A message that did not fail is a 409.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseOutbox)), ("x-mesa-if-match" = json!(true))),
    tag = "messages", operation_id = "retryMessage", params(("message_id" = Uuid, Path, description = "Identifier of the message.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 200, body = MessageInFull, description = "The message and its text"),
        (status = 409, description = "`wrong_state`: only a message that is `failed` can be sent again"),
    )
)]
#[post("/messages/{message_id}/retry")]
pub async fn retry(
    call: Call,
    desk: Data<Desk>,
    id: Path<Uuid>,
    body: Body<EmptyBody>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let message = messages::table.find(*id);
        let status: MessageStatus = message.select(messages::status).for_update().first(tx)?;
        body.read()?;
        may_retry(tx, actor, *id)?;
        actor.check_version(*id, in_full(tx, *id, &desk.config)?.1)?;
        if status != MessageStatus::Failed {
            return Err(Problem::wrong_state(status.as_str()));
        }
        diesel::update(message)
            .set((
                messages::status.eq(MessageStatus::Waiting),
                messages::attempts.eq(0),
                messages::unreached.eq(0),
                messages::next_attempt_at.eq(actor.now),
            ))
            .execute(tx)?;
        let (answer, version) = in_full(tx, *id, &desk.config)?;
        Ok(answer.version(*id, version))
    })
    .await
}

/// A link that sets a password is only mailed again for an account whose role is not above that of the caller.
fn may_retry(tx: &mut PgConnection, actor: &Actor, id: Uuid) -> Result<()> {
    let (kind, role): (MessageKind, Role) = messages::table
        .inner_join(users::table)
        .filter(messages::id.eq(id))
        .select((messages::kind, users::role))
        .first(tx)?;
    let sets_password = matches!(kind, MessageKind::PasswordReset | MessageKind::Invitation);
    if sets_password && role > actor.role { Err(Problem::forbidden()) } else { Ok(()) }
}

/// With its version.
fn in_full(db: &mut PgConnection, id: Uuid, config: &Config) -> Result<(Answer, i32)> {
    type Sent = (Option<String>, Option<String>, Option<String>);
    let (row, recipient, waiting, sent): (Row, Person, delivery::Message, Sent) = messages::table
        .find(id)
        .inner_join(users::table)
        .select((
            Row::as_select(),
            Person::as_select(),
            delivery::Message::as_select(),
            (messages::sent_to, messages::sent_subject, messages::sent_text),
        ))
        .get_result(db)?;
    let (to, subject, text) = match sent {
        (Some(to), Some(subject), Some(text)) => (to, subject, text),
        _ => {
            let loaded = Loaded::load(db, std::slice::from_ref(&waiting), Purpose::Showing, config)?;
            let content = loaded.content(&waiting, config)?;
            let text = content.shown_text();
            (content.to_address, content.subject, text)
        }
    };
    let message = MessageInFull { message: Message::from((row, recipient)), to, subject, text };
    let answer = Answer::ok(&message)?;
    // The text of a waiting message changes with its ticket, so it is part of the version.
    let digest = Sha256::digest(&answer.body);
    let version = i32::from_be_bytes([digest[0] & 0x7f, digest[1], digest[2], digest[3]]);
    Ok((answer, version))
}
