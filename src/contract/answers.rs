//! Which fields an answer has: all of them, `null` where there is nothing to say, so that a typed client need not ask
//! whether one is there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What an answer may leave out, by its schema: for somebody who may not read it, or where it was not asked for. `*` is all.
const LEFT_OUT: &[(&str, &[&str])] = &[
    ("Article", &["ticket_id"]),
    ("EventDetails", ALL),
    ("Expanded", ALL),
    ("Followup", &["published_from"]),
    ("Permissions", ALL),
    ("Ticket", &["expanded"]),
    ("TimelineEvent", &["assignee", "hash", "redacted", "seq"]),
    ("TimelineMessage", &["recipient", "status"]),
    ("Page_", &["total"]),
];

const ALL: &[&str] = &["*"];

/// Writes it into every schema that only answers have. A problem says itself what it has.
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
            require_all(&name, &mut document["components"]["schemas"][&name]);
        }
    }
}

/// Adds the names of all schemas that the value refers to, directly or by way of others.
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

fn require_all(name: &str, schema: &mut Value) {
    let left_out = LEFT_OUT.iter().find(|(of, _)| *of == name || of.ends_with('_') && name.starts_with(of));
    let left_out = left_out.map_or(&[][..], |(_, fields)| *fields);
    if let Some(properties) = schema["properties"].as_object() {
        let all: Vec<&String> = properties
            .keys()
            .filter(|field| left_out != ALL && !left_out.contains(&field.as_str()))
            .collect();
        if !all.is_empty() {
            schema["required"] = json!(all);
        }
    }
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        require_all(name, part);
    }
}
