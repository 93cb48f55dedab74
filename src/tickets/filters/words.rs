//! Words of subject and description.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text as SqlText};

use super::{TicketFilters, Tickets};
use crate::db::Statement;
use crate::db::schema::tickets;
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
    /// # Errors
    /// What the database answers.
    pub fn look_up(&mut self, db: &mut PgConnection) -> Result<()> {
        let Some(text) = &self.q else { return Ok(()) };
        let found: Vec<Found> = Statement::new(format!("SELECT id FROM tickets WHERE {WORDS}"))
            .bind::<SqlText, _>(text)
            .sql(format!(") LIMIT {}", FEW + 1))
            .load(db)?;
        let ids: Vec<i64> = found.into_iter().map(|found| found.id).collect();
        let few = i64::try_from(ids.len()).is_ok_and(|count| count <= FEW);
        self.few = few.then_some(ids);
        Ok(())
    }
}

/// Lets through those that have the words, or the number that is one of them.
pub fn narrow<'a>(query: Tickets<'a>, filters: &'a TicketFilters) -> Tickets<'a> {
    let Some(text) = &filters.q else { return query };
    let number: Option<i64> = text.trim().trim_start_matches('#').parse().ok();
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
