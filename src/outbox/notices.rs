//! Notices to people about changes of their account.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::MessageKind;
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
