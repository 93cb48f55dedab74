//! The names of the people and categories that tickets refer to.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::categories;
use crate::people::{Named, Person, person};
use crate::problem::Result;

/// Read in two statements, however many tickets there are.
pub struct Names {
    people: HashMap<Uuid, Person>,
    categories: HashMap<Uuid, String>,
}

impl Names {
    pub fn load(
        db: &mut PgConnection,
        people: impl Iterator<Item = Uuid>,
        category_ids: impl Iterator<Item = Uuid>,
    ) -> Result<Self> {
        let people = person::by_id(db, people)?;
        let mut category_ids: Vec<Uuid> = category_ids.collect();
        category_ids.sort_unstable();
        category_ids.dedup();
        let categories = if category_ids.is_empty() {
            HashMap::new()
        } else {
            let found = categories::table.filter(categories::id.eq_any(category_ids));
            found.select((categories::id, categories::name)).load(db)?.into_iter().collect()
        };
        Ok(Names { people, categories })
    }

    pub fn person(&self, id: Option<Uuid>) -> Option<Person> {
        self.people.get(&id?).cloned()
    }

    pub fn category(&self, id: Option<Uuid>) -> Option<Named> {
        let id = id?;
        self.categories.get(&id).map(|name| Named { id, name: name.clone() })
    }
}
