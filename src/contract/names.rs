//! The names under which schemas are published. The server itself uses the names of the types.

use serde_json::Value;

use super::references;

/// Parts of the names of types that describe a resource as clients write it.
const WRITTEN: [&str; 5] = ["Create", "Profile", "Content", "Request", "Input"];

/// Pages are named `XPage`, merge patches `XUpdate`.
pub fn publish(document: &mut Value) {
    references::rename(document, &published);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    *schemas = std::mem::take(schemas)
        .into_iter()
        .map(|(name, schema)| (published(&name).unwrap_or(name), schema))
        .collect();
}

fn published(name: &str) -> Option<String> {
    if let Some(items) = name.strip_prefix("Page_") {
        return Some(format!("{}Page", items.strip_suffix("Summary").unwrap_or(items)));
    }
    let patched = name.strip_suffix("Patch")?;
    let resource = WRITTEN.iter().find_map(|part| patched.strip_suffix(part)).unwrap_or(patched);
    Some(format!("{resource}Update"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_patches_are_named_for_the_resource() {
        let names = [
            "Page_User",
            "Page_TicketSummary",
            "UserProfilePatch",
            "RiskCreatePatch",
            "ContactPatch",
            "User",
        ];
        let expected = ["UserPage", "TicketPage", "UserUpdate", "RiskUpdate", "ContactUpdate", "User"];
        for (name, expected) in names.into_iter().zip(expected) {
            assert_eq!(published(name).unwrap_or_else(|| name.to_owned()), expected);
        }
    }
}
