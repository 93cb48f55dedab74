//! How a message goes from hand to hand until it is sent. A copy of the server that takes one has it for the length of a
//! lease; no transaction is open while it talks to the mail server. A copy that dies loses its leases, and others take
//! the messages again.

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

/// How long to wait after each try that did not succeed, as multiples of the first wait: with one minute, twelve tries
/// over a little more than three days.
const WAITS: [u32; 11] = [1, 5, 15, 60, 240, 720, 720, 720, 720, 720, 720];

/// The longest word of a mail server that is kept, in characters.
const LAST_ERROR: usize = 1000;

/// A message that somebody has in hand.
#[derive(Debug, Clone, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = messages)]
pub struct Message {
    pub id: Uuid,
    /// What it is about: a ticket, or an improvement action.
    pub ticket_id: Option<i64>,
    pub improvement_action_id: Option<Uuid>,
    pub kind: MessageKind,
    pub recipient_id: Uuid,
    pub data: Value,
    pub attempts: i16,
    /// When the lease ends; tells this lease from a later one.
    pub locked_until: Option<DateTime<Utc>>,
}

/// Takes messages whose turn it is, at most so many, for the length of the lease; answers them in the order they were
/// queued. Copies that take at the same time take different ones. A lease that ends in more than two hours, which is
/// longer than any, is of a clock that was ahead, and holds nobody off.
///
/// # Errors
/// What the database answers.
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
    // Another version of the server sends those that this one does not know.
    .bind::<Array<Text>, _>(MessageKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    let mut taken: Vec<Message> = taken.load(db)?;
    taken.sort_by_key(|message| message.id);
    Ok(taken)
}

/// Makes those due that were queued at a time that has not come: the clock was ahead then, and went back. Answers how many.
///
/// # Errors
/// What the database answers.
pub fn catch_up(db: &mut PgConnection) -> Result<usize> {
    let now = crate::db::now(db)?;
    let ahead = messages::table
        .filter(messages::created_at.gt(now))
        .filter(messages::next_attempt_at.ge(messages::created_at))
        .filter(messages::status.eq(MessageStatus::Waiting))
        .filter(messages::attempts.eq(0));
    Ok(diesel::update(ahead).set(messages::next_attempt_at.eq(now)).execute(db)?)
}

/// What the mail server took.
pub struct Sent {
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// The mail server took it: whatever became of the lease, it is sent.
///
/// # Errors
/// What the database answers.
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
            // The address of a notice about an account: `sent_to` has it from now on.
            messages::data.eq(messages::data.remove("to")),
        ))
        .execute(db)?;
    Ok(())
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// There is no mail server to talk to: no try of this message's.
    Unreachable(String),
    /// Not this time.
    ForNow(String),
    /// Never.
    ForGood(String),
}

/// It was not sent. The message waits for its next try, or has failed; where the lease is over by now, whoever has it
/// says what becomes of it.
///
/// # Errors
/// What the database answers.
pub fn refused(
    db: &mut PgConnection,
    message: &Message,
    refusal: &Refusal,
    first_wait: Duration,
) -> Result<()> {
    let tries = usize::try_from(message.attempts).unwrap_or_default();
    let (error, wait, counts) = match refusal {
        Refusal::Unreachable(error) => (error, Some(first_wait), 0),
        Refusal::ForNow(error) => (error, WAITS.get(tries).map(|times| first_wait * *times), 1),
        Refusal::ForGood(error) => (error, None, 1),
    };
    let status = if wait.is_some() { MessageStatus::Waiting } else { MessageStatus::Failed };
    let next = crate::db::now(db)? + wait.unwrap_or_default();
    let error: String = error.chars().filter(|c| *c != '\0').take(LAST_ERROR).collect();
    let held = messages::table.find(message.id).filter(messages::locked_until.eq(message.locked_until));
    diesel::update(held)
        .set((
            messages::status.eq(status),
            messages::attempts.eq(messages::attempts + counts),
            messages::next_attempt_at.eq(next),
            messages::locked_until.eq(None::<DateTime<Utc>>),
            messages::last_error.eq(error),
        ))
        .execute(db)?;
    Ok(())
}

/// How many messages a metric counts at most, so that it costs the same however many there are.
pub const COUNTED: i64 = 10_000;

/// How many messages wait, and how many have failed; each up to `COUNTED`.
///
/// # Errors
/// What the database answers.
pub fn counts(db: &mut PgConnection) -> Result<[(MessageStatus, i64); 2]> {
    let mut count = |status: MessageStatus| -> Result<(MessageStatus, i64)> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let found: Count = diesel::sql_query(
            "SELECT count(*) AS count FROM (SELECT FROM messages WHERE status = $1 LIMIT $2) AS counted",
        )
        .bind::<diesel::sql_types::Text, _>(status)
        .bind::<BigInt, _>(COUNTED)
        .get_result(db)?;
        Ok((status, found.count))
    };
    Ok([count(MessageStatus::Waiting)?, count(MessageStatus::Failed)?])
}
