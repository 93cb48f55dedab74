//! Requests are closed, so that a client learns of a misspelled field; responses are open, so that a client accepts
//! the fields and values of later versions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::references::{self, Uses};

/// The enumerations that new versions extend. In responses they are texts, and `x-extensible-enum` names the known
/// values.
const GROWING: &[&str] = &[
    "AssignmentWarningCode",
    "AuditKind",
    "AuditResource",
    "Code",
    "EventKind",
    "FieldCode",
    "InboundEmailReason",
    "IndicatorFrequency",
    "IndicatorKind",
    "JobKind",
    "MessageKind",
    "MinimumDatum",
    "RecordEventType",
    "ReportMark",
    "Step",
    "SystemHintCode",
    "TaskName",
    "TicketEventType",
    "UserPermission",
    "WatchReason",
];

const OPEN: &str = "New versions add values: treat an unknown one as a text.";

/// Gives requests and responses separate schemas where they differ. Of a type `X`, `XInput` is the schema in requests. Of the
/// body `XCreate` of a POST, `XContent` is the schema in responses.
pub fn separate(document: &mut Value) {
    let uses = Uses::find(document);
    let schemas = &document["components"]["schemas"];
    let differs = |name: &str| GROWING.contains(&name) || !schemas[name]["properties"].is_null();
    let shared: Vec<&String> = uses.sent.intersection(&uses.answered).filter(|name| differs(name)).collect();
    let (mut sent_as, mut answered_as) = (BTreeMap::new(), BTreeMap::new());
    for name in shared {
        match name.strip_suffix("Create") {
            Some(resource) => answered_as.insert(name.clone(), format!("{resource}Content")),
            None => sent_as.insert(name.clone(), format!("{name}Input")),
        };
    }
    let (sent, answered) =
        (|name: &str| sent_as.get(name).cloned(), |name: &str| answered_as.get(name).cloned());

    let mut separated = serde_json::Map::new();
    for (name, schema) in schemas.as_object().into_iter().flatten() {
        if uses.sent.contains(name) {
            let mut schema = schema.clone();
            references::rename(&mut schema, &sent);
            separated.insert(sent(name).unwrap_or_else(|| name.clone()), schema);
        }
        if uses.answered.contains(name) && (differs(name) || !uses.sent.contains(name)) {
            let mut schema = schema.clone();
            references::rename(&mut schema, &answered);
            open(name, &mut schema);
            separated.insert(answered(name).unwrap_or_else(|| name.clone()), schema);
        }
    }
    document["components"]["schemas"] = separated.into();
    references::rename(&mut document["components"]["responses"], &answered);
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            for (part, value) in operation.as_object_mut().into_iter().flatten() {
                match part.as_str() {
                    "requestBody" | "parameters" => references::rename(value, &sent),
                    "responses" => references::rename(value, &answered),
                    _ => {}
                }
            }
        }
    }
}

fn open(name: &str, schema: &mut Value) {
    if schema["additionalProperties"] == false
        && let Some(schema) = schema.as_object_mut()
    {
        schema.remove("additionalProperties");
    }
    if GROWING.contains(&name)
        && let Some(schema) = schema.as_object_mut()
        && let Some(values) = schema.remove("enum")
    {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = format!("{description}\n\n{OPEN}");
        schema.insert("description".to_owned(), description.trim().into());
        schema.insert("maxLength".to_owned(), json!(100));
        let is_dotted = values.as_array().into_iter().flatten().any(|value| value.to_string().contains('.'));
        let pattern = if is_dotted { "^[a-z0-9_.]+$" } else { "^[a-z0-9_]+$" };
        schema.insert("pattern".to_owned(), json!(pattern));
        schema.insert("x-extensible-enum".to_owned(), values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_of_both_directions_is_closed_in_requests_and_open_in_responses() {
        let body = |name: &str| json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{}", name)}}}});
        let object = |name: &str| json!({"type": "object", "additionalProperties": false, "properties": {"a": {"$ref": format!("#/components/schemas/{}", name)}}});
        let mut document = json!({
            "paths": {"/a": {"post": {"requestBody": body("NoteCreate"), "responses": {"200": body("Note")}}}},
            "components": {"responses": {}, "schemas": {
                "NoteCreate": object("Contact"), "Note": object("NoteCreate"), "Contact": object("Role"),
                "Role": {"type": "string", "enum": ["director"]},
            }},
        });
        separate(&mut document);
        let schemas = &document["components"]["schemas"];
        let mut open = object("Contact");
        open.as_object_mut().unwrap().remove("additionalProperties");
        assert_eq!(schemas["NoteCreate"], object("ContactInput"));
        assert_eq!(schemas["NoteContent"], open);
        assert_eq!(schemas["ContactInput"], object("Role"));
        assert!(schemas["Contact"]["additionalProperties"].is_null() && schemas["Role"]["enum"].is_array());
        assert_eq!(
            schemas["Note"]["properties"]["a"]["$ref"],
            format!("#/components/schemas/{}", "NoteContent")
        );
        assert_eq!(document["paths"]["/a"]["post"]["requestBody"], body("NoteCreate"));
    }

    #[test]
    fn a_growing_enumeration_is_closed_in_requests_only() {
        let use_of = json!({"schema": {"$ref": format!("#/components/schemas/{}", "MessageKind")}});
        let mut document = json!({
            "paths": {"/a": {"get": {"parameters": [use_of], "responses": {"200": {"content": {"application/json": use_of}}}}}},
            "components": {"responses": {}, "schemas": {"MessageKind": {"type": "string", "enum": ["sent"]}}},
        });
        separate(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["MessageKindInput"]["enum"], json!(["sent"]));
        assert_eq!(schemas["MessageKind"]["x-extensible-enum"], json!(["sent"]));
        assert!(schemas["MessageKind"]["enum"].is_null());
    }
}
