//! Properties of the contract that Swagger UI and its users need.

use serde_json::Value;

use crate::harness::Desk;

fn document() -> Value {
    mesa::contract::document(&mesa::app::openapi()).unwrap()
}

/// Every operation of the document.
fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let items = document["paths"].as_object().unwrap().values();
    items.flat_map(|item| item.as_object().unwrap().values())
}

/// Swagger UI would prefill the filter, and *Execute* would send it.
#[test]
fn optional_parameters_have_no_example() {
    let document = document();
    let mut prefilled = Vec::new();
    for operation in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let example = !parameter["example"].is_null() || !parameter["schema"]["example"].is_null();
            if parameter["required"] != true && example {
                prefilled.push(format!("{} {}", operation["operationId"], parameter["name"]));
            }
        }
    }
    assert!(prefilled.is_empty(), "{prefilled:?}");
}

#[test]
fn descriptions_and_the_403_name_the_roles() {
    let document = document();
    let mut named = 0;
    for operation in operations(&document) {
        let Some(roles) = operation["x-roles"].as_array() else { continue };
        for text in [&operation["description"], &operation["responses"]["403"]["description"]] {
            for role in roles {
                let role = role.as_str().unwrap();
                assert!(text.as_str().is_some_and(|text| text.contains(role)), "{operation}");
            }
        }
        named += 1;
    }
    assert!(named > 100, "{named}");
}

#[test]
fn format_errors_name_the_expected_format() {
    let desk = Desk::open();
    let technician = desk.technician();
    for (query, expected) in [
        ("received_from=ayer", "2026-11-24T19:00:00Z"),
        ("due_within=pronto", "30m"),
        ("assignee_id=nadie", "`me`"),
    ] {
        let problem = technician.get(&format!("/tickets?{query}")).problem(400, "invalid_query");
        let detail = problem["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(expected), "{problem}");
    }
}

/// With this header browsers and Swagger UI save the file instead of showing it.
#[test]
fn a_report_as_pdf_is_a_download() {
    let desk = Desk::open();
    let report = desk.director().get("/reports/quarterly/2025/3?format=pdf");
    report.expect_status(200);
    assert!(report.header("content-disposition").starts_with("attachment; filename="));
}
