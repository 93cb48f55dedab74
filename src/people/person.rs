//! People and things as others name them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::problem::Result;

/// A person, as others name them.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct Person {
    pub id: Uuid,
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    pub full_name: String,
    pub role: Role,
}

/// A unit or a category, by id and name.
#[derive(Debug, Clone, Serialize, Deserialize, Queryable, ToSchema)]
pub struct Named {
    pub id: Uuid,
    #[schema(max_length = 200, example = "Secretaría de Hacienda")]
    pub name: String,
}

/// The people of these ids, in one statement for a whole page.
pub fn by_id(db: &mut PgConnection, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Person>> {
    let ids: HashSet<Uuid> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let people = users::table
        .filter(users::id.eq_any(ids))
        .select(Person::as_select())
        .load(db)?
        .into_iter()
        .map(|person| (person.id, person))
        .collect();
    Ok(people)
}
