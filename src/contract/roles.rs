//! Which roles may call an operation: those that the policy allows an action that the handler names in
//! `x-mesa-permission`.

use serde_json::Value;

use crate::auth::policy::{self, Action, Role, Scope};

/// The roles that may call this operation; none if it needs no token. If a handler names several actions, one of them
/// is sufficient.
pub fn allowed(operation: &Value) -> Option<Vec<&'static str>> {
    let actions = actions(operation)?;
    // Access to totals does not include the single answers that the operations of this action return.
    let may = |role: &Role| {
        let scopes = actions.iter().filter_map(|action| policy::scope(*role, *action));
        scopes.into_iter().any(|scope| scope != Scope::Totals)
    };
    Some(Role::ALL.iter().filter(|role| may(role)).map(|role| role.as_str()).collect())
}

/// Whether only the assignee of the ticket may call this operation.
pub fn is_for_assignee(operation: &Value) -> bool {
    let actions = actions(operation).unwrap_or_default();
    actions.iter().any(|action| policy::scope(Role::Technician, *action) == Some(Scope::Assignee))
}

/// The actions that the handler names; none if it needs no token.
fn actions(operation: &Value) -> Option<Vec<Action>> {
    let named = operation.get("x-mesa-permission")?;
    let named = named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice);
    let is_named = |action: &Action| named.iter().any(|one| one == action.as_str());
    Some(Action::ALL.iter().copied().filter(is_named).collect())
}
