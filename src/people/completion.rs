//! Completing the data of a requester's account: only what is missing is filled.

use diesel::prelude::*;
use uuid::Uuid;

use super::user::{Contact, UNNAMED};
use crate::db::schema::{units, users};
use crate::problem::Result;

/// Data of a person, each of which may be unknown.
#[derive(Debug, Default, Clone)]
pub struct PersonData {
    pub full_name: Option<String>,
    pub document_id: Option<String>,
    pub contact: Contact,
    /// Identifier and name.
    pub unit: Option<(Uuid, String)>,
}

/// The data of an account.
pub fn of_account(db: &mut PgConnection, id: Uuid) -> Result<PersonData> {
    let (full_name, document_id, contact, unit): (String, Option<String>, Contact, Option<(Uuid, String)>) =
        users::table
            .left_join(units::table.on(users::unit_id.eq(units::id.nullable())))
            .filter(users::id.eq(id))
            .select((
                users::full_name,
                users::document_id,
                Contact::as_select(),
                (units::id, units::name).nullable(),
            ))
            .first(db)?;
    Ok(PersonData { full_name: Some(full_name).filter(|name| name != UNNAMED), document_id, contact, unit })
}

/// Fills the data that the account lacks; what it has stays. The account's row is locked if anything is filled.
pub fn complete(tx: &mut PgConnection, id: Uuid, data: &PersonData) -> Result<()> {
    let known = of_account(tx, id)?;
    let full_name = known.full_name.is_none().then(|| data.full_name.clone()).flatten();
    let document_id = known.document_id.is_none().then(|| data.document_id.clone()).flatten();
    let contact = Some(&data.contact).filter(|given| known.contact.is_empty() && !given.is_empty());
    let unit_id = known.unit.is_none().then(|| data.unit.as_ref().map(|(id, _)| *id)).flatten();
    if full_name.is_none() && document_id.is_none() && contact.is_none() && unit_id.is_none() {
        return Ok(());
    }
    diesel::update(users::table.find(id))
        .set((
            full_name.map(|name| users::full_name.eq(name)),
            document_id.map(|document| users::document_id.eq(Some(document))),
            contact.map(|contact| {
                (
                    users::landline.eq(&contact.landline),
                    users::extension.eq(&contact.extension),
                    users::mobile.eq(&contact.mobile),
                )
            }),
            unit_id.map(|unit| users::unit_id.eq(Some(unit))),
            users::version.eq(users::version + 1),
            users::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx)?;
    Ok(())
}
