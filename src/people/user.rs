//! The account of a person, as the API represents it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Named;
use crate::auth::no_address;
use crate::auth::person::PersonKind;
use crate::auth::policy::{Role, UserPermission};
use crate::db::schema::{units, users};
use crate::http::Answer;
use crate::language::locale::Locale;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The `full_name` of a person whose name is not known: they are only known from their mail, which did not give it.
pub const UNNAMED: &str = "(sin nombre)";

/// Whether a full name is known: it differs from `UNNAMED` in more than spaces, punctuation and invisible characters.
pub fn is_named(full_name: &str) -> bool {
    let letters =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    letters(full_name) != letters(UNNAMED)
}

/// Telephone numbers. At least one of the three is required to register a ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = users)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Landline number, as free text; `null` if there is none.
    #[schema(example = "6043737676", min_length = 1, max_length = 30, pattern = r"\S")]
    pub landline: Option<String>,
    /// Internal extension, as free text; `null` if there is none.
    #[schema(example = "1432", min_length = 1, max_length = 30, pattern = r"\S")]
    pub extension: Option<String>,
    /// Mobile number, as free text; `null` if there is none.
    #[schema(example = "3001234567", min_length = 1, max_length = 30, pattern = r"\S")]
    pub mobile: Option<String>,
}

impl Contact {
    pub fn is_empty(&self) -> bool {
        self.landline.is_none() && self.extension.is_none() && self.mobile.is_none()
    }
}

/// A person's account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    /// Identifier of the user.
    pub id: Uuid,
    /// `service_account` for a machine that reads its own account with `GET /me`; `GET /users` lists people alone.
    pub kind: PersonKind,
    /// The address for signing in and for mail. Upper and lower case are the same.
    #[schema(max_length = 254, example = "ana.restrepo@example.gov.co")]
    pub email: String,
    /// Whether mail can be sent to `email`. `false` for a person without an address, whom staff registered by
    /// telephone or at the counter, and for an anonymized person: `email` is then an undeliverable one of the domain
    /// `no-address.invalid` or `anonymous.invalid`, not to be shown.
    pub has_email: bool,
    /// The role, which determines the permissions.
    pub role: Role,
    /// The permissions given to the person in addition to those of the role.
    #[schema(max_items = 10)]
    pub granted_permissions: Vec<UserPermission>,
    /// The full name; `(sin nombre)` for a person who is only known from mail that did not give it.
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    pub full_name: String,
    /// The number of the identity document; `null` if it is not known.
    #[schema(max_length = 30, example = "43111222")]
    pub document_id: Option<String>,
    /// The telephone numbers.
    pub contact: Contact,
    /// The administrative unit of the person; `null` if none is recorded.
    pub unit: Option<Named>,
    /// The language of mail to the person, and of error texts for their requests without an `Accept-Language` of
    /// Spanish or English.
    pub locale: Locale,
    /// Whether the account has a password. `false` for a person who is only known from their mail, was registered by
    /// staff or was invited, until
    /// they set a password with a link.
    pub can_sign_in: bool,
    /// A person who is not active cannot sign in or be assigned work; their history is kept.
    pub active: bool,
    /// The last day of the contract, in the entity's time zone; after it the person is not available. `null` if no end
    /// is recorded. For their open tickets see `GET
    /// /tickets?assignee_id={user_id}&status=assigned&status=in_progress&status=on_hold`.
    #[schema(example = "2026-12-31")]
    pub contract_ends_on: Option<NaiveDate>,
    /// Whether the person receives mail about tickets of the desk that are neither assigned to them nor critical: new
    /// ones, those that wait for staff, and their due times; also about overdue improvement actions of others. Mail about
    /// their own tickets and actions, critical tickets and their own requests is always sent.
    pub staff_mail: bool,
    /// When the account was created.
    pub created_at: DateTime<Utc>,
    /// When the account or the person's shifts were last changed.
    pub updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub version: i32,
    #[serde(skip)]
    pub(super) full_name_key: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct Row {
    id: Uuid,
    #[diesel(column_name = account_kind)]
    kind: PersonKind,
    email: String,
    role: Role,
    granted_permissions: Vec<UserPermission>,
    full_name: String,
    document_id: Option<String>,
    #[diesel(embed)]
    contact: Contact,
    locale: Locale,
    #[diesel(select_expression = users::password_hash.is_not_null())]
    can_sign_in: bool,
    active: bool,
    contract_ends_on: Option<NaiveDate>,
    staff_mail: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i32,
    full_name_key: String,
}

pub(super) type Found = (Row, Option<(Uuid, String)>);

impl From<Found> for User {
    fn from((row, unit): Found) -> Self {
        User {
            id: row.id,
            kind: row.kind,
            has_email: no_address::is_deliverable(&row.email),
            email: row.email,
            role: row.role,
            granted_permissions: row.granted_permissions,
            full_name: row.full_name,
            document_id: row.document_id,
            contact: row.contact,
            unit: unit.map(|(id, name)| Named { id, name }),
            locale: row.locale,
            can_sign_in: row.can_sign_in,
            active: row.active,
            contract_ends_on: row.contract_ends_on,
            staff_mail: row.staff_mail,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            full_name_key: row.full_name_key,
        }
    }
}

impl User {
    /// The account of a person.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let user = Self::of_anyone(db, id)?;
        if user.kind == PersonKind::Person { Ok(user) } else { Err(Problem::not_found()) }
    }

    /// The account of a person or of a machine.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub fn of_anyone(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let found: Found = users::table
            .left_join(units::table.on(users::unit_id.eq(units::id.nullable())))
            .filter(users::id.eq(id))
            .select((Row::as_select(), (units::id, units::name).nullable()))
            .first(db)?;
        Ok(found.into())
    }

    /// The accounts with these ids, in one statement.
    pub fn by_ids(db: &mut PgConnection, ids: HashSet<Uuid>) -> Result<HashMap<Uuid, Self>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found: Vec<Found> = users::table
            .left_join(units::table.on(users::unit_id.eq(units::id.nullable())))
            .filter(users::id.eq_any(ids))
            .select((Row::as_select(), (units::id, units::name).nullable()))
            .load(db)?;
        Ok(found.into_iter().map(|found| (found.0.id, found.into())).collect())
    }

    /// One account, locked until the end of the transaction.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Self> {
        users::table.find(id).select(users::id).for_update().get_result::<Uuid>(tx)?;
        Self::find(tx, id)
    }

    /// # Errors
    /// A 422 for a requester, who has neither shifts nor absences.
    pub fn must_be_staff(&self) -> Result<()> {
        if self.role.support_level().is_some() {
            return Ok(());
        }
        Err(Problem::field(FieldError::new(
            "",
            FieldCode::NotAllowed,
            Text::new(
                "La persona no pertenece al personal de la Mesa de Servicios.",
                "The person is not a member of the desk's staff.",
            ),
        )))
    }

    pub(super) fn answer(self) -> Result<Answer> {
        let version = self.version;
        Ok(Answer::ok(&self)?.version(self.id, version))
    }
}
