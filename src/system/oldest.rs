//! The message and the delivery that have waited longest.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{jobs, messages, webhook_deliveries, webhooks};
use crate::outbox::MessageStatus;
use crate::problem::Result;

/// A message that waits.
#[derive(Serialize, ToSchema)]
pub struct WaitingMessage {
    /// Identifier of the message.
    id: Uuid,
    /// When it was queued.
    created_at: DateTime<Utc>,
    /// The number of attempts to send it.
    #[schema(minimum = 0, example = 4)]
    attempt_count: i32,
    /// The time of the next attempt.
    next_attempt_at: DateTime<Utc>,
    /// The last error of the mail server or the network; `null` if there was none.
    #[schema(max_length = 2000, example = "Connection error: Connection refused (os error 111)")]
    last_error: Option<String>,
}

/// A delivery that waits.
#[derive(Serialize, ToSchema)]
pub struct WaitingWebhookDelivery {
    /// Identifier of the delivery.
    id: Uuid,
    /// Identifier of its webhook.
    webhook_id: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// The number of attempts since it was last queued.
    #[schema(minimum = 0, example = 2)]
    attempt_count: i32,
    /// Why the last attempt had no answer; `null` if it had one, or if there was none.
    #[schema(max_length = 300, example = "no answer in time")]
    last_error: Option<String>,
}

/// The message that has waited longest.
///
/// # Errors
/// The error of the database.
pub fn message(db: &mut PgConnection) -> Result<Option<WaitingMessage>> {
    type Columns = (Uuid, DateTime<Utc>, i16, i32, DateTime<Utc>, Option<String>);
    let oldest: Option<Columns> = messages::table
        .filter(messages::status.eq(MessageStatus::Waiting))
        .order(messages::created_at)
        .select((
            messages::id,
            messages::created_at,
            messages::attempts,
            messages::unreached,
            messages::next_attempt_at,
            messages::last_error,
        ))
        .first(db)
        .optional()?;
    Ok(oldest.map(|(id, created_at, attempts, unreached, next_attempt_at, last_error)| WaitingMessage {
        id,
        created_at,
        attempt_count: unreached.saturating_add(attempts.into()),
        next_attempt_at,
        last_error: last_error.map(|error| class(&error).to_owned()),
    }))
}

/// An error of the mail server without its text, which may name people: `transient error (450)`.
fn class(error: &str) -> &str {
    let is_answer = ["transient error (", "permanent error ("].iter().any(|class| error.starts_with(class));
    error.find(')').filter(|_| is_answer).map_or(error, |end| &error[..=end])
}

/// The delivery of an active webhook that has waited longest.
///
/// # Errors
/// The error of the database.
pub fn delivery(db: &mut PgConnection) -> Result<Option<WaitingWebhookDelivery>> {
    type Columns = (Uuid, Uuid, DateTime<Utc>, i16, Option<String>);
    let active: Vec<Uuid> = webhooks::table.filter(webhooks::active).select(webhooks::id).load(db)?;
    let mut oldest: Option<Columns> = None;
    // One look at an index for each of the few webhooks.
    for webhook_id in active {
        let first: Option<Columns> = webhook_deliveries::table
            .filter(webhook_deliveries::webhook_id.eq(webhook_id))
            .filter(webhook_deliveries::state.eq("waiting"))
            .order(webhook_deliveries::created_at)
            .select((
                webhook_deliveries::id,
                webhook_deliveries::webhook_id,
                webhook_deliveries::created_at,
                webhook_deliveries::attempts,
                webhook_deliveries::error,
            ))
            .first(db)
            .optional()?;
        oldest = oldest.into_iter().chain(first).min_by_key(|(_, _, created_at, ..)| *created_at);
    }
    Ok(oldest.map(|(id, webhook_id, created_at, attempts, last_error)| WaitingWebhookDelivery {
        id,
        webhook_id,
        created_at,
        attempt_count: attempts.into(),
        last_error,
    }))
}

/// When the oldest job was created that has not ended.
///
/// # Errors
/// The error of the database.
pub fn job(db: &mut PgConnection) -> Result<Option<DateTime<Utc>>> {
    let unfinished = jobs::table.filter(jobs::state.eq_any(["waiting", "running"]));
    Ok(unfinished.select(diesel::dsl::min(jobs::created_at)).first(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_mail_server_says_is_left_out() {
        assert_eq!(
            class("transient error (450): 4.2.0 <rosa@mesa.test> greylisted (wait)"),
            "transient error (450)"
        );
        assert_eq!(class("permanent error (550): no Rosa here"), "permanent error (550)");
        let away = "Connection error: Connection refused (os error 111)";
        assert_eq!(class(away), away);
    }
}
