//! Rules for changes of an account.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::user::User;
use crate::auth::policy::{PermissionScope, Role};
use crate::config::Config;
use crate::db::schema::{anonymizations, units, users};
use crate::http::Actor;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The error for an address at which the desk itself receives mail: an account with it would receive the desk's mail,
/// and the desk would receive its messages to that account.
pub(super) fn own_address_fault(config: &Config, email: &Value) -> Option<FieldError> {
    let is_own = email.as_str().is_some_and(|email| config.is_own_address(email));
    is_own.then(|| {
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
