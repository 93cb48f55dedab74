//! Tests that every pattern of the contract has an explanation for a client whose value does not match it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::openapi;
use crate::contract;
use crate::http::expected_format;

#[test]
fn every_pattern_of_the_contract_is_explained() {
    let document = contract::document(&openapi()).unwrap();
    let mut patterns = BTreeSet::new();
    collect(&document["components"]["schemas"], &mut patterns);
    collect(&document["paths"], &mut patterns);
    assert!(!patterns.is_empty());
    patterns.retain(|pattern| !expected_format::explains(pattern));
    assert!(patterns.is_empty(), "{patterns:?}");
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("pattern").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|inner| collect(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}
