//! The delivery of messages. An instance of the server that takes a message holds it for the length of a lease; no
//! transaction is open while it communicates with the mail server. The leases of an instance that dies expire, and
//! other instances take the messages again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Text};
use serde_json::Value;
use uuid::Uuid;

use super::MessageKind;
use super::MessageStatus;
use crate::db::schema::messages;
use crate::problem::Result;

/// The wait after each unsuccessful attempt, as multiples of the first wait: with one minute, twelve attempts over a
/// little more than three days.
const WAITS: [u32; 11] = [1, 5, 15, 60, 240, 720, 720, 720, 720, 720, 720];

/// The maximum length of a stored response of a mail server, in characters.
const LAST_ERROR: usize = 1000;

/// A message that is being delivered.
#[derive(Debug, Clone, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = messages)]
pub struct Message {
    pub id: Uuid,
    /// The subject of the message: a ticket or an improvement action.
    pub ticket_id: Option<i64>,
    pub improvement_action_id: Option<Uuid>,
    pub kind: MessageKind,
    pub recipient_id: Uuid,
    pub data: Value,
    pub attempts: i16,
    /// When the lease expires; distinguishes this lease from a later one.
    pub locked_until: Option<DateTime<Utc>>,
}

/// Takes up to `count` due messages for the length of the lease; returns them in the order in which they were queued.
/// Concurrent instances take different ones. A lease that expires in more than two hours, which is longer than any
/// lease, was set while the clock was ahead and is ignored.
pub fn take(db: &mut PgConnection, count: usize, lease: Duration) -> Result<Vec<Message>> {
    let taken = diesel::sql_query(
        "UPDATE messages SET locked_until = clock_timestamp() + make_interval(secs => $2) \
         WHERE id IN ( \
             SELECT id FROM messages \
             WHERE status = 'waiting' AND next_attempt_at <= clock_timestamp() AND kind = ANY ($3) \
                 AND (locked_until IS NULL OR locked_until <= clock_timestamp() \
                     OR locked_until > clock_timestamp() + interval '2 hours') \
             ORDER BY next_attempt_at, id LIMIT $1 FOR UPDATE SKIP LOCKED) \
         RETURNING id, ticket_id, improvement_action_id, kind, recipient_id, data, attempts, locked_until",
    )
    .bind::<BigInt, _>(i64::try_from(count).unwrap_or(1))
    .bind::<Double, _>(lease.as_secs_f64())
    // Messages of kinds unknown to this version of the server are sent by another version.
    .bind::<Array<Text>, _>(MessageKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    let mut taken: Vec<Message> = taken.load(db)?;
    taken.sort_by_key(|message| message.id);
    Ok(taken)
}

/// Makes messages due that were queued at a time in the future, because the clock was ahead and was set back. Returns
/// how many.
pub fn catch_up(db: &mut PgConnection) -> Result<usize> {
    let now = crate::db::now(db)?;
    let ahead = messages::table
        .filter(messages::created_at.gt(now))
        .filter(messages::next_attempt_at.ge(messages::created_at))
        .filter(messages::status.eq(MessageStatus::Waiting))
        .filter(messages::attempts.eq(0));
    Ok(diesel::update(ahead).set(messages::next_attempt_at.eq(now)).execute(db)?)
}

/// The message that the mail server accepted.
pub struct Sent {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// The mail server accepted the message: it is marked as sent, even if the lease has expired.
pub fn sent(db: &mut PgConnection, id: Uuid, sent: &Sent) -> Result<()> {
    diesel::update(messages::table.find(id).filter(messages::status.ne(MessageStatus::Sent)))
        .set((
            messages::status.eq(MessageStatus::Sent),
            messages::attempts.eq(messages::attempts + 1),
            messages::locked_until.eq(None::<DateTime<Utc>>),
            messages::last_error.eq(None::<String>),
            messages::sent_at.eq(diesel::dsl::now),
            messages::sent_to.eq(&sent.to),
            messages::sent_subject.eq(&sent.subject),
            messages::sent_text.eq(&sent.text),
            // The address of a notice about an account; from now on it is in `sent_to`.
            messages::data.eq(messages::data.remove("to")),
        ))
        .execute(db)?;
    Ok(())
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// There is no mail server; this does not count towards the attempts after which the message fails.
    Unreachable(String),
    /// A temporary failure.
    ForNow(String),
    /// A permanent failure.
    ForGood(String),
}

/// The message was not sent: it waits for the next attempt, or has failed. If the lease has expired, nothing changes;
/// the instance with the new lease decides.
pub fn refused(
    db: &mut PgConnection,
    message: &Message,
    refusal: &Refusal,
    first_wait: Duration,
) -> Result<()> {
    let tries = usize::try_from(message.attempts).unwrap_or_default();
    let (error, wait, counts, unreached) = match refusal {
        Refusal::Unreachable(error) => (error, Some(first_wait), 0, 1),
        Refusal::ForNow(error) => (error, WAITS.get(tries).map(|times| first_wait * *times), 1, 0),
        Refusal::ForGood(error) => (error, None, 1, 0),
    };
    let status = if wait.is_some() { MessageStatus::Waiting } else { MessageStatus::Failed };
    let next = crate::db::now(db)? + wait.unwrap_or_default();
    let error: String = error.chars().filter(|c| *c != '\0').take(LAST_ERROR).collect();
    let held = messages::table.find(message.id).filter(messages::locked_until.eq(message.locked_until));
    diesel::update(held)
        .set((
            messages::status.eq(status),
            messages::attempts.eq(messages::attempts + counts),
            messages::unreached.eq(messages::unreached + unreached),
            messages::next_attempt_at.eq(next),
            messages::locked_until.eq(None::<DateTime<Utc>>),
            messages::last_error.eq(error),
        ))
        .execute(db)?;
    Ok(())
}
