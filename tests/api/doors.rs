//! Access of clients: rate limits, CORS, OAuth 2, common response headers, and pages about problems.

use serde_json::json;

use crate::harness::{Answer, Desk, PASSWORD};

#[test]
fn requests_beyond_the_limit_get_429_with_retry_after() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "5")]);
    let (technician, director) = (desk.technician(), desk.director());
    for left in [4, 3, 2, 1, 0] {
        let answer = technician.get("/me");
        answer.ok();
        assert_eq!(answer.header("ratelimit-policy"), "\"client\";q=5;w=60");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"client\";r={left};t=")),
            "{:?}",
            answer.headers
        );
    }
    let refused = technician.get("/me");
    refused.problem(429, "too_many_requests");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&wait), "{wait}");
    // Other clients and liveness checks are not affected.
    director.get("/me").ok();
    desk.nobody().get("//health/live").ok();
}

#[test]
fn requests_without_a_valid_token_are_limited_by_address() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "3"), ("MESA_TRUSTED_PROXIES", "127.0.0.1")]);
    let wrong = |from: &str| {
        let client = desk.nobody().with("x-forwarded-for", from).holding("not.a.token");
        client.get("/me").status
    };
    let answers = ["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"].map(wrong);
    assert_eq!(answers, [401, 401, 401, 429, 401]);
    // An IPv6 client can use any address of its /64.
    let addresses =
        ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3::", "2001:db8:1:2:f::9", "2001:db8:1:3::1"];
    assert_eq!(addresses.map(wrong), [401, 401, 401, 429, 401]);
}

#[test]
fn configured_cors_origins_are_allowed_and_others_are_not() {
    let desk = Desk::configured(&[("MESA_CORS_ORIGINS", "https://portal.example, https://otro.example")]);
    let preflight = |origin: &str| {
        let client = desk.nobody().with("origin", origin);
        let client = client.with("access-control-request-method", "POST");
        let client =
            client.with("access-control-request-headers", "authorization,content-type,idempotency-key");
        client.raw("OPTIONS", "/tickets", "application/json", "")
    };
    let let_in = preflight("https://portal.example");
    assert_eq!(let_in.status, 200);
    assert_eq!(let_in.header("access-control-allow-origin"), "https://portal.example");
    assert!(let_in.header("access-control-allow-headers").contains("idempotency-key"));
    assert_eq!(preflight("https://evil.example").header("access-control-allow-origin"), "");

    // The headers are on answers and problems as well, so a page can read errors.
    let page = desk.technician().with("origin", "https://otro.example");
    for answer in [page.get("/me"), page.get("/tickets/999"), page.get("/tickets?no_such=1")] {
        assert_eq!(answer.header("access-control-allow-origin"), "https://otro.example", "{}", answer.text());
        assert!(answer.header("access-control-expose-headers").to_lowercase().contains("etag"));
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    let other = desk.technician().with("origin", "https://evil.example").get("/me");
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, ""));
    let closed = Desk::open();
    let answer = closed.technician().with("origin", "https://portal.example").get("/me");
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[test]
fn every_answer_has_a_request_id_and_staff_get_server_timing() {
    let desk = Desk::open();
    let answer = desk.technician().with("x-request-id", "mi-peticion-7").get("/me");
    assert_eq!(answer.header("x-request-id"), "mi-peticion-7");
    let timing = answer.header("server-timing");
    assert!(timing.starts_with("db;dur=") && timing.contains(", total;dur="), "{timing}");
    let answer = desk.nobody().get("/me");
    assert_eq!(answer.header("x-request-id").len(), 36);
    // Callers who are not staff get no timing, because it depends on the database.
    assert_eq!(answer.header("server-timing"), "");
    for path in ["/me", "/tickets?q=red", "/tickets/1", "/users"] {
        let answer = desk.requester().get(path);
        assert_eq!(answer.header("server-timing"), "", "{path}");
    }
}

#[test]
fn an_oauth_2_client_can_sign_in_and_refresh() {
    let desk = Desk::open();
    let ask = |form: &str| {
        desk.nobody().raw("POST", "/auth/token", "application/x-www-form-urlencoded", form.to_owned())
    };
    let named = |answer: Answer| answer.faults();
    let session = ask(&format!(
        "grant_type=password&username=Technician%40mesa.test&password={PASSWORD}&scope=technician&client_id=x"
    ))
    .ok();
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(900)));
    let me = desk.nobody().holding(session["access_token"].as_str().unwrap()).get("/me").ok();
    assert_eq!(me["email"], "technician@mesa.test");
    let refresh = session["refresh_token"].as_str().unwrap();
    ask(&format!("grant_type=refresh_token&refresh_token={refresh}")).ok();
    desk.database.run("UPDATE refresh_tokens SET used_at = used_at - interval '31 seconds'");
    ask(&format!("grant_type=refresh_token&refresh_token={refresh}")).problem(401, "invalid_refresh_token");
    let wrong = ask("grant_type=password&username=technician%40mesa.test&password=otra-clave");
    assert_eq!(wrong.problem(401, "invalid_credentials")["error"], "invalid_grant");
    let kept = ask(&format!("grant_type=password&username=technician%40mesa.test&password={PASSWORD}"));
    assert_eq!(kept.header("cache-control"), "no-store");
    assert_eq!(named(ask("grant_type=implicit")), [("/grant_type".into(), "not_allowed".into())]);
    assert_eq!(named(ask("")), [("/grant_type".into(), "not_allowed".into())]);
    assert_eq!(
        named(ask("grant_type=password&username=a%00b")),
        [("/username".into(), "too_long".into()), ("/password".into(), "required".into())]
    );
    let json = desk.nobody().post("/auth/token", json!({"grant_type": "password"}));
    json.problem(415, "unsupported_media_type");
}

#[test]
fn the_type_of_a_problem_is_the_url_of_a_page_about_it() {
    let desk = Desk::open();
    let problem = desk.technician().get("/tickets/999999").problem(404, "not_found");
    let path = format!("/{}", problem["type"].as_str().unwrap());
    let page = desk.nobody().get(&path);
    assert!(page.header("content-type").starts_with("text/html"), "{:?}", page.headers);
    assert!(page.text().contains("<h1 id=\"not_found\">No existe</h1>"), "{}", page.text());
    let english = desk.nobody().with("accept-language", "en").get(&path);
    assert!(english.text().contains("Not found") && english.header("content-language") == "en");
    for code in mesa::problem::Code::ALL {
        assert_eq!(desk.nobody().get(&format!("//problems/{}", code.as_str())).status, 200, "{code:?}");
    }
    assert!(desk.nobody().get("//problems").text().contains("id=\"too_many_requests\""));
    desk.nobody().get("//problems/no_such").problem(404, "not_found");
}
