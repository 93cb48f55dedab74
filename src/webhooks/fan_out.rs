//! Makes deliveries of the new entries of the log, for each webhook from its own position on.
//!
//! The deliveries of a webhook and its new position are written in one transaction that has locked the webhook: nothing is
//! missed and nothing is there twice, whichever copy of the server does it and whenever one is killed.

use std::time::{Duration, Instant};

use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::owner;
use crate::auth::ticket_limit::TicketLimit;
use crate::db::Statement;
use crate::db::schema::{webhook_deliveries, webhooks};
use crate::events::reading;
use crate::events::types::Wanted;
use crate::problem::Result;

/// How many entries of the log one transaction goes through.
const ENTRIES: i64 = 1000;
/// How many deliveries of a webhook may wait before no more are made: what is in the log is not lost.
const WAITING: i64 = 10_000;
/// How long one call may take.
const LONGEST: Duration = Duration::from_secs(2);

/// A webhook that is behind the log.
#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks)]
struct Behind {
    id: Uuid,
    owner_id: Uuid,
    event_types: Vec<String>,
    unit_ids: Vec<Uuid>,
    category_ids: Vec<Uuid>,
    position: i64,
}

/// Makes the deliveries that are missing, for some seconds at most; returns how many.
///
/// # Errors
/// The error of the database; what was written before stays.
pub fn run(db: &mut PgConnection, timezone: Tz) -> Result<usize> {
    let is_any = diesel::select(diesel::dsl::exists(webhooks::table.filter(webhooks::active)));
    if !is_any.get_result(db)? {
        return Ok(0);
    }
    let highest = reading::advance(db, None, None)?.position;
    let (begun, mut made) = (Instant::now(), 0);
    while begun.elapsed() < LONGEST {
        match db.transaction(|tx| one(tx, highest, timezone))? {
            Some(count) => made += count,
            None => break,
        }
    }
    Ok(made)
}

/// Continues one webhook that no other copy of the server works on; `None` if there is none.
fn one(tx: &mut PgConnection, highest: i64, timezone: Tz) -> Result<Option<usize>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        id: Uuid,
    }
    let found: Option<Found> = Statement::new("SELECT w.id FROM webhooks w WHERE w.active AND w.position < ")
        .bind::<BigInt, _>(highest)
        .sql(format!(
            " AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'waiting' OFFSET {}) \
             ORDER BY w.position, w.id LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED",
            WAITING - 1
        ))
        .get_result(tx)
        .optional()?;
    let Some(Found { id }) = found else { return Ok(None) };
    // After the lock: another copy may have moved it in the meantime.
    let webhook: Behind = webhooks::table.find(id).select(Behind::as_select()).get_result(tx)?;
    let Some(reader) = owner::reader_or_end(tx, webhook.id, webhook.owner_id, timezone)? else {
        return Ok(Some(0));
    };
    // Positions have no gaps.
    let up_to = highest.min(webhook.position + ENTRIES).max(webhook.position);
    let entries = reading::after(tx, webhook.position..=up_to, reading::MOST)?;
    let wanted = Wanted::new(webhook.event_types);
    let limit = TicketLimit { unit_ids: webhook.unit_ids, category_ids: webhook.category_ids };
    let now = crate::db::now(tx)?;
    let is_wanted = |entry: &&crate::events::entry::Entry| {
        limit.is_any() || entry.ticket_id.is_some() && limit.includes(entry.unit_id, entry.category_id)
    };
    let deliveries: Vec<_> = entries
        .iter()
        .filter(is_wanted)
        .filter_map(|entry| {
            let event = reader.event(entry, &wanted)?;
            Some((
                webhook_deliveries::id.eq(Uuid::now_v7()),
                webhook_deliveries::webhook_id.eq(webhook.id),
                webhook_deliveries::event_id.eq(entry.event_id),
                webhook_deliveries::position.eq(entry.position),
                webhook_deliveries::subject.eq(event.envelope().subject.clone()),
                webhook_deliveries::event_type.eq(event.name().to_owned()),
                webhook_deliveries::next_attempt_at.eq(now),
                webhook_deliveries::created_at.eq(now),
            ))
        })
        .collect();
    let made = diesel::insert_into(webhook_deliveries::table).values(&deliveries).execute(tx)?;
    diesel::update(webhooks::table.find(webhook.id)).set(webhooks::position.eq(up_to)).execute(tx)?;
    Ok(Some(made))
}
