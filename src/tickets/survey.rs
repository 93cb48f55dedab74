//! The part of the perception survey that tickets depend on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::auth::no_address::HAS_ADDRESS;
use crate::db::Statement;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// Whether a survey was answered.
    pub enum SurveyStatus {
        /// It was offered and not answered yet.
        Pending = "pending",
        /// It was answered.
        Answered = "answered",
    }
}

diesel::define_sql_function! {
    /// Whether this person attended the ticket: has it, had accepted it, or solved it.
    fn attended_ticket(ticket: BigInt, person: SqlUuid) -> Bool;
}

/// Creates the survey of a ticket that `solver` solves now. A ticket that was solved before keeps its survey, which is
/// offered again if it is not answered. Nothing is offered to a requester who attended the ticket, because nobody rates
/// their own work, nor to one who can neither receive the link nor sign in, nor for a ticket that a program sent.
pub fn offer(
    tx: &mut PgConnection,
    ticket_id: i64,
    requester_id: Uuid,
    solver: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    if requester_id == solver {
        return Ok(());
    }
    Statement::new(
        "INSERT INTO surveys (id, ticket_id, requester_id, created_at, offered_at) \
         SELECT o.id, o.ticket_id, u.id, o.at, o.at FROM (SELECT ",
    )
    .bind::<SqlUuid, _>(Uuid::now_v7())
    .sql(", ")
    .bind::<BigInt, _>(ticket_id)
    .sql(", ")
    .bind::<Timestamptz, _>(now)
    .sql(") AS o (id, ticket_id, at), users u WHERE u.id = ")
    .bind::<SqlUuid, _>(requester_id)
    .sql(" AND (u.password_hash IS NOT NULL OR ")
    .sql(HAS_ADDRESS)
    .sql(
        ") AND NOT attended_ticket(o.ticket_id, u.id) AND NOT (SELECT automatic FROM tickets WHERE id = o.ticket_id) \
         ON CONFLICT (ticket_id) DO UPDATE SET offered_at = EXCLUDED.offered_at WHERE surveys.status = 'pending'",
    )
    .execute(tx)?;
    Ok(())
}
