//! The numbers of other tickets in what is shown of a ticket: an account whose tickets are limited does not learn those of
//! tickets outside of its limit.

use std::collections::HashSet;

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::among;
use crate::db::schema::tickets;
use crate::http::Actor;
use crate::problem::Result;

/// The tickets whose numbers may be shown.
pub enum Shown {
    All,
    Only(HashSet<i64>),
}

impl Shown {
    /// Which of these tickets may be named to this caller, in one statement; none for a caller without a limit.
    ///
    /// # Errors
    /// An error of the database.
    pub fn of(db: &mut PgConnection, actor: &Actor, named: impl IntoIterator<Item = i64>) -> Result<Self> {
        if actor.limit.is_any() {
            return Ok(Shown::All);
        }
        let named: HashSet<i64> = named.into_iter().collect();
        if named.is_empty() {
            return Ok(Shown::Only(named));
        }
        let rows: Vec<(i64, Option<Uuid>, Option<Uuid>)> = tickets::table
            .filter(among(tickets::id, named))
            .select((tickets::id, tickets::requester_unit_id, tickets::category_id))
            .load(db)?;
        let within =
            rows.into_iter().filter(|(_, unit_id, category_id)| actor.limit.includes(*unit_id, *category_id));
        Ok(Shown::Only(within.map(|(id, ..)| id).collect()))
    }

    /// Whether the number of this ticket may be shown.
    pub fn has(&self, id: i64) -> bool {
        match self {
            Shown::All => true,
            Shown::Only(within) => within.contains(&id),
        }
    }
}
