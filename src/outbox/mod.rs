//! Messages that changes cause: written in the same transaction, sent afterwards.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::messages;
use crate::problem::Result;

/// Queues a message about a ticket to a person. `kind` names what happened, as the history does; `data` is what a
/// template needs beyond the ticket itself.
///
/// # Errors
/// What the database answers.
pub fn queue(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: &str,
    recipient_id: Uuid,
    data: Value,
    at: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(Uuid::now_v7()),
            messages::ticket_id.eq(ticket_id),
            messages::kind.eq(kind),
            messages::recipient_id.eq(recipient_id),
            messages::data.eq(data),
            messages::created_at.eq(at),
        ))
        .execute(tx)?;
    Ok(())
}

/// The same message to several people.
///
/// # Errors
/// What the database answers.
pub fn queue_to_all(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: &str,
    recipients: &[Uuid],
    data: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    let message = |recipient_id: &Uuid| {
        (
            messages::id.eq(Uuid::now_v7()),
            messages::ticket_id.eq(ticket_id),
            messages::kind.eq(kind.to_owned()),
            messages::recipient_id.eq(*recipient_id),
            messages::data.eq(data.clone()),
            messages::created_at.eq(at),
        )
    };
    let rows: Vec<_> = recipients.iter().map(message).collect();
    diesel::insert_into(messages::table).values(rows).execute(tx)?;
    Ok(())
}
