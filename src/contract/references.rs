//! References between schemas.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

const SCHEMAS: &str = "#/components/schemas/";

/// The name of the schema that this value, a part of a schema, refers to.
pub fn named(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// The schemas of the request bodies and parameters, and those of the responses: all that they refer to, directly or
/// through others.
pub struct Uses {
    pub sent: BTreeSet<String>,
    pub answered: BTreeSet<String>,
}

impl Uses {
    pub fn find(document: &Value) -> Self {
        let mut uses = Uses { sent: BTreeSet::new(), answered: BTreeSet::new() };
        for item in document["paths"].as_object().into_iter().flat_map(Map::values) {
            for operation in item.as_object().into_iter().flat_map(Map::values) {
                reach(&operation["responses"], document, &mut uses.answered);
                reach(&operation["requestBody"], document, &mut uses.sent);
                reach(&operation["parameters"], document, &mut uses.sent);
            }
        }
        reach(&document["components"]["responses"], document, &mut uses.answered);
        uses
    }
}

/// Adds the names of all schemas that the value refers to, directly or through others.
fn reach(value: &Value, document: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = named(value)
        && names.insert(name.to_owned())
    {
        reach(&document["components"]["schemas"][name], document, names);
    }
    match value {
        Value::Object(object) => object.values().for_each(|inner| reach(inner, document, names)),
        Value::Array(items) => items.iter().for_each(|inner| reach(inner, document, names)),
        _ => {}
    }
}

/// Replaces the names in all references of the value. A discriminator refers to schemas by its values.
pub fn rename(value: &mut Value, new_name: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = text.strip_prefix(SCHEMAS).and_then(new_name) {
                *text = format!("{SCHEMAS}{new}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| rename(inner, new_name)),
        Value::Object(fields) => fields.values_mut().for_each(|inner| rename(inner, new_name)),
        _ => {}
    }
}
