//! Rules for changes of an account.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::user::User;
use crate::auth::no_address;
use crate::auth::policy::{Action, PermissionScope, Role};
use crate::config::Config;
use crate::db::schema::{anonymizations, units, users};
use crate::http::Actor;
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// The error for an undeliverable address, or for one at which the desk itself receives mail: an account with it would
/// receive the desk's mail, and the desk would receive its messages to that account.
pub(super) fn own_address_fault(config: &Config, email: &Value) -> Option<FieldError> {
    let email = email.as_str()?;
    if !no_address::is_deliverable(email) {
        let detail = Text::new(
            "Este dominio es de quienes no tienen correo.",
            "This domain is for people who have no address.",
        );
        return Some(FieldError::new("/email", FieldCode::NotAllowed, detail));
    }
    config.is_own_address(email).then(|| {
        FieldError::new(
            "/email",
            FieldCode::NotAllowed,
            Text::new(
                "Es la dirección del buzón de la Mesa de Servicios.",
                "It is the address of the service desk's own mailbox.",
            ),
        )
    })
}

/// Whether the caller may only complete and correct the data of requesters.
pub(super) fn only_completes(actor: &Actor) -> bool {
    actor.rights().scope(Action::Manage).is_none()
}

/// The error for a change beyond the data of a requester.
#[track_caller]
pub(super) fn beyond_completion() -> Problem {
    Problem::new(
        Code::Forbidden,
        Text::new(
            "Su rol solo permite completar y corregir el nombre, el documento, el contacto y la unidad de un solicitante.",
            "Your role only allows to complete and correct the name, document, contact and unit of a requester.",
        ),
    )
}

/// A person who reads the mail of an account can set its password. Therefore only the director may change the address
/// of a staff account or of an account with a password.
pub(super) fn may_change_email(actor: &Actor, user: &User) -> Result<()> {
    let is_protected = user.role != Role::Requester || user.can_sign_in;
    if actor.scope == PermissionScope::UpToOwnRole && actor.id != user.id && is_protected {
        return Err(Problem::forbidden());
    }
    Ok(())
}

/// The data of an anonymized person must not be recorded again.
pub(super) fn must_not_be_anonymous(tx: &mut PgConnection, id: Uuid) -> Result<()> {
    let anonymous = diesel::dsl::exists(anonymizations::table.find(id));
    match diesel::select(anonymous).get_result(tx)? {
        true => Err(Problem::wrong_state("anonymous")),
        false => Ok(()),
    }
}

/// The active directors; locked so that two concurrent changes cannot remove the last two.
pub(super) fn lock_directors(tx: &mut PgConnection) -> Result<Vec<Uuid>> {
    let directors = users::table
        .filter(users::role.eq(Role::Director))
        .filter(users::active)
        .order(users::id)
        .select(users::id)
        // Rows that refer to them can still be written concurrently.
        .for_no_key_update()
        .load(tx)?;
    Ok(directors)
}

pub(super) fn check_unit(tx: &mut PgConnection, unit_id: Option<Uuid>) -> Result<()> {
    let Some(unit_id) = unit_id else { return Ok(()) };
    let known = units::table.find(unit_id).filter(units::active);
    if diesel::select(diesel::dsl::exists(known)).get_result::<bool>(tx)? {
        Ok(())
    } else {
        Err(Problem::field(FieldError::unknown_id("/unit_id")))
    }
}
