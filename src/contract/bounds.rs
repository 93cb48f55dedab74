//! How long, how large and how many: what every schema of the contract says where the type beside it does not.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The longest text, in characters, of each property that only answers have. Where a body has a property of the same name,
/// its limit holds for the answer too.
const TEXTS: &[(&str, u64)] = &[
    ("access_token", 2000),
    ("agenda", 500),
    ("assignee", 36),
    ("code", 50),
    ("content_type", 255),
    ("detail", 2000),
    ("due_within", 6),
    ("ends_at", 8),
    ("excerpt", 2000),
    ("field", 100),
    ("file_name", 255),
    ("file_names", 255),
    ("form", 20),
    ("from_address", 254),
    ("hash", 64),
    ("holiday", 1000),
    ("kind", 50),
    ("last_error", 2000),
    ("message_id", 500),
    ("next_cursor", 2000),
    ("next_step", 2000),
    ("places", 200),
    ("previous", 500),
    ("public_key", 500),
    ("pointer", 1000),
    ("refused_files", 1000),
    ("record", 200),
    ("request_id", 128),
    ("sha256", 64),
    ("solution", 20_000),
    ("starts_at", 8),
    ("status", 50),
    ("steps", 500),
    ("terms", 16),
    ("text", 100_000),
    ("timezone", 100),
    ("to", 500),
    ("token", 200),
    ("token_type", 20),
    ("why", 2000),
];

/// The most items of each list that is a part of something.
const LISTS: &[(&str, u64)] = &[
    ("agenda", 50),
    ("answers", 50),
    ("attendance", 200),
    ("changes", 100),
    ("decisions", 100),
    ("errors", 100),
    ("files", 4),
    ("levels", 3),
    ("questions", 50),
    ("references", 50),
    ("steps", 100),
];

/// The most items of a page.
const PAGE: u64 = 200;
/// The most items of a list that grows with what the desk holds.
const MANY: u64 = 100_000;
/// Any text that can be kept: all but the NUL character.
const ANYTHING: &str = r"^[^\x00]*$";
/// The same with something to read in it, which handlers say as `\S`.
const SOMETHING: &str = r"^[^\x00]*[^\s\x00][^\x00]*$";

/// Writes the bounds into every schema of the document.
pub fn bound(document: &mut Value) {
    let mut limits: HashMap<String, u64> =
        TEXTS.iter().map(|(name, limit)| ((*name).to_owned(), *limit)).collect();
    collect(document, &mut limits);
    for part in ["components", "paths"] {
        walk(&mut document[part], "", &limits, false);
    }
}

/// The limits that properties of bodies have, by their names; the widest where there are several.
fn collect(value: &Value, limits: &mut HashMap<String, u64>) {
    match value {
        Value::Object(object) => {
            for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                let texts = property["items"].as_object().map_or(property, |_| &property["items"]);
                if let Some(limit) = texts["maxLength"].as_u64() {
                    let known = limits.entry(name.clone()).or_default();
                    *known = limit.max(*known);
                }
            }
            object.values().for_each(|inner| collect(inner, limits));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, limits)),
        _ => {}
    }
}

/// `name` is that of the property which the value is the schema of, or the last one above it.
fn walk(value: &mut Value, name: &str, limits: &HashMap<String, u64>, page: bool) {
    match value {
        Value::Object(object) => {
            set(object, name, limits, page);
            // A parameter's schema is bounded by the parameter's name.
            let parameter =
                object.get("in").and(object.get("name")).and_then(Value::as_str).map(str::to_owned);
            for (key, inner) in object {
                // What shows how a value looks is none of its own schema.
                if matches!(key.as_str(), "example" | "examples" | "default" | "enum" | "const") {
                    continue;
                }
                let keyword = matches!(
                    key.as_str(),
                    "properties" | "items" | "allOf" | "oneOf" | "anyOf" | "schema" | "content"
                );
                let page = page && keyword || key.starts_with("Page_");
                let above = parameter.as_deref().unwrap_or(name);
                walk(inner, if keyword { above } else { key }, limits, page);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| walk(inner, name, limits, page)),
        _ => {}
    }
}

fn is(object: &Map<String, Value>, kind: &str) -> bool {
    match object.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|one| one == kind),
        _ => false,
    }
}

fn set(object: &mut Map<String, Value>, name: &str, limits: &HashMap<String, u64>, page: bool) {
    if is(object, "string") && !object.contains_key("enum") && !object.contains_key("const") {
        let format = object.get("format").and_then(Value::as_str);
        let limit = match format {
            Some("uuid") => Some(36),
            Some("date") => Some(10),
            Some("date-time") => Some(64),
            Some("email") => Some(254),
            Some("uri" | "uri-reference") => Some(2000),
            // A file has no characters: client generators apply `maxLength` to their type of a file.
            Some("binary") => None,
            _ => limits.get(name).copied(),
        };
        // A format that says nothing of the characters.
        let free = matches!(format, None | Some("password" | "opening-hours"));
        let free = free && !object.contains_key("pattern");
        if let Some(limit) = limit {
            object.entry("maxLength").or_insert(limit.into());
        }
        if free {
            object.insert("pattern".to_owned(), ANYTHING.into());
        } else if object.get("pattern").is_some_and(|pattern| pattern == r"\S") {
            object.insert("pattern".to_owned(), SOMETHING.into());
        }
    }
    if is(object, "integer") {
        let id = name == "id" || name.ends_with("_id");
        let largest = if object.get("format").is_some_and(|format| format == "int32") {
            i32::MAX.into()
        } else {
            i64::MAX
        };
        object.entry("format").or_insert("int64".into());
        object.entry("minimum").or_insert(i64::from(id).into());
        object.entry("maximum").or_insert(largest.into());
    }
    if is(object, "array") {
        let listed = LISTS.iter().find(|(list, _)| *list == name);
        let limit = if page { PAGE } else { listed.map_or(MANY, |(_, limit)| *limit) };
        object.entry("maxItems").or_insert(limit.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_contract_is_without_end() {
        let document = crate::contract::document(&crate::app::openapi()).unwrap();
        let mut open = Vec::new();
        look(&document["components"], "", &mut open);
        look(&document["paths"], "", &mut open);
        assert!(open.is_empty(), "{open:#?}");
    }

    fn look(value: &Value, at: &str, open: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                let has = |key: &str| object.contains_key(key);
                let binary = object.get("format").is_some_and(|format| format == "binary");
                let bounded =
                    !(is(object, "string") && !binary && !has("maxLength") && !has("enum") && !has("const")
                        || is(object, "integer") && !(has("minimum") && has("maximum"))
                        || is(object, "array") && !has("maxItems"));
                if !bounded {
                    open.push(at.to_owned());
                }
                object.iter().for_each(|(key, inner)| look(inner, &format!("{at}/{key}"), open));
            }
            Value::Array(items) => items.iter().for_each(|inner| look(inner, at, open)),
            _ => {}
        }
    }
}
