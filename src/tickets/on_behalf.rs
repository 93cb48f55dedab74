//! Whom a request is registered for: the caller, an account, or a person whose data staff give (a request by telephone
//! or at the counter).

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::registration::Known;
use super::requester::{Account, RequesterData};
use crate::auth::no_address;
use crate::auth::policy::PermissionScope;
use crate::config::Config;
use crate::db::schema::{units, users};
use crate::http::Actor;
use crate::people::callers::{self, KnownData, NewCaller};
use crate::people::finding::{self, Inactive};
use crate::people::user::Contact;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Whom a request is registered for.
pub struct Chosen {
    pub account: Account,
    /// The person has no account yet: it is created with the request.
    is_new: bool,
    /// Staff register for the person, so what the account lacks is kept in it.
    on_behalf: bool,
}

/// The requester of a request with this body, and the faults of the body that depend on who it is.
///
/// # Errors
/// A 403 for a requester who names another person; a 409 if the data belong to two people.
pub fn choose(
    tx: &mut PgConnection,
    actor: &Actor,
    config: &Config,
    body: &Value,
    known: &mut Known,
) -> Result<(Option<Chosen>, Vec<FieldError>)> {
    let data = &body["requester"];
    // The body is not checked yet: PostgreSQL accepts no NUL.
    let text =
        |name: &str| data[name].as_str().filter(|text| !text.trim().is_empty() && !text.contains('\0'));
    let named = body["requester_id"].as_str().and_then(|id| id.parse().ok());
    let mut faults = Vec::new();
    if actor.scope == PermissionScope::Own && named.is_some_and(|id: Uuid| id != actor.id) {
        return Err(Problem::forbidden());
    }
    faults.extend(channel_fault(actor, body));
    if data["email"].as_str().is_some_and(|email| cannot_be_theirs(config, email)) {
        faults.push(not_of_a_person());
    }
    if !data["email"].is_null() && (actor.scope == PermissionScope::Own || named.is_some()) {
        faults.push(email_not_used());
    }
    // The caller's own name does not name another person.
    let name = text("full_name").filter(|name| name.trim() != actor.full_name);
    let is_person = name.or_else(|| text("document_id")).or_else(|| text("email")).is_some();
    let chosen = if named.is_none() && is_person && actor.scope != PermissionScope::Own {
        let document_id = text("document_id");
        match finding::find(tx, document_id, text("email"), Inactive::Refused)? {
            // Staff who register for themselves: their account does not have the document yet.
            None if text("full_name").is_some()
                && name.is_none()
                && text("email").is_none()
                && is_without_document(tx, actor.id)? =>
            {
                known.active_account(tx, actor.id)?.map(|account| (account, false))
            }
            Some(id) => known.active_account(tx, id)?.map(|account| (account, false)),
            None => {
                faults.extend(missing_of_new(tx, data)?);
                Some((Account::unknown(text("full_name").unwrap_or_default(), text("email")), true))
            }
        }
    } else {
        known.active_account(tx, named.unwrap_or(actor.id))?.map(|account| (account, false))
    };
    match chosen {
        Some((account, is_new)) => {
            if !is_new {
                faults.extend(account.gaps(data));
            }
            let on_behalf = account.id() != actor.id && actor.scope != PermissionScope::Own;
            Ok((Some(Chosen { account, is_new, on_behalf }), faults))
        }
        None => {
            faults.push(FieldError::unknown_id("/requester_id"));
            Ok((None, faults))
        }
    }
}

impl Chosen {
    /// Whether a service account that is limited to units may register for this person. Not by a unit that it names itself: the
    /// ticket would show the data of anybody.
    pub fn is_within(&self, actor: &Actor) -> bool {
        self.is_new || actor.limit.has_unit(self.account.unit_id())
    }

    /// Creates the account of a new person, or adds to the account of a known one what it lacks. Returns the account.
    pub fn keep(
        self,
        tx: &mut PgConnection,
        actor: &Actor,
        given: &RequesterData,
        known: &mut Known,
    ) -> Result<Account> {
        let RequesterData { full_name, document_id, email, contact, unit_id } = given;
        let id = self.account.id();
        if self.is_new {
            let nothing = Contact::default();
            NewCaller {
                id,
                full_name: full_name.as_deref().unwrap_or_default(),
                document_id: document_id.as_deref(),
                email: email.as_deref(),
                contact: contact.as_ref().unwrap_or(&nothing),
                unit_id: *unit_id,
            }
            .create(tx, actor.now)?;
        } else if self.on_behalf && !given.is_empty() {
            keep(tx, actor, id, given)?;
            known.forget(id);
        }
        Ok(self.account)
    }
}

/// Adds to the account of a requester what it lacks and staff have given.
///
/// # Errors
/// A 422 if the unit cannot be used.
pub fn keep(tx: &mut PgConnection, actor: &Actor, id: Uuid, given: &RequesterData) -> Result<()> {
    if given.unit_id.is_some() && !is_active_unit(tx, given.unit_id)? {
        return Err(Problem::field(FieldError::unknown_id("/requester/unit_id")));
    }
    let data = KnownData {
        is_declared: false,
        full_name: given.full_name.as_deref(),
        document_id: given.document_id.as_deref(),
        email: given.email.as_deref(),
        contact: given.contact.as_ref(),
        unit_id: given.unit_id,
    };
    callers::complete(tx, id, &data, actor.now)
}

fn is_without_document(tx: &mut PgConnection, id: Uuid) -> Result<bool> {
    let without = users::table.filter(users::id.eq(id)).filter(users::document_id.is_null());
    Ok(diesel::select(diesel::dsl::exists(without)).get_result(tx)?)
}

/// The minimum data that are missing for a person without an account, and a unit that cannot be used.
fn missing_of_new(tx: &mut PgConnection, data: &Value) -> Result<Vec<FieldError>> {
    let mut faults = Vec::new();
    for name in ["full_name", "document_id", "contact", "unit_id"] {
        let value = &data[name];
        let is_empty = value.as_object().is_some_and(|parts| parts.values().all(Value::is_null));
        if value.is_null() || is_empty {
            faults.push(FieldError::required(format!("/requester/{name}")));
        }
    }
    let unit_id = data["unit_id"].as_str().and_then(|id| id.parse().ok());
    if unit_id.is_some() && !is_active_unit(tx, unit_id)? {
        faults.push(FieldError::unknown_id("/requester/unit_id"));
    }
    Ok(faults)
}

/// Whether nobody receives mail at this address, or the desk itself does.
pub(super) fn cannot_be_theirs(config: &Config, email: &str) -> bool {
    config.is_own_address(email) || !no_address::is_deliverable(email)
}

/// The error of a requester who names a channel by which only staff register.
pub fn channel_fault(actor: &Actor, body: &Value) -> Option<FieldError> {
    let of_staff = matches!(body["channel"].as_str(), Some("phone" | "in_person"));
    (of_staff && !actor.is_staff()).then(|| {
        FieldError::new(
            "/channel",
            FieldCode::NotAllowed,
            Text::new(
                "Solo el personal registra solicitudes por teléfono o en persona.",
                "Only staff register requests by telephone or in person.",
            ),
        )
    })
}

pub(super) fn not_of_a_person() -> FieldError {
    let detail = Text::new("No es la dirección de una persona.", "It is not the address of a person.");
    FieldError::new("/requester/email", FieldCode::NotAllowed, detail)
}

fn is_active_unit(tx: &mut PgConnection, id: Option<Uuid>) -> Result<bool> {
    let Some(id) = id else { return Ok(false) };
    let known = units::table.find(id).filter(units::active);
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(tx)?)
}

/// The error of an address where only the account's own is used.
pub fn email_not_used() -> FieldError {
    FieldError::new(
        "/requester/email",
        FieldCode::NotAllowed,
        Text::new(
            "Se usa el correo de la cuenta: la dirección solo sirve para encontrar a la persona por quien se registra.",
            "The address of the account is used: an address only serves to find the person for whom staff register.",
        ),
    )
}
