//! Words of subject and description.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text as SqlText, Uuid as SqlUuid};
use uuid::Uuid;

use super::{TicketFilters, Tickets};
use crate::auth::policy::Scope;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::problem::Result;

/// The search for the words that follow.
const WORDS: &str = "search @@ websearch_to_tsquery('mesa_spanish', ";

/// Up to how many tickets are looked up by their words before anything else is asked of them.
const FEW: i64 = 1000;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

impl TicketFilters {
    /// Looks up which tickets have the words that are asked for. PostgreSQL takes rare words for more frequent than they are, and
    /// would go through all tickets in the order of the list to find those that have them.
    ///
    /// For a requester only their own tickets are searched, so that the time it takes says nothing of the words in others'.
    pub fn look_up(&mut self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        let Some(text) = self.q.clone() else { return Ok(()) };
        self.few = match actor.scope {
            Scope::Own => Some(own(db, actor.id, &text)?),
            _ => few(db, &text)?,
        };
        Ok(())
    }
}

/// The tickets of all requesters that have these words; none if they are more than a few.
fn few(db: &mut PgConnection, text: &str) -> Result<Option<Vec<i64>>> {
    let found: Vec<Found> = Statement::new(format!("SELECT id FROM tickets WHERE {WORDS}"))
        .bind::<SqlText, _>(text)
        .sql(format!(") LIMIT {}", FEW + 1))
        .load(db)?;
    let few = i64::try_from(found.len()).is_ok_and(|count| count <= FEW);
    Ok(few.then(|| found.into_iter().map(|found| found.id).collect()))
}

/// The tickets of this requester that have these words, or this number. Materialized, so that the index over the words of all
/// tickets is never used.
fn own(db: &mut PgConnection, requester_id: Uuid, text: &str) -> Result<Vec<i64>> {
    let found: Vec<Found> =
        Statement::new("WITH own AS MATERIALIZED (SELECT id, search FROM tickets WHERE requester_id = ")
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

/// Lets through those that have the words, or the number that is one of them.
pub fn narrow<'a>(query: Tickets<'a>, filters: &'a TicketFilters, actor: &Actor) -> Tickets<'a> {
    let Some(text) = &filters.q else { return query };
    // Whether a ticket of somebody else has this number is not looked at for a requester.
    let number = number(text).filter(|_| actor.scope != Scope::Own);
    match &filters.few {
        Some(few) => query.filter(tickets::id.eq_any(few.iter().copied().chain(number))),
        None => {
            let words = sql::<Bool>(WORDS).bind::<SqlText, _>(text).sql(")");
            match number {
                Some(number) => query.filter(words.or(tickets::id.eq(number))),
                None => query.filter(words),
            }
        }
    }
}
