//! Messages that changes cause: written in the same transaction, sent afterwards.

pub mod delivery;
mod messages;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::db::schema::{messages as outbox, tickets, users};
use crate::db::text_enum;
use crate::problem::Result;

pub fn routes(config: &mut ServiceConfig) {
    config.service(messages::list).service(messages::read).service(messages::retry);
}

text_enum! {
    /// How the sending of a message stands.
    pub enum MessageStatus {
        /// Its turn has not come, the last try did not succeed, or there is no mail server.
        Waiting = "waiting",
        /// The mail server has taken it.
        Sent = "sent",
        /// The mail server refuses it, or the last try is over.
        Failed = "failed",
    }
}

/// Queues a message about a ticket to a person. `kind` names what happened, as the history does; `data` is what a
/// template needs beyond the ticket itself. Nobody who has left is written to, nor a member of staff who turned their mail
/// off, unless it is their own request.
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
    let own = tickets::table.find(ticket_id).filter(tickets::requester_id.eq(recipient_id));
    let recipient = users::table
        .find(recipient_id)
        .filter(users::active)
        .filter(users::staff_mail.or(diesel::dsl::exists(own)));
    let message = recipient.select((
        Uuid::now_v7().into_sql::<SqlUuid>(),
        ticket_id.into_sql::<BigInt>(),
        kind.into_sql::<Text>(),
        users::id,
        data.into_sql::<Jsonb>(),
        at.into_sql::<Timestamptz>(),
        at.into_sql::<Timestamptz>(),
    ));
    diesel::insert_into(outbox::table)
        .values(message)
        .into_columns((
            outbox::id,
            outbox::ticket_id,
            outbox::kind,
            outbox::recipient_id,
            outbox::data,
            outbox::created_at,
            outbox::next_attempt_at,
        ))
        .execute(tx)?;
    Ok(())
}
