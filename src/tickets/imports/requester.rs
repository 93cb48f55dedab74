//! The requester of an imported ticket.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text as SqlText, Uuid as SqlUuid};
use uuid::Uuid;

use super::model::{ImportedRequester, TicketImportCreate};
use crate::config::Config;
use crate::db::Statement;
use crate::http::Actor;
use crate::people::callers::{self, KnownData, NewCaller};
use crate::people::finding::{self, Inactive};
use crate::people::user::Contact;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::on_behalf;

/// The requester of an imported ticket, with their data for it.
pub struct Requester {
    pub id: Uuid,
    pub full_name: String,
    pub document_id: Option<String>,
    pub email: String,
    pub contact: Contact,
    pub unit: Option<(Uuid, String)>,
}

#[derive(QueryableByName)]
struct Account {
    #[diesel(sql_type = SqlText)]
    full_name: String,
    #[diesel(sql_type = SqlText)]
    email: String,
    #[diesel(sql_type = Nullable<SqlText>)]
    document_id: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    landline: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    extension: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    mobile: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlText>)]
    unit_name: Option<String>,
    #[diesel(sql_type = Bool)]
    is_anonymized: bool,
}

/// The account that the import names, active or not; `None` if there is none with this document or address. No other
/// transaction looks for a person until this one ends.
///
/// # Errors
/// A 409 if document and address belong to different people; a 422 for an address that is not a person's.
pub fn find(tx: &mut PgConnection, config: &Config, new: &TicketImportCreate) -> Result<Option<Uuid>> {
    let email = new.requester.as_ref().and_then(|requester| requester.email.as_deref());
    if email.is_some_and(|email| on_behalf::cannot_be_theirs(config, email)) {
        return Err(Problem::field(on_behalf::not_of_a_person()));
    }
    match &new.requester {
        None => finding::lock(tx).map(|()| new.requester_id),
        Some(requester) => {
            let document_id = requester.document_id.as_deref().map(str::trim);
            finding::find(tx, document_id, requester.email.as_deref(), Inactive::Found)
        }
    }
}

/// Whether the import names another person than this requester. What names nobody any more, because the account was changed
/// since, names no other.
pub fn is_another(tx: &mut PgConnection, new: &TicketImportCreate, requester_id: Uuid) -> Result<bool> {
    let Some(requester) = &new.requester else { return Ok(new.requester_id != Some(requester_id)) };
    let document_id = requester.document_id.as_deref().map(str::trim);
    let named = finding::matching(tx, document_id, requester.email.as_deref())?;
    Ok(!named.is_empty() && !named.contains(&requester_id))
}

/// The requester, whose account is created if there is none. `unit`: the given one.
///
/// # Errors
/// A 422 if there is no such account, or if data for a new one are missing; a 409 if the data of the person were anonymized.
pub fn keep(
    tx: &mut PgConnection,
    actor: &Actor,
    found: Option<Uuid>,
    (given, unit): (ImportedRequester, Option<(Uuid, String)>),
) -> Result<Requester> {
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
    let (full_name, document_id) = (trimmed(given.full_name), trimmed(given.document_id));
    let Some(id) = found else {
        let Some(full_name) = full_name else {
            return Err(Problem::field(FieldError::required("/requester/full_name")));
        };
        let id = Uuid::now_v7();
        let contact = given.contact.unwrap_or_default();
        let account = NewCaller {
            id,
            full_name: &full_name,
            document_id: document_id.as_deref(),
            email: given.email.as_deref(),
            contact: &contact,
            unit_id: given.unit_id,
        };
        account.create(tx, actor.now)?;
        let email = callers::address(id, given.email.as_deref());
        return Ok(Requester { id, full_name, document_id, email, contact, unit });
    };
    let account: Option<Account> = Statement::new(
        "SELECT full_name, email, document_id, landline, extension, mobile, unit_id, \
             (SELECT name FROM units WHERE id = u.unit_id) AS unit_name, \
             EXISTS (SELECT FROM anonymizations a WHERE a.user_id = u.id) AS is_anonymized \
         FROM users u WHERE account_kind = 'person' AND id = ",
    )
    .bind::<SqlUuid, _>(id)
    .sql(" FOR KEY SHARE OF u")
    .get_result(tx)
    .optional()?;
    let Some(account) = account else {
        return Err(Problem::field(unknown_id("/requester_id")));
    };
    if account.is_anonymized {
        return Err(anonymized());
    }
    let data = KnownData {
        full_name: full_name.as_deref(),
        document_id: document_id.as_deref(),
        email: given.email.as_deref(),
        contact: given.contact.as_ref(),
        unit_id: given.unit_id,
        is_declared: false,
    };
    callers::complete(tx, id, &data, actor.now)?;
    let known = Contact { landline: account.landline, extension: account.extension, mobile: account.mobile };
    Ok(Requester {
        id,
        full_name: full_name.unwrap_or(account.full_name),
        document_id: document_id.or(account.document_id),
        email: account.email,
        contact: given.contact.unwrap_or(known),
        unit: unit.or(account.unit_id.zip(account.unit_name)),
    })
}

/// Whether the data of this person were removed by law.
pub fn is_anonymized(tx: &mut PgConnection, id: Uuid) -> Result<bool> {
    use crate::db::schema::anonymizations;
    let found = anonymizations::table.filter(anonymizations::user_id.eq(id));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(tx)?)
}

/// The error of an identifier of nothing, whether active or not.
pub fn unknown_id(pointer: &str) -> FieldError {
    FieldError::new(pointer, FieldCode::NotFound, Text::new("No existe.", "It does not exist."))
}

pub fn anonymized() -> Problem {
    Problem::new(
        Code::Anonymized,
        Text::new(
            "Los datos del solicitante de este caso se anonimizaron: no se importan de nuevo.",
            "The data of the requester of this ticket were anonymized: they are not imported again.",
        ),
    )
}
