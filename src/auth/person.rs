//! The public data of a person.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policy::Role;
use crate::db::among;
use crate::db::schema::users;
use crate::problem::Result;

/// A person: identifier, name and role.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct Person {
    /// Identifier of the user.
    pub id: Uuid,
    /// The full name.
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    pub full_name: String,
    /// The current role.
    pub role: Role,
}

/// The people of these ids, in one statement for a whole page.
pub fn by_id(db: &mut PgConnection, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Person>> {
    let ids: HashSet<Uuid> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let people = users::table
        .filter(among(users::id, ids))
        .select(Person::as_select())
        .load(db)?
        .into_iter()
        .map(|person| (person.id, person))
        .collect();
    Ok(people)
}
