//! Messages caused by changes: written in the same transaction, sent afterwards.

pub mod delivery;
mod kind;
pub mod notices;

pub use kind::MessageKind;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::no_address::HAS_ADDRESS;
use crate::db::Statement;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The delivery state of a message.
    pub enum MessageStatus {
        /// Not due yet, to be tried again after a failed attempt, or there is no mail server.
        Waiting = "waiting",
        /// The mail server has accepted it.
        Sent = "sent",
        /// The mail server rejected it permanently, or all attempts failed.
        Failed = "failed",
    }
}

/// Whether the recipient `u` is not the program that sent the ticket `t`: a program gets no mail.
const IS_NO_PROGRAM: &str =
    "NOT (t.automatic AND t.requester_id = u.id AND t.assignee_id IS DISTINCT FROM u.id)";

/// Queues a message about a ticket to each of these people. `data` is what a template needs beyond the ticket itself.
/// People who may not read the ticket get no message: who is neither staff nor its requester nor a watcher of it, or whose
/// account is not active, or has no address; nor the requester of a ticket that a program sent. Nor do staff who turned off mail about new tickets, if the message is about one that is neither
/// assigned to them nor critical.
pub fn queue(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: MessageKind,
    recipients: &[Uuid],
    data: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    queueing(ticket_id, kind, recipients, data, at).execute(tx)?;
    Ok(())
}

/// The most recipients that a statement lists one by one. PostgreSQL does not know how many an array has, and plans the
/// statement at each call.
const LISTED: usize = 4;

/// The statement of `queue`.
pub fn queueing<'a>(
    ticket_id: i64,
    kind: MessageKind,
    recipients: &[Uuid],
    data: &'a Value,
    at: DateTime<Utc>,
) -> Statement<'a> {
    // Their order is the order of sending.
    let messages = recipients.iter().map(|recipient| (Uuid::now_v7(), *recipient));
    let statement = Statement::new(
        "INSERT INTO messages (id, ticket_id, kind, recipient_id, data, created_at, next_attempt_at) \
         SELECT m.id, t.id, said.kind, m.recipient_id, said.data, said.at, said.at FROM (SELECT ",
    )
    .bind::<Text, _>(kind.as_str())
    .sql(", ")
    .bind::<Jsonb, _>(data)
    .sql(", ")
    .bind::<Timestamptz, _>(at)
    .sql(") AS said (kind, data, at), ");
    let statement = if (1..=LISTED).contains(&recipients.len()) {
        let begin = statement.sql("(VALUES ");
        let listed = messages.enumerate().fold(begin, |statement, (place, (id, recipient))| {
            let row = statement.sql(if place == 0 { "(" } else { ", (" });
            row.bind::<SqlUuid, _>(id).sql(", ").bind::<SqlUuid, _>(recipient).sql(")")
        });
        listed.sql(")")
    } else {
        let (ids, recipients): (Vec<Uuid>, Vec<Uuid>) = messages.unzip();
        let arrays = statement.sql("unnest(").bind::<Array<SqlUuid>, _>(ids).sql(", ");
        arrays.bind::<Array<SqlUuid>, _>(recipients).sql(")")
    };
    statement
    .sql(" AS m (id, recipient_id) JOIN users u ON u.id = m.recipient_id, tickets t WHERE t.id = ")
    .bind::<BigInt, _>(ticket_id)
    .sql(" AND u.active AND (t.requester_id = u.id OR said.data -> 'watcher' IS NOT NULL OR u.role <> 'requester' AND (")
    .bind::<Bool, _>(!kind.can_be_turned_off())
    .sql(" OR u.staff_mail OR t.assignee_id = u.id OR t.criticality = 'critical')) AND ")
    .sql(IS_NO_PROGRAM)
    .sql(" AND ")
    .sql(HAS_ADDRESS)
}

/// Queues a message of the same kind about each of several tickets, by pairs of ticket and recipient, in one
/// statement. The same people as for `queue` get none.
pub fn queue_each(
    tx: &mut PgConnection,
    kind: MessageKind,
    about: &[(i64, Uuid)],
    data: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    if about.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = about.iter().map(|_| Uuid::now_v7()).collect();
    let (tickets, recipients): (Vec<i64>, Vec<Uuid>) = about.iter().copied().unzip();
    diesel::sql_query(format!(
        "INSERT INTO messages (id, ticket_id, kind, recipient_id, data, created_at, next_attempt_at) \
         SELECT m.id, m.ticket_id, $4, u.id, $5, $6, $6 \
         FROM unnest($1, $2, $3) AS m (id, ticket_id, recipient_id) JOIN users u ON u.id = m.recipient_id \
             JOIN tickets t ON t.id = m.ticket_id \
         WHERE u.active AND (t.requester_id = u.id OR u.role <> 'requester' \
             AND ($7 OR u.staff_mail OR t.assignee_id = u.id OR t.criticality = 'critical')) \
             AND {IS_NO_PROGRAM} AND {HAS_ADDRESS}"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(tickets)
    .bind::<Array<SqlUuid>, _>(recipients)
    .bind::<Text, _>(kind.as_str())
    .bind::<Jsonb, _>(data)
    .bind::<Timestamptz, _>(at)
    .bind::<Bool, _>(!kind.can_be_turned_off())
    .execute(tx)?;
    Ok(())
}

/// Queues a message about an improvement action to each of these people, by pairs of action and person. People who
/// are not active get none, nor do those who turned off mail about work that is not theirs, unless the action is their own.
pub fn queue_about_actions(
    tx: &mut PgConnection,
    kind: MessageKind,
    about: &[(Uuid, Uuid)],
    at: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = about.iter().map(|_| Uuid::now_v7()).collect();
    let (actions, recipients): (Vec<Uuid>, Vec<Uuid>) = about.iter().copied().unzip();
    diesel::sql_query(
        "INSERT INTO messages (id, improvement_action_id, kind, recipient_id, data, created_at, next_attempt_at) \
         SELECT m.id, m.action_id, $4, u.id, '{}', $5, $5 \
         FROM unnest($1, $2, $3) AS m (id, action_id, recipient_id) JOIN users u ON u.id = m.recipient_id \
             JOIN improvement_actions a ON a.id = m.action_id \
         WHERE u.active AND (u.staff_mail OR a.owner_id = u.id)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(actions)
    .bind::<Array<SqlUuid>, _>(recipients)
    .bind::<Text, _>(kind.as_str())
    .bind::<Timestamptz, _>(at)
    .execute(tx)?;
    Ok(())
}

/// Queues a message to each of these people about their account. If one of this kind is already waiting, that one
/// becomes due now. Nothing is queued for an account that is not active or has no address.
pub fn queue_about_accounts(
    tx: &mut PgConnection,
    kind: MessageKind,
    accounts: &[Uuid],
    at: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = accounts.iter().map(|_| Uuid::now_v7()).collect();
    diesel::sql_query(format!(
        "WITH waiting AS ( \
             UPDATE messages SET next_attempt_at = least(next_attempt_at, $4) \
             WHERE recipient_id = ANY($2) AND kind = $3 AND status = 'waiting' \
                 AND kind IN ('password_reset', 'invitation') \
             RETURNING recipient_id) \
         INSERT INTO messages (id, kind, recipient_id, data, created_at, next_attempt_at) \
         SELECT m.id, $3, u.id, '{{}}', $4, $4 FROM unnest($1, $2) AS m (id, user_id) JOIN users u ON u.id = m.user_id \
         WHERE u.active AND {HAS_ADDRESS} \
             AND NOT EXISTS (SELECT FROM waiting w WHERE w.recipient_id = u.id)"
    ))
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<SqlUuid>, _>(accounts)
    .bind::<Text, _>(kind.as_str())
    .bind::<Timestamptz, _>(at)
    .execute(tx)?;
    Ok(())
}
