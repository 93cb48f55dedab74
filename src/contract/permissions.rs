//! States in each operation which roles may call it, for readers of the contract; `security` states it for programs.

use serde_json::{Value, json};

use super::roles;

/// Adds the roles to the description and to the 403 of the operation.
pub fn describe(operation: &mut Value) {
    let Some(roles) = roles::allowed(operation) else { return };
    let assignee_only = roles::is_for_assignee(operation);
    let granted = roles::granted(operation);
    let listed = roles.join(", ");
    let mut description = operation["description"].as_str().unwrap_or_default().trim_end().to_owned();
    if !description.is_empty() {
        description.push_str("\n\n");
    }
    description.push_str(&format!("**Roles:** {listed}"));
    description.push_str(if assignee_only { "; only the assignee of the ticket." } else { "." });
    if !granted.is_empty() {
        let permissions = granted.join("`, `");
        description.push_str(&format!(" Any role with the granted permission `{permissions}`."));
    }
    operation["description"] = description.into();

    let Some(forbidden) = operation.pointer_mut("/responses/403") else { return };
    let own = forbidden["description"].as_str().map(str::to_owned);
    let text = match own {
        Some(text) => format!("{text}; allowed roles: {listed}"),
        None if assignee_only => {
            format!(
                "`forbidden`: the role is not one of {listed}; or `not_the_assignee`: the ticket is assigned to another person"
            )
        }
        None => {
            let or_granted = match granted.is_empty() {
                true => String::new(),
                false => format!(" and the permission `{}` was not granted", granted.join("`, `")),
            };
            format!(
                "`forbidden`: the role is not one of {listed}{or_granted}, or may not do this with the values that were sent"
            )
        }
    };
    if forbidden["description"] != text.as_str() {
        forbidden["description"] = json!(text);
    }
}
