//! The contract: the committed file is up to date, and its content is consistent.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::harness::Desk;
use crate::operations::resolve;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json");

fn printed() -> String {
    mesa::contract::json(&mesa::app::openapi()).unwrap()
}

#[test]
fn the_committed_contract_is_the_one_that_the_binary_prints() {
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == printed(),
        "openapi/openapi.json differs from what `mesa openapi` prints: review the change, then run \
         `cargo run -- openapi > openapi/openapi.json`"
    );
    let desk = Desk::open();
    let nobody = desk.nobody();
    let served = nobody.get("//openapi.json");
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(served.text(), kept.to_string(), "not served without white space");
    assert_eq!(served.header("cache-control"), "no-cache");
    let again = nobody.with("if-none-match", served.header("etag")).get("//openapi.json");
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert_eq!(again.header("etag"), served.header("etag"));
    assert_eq!(nobody.with("if-none-match", "\"0\"").get("//openapi.json").status, 200);
}

#[test]
fn the_contract_as_yaml_has_the_same_content() {
    let yaml = mesa::contract::yaml(&mesa::app::openapi()).unwrap();
    assert!(yaml.starts_with("components:") && yaml.contains("\nopenapi: 3.1.0\n"));
    let again: Value = serde_norway::from_str(&yaml).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(&printed()).unwrap());
}

/// Visits every nested value with its pointer.
fn visit<'a>(at: String, value: &'a Value, seen: &mut dyn FnMut(&str, &'a Value)) {
    seen(&at, value);
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| visit(format!("{at}/{name}"), field, seen))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| visit(format!("{at}/{i}"), item, seen))
        }
        _ => {}
    }
}

#[test]
fn the_contract_has_everything_that_client_generators_need() {
    let document: Value = serde_json::from_str(&printed()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: HashSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no operationId"));
            assert!(ids.insert(id), "two operations have the id {id}");
            assert!(
                operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{name} has no summary"
            );
            assert!(
                tags.contains(operation["tags"][0].as_str().unwrap()),
                "{name} has no tag that is described"
            );
            let is_open = operation["security"] == json!([]);
            assert!(
                is_open || !operation["x-mesa-permission"].is_null(),
                "{name} does not state its permission: extensions((\"x-mesa-permission\" = json!(Action::…)))"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{name} has no success response");
            for (status, response) in responses {
                let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described || response["$ref"].is_string(), "{name} {status} has no description");
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let shared = response["$ref"].is_string();
                assert!(
                    shared || response["content"]["application/problem+json"].is_object(),
                    "{name} {status} is not a problem"
                );
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let parameter = resolve(&document, parameter);
                assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            }
        }
    }
    // Every reference can be resolved, and every component is used.
    let mut references = HashSet::new();
    visit(String::new(), &document, &mut |at, value| {
        if let Some(reference) =
            value.as_object().and_then(|object| object.get("$ref")).and_then(Value::as_str)
        {
            assert!(document.pointer(&reference[1..]).is_some(), "{at}: {reference} does not exist");
            references.insert(reference.to_owned());
        }
    });
    for kind in ["headers", "parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&reference), "nothing refers to {reference}");
        }
    }
}

#[test]
fn examples_are_valid_for_their_schemas() {
    let document: Value = serde_json::from_str(&printed()).unwrap();
    let mut examples = 0;
    visit(String::new(), &document["components"]["schemas"], &mut |at, value| {
        let Some(example) = value.as_object().and_then(|schema| schema.get("example")) else { return };
        let mut schema = value.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        assert!(validator.is_valid(example), "{at}: {example} is not valid for {value}");
        examples += 1;
    });
    assert!(examples > 50, "{examples}");
}
