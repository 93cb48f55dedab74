//! Rules for every schema of the contract: limits, and no `allOf`, which several client generators cannot read.

use serde_json::Value;

use super::openapi;
use crate::contract;
use crate::contract::bounds::is;
use crate::tickets::permitted;
use crate::tickets::workflow::Step;

#[test]
fn nothing_in_the_contract_is_without_end() {
    let document = contract::document(&openapi()).unwrap();
    let mut open = Vec::new();
    look(&document["components"], "", &mut open);
    look(&document["paths"], "", &mut open);
    assert!(open.is_empty(), "{open:#?}");
}

#[test]
fn no_schema_has_all_of() {
    let document = contract::document(&openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap().iter();
    let composed: Vec<&String> = schemas
        .filter(|(_, schema)| schema.to_string().contains("\"allOf\""))
        .map(|(name, _)| name)
        .collect();
    assert!(composed.is_empty(), "{composed:?}");
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

#[test]
fn allowed_steps_need_the_permissions_of_their_operations() {
    let document = contract::document(&openapi()).unwrap();
    for step in Step::ALL {
        let (path, method) = match step {
            Step::Change => ("/api/v1/tickets/{ticket_id}".to_owned(), "patch"),
            _ => (format!("/api/v1/tickets/{{ticket_id}}/{}", step.as_str().replace('_', "-")), "post"),
        };
        let permission = &document["paths"][&path][method]["x-mesa-permission"];
        assert_eq!(permission, permitted::action(*step).as_str(), "{method} {path}");
    }
}
