//! Invalid input of every kind, generated from the contract for every operation, gets a 4xx that names the field and
//! changes nothing.

use serde_json::{Map, Value, json};

use crate::harness::{Answer, Client, Desk};
use crate::operations::{Operation, operations, resolve};

/// A caller with permission, so that the body is what is rejected.
fn caller(desk: &Desk, operation: &Operation) -> Client {
    if operation.template.ends_with("/survey") && operation.method == "POST" {
        desk.requester()
    } else {
        desk.director()
    }
}

fn send(desk: &Desk, operation: &Operation, body: impl Into<reqwest::blocking::Body>) -> Answer {
    let content_type =
        if operation.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    caller(desk, operation).raw(&operation.method, &operation.path, content_type, body)
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

/// Invalid values for a field of this schema.
fn wrong_values(document: &Value, field: &Value) -> Vec<Value> {
    let schema = resolve(document, field);
    let types = types(&schema);
    let mut wrong = Vec::new();
    if types.contains(&"string") {
        wrong.extend([json!(7), json!(["x"]), json!({"x": 1}), json!(true)]);
        if schema["enum"].is_array() || schema["format"].is_string() && schema["format"] != "password" {
            wrong.extend([json!("no such thing"), json!("")]);
        }
        if schema["minLength"].as_u64().is_some_and(|least| least > 0) {
            wrong.push(json!(""));
        }
        if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(r"[^\s")) {
            wrong.push(json!("  \n\t "));
        }
        wrong.push(json!("a\u{0}b"));
        // One character more than the maximum; texts without a maximum have a format.
        let longest = schema["maxLength"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        wrong.push(json!("x".repeat(longest.map_or(10_000, |limit| limit + 1))));
    } else if types.contains(&"integer") {
        let too_small = schema["minimum"].as_i64().unwrap_or(0) - 1;
        wrong.extend([
            json!("7"),
            json!(1.5),
            json!(too_small),
            json!(9_223_372_036_854_775_808_u64),
            json!(1e300),
        ]);
    } else if types.contains(&"number") {
        wrong.extend([json!("7"), json!(true), json!([]), json!(1e300)]);
    } else if types.contains(&"boolean") {
        wrong.extend([json!("true"), json!(1)]);
    } else if types.contains(&"array") {
        wrong.extend([json!("x"), json!({"0": "x"}), json!([[]]), json!([null])]);
    } else {
        wrong.extend([json!("x"), json!(7), json!([])]);
    }
    wrong
}

/// Bodies with one invalid value each, for every place in this field that can be invalid, with its pointer.
fn wrong_at(document: &Value, field: &str, schema: &Value) -> Vec<(String, Value)> {
    let mut wrong: Vec<(String, Value)> = wrong_values(document, schema)
        .into_iter()
        .map(|value| (format!("/{field}"), json!({field: value})))
        .collect();
    let schema = resolve(document, schema);
    let within = |inside: &Map<String, Value>,
                  wrong: &mut Vec<(String, Value)>,
                  wrap: &dyn Fn(Value) -> Value,
                  at: &str| {
        for (inner, inner_schema) in inside {
            for (pointer, value) in wrong_at(document, inner, inner_schema) {
                wrong.push((format!("{at}{pointer}"), json!({field: wrap(value)})));
            }
        }
        wrong.push((format!("{at}/no_such_field"), json!({field: wrap(json!({"no_such_field": 1}))})));
    };
    if let Some(inside) = schema["properties"].as_object() {
        within(inside, &mut wrong, &|value| value, &format!("/{field}"));
    }
    if let Some(inside) = resolve(document, &schema["items"])["properties"].as_object() {
        within(inside, &mut wrong, &|value| json!([value]), &format!("/{field}/0"));
    }
    wrong
}

#[test]
fn invalid_bodies_get_a_4xx_that_names_the_fields() {
    let desk = Desk::open();
    let document = desk.nobody().get("//openapi.json").ok();
    let operations = operations(&desk);
    let before = desk.database.fingerprint();
    for operation in operations.iter().filter(|operation| operation.body.is_some()) {
        let name = format!("{} {}", operation.method, operation.template);
        for (body, status) in [
            ("{", 400),
            ("", 422),
            ("{\"a\": 1,}", 400),
            ("\u{feff}{}", 400),
            ("[]", 422),
            ("null", 422),
            ("7", 422),
            ("\"x\"", 422),
            ("{\"no_such_field\": 1}", 422),
            ("{\"__proto__\": {}}", 422),
        ] {
            // These can be asked for without any field, and are carried out.
            let is_all_optional = operation.body.as_ref().unwrap().is_empty()
                || ["createServiceAccountKey", "issueWebhookSecret", "retryWebhookDeliveries"]
                    .contains(&operation.id.as_str());
            let nothing_asked = body.is_empty() && is_all_optional;
            if nothing_asked {
                continue;
            }
            let answer = send(&desk, operation, body);
            // If no field is required, an empty body is valid, and the state of the resource decides.
            let sound = body.is_empty() && matches!(answer.status, 401 | 409);
            assert!(
                answer.status == status || sound,
                "{name} answered {body:?} with {} {}",
                answer.status,
                answer.text()
            );
        }
        let latin = send(&desk, operation, b"{\"x\": \"\xe9\"}".to_vec());
        assert_eq!(latin.status, 400, "{name}: {}", latin.text());
        let deep = send(&desk, operation, format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000)));
        assert_eq!(deep.status, 400, "{name}: {}", deep.text());
        let large = send(&desk, operation, vec![b' '; 1024 * 1024 + 1]);
        large.problem(413, "too_large");
        let complex = send(&desk, operation, format!("{{\"x\":[{}0]}}", "{\"\":0},".repeat(20_000)));
        complex.problem(413, "too_large");
        let typed = caller(&desk, operation).raw(&operation.method, &operation.path, "text/plain", "{}");
        typed.problem(415, "unsupported_media_type");
        // Each of its operations has a result of its own, with its faults: see `bulk`.
        if operation.id == "createTicketBulk" {
            continue;
        }
        // All fields are invalid at once, in different ways from one body to the next, and each is named.
        let fields = operation.body.as_ref().unwrap();
        let ways: Vec<_> = fields.iter().map(|(field, schema)| wrong_at(&document, field, schema)).collect();
        for way in 0..ways.iter().map(Vec::len).max().unwrap_or_default() {
            let wrong: Vec<&(String, Value)> = ways.iter().filter_map(|ways| ways.get(way)).collect();
            let body: Map<String, Value> =
                wrong.iter().flat_map(|(_, body)| body.as_object().unwrap().clone()).collect();
            let answer = send(&desk, operation, Value::Object(body).to_string());
            assert_eq!(answer.status, 422, "{name}: {} {}", answer.status, answer.text());
            let faults = answer.faults();
            for (pointer, body) in wrong {
                let told: String = body.to_string().chars().take(60).collect();
                let named =
                    faults.iter().any(|(at, _)| at == pointer || at.starts_with(&format!("{pointer}/")));
                assert!(named, "{name} {told}: {pointer} is not named: {}", answer.text());
            }
        }
    }
    assert_eq!(desk.database.fingerprint(), before, "an invalid request changed the database");
}

#[test]
fn invalid_query_parameters_get_a_400_that_names_them() {
    let desk = Desk::open();
    let document = desk.nobody().get("//openapi.json").ok();
    let operations = operations(&desk);
    let before = desk.database.fingerprint();
    for operation in operations.iter().filter(|operation| operation.method == "GET") {
        let query: Vec<&Value> =
            operation.parameters.iter().filter(|parameter| parameter["in"] == "query").collect();
        let ask = |query: &str| {
            caller(&desk, operation).get(&format!("{}?{query}", &operation.path["/api/v1".len() + 1..]))
        };
        if query.is_empty() {
            continue;
        }
        // The required parameters, so that the tested parameter is what is rejected.
        let needed: String = query
            .iter()
            .filter(|parameter| parameter["required"] == true)
            .map(|parameter| {
                let example = &parameter["example"];
                let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                format!("{}={example}&", parameter["name"].as_str().unwrap())
            })
            .collect();
        let refused = |name: &str, value: &str| {
            let others: String =
                needed.split_inclusive('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
            let answer = ask(&format!("{others}{name}={value}"));
            assert_eq!(
                answer.status,
                400,
                "{} {name}={value}: {} {}",
                operation.template,
                answer.status,
                answer.text()
            );
            if answer.json()["code"] != "invalid_cursor" {
                let named = answer.faults().into_iter().any(|(pointer, _)| pointer == format!("/{name}"));
                assert!(named, "{} {name}={value} is not named: {}", operation.template, answer.text());
            }
        };
        refused("no_such_parameter", "1");
        for parameter in query {
            let name = parameter["name"].as_str().unwrap();
            let mut schema = resolve(&document, &parameter["schema"]);
            if schema["items"].is_object() {
                schema = resolve(&document, &schema["items"]);
            }
            let types = types(&schema);
            if types.contains(&"integer") {
                for value in ["x", "", "1.5", "-1", "9223372036854775808", "1e3"] {
                    refused(name, value);
                }
            } else if types.contains(&"boolean") {
                refused(name, "maybe");
            } else if schema["enum"].is_array() || schema["format"].is_string() {
                refused(name, "no-such-thing");
            }
            refused(name, "a%00b");
            if let Some(limit) = schema["maxLength"].as_u64() {
                refused(name, &"x".repeat(usize::try_from(limit).unwrap() + 1));
            }
        }
    }
    let technician = desk.technician();
    for limit in ["0", "201", "-50"] {
        assert_eq!(technician.get(&format!("/tickets?limit={limit}")).faults()[0].0, "/limit");
    }
    for cursor in ["x", "%20", "e30", "eyJzIjoiLXJlY2VpdmVkX2F0IiwiayI6IngiLCJpIjoxfQ"] {
        technician.get(&format!("/tickets?cursor={cursor}")).problem(400, "invalid_cursor");
    }
    let cursor = technician.get("/users?limit=1").ok()["next_cursor"].as_str().unwrap().to_owned();
    technician.get(&format!("/tickets?cursor={cursor}")).problem(400, "invalid_cursor");
    technician.get(&format!("/users?sort=-name&cursor={cursor}")).problem(400, "invalid_cursor");
    assert_eq!(desk.database.fingerprint(), before);
}

#[test]
fn unknown_ids_get_404_in_paths_and_not_found_in_bodies() {
    let desk = Desk::open();
    let director = desk.director();
    for id in ["0", "-1", "999999", "9223372036854775807", "9223372036854775808", "abc", "1.0", "%00", "1%00"]
    {
        director.get(&format!("/tickets/{id}")).problem(404, "not_found");
        director.post(&format!("/tickets/{id}/closure"), json!({})).problem(404, "not_found");
    }
    for id in ["0", "x", "0197c0de-0000-7000-8000-000000000000", "0197c0de"] {
        director.delete(&format!("/tickets/1/relations/{id}")).problem(404, "not_found");
        for list in [
            "users",
            "absences",
            "units",
            "categories",
            "calendars",
            "kb/articles",
            "attachments",
            "messages",
            "survey-questions",
            "improvement-actions",
            "risks",
            "meeting-minutes",
            "indicators",
            "measurements",
        ] {
            director.get(&format!("/{list}/{id}")).problem(404, "not_found");
        }
    }
    director.patch("/attention-times/urgent", json!({"within_minutes": 1})).problem(404, "not_found");
    let nobody = json!("0197c0de-0000-7000-8000-000000000000");
    let one = desk.ticket_in("classified");
    let refused = |answer: Answer, pointer: &str| {
        assert_eq!(answer.faults(), [(pointer.to_owned(), "not_found".to_owned())])
    };
    refused(director.post(&format!("{one}/assignment"), json!({"assignee_id": nobody})), "/assignee_id");
    let ticket = json!({"subject": "x", "description": "x", "category_id": nobody});
    refused(director.post("/tickets", ticket), "/category_id");
    let classification = json!({"criticality": "low", "category_id": nobody});
    refused(director.post(&format!("{one}/classification"), classification), "/category_id");
    refused(director.post(&format!("{one}/merge"), json!({"into_ticket_id": 999_999})), "/into_ticket_id");
    let relation = json!({"kind": "caused_by", "ticket_id": i64::MAX});
    refused(director.post(&format!("{one}/relations"), relation), "/ticket_id");
    let ticket = json!({"subject": "x", "description": "x", "requester_id": nobody});
    refused(director.post("/tickets", ticket), "/requester_id");
    let ticket = json!({"subject": "x", "description": "x", "requester": {"unit_id": nobody}});
    refused(director.post("/tickets", ticket), "/requester/unit_id");
    refused(director.post("/units", json!({"name": "x", "head_id": nobody})), "/head_id");
    refused(director.patch("/attention-times/low", json!({"calendar_id": nobody})), "/calendar_id");
    let article = json!({"title": "x", "incident": "x", "resolution": "x", "ticket_id": 999_999});
    refused(director.post("/kb/articles", article), "/ticket_id");
    let user = json!({"email": "x@mesa.test", "password": "una-clave-larga", "role": "requester", "full_name": "x", "unit_id": nobody});
    refused(director.post("/users", user), "/unit_id");
}

#[test]
fn special_characters_are_stored_and_searched_as_text() {
    let desk = Desk::open();
    let requester = desk.requester();
    for words in [
        "'; DROP TABLE tickets; --",
        "<script>alert(1)</script>",
        "🖨️ 打印机 مطبعة",
        "%_\\",
        "{{7*7}}",
        "\\u0000",
    ] {
        let ticket = requester.post("/tickets", json!({"subject": words, "description": words})).created();
        assert_eq!(ticket["subject"], words);
        let query: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
        for list in ["/tickets", "/kb/articles"] {
            requester.get(&format!("{list}?q={query}")).ok();
        }
        desk.director().get(&format!("/users?q={query}")).ok();
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 6);
}

#[test]
fn a_problem_names_at_most_a_hundred_faults() {
    let desk = Desk::open();
    let unknown: serde_json::Map<String, Value> =
        (0..3_000).map(|n| (format!("campo_{n}"), json!(n))).collect();
    let answer = desk.nobody().post("/auth/login", Value::Object(unknown));
    assert_eq!(answer.faults().len(), 100);
    let article = json!({"title": "x", "incident": "x", "resolution": "x", "steps": vec![7; 40_000]});
    let answer = desk.technician().post("/kb/articles", article);
    assert!((1..=100).contains(&answer.faults().len()));
    // The limit applies to faults that a handler finds, too: no attendee has a name.
    let nameless = json!({"held_on": "2026-10-09", "agenda": ["x"], "attendees": vec![json!({}); 150]});
    assert_eq!(desk.technician().post("/meeting-minutes", nameless).faults().len(), 100);
}

#[test]
fn a_forged_cursor_is_rejected() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let desk = Desk::open();
    let director = desk.director();
    let ask = |path: &str, cursor: Value| {
        director.get(&format!("{path}?cursor={}", URL_SAFE_NO_PAD.encode(cursor.to_string())))
    };
    for time in ["-5000-01-01T00:00:00Z", "+99999-01-01T00:00:00Z", "+262142-12-31T00:00:00Z"] {
        ask("/tickets", json!({"s": "-received_at", "k": time, "i": 1})).problem(400, "invalid_cursor");
    }
    let id = "0197c0de-0000-7000-8000-000000000000";
    ask("/users", json!({"s": "name", "k": "a\u{0}b", "i": id})).problem(400, "invalid_cursor");
    ask("/users", json!({"s": "name", "k": "2026", "i": id})).problem(400, "invalid_cursor");
}

#[test]
fn a_cursor_is_valid_for_one_list_and_its_filters_only() {
    let desk = Desk::open();
    let director = desk.director();
    for name in ["Salud", "Hacienda", "Deportes"] {
        director.post("/units", json!({"name": name})).created();
    }
    let next = |path: &str| director.get(path).ok()["next_cursor"].as_str().unwrap().to_owned();
    let cursor = next("/units?limit=1");
    let with = |path: &str| director.get(&format!("{path}cursor={cursor}"));
    with("/units?limit=2&sort=name&with_total=true&").ok();
    with("/users?").problem(400, "invalid_cursor");
    with("/units?active=true&").problem(400, "invalid_cursor");
    let changed: String = cursor.char_indices().map(|(at, c)| if at == 9 { 'x' } else { c }).collect();
    director.get(&format!("/units?cursor={changed}")).problem(400, "invalid_cursor");
    let cursor = next("/users?role=director&role=technician&limit=1");
    director.get(&format!("/users?role=technician&role=director&cursor={cursor}")).ok();
    director.get(&format!("/users?role=technician&cursor={cursor}")).problem(400, "invalid_cursor");
}

#[test]
fn times_outside_the_supported_years_are_rejected() {
    let desk = Desk::open();
    for time in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00%2B05:00"] {
        let answer = desk.technician().get(&format!("/tickets?received_from={time}"));
        assert_eq!(answer.faults(), [("/received_from".into(), "wrong_format".into())], "{time}");
    }
    desk.technician().get("/tickets?received_from=9999-12-31T23:59:59Z").ok();
}

#[test]
fn a_repeated_parameter_is_named_if_its_name_is_valid() {
    let desk = Desk::open();
    let technician = desk.technician();
    assert_eq!(technician.get("/tickets?sort=id&sort=id").faults()[0].0, "/sort");
    assert_eq!(
        technician.get("/risks/matrix?a%00b=1&a%00b=2").faults(),
        [(String::new(), "not_allowed".to_owned())]
    );
}
