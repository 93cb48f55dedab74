//! Search for words of tickets, and for their numbers.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text as SqlText, Uuid as SqlUuid};
use uuid::Uuid;

use super::{TicketFilters, Tickets};
use crate::auth::policy::PermissionScope;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::problem::Result;

/// The search condition for the words that follow.
const WORDS: &str = "words @@ search_query(";

/// The maximum number of tickets that are looked up by their words before other conditions apply.
const FEW: i64 = 1000;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl TicketFilters {
    /// Looks up the tickets that contain the given words. PostgreSQL overestimates the frequency of rare words, and
    /// would scan all tickets in the order of the list to find them.
    ///
    /// For a requester only their own tickets are searched, so that the response time reveals nothing about the words
    /// in other tickets.
    pub fn look_up(&mut self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        let Some(text) = self.q.clone() else { return Ok(()) };
        self.few = match actor.scope {
            PermissionScope::Own => Some(own(db, actor.id, &text)?),
            _ => few(db, &text)?,
        };
        Ok(())
    }
}

/// The tickets of all requesters that contain these words; `None` if they are more than `FEW`.
fn few(db: &mut PgConnection, text: &str) -> Result<Option<Vec<i64>>> {
    let found: Vec<Found> = Statement::new(format!("SELECT ticket_id AS id FROM ticket_words WHERE {WORDS}"))
        .bind::<SqlText, _>(text)
        .sql(format!(") LIMIT {}", FEW + 1))
        .load(db)?;
    let few = i64::try_from(found.len()).is_ok_and(|count| count <= FEW);
    Ok(few.then(|| found.into_iter().map(|found| found.id).collect()))
}

/// The tickets of this requester that contain these words, or have this number. Materialized, so that the index over
/// the words of all tickets is never used.
fn own(db: &mut PgConnection, requester_id: Uuid, text: &str) -> Result<Vec<i64>> {
    let found: Vec<Found> = Statement::new(
        "WITH own AS MATERIALIZED ( \
             SELECT t.id, (SELECT w.words FROM ticket_words w WHERE w.ticket_id = t.id) AS words \
             FROM tickets t WHERE t.requester_id = ",
    )
    .bind::<SqlUuid, _>(requester_id)
    .sql(format!(") SELECT id FROM own WHERE {WORDS}"))
    .bind::<SqlText, _>(text)
    .sql(") OR id = ")
    .bind::<Nullable<BigInt>, _>(number(text))
    .load(db)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

fn number(text: &str) -> Option<i64> {
    text.trim().trim_start_matches('#').parse().ok()
}

/// Restricts the query to tickets that contain the words, or have the given number.
pub fn narrow<'a>(query: Tickets<'a>, filters: &'a TicketFilters, actor: &Actor) -> Tickets<'a> {
    let Some(text) = &filters.q else { return query };
    // For a requester, the existence of another requester's ticket with this number is not examined.
    let number = number(text).filter(|_| actor.scope != PermissionScope::Own);
    match &filters.few {
        Some(few) => query.filter(tickets::id.eq_any(few.iter().copied().chain(number))),
        None => {
            let condition = "EXISTS (SELECT FROM ticket_words w WHERE w.ticket_id = tickets.id AND w.";
            let words = sql::<Bool>(condition).sql(WORDS).bind::<SqlText, _>(text).sql("))");
            match number {
                Some(number) => query.filter(words.or(tickets::id.eq(number))),
                None => query.filter(words),
            }
        }
    }
}
