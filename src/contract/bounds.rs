//! Bounds that follow from a type or a format. The length of a text is declared at its field (`max_length`), and so
//! is the number of items of a list that does not grow with the stored data (`max_items`).

use serde_json::{Map, Value};

/// The maximum number of items of a page.
const PAGE: u64 = 200;
/// The maximum number of items of a list that grows with the stored data.
const MANY: u64 = 100_000;
/// Any text that can be stored: all characters except NUL.
const ANYTHING: &str = r"^[^\x00]*$";
/// The same with at least one visible character, which handlers declare as `\S`: neither white space nor a control
/// character, nor one without a shape such as U+200B.
const SOMETHING: &str = r"^[^\x00]*[^\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0][^\x00]*$";

/// Writes the bounds into every schema of the document.
pub fn bound(document: &mut Value) {
    for part in ["components", "paths"] {
        walk(&mut document[part], "", false);
    }
}

/// `name` is the name of the property whose schema the value is, or the last property above it.
fn walk(value: &mut Value, name: &str, page: bool) {
    match value {
        Value::Object(object) => {
            set(object, name, page);
            // The schema of a parameter has the parameter's name.
            let parameter =
                object.get("in").and(object.get("name")).and_then(Value::as_str).map(str::to_owned);
            for (key, inner) in object {
                // An example is not part of the schema.
                if matches!(key.as_str(), "example" | "examples" | "default" | "enum" | "const") {
                    continue;
                }
                let keyword = matches!(
                    key.as_str(),
                    "properties" | "items" | "allOf" | "oneOf" | "anyOf" | "schema" | "content"
                );
                // The dates of a whole year are on one page.
                let page = page && keyword || key.starts_with("Page_") && key != "Page_HolidayDate";
                let above = parameter.as_deref().unwrap_or(name);
                walk(inner, if keyword { above } else { key }, page);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| walk(inner, name, page)),
        _ => {}
    }
}

pub(crate) fn is(object: &Map<String, Value>, kind: &str) -> bool {
    match object.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|one| one == kind),
        _ => false,
    }
}

fn set(object: &mut Map<String, Value>, name: &str, page: bool) {
    if is(object, "string") && !object.contains_key("enum") && !object.contains_key("const") {
        let format = object.get("format").and_then(Value::as_str);
        let limit = match format {
            Some("uuid") => Some(36),
            Some("date") => Some(10),
            Some("date-time") => Some(64),
            Some("email") => Some(254),
            Some("uri" | "uri-reference") => Some(2000),
            // A text states its limit at its field. A file (`binary`) has none: client generators apply `maxLength`
            // to their type of a file, which has no length.
            _ => None,
        };
        // A format that does not restrict the characters.
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
        let limit = if page { PAGE } else { MANY };
        object.entry("maxItems").or_insert(limit.into());
    }
}
