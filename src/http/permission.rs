//! The permission of an operation, as its handler states it in `x-mesa-permission`.

use serde_json::Value;

use crate::auth::policy::Action;

/// The actions of which the caller's role must be allowed one; `None` for an operation that needs no token.
pub fn actions(operation: &Value) -> Option<Vec<Action>> {
    let named = operation.get("x-mesa-permission")?;
    let named = named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice);
    let is_named = |action: &Action| named.iter().any(|one| one == action.as_str());
    Some(Action::ALL.iter().copied().filter(is_named).collect())
}
