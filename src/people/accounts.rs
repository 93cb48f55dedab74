//! Opening an account from the command line: the first director of a desk.

use diesel::prelude::*;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::passwords;
use crate::auth::policy::Role;
use crate::db::schema::users;
use crate::http::contract;
use crate::people::users::{NewUser, guessable};

/// Opens an account and answers its id. The contract must be known.
///
/// # Errors
/// In words for whoever called the command.
pub fn open(
    db: &mut PgConnection,
    email: &str,
    role: Role,
    full_name: &str,
    password: &str,
) -> Result<Uuid, Box<dyn std::error::Error + Send + Sync>> {
    let account = json!({"email": email, "password": password, "role": role, "full_name": full_name});
    let mut faults = contract::faults(&NewUser::name(), &account);
    faults.extend(guessable(&account));
    if !faults.is_empty() {
        let told: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", &fault.pointer[1..], fault.detail.en)).collect();
        return Err(told.join("\n").into());
    }
    let id = Uuid::now_v7();
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(email),
            users::password_hash.eq(passwords::hash(password)?),
            users::role.eq(role),
            users::full_name.eq(full_name),
        ))
        .execute(db)
        .map_err(|error| match error {
            diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _) => {
                format!("{email} has an account already")
            }
            error => error.to_string(),
        })?;
    Ok(id)
}
