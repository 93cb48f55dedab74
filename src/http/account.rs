//! The account of the caller of a request.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text as SqlText;
use uuid::Uuid;

use super::credential::Subject;
use crate::auth::person::PersonKind;
use crate::auth::policy::{self, Action, Rights, Role, UserPermission};
use crate::auth::ticket_limit::TicketLimit;
use crate::db::acting::{self, set_config};
use crate::db::clock_timestamp;
use crate::db::schema::{access_keys, users};
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Result, Text};

/// The columns of an active account on which its permissions depend.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Uuid,
    pub role: Role,
    pub granted: Vec<UserPermission>,
    pub full_name: String,
    pub kind: PersonKind,
    /// The actions of a service account; `None` for a person.
    pub scopes: Option<Vec<Action>>,
    /// The tickets that a service account may use.
    pub limit: TicketLimit,
    pub unit_id: Option<Uuid>,
    pub locale: Locale,
    /// The current era of the account's sign-ins: tokens of earlier ones are invalid.
    pub era: i32,
    pub now: DateTime<Utc>,
    /// The key with which the account was found.
    pub key: Option<ValidKey>,
}

/// A key that was valid when it was read.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct ValidKey {
    pub id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// The columns of `Columns`.
macro_rules! columns {
    () => {
        (
            users::id,
            users::role,
            users::granted_permissions,
            users::full_name,
            users::account_kind,
            users::scopes,
            (users::machine_unit_ids, users::machine_category_ids),
            users::unit_id,
            users::locale,
            users::active.or(users::machine_active.is_not_distinct_from(true)),
            users::sign_in_era,
            clock_timestamp(),
        )
    };
}

type Columns = (
    Uuid,
    Role,
    Vec<UserPermission>,
    String,
    PersonKind,
    Option<Vec<String>>,
    (Vec<Uuid>, Vec<Uuid>),
    Option<Uuid>,
    Locale,
    bool,
    i32,
    DateTime<Utc>,
);

/// The accounts with a key that is valid now.
macro_rules! with_valid_key {
    ($key:expr) => {
        access_keys::table
            .inner_join(users::table)
            .filter($key)
            .filter(access_keys::revoked_at.is_null())
            .filter(access_keys::expires_at.gt(clock_timestamp()))
            .filter(access_keys::era.eq(users::sign_in_era))
    };
}

impl Account {
    /// The account, and its key if it is identified by one, in one statement.
    ///
    /// # Errors
    /// A 401 if there is no such account, if it is not active, or if the key is not valid.
    pub fn read(db: &mut PgConnection, subject: Subject) -> Result<Self> {
        let key = (access_keys::id, access_keys::expires_at).nullable();
        let found: Option<(Columns, Option<ValidKey>)> = match subject {
            Subject::Account(id) => {
                let found = users::table.find(id).select(columns!()).get_result(db).optional()?;
                found.map(|columns| (columns, None))
            }
            Subject::Key(hash) => with_valid_key!(access_keys::key_hash.eq(hash.as_bytes()))
                .select((columns!(), key))
                .get_result(db)
                .optional()?,
            Subject::KeyOf { user_id, key_id: id } => {
                with_valid_key!(access_keys::id.eq(id).and(users::id.eq(user_id)))
                    .select((columns!(), key))
                    .get_result(db)
                    .optional()?
            }
        };
        Self::of(found)
    }

    /// Those of these accounts that are active, in one statement.
    ///
    /// # Errors
    /// An error of the database.
    pub fn read_many(db: &mut PgConnection, ids: Vec<Uuid>) -> Result<Vec<Self>> {
        let found: Vec<Columns> = users::table.filter(users::id.eq_any(ids)).select(columns!()).load(db)?;
        Ok(found.into_iter().filter_map(|columns| Self::of(Some((columns, None))).ok()).collect())
    }

    /// The same, in a transaction whose changes are recorded as those of this account: in the same statement, so that it
    /// costs no round trip.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_to_write(tx: &mut PgConnection, subject: Subject) -> Result<Self> {
        let key = (access_keys::id, access_keys::expires_at).nullable();
        let acts = || sql::<SqlText>("set_config('mesa.actor_id', users.id::text, true)");
        let found: Option<(Columns, Option<ValidKey>)> = match subject {
            Subject::Account(id) => {
                let acts = set_config(acting::ACTOR_ID, id.to_string(), true);
                let found: Option<(Columns, String)> =
                    users::table.find(id).select((columns!(), acts)).get_result(tx).optional()?;
                found.map(|(columns, _)| (columns, None))
            }
            Subject::Key(hash) => with_valid_key!(access_keys::key_hash.eq(hash.as_bytes()))
                .select((columns!(), key, acts()))
                .get_result::<(Columns, Option<ValidKey>, String)>(tx)
                .optional()?
                .map(|(columns, key, _)| (columns, key)),
            Subject::KeyOf { user_id, key_id: id } => {
                with_valid_key!(access_keys::id.eq(id).and(users::id.eq(user_id)))
                    .select((columns!(), key, acts()))
                    .get_result::<(Columns, Option<ValidKey>, String)>(tx)
                    .optional()?
                    .map(|(columns, key, _)| (columns, key))
            }
        };
        Self::of(found)
    }

    fn of(found: Option<(Columns, Option<ValidKey>)>) -> Result<Self> {
        let Some((columns, key)) = found else { return Err(unauthenticated()) };
        let (id, role, granted, full_name, kind, scopes, limit, unit_id, locale, active, era, now) = columns;
        let (unit_ids, category_ids) = limit;
        let limit = TicketLimit { unit_ids, category_ids };
        if !active {
            return Err(unauthenticated());
        }
        let scopes = scopes.map(|names| policy::actions_of(&names));
        Ok(Account { id, role, granted, full_name, kind, scopes, limit, unit_id, locale, era, now, key })
    }

    /// What the account may do.
    pub fn rights(&self) -> Rights<'_> {
        let scopes = self.scopes.as_deref();
        Rights { role: self.role, granted: &self.granted, scopes, with_key: self.key.is_some() }
    }

    /// The same account so much later.
    pub fn after(self, elapsed: Duration) -> Self {
        let now = TimeDelta::from_std(elapsed).ok().and_then(|elapsed| self.now.checked_add_signed(elapsed));
        Account { now: now.unwrap_or(self.now), ..self }
    }
}

#[track_caller]
pub fn unauthenticated() -> Problem {
    Problem::new(
        Code::Unauthenticated,
        Text::new(
            "Envíe `Authorization: Bearer` con un token vigente.",
            "Send `Authorization: Bearer` with a valid token.",
        ),
    )
}
