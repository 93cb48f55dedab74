//! Lockouts after wrong passwords are the same for addresses with and without an account, from every network.

use serde_json::{Value, json};

use crate::harness::{Answer, Desk, PASSWORD};

/// What a caller can compare of an answer: its status, the names of its headers and its body.
fn told(answer: &Answer) -> (u16, Vec<String>, Value) {
    let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, headers, answer.json())
}

#[test]
fn known_and_unknown_addresses_get_the_same_answers_after_failed_attempts() {
    let desk = Desk::configured(&[("MESA_TRUSTED_PROXIES", "127.0.0.1")]);
    let person = desk.technician();
    let login = |email: &str, from: &str, password: &str| {
        let caller = desk.nobody().with("x-forwarded-for", from);
        caller.post("/auth/login", json!({"email": email, "password": password}))
    };
    let token = |email: &str, from: &str| {
        let form = format!("grant_type=password&username={email}&password=no-es-esta-clave");
        let caller = desk.nobody().with("x-forwarded-for", from);
        caller.raw("POST", "/auth/token", "application/x-www-form-urlencoded", form)
    };
    // The office: a network from which the user has signed in.
    login(person.email(), "203.0.113.1", PASSWORD).ok();
    let seen = |email: &str| {
        for network in 0..21 {
            login(email, &format!("198.51.100.{network}"), "no-es-esta-clave");
        }
        // No lockout ends while this test runs.
        desk.database
            .run("UPDATE sign_in_attempts SET next_at = now() + interval '10 minutes' WHERE attempts > 20");
        let office = "203.0.113.1";
        [
            login(email, office, "no-es-esta-clave"),
            token(email, office),
            login(email, "198.51.100.200", "no-es-esta-clave"),
            token(email, "198.51.100.200"),
        ]
        .map(|answer| told(&answer))
    };
    let (known, unknown) = (seen(person.email()), seen("nobody@mesa.test"));
    assert_eq!(known, unknown);
    assert_eq!((known[0].0, known[2].0), (401, 429));
    // Attempts from other networks do not lock out users in the office.
    login(person.email(), "203.0.113.1", PASSWORD).ok();
    login("director@mesa.test", "203.0.113.1", PASSWORD).ok();
}

#[test]
fn reset_requests_for_known_and_unknown_addresses_are_limited_alike() {
    let desk = Desk::configured(&[("MESA_TRUSTED_PROXIES", "127.0.0.1")]);
    let ask = |email: &str, from: &str| {
        let caller = desk.nobody().with("x-forwarded-for", from);
        caller.post("/auth/password-reset", json!({"email": email}))
    };
    let seen = |email: &str, from: &str| {
        let mut seen: Vec<_> =
            (0..3).map(|_| ask(email, from)).map(|answer| (answer.status, answer.text())).collect();
        desk.database
            .run("UPDATE sign_in_attempts SET next_at = next_at + interval '10 minutes' WHERE attempts > 3");
        let fourth = ask(email, from);
        seen.push((fourth.status, fourth.text()));
        desk.database
            .run("UPDATE sign_in_attempts SET next_at = now() + interval '10 minutes' WHERE attempts > 3");
        ask(email, from).problem(429, "too_many_attempts");
        seen
    };
    let known = seen("technician@mesa.test", "203.0.113.1");
    assert_eq!(known, seen("nobody@mesa.test", "203.0.113.2"));
    assert_eq!(known[0], (202, String::new()));
    // The account is looked up later, by the routine.
    assert_eq!(desk.database.count("SELECT count(*) FROM password_reset_requests"), 8);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), 0);
    let shared = desk.shared();
    mesa::server::routine::once(&mut shared.db.connection().unwrap(), &shared.config);
    assert_eq!(desk.database.count("SELECT count(*) FROM password_reset_requests"), 0);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'password_reset'"), 1);
}
