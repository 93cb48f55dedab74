//! The public data of a person.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policy::Role;
use crate::db::among;
use crate::db::schema::users;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// Whether an account is that of a person or of a machine.
    pub enum PersonKind {
        Person = "person",
        /// A machine that acts under its own name.
        ServiceAccount = "service_account",
    }
}

/// A person, or a machine that acts under its own name: identifier, name and role.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
pub struct Person {
    /// Identifier of the user.
    pub id: Uuid,
    /// The full name; that of the service account for a machine.
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    pub full_name: String,
    /// The current role.
    pub role: Role,
    /// `service_account` for a machine.
    #[diesel(column_name = account_kind)]
    pub kind: PersonKind,
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
