//! The account of the caller of a request.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::auth::policy::{Role, UserPermission};
use crate::db::acting::{self, set_config};
use crate::db::clock_timestamp;
use crate::db::schema::users;
use crate::problem::{Code, Problem, Result, Text};

/// The columns of an active account on which its permissions depend.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Uuid,
    pub role: Role,
    pub granted: Vec<UserPermission>,
    pub full_name: String,
    pub unit_id: Option<Uuid>,
    /// The current era of the account's sign-ins: tokens of earlier ones are invalid.
    pub era: i32,
    pub now: DateTime<Utc>,
}

/// The columns of `Columns`.
macro_rules! columns {
    () => {
        (
            users::role,
            users::granted_permissions,
            users::full_name,
            users::unit_id,
            users::active,
            users::sign_in_era,
            clock_timestamp(),
        )
    };
}

type Columns = (Role, Vec<UserPermission>, String, Option<Uuid>, bool, i32, DateTime<Utc>);

impl Account {
    /// # Errors
    /// A 401 if there is no such account, or if it is not active.
    pub fn read(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        Self::of(id, users::table.find(id).select(columns!()).get_result(db).optional()?)
    }

    /// The same, in a transaction whose changes are recorded as those of this account: in the same statement, so that it
    /// costs no round trip.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_to_write(tx: &mut PgConnection, id: Uuid) -> Result<Self> {
        let acts = set_config(acting::ACTOR_ID, id.to_string(), true);
        let found: Option<(Columns, String)> =
            users::table.find(id).select((columns!(), acts)).get_result(tx).optional()?;
        Self::of(id, found.map(|(columns, _)| columns))
    }

    fn of(id: Uuid, columns: Option<Columns>) -> Result<Self> {
        match columns {
            Some((role, granted, full_name, unit_id, true, era, now)) => {
                Ok(Account { id, role, granted, full_name, unit_id, era, now })
            }
            Some(_) | None => Err(unauthenticated()),
        }
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
