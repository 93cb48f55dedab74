//! The scopes of a service account: some of the actions of its role.

use crate::auth::policy::{Action, Role};
use crate::auth::scopes;
use crate::auth::ticket_limit::TicketLimit;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Each once, in the order of the policy.
///
/// # Errors
/// A 422 that names each that a service account of this role cannot have, or that needs another one.
pub fn checked(role: Role, wanted: &[Action], limit: &TicketLimit) -> Result<Vec<Action>> {
    let mut faults = Vec::new();
    if role == Role::Requester {
        faults.push(FieldError::new(
            "/role",
            FieldCode::NotAllowed,
            Text::new(
                "Una cuenta de servicio no hace solicitudes propias.",
                "A service account makes no requests of its own.",
            ),
        ));
    }
    let mut possible = scopes::possible(role);
    if !limit.is_any() {
        possible.retain(|action| scopes::LIMITED.contains(action));
    }
    faults.extend(wanted.iter().enumerate().filter(|(_, action)| !possible.contains(action)).map(
        |(place, _)| {
            FieldError::new(
                format!("/scopes/{place}"),
                FieldCode::NotAllowed,
                Text::new(
                    "El rol no la permite, está reservada a las personas, o no se limita a unas dependencias o categorías.",
                    "The role does not allow it, it is reserved to people, or it cannot be limited to units or categories.",
                ),
            )
        },
    ));
    faults.extend(wanted.iter().enumerate().flat_map(|(place, action)| {
        let needed = scopes::NEEDED.iter().filter(move |(one, _)| one == action);
        needed.filter(|(_, needed)| !wanted.contains(needed)).map(move |(_, needed)| {
            let name = needed.as_str();
            FieldError::new(
                format!("/scopes/{place}"),
                FieldCode::NotAllowed,
                Text::made(
                    format!(
                        "Requiere también `{name}`: sus respuestas contienen lo que ese alcance permite leer."
                    ),
                    format!("It also needs `{name}`: its responses contain what that scope allows to read."),
                ),
            )
        })
    }));
    if !faults.is_empty() {
        return Err(Problem::fields(faults));
    }
    Ok(possible.into_iter().filter(|action| wanted.contains(action)).collect())
}
