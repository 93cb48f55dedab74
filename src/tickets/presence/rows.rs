//! The rows of those who have a ticket open.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Deserialize;
use uuid::Uuid;

use super::{Activity, PresentPerson};
use crate::auth::person::{Person, PersonKind};
use crate::auth::policy::Role;
use crate::db::Statement;
use crate::problem::Result;

/// How long somebody is there without repeating it, in seconds.
pub const SECONDS: f64 = 60.0;
/// The most people at one ticket: a further one replaces the one who was seen the longest time ago.
pub const MOST_OF_TICKET: i64 = 50;
/// The most tickets at which one account is: a further one replaces the one that was seen the longest time ago.
pub const MOST_OF_ACCOUNT: i64 = 20;

/// Somebody at a ticket, and what decides who may know it.
#[derive(Debug, Clone, Deserialize, QueryableByName)]
pub struct Present {
    #[diesel(sql_type = BigInt)]
    pub ticket_id: i64,
    /// The unit of the requester of the ticket.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    pub user_id: Uuid,
    #[diesel(sql_type = Text)]
    full_name: String,
    #[diesel(sql_type = Text)]
    role: Role,
    #[diesel(sql_type = Text)]
    kind: PersonKind,
    /// `None`: the person has left.
    #[diesel(sql_type = Nullable<Text>)]
    pub activity: Option<Activity>,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
}

const COLUMNS: &str = "p.ticket_id, t.requester_unit_id AS unit_id, t.category_id, p.user_id, u.full_name, u.role, \
    u.account_kind AS kind, p.activity, p.started_at, p.expires_at \
    FROM ticket_presence p JOIN tickets t ON t.id = p.ticket_id JOIN users u ON u.id = p.user_id";

impl Present {
    /// As the API represents it.
    pub fn person(&self) -> PresentPerson {
        let person =
            Person { id: self.user_id, full_name: self.full_name.clone(), role: self.role, kind: self.kind };
        PresentPerson {
            ticket_id: self.ticket_id,
            person,
            activity: self.activity,
            started_at: self.started_at,
            expires_at: self.expires_at,
        }
    }

    /// The same after the person has left.
    pub fn gone(&self) -> Self {
        Present { activity: None, ..self.clone() }
    }
}

/// Adds a column to a statement: the rows that were written after a time, as a JSON array. Rows are visible some time after
/// they were written, so the reader goes back by more than the longest transaction.
pub fn changed_after(statement: Statement<'_>, after: DateTime<Utc>) -> Statement<'_> {
    statement
        .sql(format!(
            "(SELECT coalesce(jsonb_agg(to_jsonb(one)), '[]') FROM (SELECT {COLUMNS} WHERE p.seen_at > "
        ))
        .bind::<Timestamptz, _>(after)
        .sql(") AS one)")
}

/// The account is at the ticket until `SECONDS` from now.
///
/// # Errors
/// An error of the database.
pub fn enter(tx: &mut PgConnection, ticket_id: i64, user_id: Uuid, activity: Activity) -> Result<()> {
    diesel::sql_query(
        "INSERT INTO ticket_presence AS p (ticket_id, user_id, activity, started_at, seen_at, expires_at) \
         SELECT $1, $2, $3, at, at, at + $4 * interval '1 second' FROM (SELECT clock_timestamp() AS at) AS now \
         ON CONFLICT (ticket_id, user_id) DO UPDATE SET activity = excluded.activity, seen_at = excluded.seen_at, \
             expires_at = excluded.expires_at, \
             started_at = CASE WHEN p.activity = excluded.activity AND p.expires_at > excluded.seen_at \
                 THEN p.started_at ELSE excluded.started_at END",
    )
    .bind::<BigInt, _>(ticket_id)
    .bind::<SqlUuid, _>(user_id)
    .bind::<Text, _>(activity)
    .bind::<Double, _>(SECONDS)
    .execute(tx)?;
    // What another request holds is left to it.
    diesel::sql_query(
        "DELETE FROM ticket_presence WHERE (ticket_id, user_id) IN (SELECT ticket_id, user_id FROM ticket_presence \
             WHERE user_id = $2 ORDER BY seen_at DESC OFFSET $4 FOR UPDATE SKIP LOCKED) \
         OR (ticket_id, user_id) IN (SELECT ticket_id, user_id FROM ticket_presence \
             WHERE ticket_id = $1 ORDER BY seen_at DESC OFFSET $3 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<BigInt, _>(ticket_id)
    .bind::<SqlUuid, _>(user_id)
    .bind::<BigInt, _>(MOST_OF_TICKET)
    .bind::<BigInt, _>(MOST_OF_ACCOUNT)
    .execute(tx)?;
    Ok(())
}

/// The account leaves the ticket. The row stays for a moment, so that each copy of the server sees it.
///
/// # Errors
/// An error of the database.
pub fn leave(tx: &mut PgConnection, ticket_id: i64, user_id: Uuid) -> Result<()> {
    diesel::sql_query(
        "UPDATE ticket_presence SET activity = NULL, seen_at = clock_timestamp(), \
             expires_at = clock_timestamp() + $3 * interval '1 second' \
         WHERE ticket_id = $1 AND user_id = $2 AND activity IS NOT NULL",
    )
    .bind::<BigInt, _>(ticket_id)
    .bind::<SqlUuid, _>(user_id)
    .bind::<Double, _>(SECONDS)
    .execute(tx)?;
    Ok(())
}

/// Who is at a ticket, in the order in which they began what they do.
///
/// # Errors
/// An error of the database.
pub fn at_ticket(db: &mut PgConnection, ticket_id: i64) -> Result<Vec<Present>> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} WHERE p.activity IS NOT NULL AND p.expires_at > clock_timestamp() AND p.ticket_id = "
    ))
    .bind::<BigInt, _>(ticket_id)
    .sql(format!(" ORDER BY p.started_at, p.user_id LIMIT {MOST_OF_TICKET}"));
    Ok(statement.load(db)?)
}

/// Removes the rows of those who are no longer there.
///
/// # Errors
/// An error of the database.
pub fn remove_expired(db: &mut PgConnection) -> Result<usize> {
    Ok(diesel::sql_query("DELETE FROM ticket_presence WHERE expires_at < clock_timestamp()").execute(db)?)
}
