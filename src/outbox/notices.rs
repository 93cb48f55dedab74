//! Notices to people about changes of their account, and of what belongs to it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::MessageKind;
use crate::auth::no_address::HAS_ADDRESS;
use crate::db::schema::messages;
use crate::problem::Result;

/// The change of an account.
pub enum AccountChange {
    /// The e-mail address, changed by this account.
    Email { changed_by: Uuid },
    /// The password: with a one-time link, or with the previous password.
    Password { by_link: bool },
}

/// Queues a notice of a change, to the previous address of the account. It is sent even if the account is no longer
/// active. The message contains the address until it is sent.
pub fn queue_account_notice(
    tx: &mut PgConnection,
    account: Uuid,
    address: &str,
    change: AccountChange,
    at: DateTime<Utc>,
) -> Result<()> {
    let (kind, mut data) = match change {
        AccountChange::Email { changed_by } => {
            (MessageKind::EmailChanged, json!({"changed_by_id": changed_by}))
        }
        AccountChange::Password { by_link } => (MessageKind::PasswordChanged, json!({"by_link": by_link})),
    };
    data["changed_at"] = json!(at);
    data["to"] = json!(address);
    diesel::insert_into(messages::table)
        .values((
            messages::id.eq(Uuid::now_v7()),
            messages::kind.eq(kind),
            messages::recipient_id.eq(account),
            messages::data.eq(data),
            messages::created_at.eq(at),
            messages::next_attempt_at.eq(at),
        ))
        .execute(tx)?;
    Ok(())
}

/// Queues a notice that a webhook ended: to its owner, or to the directors if the owner has no active account with an address or
/// `to_directors` is set.
///
/// # Errors
/// The error of the database.
pub fn queue_webhook_ended(
    tx: &mut PgConnection,
    owner_id: Uuid,
    to_directors: bool,
    data: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    diesel::sql_query(format!(
        "WITH possible AS ( \
             SELECT u.id, u.id = $1 AND NOT $2 AS is_owner FROM users u \
             WHERE u.active AND {HAS_ADDRESS} AND (u.id = $1 AND NOT $2 OR u.role = 'director')) \
         INSERT INTO messages (id, kind, recipient_id, data, created_at, next_attempt_at) \
         SELECT uuid_version_7($5), $3, p.id, $4, $5, $5 FROM possible p \
         WHERE p.is_owner OR NOT EXISTS (SELECT FROM possible WHERE is_owner)"
    ))
    .bind::<SqlUuid, _>(owner_id)
    .bind::<Bool, _>(to_directors)
    .bind::<Text, _>(MessageKind::WebhookEnded)
    .bind::<Jsonb, _>(data)
    .bind::<Timestamptz, _>(at)
    .execute(tx)?;
    Ok(())
}
