//! Which fields a response has: all of them, with `null` for a missing value, so that a typed client need not check
//! whether a field is present. A field that is omitted, because the reader may not see it or did not request it, is
//! never `null`: it is declared with `#[serde(skip_serializing_if = …)]` and `#[schema(nullable = false)]`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Marks a schema of which any field may be omitted, whether or not it may be `null` as well.
const ANY_FIELD_LEFT_OUT: &str = "x-mesa-any-field-left-out";

/// Makes the fields required in every schema that only responses use. The schema of problems declares its required
/// fields itself.
pub fn require(document: &mut Value) {
    let (mut answered, mut sent) = (BTreeSet::new(), BTreeSet::new());
    for item in document["paths"].as_object().into_iter().flat_map(Map::values) {
        for operation in item.as_object().into_iter().flat_map(Map::values) {
            refer(&operation["responses"], document, &mut answered);
            refer(&operation["requestBody"], document, &mut sent);
        }
    }
    for name in answered {
        if !sent.contains(&name) && !sent.contains(&format!("{name}Patch")) {
            require_all(&mut document["components"]["schemas"][&name]);
        }
    }
}

/// Adds the names of all schemas that the value refers to, directly or through others.
fn refer(value: &Value, document: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|path| path.strip_prefix("#/components/schemas/"))
                && names.insert(name.to_owned())
            {
                refer(&document["components"]["schemas"][name], document, names);
            }
            object.values().for_each(|inner| refer(inner, document, names));
        }
        Value::Array(items) => items.iter().for_each(|inner| refer(inner, document, names)),
        _ => {}
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
