//! People whom staff attend by telephone or at the counter: their accounts, and the data that the accounts lack.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::user::{Contact, UNNAMED, is_named};
use crate::auth::no_address;
use crate::auth::policy::Role;
use crate::db::schema::{units, users};
use crate::problem::Result;

/// The data of a person without an account.
pub struct NewCaller<'a> {
    pub id: Uuid,
    pub full_name: &'a str,
    pub document_id: Option<&'a str>,
    /// `None` for a person without an address: no mail is sent to them.
    pub email: Option<&'a str>,
    pub contact: &'a Contact,
    pub unit_id: Option<Uuid>,
}

impl NewCaller<'_> {
    /// Creates the account of a requester, without a password: no one can sign in with it.
    pub fn create(&self, tx: &mut PgConnection, at: DateTime<Utc>) -> Result<()> {
        diesel::insert_into(users::table)
            .values((
                (
                    users::id.eq(self.id),
                    users::email.eq(address(self.id, self.email)),
                    users::role.eq(Role::Requester),
                    users::full_name.eq(self.full_name),
                    users::document_id.eq(self.document_id),
                    users::landline.eq(&self.contact.landline),
                    users::extension.eq(&self.contact.extension),
                    users::mobile.eq(&self.contact.mobile),
                    users::unit_id.eq(self.unit_id),
                ),
                users::created_at.eq(at),
                users::updated_at.eq(at),
            ))
            .execute(tx)?;
        Ok(())
    }
}

/// The address of an account, also if its owner has none.
pub fn address(id: Uuid, email: Option<&str>) -> String {
    email.map_or_else(|| no_address::undeliverable(id), str::to_owned)
}

/// Data of a person, each of which may be unknown.
#[derive(Debug, Default, Clone)]
pub struct PersonData {
    pub full_name: Option<String>,
    pub document_id: Option<String>,
    pub contact: Contact,
    /// Identifier and name.
    pub unit: Option<(Uuid, String)>,
}

impl PersonData {
    /// The data of an account.
    pub fn of_account(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let (full_name, document_id, contact, unit): (
            String,
            Option<String>,
            Contact,
            Option<(Uuid, String)>,
        ) = users::table
            .left_join(units::table.on(users::unit_id.eq(units::id.nullable())))
            .filter(users::id.eq(id))
            .select((
                users::full_name,
                users::document_id,
                Contact::as_select(),
                (units::id, units::name).nullable(),
            ))
            .get_result(db)?;
        Ok(PersonData {
            full_name: Some(full_name).filter(|name| is_named(name)),
            document_id,
            contact,
            unit,
        })
    }

    /// The same, for `complete`.
    pub fn known(&self) -> KnownData<'_> {
        KnownData {
            full_name: self.full_name.as_deref(),
            document_id: self.document_id.as_deref(),
            email: None,
            contact: Some(&self.contact),
            unit_id: self.unit.as_ref().map(|(id, _)| *id),
            is_declared: false,
        }
    }
}

/// Data of a requester that may be new to the desk.
#[derive(Default)]
pub struct KnownData<'a> {
    pub full_name: Option<&'a str>,
    pub document_id: Option<&'a str>,
    pub email: Option<&'a str>,
    pub contact: Option<&'a Contact>,
    pub unit_id: Option<Uuid>,
    /// The owner of the account stated the document in mail, and no staff confirmed it.
    pub is_declared: bool,
}

/// Adds to the account of a requester what it lacks: nothing that it has is replaced, and accounts of staff do not
/// change. The unit must exist.
pub fn complete(tx: &mut PgConnection, id: Uuid, data: &KnownData<'_>, at: DateTime<Utc>) -> Result<()> {
    let contact = data.contact.filter(|contact| !contact.is_empty());
    let number = |part: fn(&Contact) -> &Option<String>| contact.and_then(|contact| part(contact).as_deref());
    diesel::sql_query(
        "UPDATE users u SET full_name = CASE WHEN k.needs_name THEN $9 ELSE u.full_name END, \
             document_declared = CASE WHEN u.document_id IS NULL AND $2 IS NOT NULL THEN $11 ELSE u.document_declared END, \
             document_id = coalesce(u.document_id, $2), unit_id = coalesce(u.unit_id, $3), \
             email = CASE WHEN k.needs_email THEN $4 ELSE u.email END, \
             landline = CASE WHEN k.needs_contact THEN $5 ELSE u.landline END, \
             extension = CASE WHEN k.needs_contact THEN $6 ELSE u.extension END, \
             mobile = CASE WHEN k.needs_contact THEN $7 ELSE u.mobile END, \
             version = u.version + 1, updated_at = $8 \
         FROM (SELECT id, $9 IS NOT NULL AND full_name = $10 AS needs_name, \
                   $4 IS NOT NULL AND email = id || '@no-address.invalid' AS needs_email, \
                   coalesce($5, $6, $7) IS NOT NULL AND coalesce(landline, extension, mobile) IS NULL AS needs_contact \
               FROM users WHERE id = $1 AND role = 'requester' FOR NO KEY UPDATE) AS k \
         WHERE u.id = k.id AND (k.needs_name OR k.needs_email OR k.needs_contact \
             OR u.document_id IS NULL AND $2 IS NOT NULL OR u.unit_id IS NULL AND $3 IS NOT NULL)",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Nullable<Text>, _>(data.document_id.map(str::trim))
    .bind::<Nullable<SqlUuid>, _>(data.unit_id)
    .bind::<Nullable<Text>, _>(data.email)
    .bind::<Nullable<Text>, _>(number(|contact| &contact.landline))
    .bind::<Nullable<Text>, _>(number(|contact| &contact.extension))
    .bind::<Nullable<Text>, _>(number(|contact| &contact.mobile))
    .bind::<Timestamptz, _>(at)
    .bind::<Nullable<Text>, _>(data.full_name)
    .bind::<Text, _>(UNNAMED)
    .bind::<Bool, _>(data.is_declared)
    .execute(tx)?;
    Ok(())
}
