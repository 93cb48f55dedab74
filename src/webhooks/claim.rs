//! Takes deliveries that are due for the length of a lease, and makes what is sent of them.
//!
//! Of each subject only the first one that waits is taken, so that the events of one ticket arrive in order. No transaction is
//! open while a request is sent: the leases of a copy of the server that dies expire, and other copies take the deliveries
//! again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::json;
use uuid::Uuid;

use super::client::Post;
use super::{owner, secret};
use crate::db::Statement;
use crate::db::schema::webhook_deliveries;
use crate::events::reader::Reader;
use crate::events::reading;
use crate::events::types::Wanted;
use crate::problem::{Problem, Result};

/// The type of the event that `POST /webhooks/{webhook_id}/test` sends.
pub const TEST: &str = "co.mesa.webhook.test.v1";

/// How many deliveries of one webhook are sent at once.
const AT_ONCE: u32 = 8;
/// How long a delivery is taken for, in seconds: longer than a request takes.
const LEASE: u32 = 60;

/// A delivery that this copy of the server sends.
#[derive(Debug, Clone, QueryableByName)]
pub struct Taken {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub webhook_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    /// When the lease expires; distinguishes this lease from a later one.
    #[diesel(sql_type = Timestamptz)]
    pub locked_until: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
    /// Only while it is valid.
    #[diesel(sql_type = Nullable<Binary>)]
    previous_secret: Option<Vec<u8>>,
}

/// Takes up to `most` deliveries and makes their requests. What the owner may not see any more is skipped.
///
/// # Errors
/// The error of the database; what was taken is taken again when the lease expires.
pub fn run(db: &mut PgConnection, most: usize, timezone: Tz) -> Result<Vec<(Taken, Post)>> {
    loop {
        let taken = take(db, most)?;
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let posts = posts(db, taken, timezone)?;
        // What follows a skipped delivery is due now.
        if !posts.is_empty() {
            return Ok(posts);
        }
    }
}

fn posts(db: &mut PgConnection, taken: Vec<Taken>, timezone: Tz) -> Result<Vec<(Taken, Post)>> {
    let ids: Vec<Uuid> = taken.iter().map(|one| one.event_id).collect();
    let entries = reading::of_events(db, &ids)?;
    let entries: HashMap<Uuid, _> = entries.into_iter().map(|entry| (entry.event_id, entry)).collect();
    let mut readers: HashMap<Uuid, Option<Reader>> = HashMap::new();
    let now = crate::db::now(db)?;
    let mut posts = Vec::with_capacity(taken.len());
    for one in taken {
        let reader = match readers.entry(one.webhook_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(owner::reader_or_end(db, one.webhook_id, one.owner_id, timezone)?)
            }
        };
        let Some(reader) = reader else {
            give_back(db, &one)?;
            continue;
        };
        let body = if one.event_type == TEST {
            Some(test_event(&one))
        } else {
            let event = entries.get(&one.event_id).and_then(|entry| reader.event(entry, &Wanted::default()));
            event.map(|event| serde_json::to_string(&event).map_err(Problem::internal)).transpose()?
        };
        match body {
            Some(body) => {
                let post = post(&one, body, now);
                posts.push((one, post));
            }
            None => skip(db, &one)?,
        }
    }
    Ok(posts)
}

/// Concurrent copies take different deliveries. A webhook that fails is tried with one at a time, and those with the fewest
/// requests under way come first, so that receivers that are slow or do not answer leave room for the others.
fn take(db: &mut PgConnection, most: usize) -> Result<Vec<Taken>> {
    let statement = Statement::new(format!(
        "WITH free AS MATERIALIZED ( \
             SELECT w.id, used, CASE WHEN w.failing_since IS NULL THEN {AT_ONCE} ELSE 1 END - used AS places \
             FROM webhooks w CROSS JOIN LATERAL (SELECT count(*) AS used FROM webhook_deliveries d \
                 WHERE d.webhook_id = w.id AND d.locked_until > clock_timestamp()) AS taken \
             WHERE w.active), \
         due AS MATERIALIZED ( \
             SELECT head.id FROM free CROSS JOIN LATERAL ( \
                 SELECT d.id, d.next_attempt_at FROM webhook_deliveries d \
                 WHERE d.webhook_id = free.id AND d.state = 'waiting' AND d.next_attempt_at <= clock_timestamp() \
                     AND (d.locked_until IS NULL OR d.locked_until <= clock_timestamp()) \
                     AND NOT EXISTS (SELECT FROM webhook_deliveries earlier \
                         WHERE earlier.webhook_id = d.webhook_id AND earlier.subject = d.subject AND earlier.state = 'waiting' \
                             AND (earlier.position, earlier.id) < (d.position, d.id)) \
                 ORDER BY d.next_attempt_at, d.position LIMIT greatest(free.places, 0) FOR UPDATE OF d SKIP LOCKED) AS head \
             ORDER BY free.used + row_number() OVER (PARTITION BY free.id ORDER BY head.next_attempt_at), head.next_attempt_at \
             LIMIT "
    ))
    .bind::<BigInt, _>(i64::try_from(most).unwrap_or(1))
    .sql(format!(
        ") UPDATE webhook_deliveries d SET locked_until = clock_timestamp() + interval '{LEASE} seconds' \
         FROM webhooks w WHERE d.id IN (SELECT id FROM due) AND w.id = d.webhook_id \
         RETURNING d.id, d.webhook_id, d.event_id, d.event_type, d.attempts, d.created_at, d.locked_until, w.url, w.owner_id, \
             w.secret, CASE WHEN w.previous_secret_until > clock_timestamp() THEN w.previous_secret END AS previous_secret"
    ));
    Ok(statement.load(db)?)
}

fn post(one: &Taken, body: String, now: DateTime<Utc>) -> Post {
    let secrets = std::iter::once(&one.secret).chain(&one.previous_secret).map(Vec::as_slice);
    let signature = secret::signatures(secrets, one.event_id, now.timestamp(), &body);
    Post {
        url: one.url.clone(),
        headers: [
            ("webhook-id", one.event_id.to_string()),
            ("webhook-timestamp", now.timestamp().to_string()),
            ("webhook-signature", signature),
        ],
        body,
    }
}

fn test_event(one: &Taken) -> String {
    json!({
        "specversion": "1.0",
        "id": one.event_id,
        "source": "/api/v1",
        "subject": format!("webhook/{}", one.webhook_id),
        "time": one.created_at,
        "datacontenttype": "application/json",
        "about": "test",
        "type": TEST,
        "data": {"webhook_id": one.webhook_id},
    })
    .to_string()
}

/// The owner may not see the event any more.
fn skip(db: &mut PgConnection, one: &Taken) -> Result<()> {
    diesel::update(held(one))
        .set((
            webhook_deliveries::state.eq("skipped"),
            webhook_deliveries::locked_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(db)?;
    Ok(())
}

fn give_back(db: &mut PgConnection, one: &Taken) -> Result<()> {
    diesel::update(held(one)).set(webhook_deliveries::locked_until.eq(None::<DateTime<Utc>>)).execute(db)?;
    Ok(())
}

/// The delivery, as long as this copy of the server has it.
#[diesel::dsl::auto_type]
pub fn held(one: &Taken) -> _ {
    let (id, until): (Uuid, DateTime<Utc>) = (one.id, one.locked_until);
    webhook_deliveries::table
        .find(id)
        .filter(webhook_deliveries::state.eq("waiting"))
        .filter(webhook_deliveries::locked_until.eq(until))
}
