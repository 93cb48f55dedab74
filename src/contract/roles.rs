//! Which roles may call an operation: those that the policy allows an action that the handler names in
//! `x-mesa-permission`.

use serde_json::Value;

use crate::auth::policy::{self, PermissionScope, Rights, Role};
use crate::http::permission;

/// The roles that may call this operation; none if it needs no token. If a handler names several actions, one of them
/// is sufficient.
pub fn allowed(operation: &Value) -> Option<Vec<&'static str>> {
    let actions = permission::actions(operation)?;
    let may = |role: &Role| Rights::of_role(*role).permitted(&actions).is_some();
    Some(Role::ALL.iter().filter(|role| may(role)).map(|role| role.as_str()).collect())
}

/// The permissions that allow a person of any role to call this operation.
pub fn granted(operation: &Value) -> Vec<&'static str> {
    let actions = permission::actions(operation).unwrap_or_default();
    policy::granting(&actions).into_iter().map(|permission| permission.as_str()).collect()
}

/// Whether only the assignee of the ticket may call this operation.
pub fn is_for_assignee(operation: &Value) -> bool {
    let actions = permission::actions(operation).unwrap_or_default();
    actions.iter().any(|action| policy::scope(Role::Technician, *action) == Some(PermissionScope::Assignee))
}
