//! The names of the people and categories that tickets refer to.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::among;
use crate::db::schema::{categories, users};
use crate::people::{Named, Person, person};
use crate::problem::Result;

// The accounts of the people whom a ticket names.
diesel::alias! {
    pub const REGISTERED_BY: Alias<RegisteredBy> = users as registered_by;
    pub const ASSIGNEE: Alias<Assignee> = users as assignee;
    pub const SOLVED_BY: Alias<SolvedBy> = users as solved_by;
}

/// The names that the tickets of an answer have.
pub struct Names {
    people: HashMap<Uuid, Person>,
    categories: HashMap<Uuid, String>,
}

impl Names {
    /// Reads those that are not known, in two statements, however many tickets there are.
    pub fn load(
        db: &mut PgConnection,
        known: Person,
        people: impl Iterator<Item = Uuid>,
        category_ids: impl Iterator<Item = Uuid>,
    ) -> Result<Self> {
        let mut names = Names::of([known], None);
        names.add_people(db, people)?;
        let mut category_ids: Vec<Uuid> = category_ids.collect();
        category_ids.sort_unstable();
        category_ids.dedup();
        if !category_ids.is_empty() {
            let found = categories::table.filter(among(categories::id, category_ids));
            names.categories =
                found.select((categories::id, categories::name)).load(db)?.into_iter().collect();
        }
        Ok(names)
    }

    /// Those that a statement has read together with the tickets.
    pub fn of(
        people: impl IntoIterator<Item = Person>,
        categories: impl IntoIterator<Item = (Uuid, String)>,
    ) -> Self {
        Names {
            people: people.into_iter().map(|person| (person.id, person)).collect(),
            categories: categories.into_iter().collect(),
        }
    }

    /// Reads the names of these people too, unless they are known.
    pub fn add_people(&mut self, db: &mut PgConnection, people: impl Iterator<Item = Uuid>) -> Result<()> {
        let unknown: Vec<Uuid> = people.filter(|id| !self.people.contains_key(id)).collect();
        self.people.extend(person::by_id(db, unknown)?);
        Ok(())
    }

    pub fn person(&self, id: Option<Uuid>) -> Option<Person> {
        self.people.get(&id?).cloned()
    }

    pub fn category(&self, id: Option<Uuid>) -> Option<Named> {
        let id = id?;
        self.categories.get(&id).map(|name| Named { id, name: name.clone() })
    }
}
