//! Records what became of a request.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::claim::{Taken, held};
use super::client::Received;
use super::ending::{self, WebhookEndedReason};
use super::schedule;
use crate::db::schema::{webhook_deliveries as rows, webhooks};
use crate::problem::{Problem, Result};

/// Records a success even if the lease has expired. A failure counts only within the lease: after it, the copy of the server
/// with the new lease decides. Returns whether the webhook ended.
///
/// # Errors
/// The error of the database.
pub fn record(db: &mut PgConnection, one: &Taken, received: &Received) -> Result<Option<WebhookEndedReason>> {
    let now = crate::db::now(db)?;
    let answer = (
        rows::attempts.eq(rows::attempts + 1),
        rows::locked_until.eq(None::<DateTime<Utc>>),
        rows::last_attempt_at.eq(now),
        rows::response_status.eq(received.status.and_then(|status| i16::try_from(status).ok())),
        rows::duration_ms.eq(i32::try_from(received.duration.as_millis()).unwrap_or(i32::MAX)),
        rows::response_body.eq(&received.body),
        rows::error.eq(&received.error),
    );
    if schedule::is_success(received.status) {
        diesel::update(rows::table.find(one.id).filter(rows::state.eq("waiting")))
            .set((answer, rows::state.eq("delivered"), rows::delivered_at.eq(now)))
            .execute(db)?;
        diesel::update(webhooks::table.find(one.webhook_id).filter(webhooks::failing_since.is_not_null()))
            .set(webhooks::failing_since.eq(None::<DateTime<Utc>>))
            .execute(db)?;
        return Ok(None);
    }
    let is_gone = schedule::is_gone(received.status);
    let asked = schedule::asked(received.status, received.retry_after);
    let wait = if is_gone { None } else { schedule::wait(one.attempts, asked, jitter()?) };
    let state = if wait.is_some() { "waiting" } else { "failed" };
    let next = now + wait.unwrap_or_default();
    db.transaction(|tx| {
        // Before the delivery, in the order in which changes of a webhook lock both.
        let lock = webhooks::table.find(one.webhook_id).select(webhooks::id).for_no_key_update();
        if lock.get_result::<Uuid>(tx).optional()?.is_none() {
            return Ok(None);
        }
        let known = diesel::update(held(one))
            .set((answer, rows::state.eq(state), rows::next_attempt_at.eq(next)))
            .execute(tx)?;
        if known == 0 {
            return Ok(None);
        }
        let reason = if is_gone { Some(WebhookEndedReason::Gone) } else { failing(tx, one.webhook_id, now)? };
        match reason {
            Some(reason) if ending::end(tx, one.webhook_id, reason)? => Ok(Some(reason)),
            _ => Ok(None),
        }
    })
}

/// Since when the requests of a webhook fail; the reason to end it once that is too long.
fn failing(
    tx: &mut PgConnection,
    webhook_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<WebhookEndedReason>> {
    diesel::update(webhooks::table.find(webhook_id).filter(webhooks::failing_since.is_null()))
        .set(webhooks::failing_since.eq(now))
        .execute(tx)?;
    let since: Option<Option<DateTime<Utc>>> =
        webhooks::table.find(webhook_id).select(webhooks::failing_since).first(tx).optional()?;
    let is_too_long = since.flatten().is_some_and(|since| now - since >= schedule::FAILING);
    Ok(is_too_long.then_some(WebhookEndedReason::Failing))
}

/// A random number from 0 to 1.
fn jitter() -> Result<f64> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX))
}
