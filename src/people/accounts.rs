//! Accounts from the command line: the first director, and password links for people who cannot receive mail.

use std::error::Error;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::account::audit::record_account_event;
use crate::account::password_links::links::{self, Purpose};
use crate::audit::log::AuditKind;
use crate::auth::passwords;
use crate::auth::policy::Role;
use crate::config::Config;
use crate::db::lower;
use crate::db::schema::users;
use crate::http::schemas::Schemas;
use crate::people::users::{UserCreate, password_of};
use crate::problem::Problem;

type Failure = Box<dyn Error + Send + Sync>;

/// An account that was validated and is not stored yet.
pub struct NewAccount<'a> {
    email: &'a str,
    role: Role,
    full_name: &'a str,
    password_hash: String,
}

impl<'a> NewAccount<'a> {
    /// Validates the account and hashes its password, without a database.
    ///
    /// # Errors
    /// The errors, as a text for the user of the command.
    pub fn check(
        schemas: &Schemas,
        email: &'a str,
        role: Role,
        full_name: &'a str,
        password: &str,
    ) -> Result<Self, Failure> {
        let account = json!({"email": email, "password": password, "role": role, "full_name": full_name});
        let mut faults = schemas.faults(&UserCreate::name(), &account);
        if let Some((password, known)) = password_of(&account) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            faults.extend(passwords::fault("/password", &password, &known));
        }
        if !faults.is_empty() {
            let told: Vec<String> =
                faults.iter().map(|fault| format!("{}: {}", &fault.pointer[1..], fault.detail.en)).collect();
            return Err(told.join("\n").into());
        }
        Ok(NewAccount { email, role, full_name, password_hash: passwords::hash(password)? })
    }

    /// Stores the account and returns its id.
    ///
    /// # Errors
    /// A text for the user of the command, if the address already has an account or is that of the desk's own
    /// mailbox.
    pub fn open(&self, db: &mut PgConnection, config: &Config) -> Result<Uuid, Failure> {
        if config.is_own_address(self.email) {
            return Err(format!("{} is the address of the desk's own mailbox", self.email).into());
        }
        let id = Uuid::now_v7();
        diesel::insert_into(users::table)
            .values((
                users::id.eq(id),
                users::email.eq(self.email),
                users::password_hash.eq(&self.password_hash),
                users::role.eq(self.role),
                users::full_name.eq(self.full_name),
            ))
            .execute(db)
            .map_err(|error| match error {
                DatabaseError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                    format!("{} already has an account", self.email)
                }
                error => error.to_string(),
            })?;
        Ok(id)
    }
}

/// Creates a link to set the password of an account, to be passed on to its owner.
///
/// # Errors
/// A text for the user of the command, if there is no active account with this address.
pub fn password_link(db: &mut PgConnection, config: &Config, email: &str) -> Result<String, Failure> {
    let link = db.transaction::<_, Problem, _>(|tx| {
        let account: Option<Uuid> = users::table
            .filter(lower(users::email).eq(email.to_lowercase()))
            .filter(users::active)
            .select(users::id)
            .first(tx)
            .optional()?;
        let Some(account) = account else { return Ok(None) };
        let links = links::make(tx, &[(account, Purpose::Reset)], config)?;
        record_account_event(tx, AuditKind::PasswordResetRequested, account, None)?;
        Ok(links.into_values().next())
    })?;
    link.ok_or_else(|| format!("{email} has no active account").into())
}
