//! The OWASP API Security Top 10 of 2023, item by item. A topic that another file tests in detail is tested here once.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Desk, SECRET};

/// API1, broken object level authorization: ids of another person's resources in every place that accepts an id.
/// `policy` tests every action.
#[test]
fn api1_ids_of_other_peoples_resources_give_no_access() {
    let desk = Desk::open();
    let (owner, other) = (desk.another(Role::Requester), desk.another(Role::Requester));
    let ticket = owner.register("Sin red")["id"].clone();
    let mine = other.register("Sin correo")["id"].clone();
    let one = format!("/tickets/{ticket}");
    let file = owner.upload(&format!("{one}/attachments"), "nota.txt", "hola").created();
    let entry =
        owner.post(&format!("{one}/followups"), json!({"visibility": "public", "body": "Hola."})).created();
    let file = format!("/attachments/{}", file["id"].as_str().unwrap());

    // In the path, also below an own resource.
    for path in
        ["", "/followups", "/attachments", "/timeline", "/attention", "/relations", "/suggestions", "/survey"]
    {
        other.get(&format!("{one}{path}")).problem(404, "not_found");
    }
    other.get(&file).problem(404, "not_found");
    other.get(&format!("{file}/content")).problem(404, "not_found");
    let below = format!("/tickets/{mine}/followups/{}", entry["id"].as_str().unwrap());
    other.get(&below).problem(404, "not_found");
    for step in ["closure", "reopening", "archive", "resubmission", "followups", "survey"] {
        let answer = other.post(&format!("{one}/{step}"), json!({}));
        assert!(matches!(answer.status, 403 | 404), "{step}: {}", answer.text());
    }

    // In the query: the result contains nothing of other people.
    for filter in [format!("requester_id={}", owner.id()), "q=red".to_owned()] {
        let answer = other.get(&format!("/tickets?with_total=true&{filter}"));
        let is_empty = || answer.items().is_empty() && answer.ok()["total"] == 0;
        assert!(answer.status == 400 || is_empty(), "{filter}: {}", answer.text());
    }

    // In the body.
    let for_the_owner = json!({"subject": "Sin red", "description": "x", "requester_id": owner.id()});
    other.post("/tickets", for_the_owner).problem(403, "forbidden");
    let change = json!({"subject": "Otro", "requester_id": owner.id()});
    assert_eq!(other.patch(&format!("/tickets/{mine}"), change).faults()[0].1, "unknown_field");

    // In a cursor: it contains a position in a list and gives no access.
    owner.register("Sin teléfono");
    let next = owner.get("/tickets?limit=1").ok()["next_cursor"].clone();
    let answer = other.get(&format!("/tickets?limit=1&cursor={}", next.as_str().unwrap()));
    assert!(answer.status == 400 || answer.items().iter().all(|one| one["id"] == mine), "{}", answer.text());

    // With the same idempotency key: each account has its own keys.
    let (owner, other) =
        (owner.with("idempotency-key", "la-misma"), other.with("idempotency-key", "la-misma"));
    assert_ne!(owner.register("Sin red")["id"], other.register("Sin red")["id"]);
}

/// A token with this header and secret, and with these claims instead of the valid ones.
fn token(desk: &Desk, header: &Header, secret: &str, other: Value) -> String {
    let now = chrono::Utc::now().timestamp();
    let mut claims = json!({
        "sub": desk.director().id(), "locale": "es", "era": 0, "iss": "mesa", "aud": "mesa", "iat": now, "exp": now + 60
    });
    claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    jsonwebtoken::encode(header, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// API2, broken authentication. `auth` tests signing in and out, and the delays after wrong passwords.
#[test]
fn api2_only_current_tokens_signed_by_this_server_are_valid() {
    let desk = Desk::open();
    let who = |token: &str| desk.nobody().holding(token).get("/me");
    let true_one = desk.director().door().1.to_owned();
    let header = jsonwebtoken::decode_header(&true_one).unwrap();
    who(&token(&desk, &header, SECRET, json!({}))).ok();
    let now = chrono::Utc::now().timestamp();
    let algorithm = |alg| Header { alg, ..header.clone() };
    let kid = |kid: &str| Header { kid: Some(kid.to_owned()), ..header.clone() };
    let nobody = "01a20f26-0000-7000-8000-000000000000";
    let mut refused = vec![
        token(&desk, &algorithm(Algorithm::HS384), SECRET, json!({})),
        token(&desk, &header, "another server's secret, of 32 bytes", json!({})),
        token(&desk, &header, "", json!({})),
        token(&desk, &kid("../../../../dev/null"), "", json!({})),
        token(&desk, &kid("' UNION SELECT 'secret' --"), "secret", json!({})),
        token(&desk, &Header { kid: None, ..header.clone() }, SECRET, json!({})),
        token(&desk, &header, SECRET, json!({"exp": now - 60})),
        token(&desk, &header, SECRET, json!({"nbf": now + 60})),
        token(&desk, &header, SECRET, json!({"iss": "another"})),
        token(&desk, &header, SECRET, json!({"aud": "another"})),
        token(&desk, &header, SECRET, json!({"sub": nobody})),
        token(&desk, &header, SECRET, json!({"era": 7})),
        token(&desk, &header, SECRET, json!({"exp": null})),
    ];
    // Tokens with valid claims that are unsigned or signed with a public key.
    let parts: Vec<&str> = true_one.split('.').collect();
    for alg in ["none", "None", "RS256", "ES256", "HS256 "] {
        let header = json!({"alg": alg, "typ": "JWT", "kid": header.kid});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        refused.push(format!("{header}.{}.", parts[1]));
        refused.push(format!("{header}.{}.{}", parts[1], parts[2]));
    }
    // Tokens with the valid signature of other claims, and truncated tokens.
    let more =
        URL_SAFE_NO_PAD.encode(json!({"sub": desk.director().id(), "exp": now + 9_999_999}).to_string());
    refused.push(format!("{}.{more}.{}", parts[0], parts[2]));
    refused.push(format!("{}.{}", parts[0], parts[1]));
    for token in refused {
        who(&token).problem(401, "unauthenticated");
    }
}

/// API3, broken object property level authorization: properties that no one may set, or that not every role may read.
#[test]
fn api3_restricted_properties_can_be_neither_set_nor_read() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = format!("/tickets/{}", requester.register("Sin red")["id"]);
    for property in [
        "id",
        "status",
        "criticality",
        "assignee_id",
        "support_level",
        "received_at",
        "version",
        "registered_by_id",
        "attention_due_at",
        "reopened_count",
    ] {
        let refused = requester.patch(&one, json!({property: 1, "subject": "Otro"}));
        assert_eq!(refused.faults(), [(format!("/{property}"), "unknown_field".into())]);
        let mut new = json!({"subject": "Sin red", "description": "x"});
        new[property] = json!(1);
        assert_eq!(requester.post("/tickets", new).faults()[0].1, "unknown_field", "{property}");
    }
    for property in ["role", "email", "active", "unit_id", "full_name", "password", "password_hash"] {
        let refused = requester.patch("/me", json!({property: "director"}));
        assert_eq!(refused.faults(), [(format!("/{property}"), "unknown_field".into())]);
    }
    let staff = desk.technician();
    staff
        .post(&format!("{one}/followups"), json!({"visibility": "private", "body": "Es el switch."}))
        .created();
    let seen = format!("{}{}", requester.get(&format!("{one}/timeline")).text(), requester.get(&one).text());
    assert!(!seen.contains("switch") && !seen.contains("password"), "{seen}");
    requester.get("/tickets?expand=assignee").problem(400, "invalid_query");
    let accounts = desk.director().get("/users").text();
    assert!(!accounts.contains("argon2") && !accounts.contains("password_hash"));
}

/// API4, unrestricted resource consumption. `doors` tests the limits of requests, `attachments` those of files.
#[test]
fn api4_the_work_for_one_request_is_limited() {
    let desk = Desk::open();
    let staff = desk.technician();
    for list in ["/tickets", "/users", "/messages", "/kb/articles", "/inbound-emails"] {
        assert_eq!(desk.director().get(&format!("{list}?limit=201")).faults()[0].0, "/limit", "{list}");
    }
    let long = "a".repeat(1024 * 1024 + 1);
    staff.post("/tickets", json!({"subject": "x", "description": long})).problem(413, "too_large");
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    staff.raw("POST", "/tickets", "application/json", deep).problem(400, "bad_request");
    let years = staff.get("/statistics?from_date=1000-01-01&through_date=2026-01-01&interval=day");
    assert_eq!(years.status, 400, "{}", years.text());
    let many = "status=received&".repeat(500);
    assert!(staff.get(&format!("/tickets?{many}")).status < 500);
}

/// API5, broken function level authorization: `roles` calls every operation as each role; this test covers those of
/// the director.
#[test]
fn api5_other_roles_cannot_call_operations_of_the_director() {
    let desk = Desk::open();
    for role in [Role::Requester, Role::Technician] {
        let client = desk.another(role);
        for (method, path) in [
            ("POST", "/users".to_owned()),
            ("PATCH", format!("/users/{}", client.id())),
            ("POST", format!("/users/{}/anonymization", desk.requester().id())),
            ("PATCH", "/attention-times/low".to_owned()),
            ("PATCH", "/retention-rules/surveys".to_owned()),
            ("POST", "/reports/quarterly/2020/1/approval".to_owned()),
            ("GET", "/audit/verification".to_owned()),
        ] {
            client.raw(method, &path, "application/json", "{}").problem(403, "forbidden");
        }
        // Other spellings of the path and a method in a header give no access either.
        for path in
            ["//api/v1/Users", "//api/v1/users/", "//api/v1//users", "//api//v1/users", "//API/v1/users"]
        {
            assert_eq!(client.raw("POST", path, "application/json", "{}").status, 404, "{path}");
        }
        let asked = client.with("x-http-method-override", "PATCH").get("/attention-times/low");
        assert_eq!(asked.ok()["within_minutes"], 1080);
    }
}

/// API6, unrestricted access to sensitive business flows: an action that is allowed once cannot be repeated.
#[test]
fn api6_a_survey_is_answered_once_and_only_by_the_requester() {
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    let ratings = json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}});
    for staff in [desk.technician(), desk.director()] {
        staff.post(&format!("{one}/survey"), ratings.clone()).problem(403, "forbidden");
    }
    desk.requester().post(&format!("{one}/survey"), ratings.clone()).created();
    desk.requester().post(&format!("{one}/survey"), ratings).problem(409, "already_answered");
}

/// API7, server side request forgery: the server calls no address that a client sends, except those of webhooks.
#[test]
fn api7_no_field_of_a_request_is_an_address_to_call() {
    let document = Desk::open().nobody().get("//openapi.json").ok();
    let mut bodies = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for content in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                fields(&document, &content.1["schema"], &format!("{method} {path}"), &mut bodies, 0);
            }
        }
    }
    assert!(bodies.len() > 100, "{}", bodies.len());
    // The references of an article are only shown to users; `knowledge` never opens them.
    // The address of a webhook is called, but checked after its resolution: see `webhook_addresses`.
    bodies.retain(|(field, _)| !field.ends_with("/references/url") && !field.contains("/api/v1/webhooks"));
    for (field, schema) in bodies {
        let name = field.rsplit('/').next().unwrap();
        let is_address = ["url", "uri", "webhook", "callback", "host", "link", "href"].contains(&name);
        assert!(!is_address && schema["format"] != "uri", "{field}");
    }
}

/// Collects every field that a schema lets a client send.
fn fields(document: &Value, schema: &Value, at: &str, found: &mut Vec<(String, Value)>, depth: u8) {
    if depth > 8 {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&reference[1..]).unwrap(), at, found, depth + 1);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for one in schema[choice].as_array().into_iter().flatten() {
            fields(document, one, at, found, depth + 1);
        }
    }
    if let Some(items) = schema.get("items") {
        fields(document, items, at, found, depth + 1);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        found.push((at.clone(), property.clone()));
        fields(document, property, &at, found, depth + 1);
    }
}

/// API8, security misconfiguration.
#[test]
fn api8_responses_have_security_headers_and_no_internal_details() {
    let desk = Desk::open();
    let technician = desk.technician();
    for (client, path) in [
        (&technician, "/me"),
        (&technician, "/nothing"),
        (&desk.nobody(), "/me"),
        (&desk.nobody(), "//docs/"),
        (&desk.nobody(), "//health/ready"),
    ] {
        let answer = client.with("origin", "https://elsewhere.example").get(path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert_eq!((answer.header("server"), answer.header("x-powered-by")), ("", ""), "{path}");
    }
    assert!(
        desk.nobody().get("//docs/").header("content-security-policy").contains("frame-ancestors 'none'")
    );
    for method in ["TRACE", "CONNECT", "PROPFIND"] {
        let answer = desk.technician().raw(method, "/tickets", "application/json", "");
        assert!(matches!(answer.status, 404 | 405), "{method}: {}", answer.status);
    }
    // Errors contain no messages of PostgreSQL or of libraries.
    for odd in
        ["/tickets/%00", "/tickets/99999999999999999999", "/users/'%20OR%20'1'='1", "/tickets?q=%27%3B--"]
    {
        let answer = technician.get(odd);
        assert!(answer.status < 500, "{odd}: {}", answer.status);
        let text = answer.text().to_lowercase();
        assert!(
            ["postgres", "diesel", "select ", "panicked", ".rs:"].iter().all(|word| !text.contains(word)),
            "{text}"
        );
    }
}

/// API9, improper inventory management: only the paths of the contract exist, each of them once.
#[test]
fn api9_paths_outside_the_contract_do_not_exist() {
    let desk = Desk::open();
    for path in [
        "//api",
        "//api/v1",
        "//api/v2/tickets",
        "//v1/tickets",
        "//tickets",
        "//admin",
        "//.env",
        "//.git/config",
        "//swagger.json",
        "//api-docs",
        "//actuator",
        "//debug",
        "//graphql",
    ] {
        assert_eq!(desk.director().get(path).status, 404, "{path}");
    }
    // Sent unchanged, because an HTTP client normalizes paths before it sends them.
    for path in ["/docs/../Cargo.toml", "/docs/%2e%2e/Cargo.toml"] {
        let mut line = TcpStream::connect(desk.nobody().door().0).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: mesa\r\nConnection: close\r\n\r\n");
        line.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    // Metrics contain no personal data.
    let metrics = desk.nobody().get("//metrics").text();
    assert!(!metrics.contains('@') && !metrics.to_lowercase().contains("rosa"), "{metrics}");
}

/// API10, unsafe consumption of APIs: data received by mail is trusted as little as data received over HTTP. `inbound`
/// tests hundreds of unusual messages.
#[test]
fn api10_data_received_by_mail_is_made_harmless() {
    let desk = Desk::open();
    let mail = "From: requester@mesa.test\nMessage-ID: <x@mesa.test>\nSubject: <script>alert(1)</script>\n\
        Content-Type: text/html\n\n<p>Sin red</p><script>alert(2)</script><img src=x onerror=alert(3)>";
    let taken = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let one = format!("/tickets/{}", taken["ticket_id"]);
    let ticket = desk.requester().get(&one).ok();
    let description = ticket["description"].as_str().unwrap();
    assert!(description.contains("Sin red") && !description.contains("alert("), "{description}");
    let original = desk.director().get(&format!("/inbound-emails/{}/raw", taken["id"].as_str().unwrap()));
    assert_eq!(original.header("x-content-type-options"), "nosniff");
    assert!(original.header("content-disposition").starts_with("attachment"));
    // A page is only downloaded, never opened as a page of this server.
    let page = desk.technician().upload(
        &format!("{one}/attachments"),
        "page.html",
        "<html><script>alert(1)</script></html>",
    );
    let file = format!("/attachments/{}/content", page.created()["id"].as_str().unwrap());
    let answer = desk.technician().get(&file);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-disposition").starts_with("attachment"));
}
