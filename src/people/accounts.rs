//! Opening an account from the command line: the first director of a desk.

use diesel::prelude::*;
use uuid::Uuid;

use crate::auth::passwords;
use crate::auth::policy::Role;
use crate::db::schema::users;

/// Opens an account and answers its id.
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
    if password.chars().count() < passwords::SHORTEST {
        return Err(format!("the password needs {} characters or more", passwords::SHORTEST).into());
    }
    if !email.contains('@') || full_name.trim().is_empty() {
        return Err("an email address and a full name are needed".into());
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
