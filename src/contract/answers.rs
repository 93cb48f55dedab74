//! Which fields a response has: all of them, with `null` for a missing value, so that a typed client need not check
//! whether a field is present. A field that is omitted, because the reader may not see it or did not request it, is
//! never `null`: it is declared with `#[serde(skip_serializing_if = …)]` and `#[schema(nullable = false)]`.

use serde_json::{Value, json};

use super::references::Uses;

/// Marks a schema of which any field may be omitted, whether or not it may be `null` as well.
pub const ANY_FIELD_LEFT_OUT: &str = "x-mesa-any-field-left-out";

/// Makes the fields required in every schema that only responses use. The schema of problems declares its required
/// fields itself.
pub fn require(document: &mut Value) {
    let Uses { answered, sent } = Uses::find(document);
    for name in answered {
        if !sent.contains(&name) && !sent.contains(&format!("{name}Patch")) {
            require_all(&mut document["components"]["schemas"][&name]);
        }
    }
}

fn require_all(schema: &mut Value) {
    let any_left_out = schema.as_object_mut().and_then(|schema| schema.remove(ANY_FIELD_LEFT_OUT)).is_some();
    if let Some(properties) = schema["properties"].as_object().filter(|_| !any_left_out) {
        let known = schema["required"].as_array();
        let is_known = |name: &str| known.is_some_and(|known| known.iter().any(|one| one == name));
        let always = properties.iter().filter(|(name, field)| is_known(name) || may_be_null(field));
        let always: Vec<&String> = always.map(|(name, _)| name).collect();
        if !always.is_empty() {
            schema["required"] = json!(always);
        }
    }
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_all(part);
    }
}

fn may_be_null(schema: &Value) -> bool {
    let is_null = |schema: &Value| match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == "null"),
        one => *one == "null",
    };
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    is_null(schema) || choices.is_some_and(|choices| choices.iter().any(is_null))
}
