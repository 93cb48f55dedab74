//! A refresh token that is sent again: immediately after its first use, and later.

use std::thread;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Desk, PASSWORD};

fn sign_in(desk: &Desk) -> Value {
    desk.nobody().post("/auth/login", json!({"email": "technician@mesa.test", "password": PASSWORD})).ok()
}

fn refresh(client: &Client, session: &Value) -> Answer {
    client.post("/auth/refresh", json!({"refresh_token": session["refresh_token"]}))
}

#[test]
fn a_token_sent_to_two_copies_at_once_yields_one_successor() {
    let desk = Desk::open();
    let copy = desk.copy();
    let session = sign_in(&desk);
    let callers = [desk.nobody(), copy.client(&desk.nobody())];
    let answers: Vec<Value> = thread::scope(|scope| {
        let calls: Vec<_> = (0..10)
            .map(|n| {
                let (caller, session) = (&callers[n % 2], &session);
                scope.spawn(move || refresh(caller, session).ok())
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let successor = &answers[0]["refresh_token"];
    assert_ne!(*successor, session["refresh_token"]);
    assert!(answers.iter().all(|answer| answer["refresh_token"] == *successor));
    for answer in &answers {
        desk.nobody().holding(answer["access_token"].as_str().unwrap()).get("/me").ok();
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM refresh_tokens"), 2);
    // The new token works, and it is not stored in clear text.
    refresh(&desk.nobody(), &answers[9]).ok();
    let clear = format!(
        "SELECT count(*) FROM refresh_tokens WHERE token_hash = convert_to('{}', 'UTF8')",
        successor.as_str().unwrap()
    );
    assert_eq!(desk.database.count(&clear), 0);
}

#[test]
fn a_token_sent_again_later_ends_the_sign_in_and_creates_an_event() {
    let desk = Desk::open();
    let session = sign_in(&desk);
    let next = refresh(&desk.nobody(), &session).ok();
    desk.database.run("UPDATE refresh_tokens SET used_at = used_at - interval '28 seconds'");
    assert_eq!(refresh(&desk.nobody(), &session).ok()["refresh_token"], next["refresh_token"]);
    desk.database.run("UPDATE refresh_tokens SET used_at = used_at - interval '3 seconds'");
    refresh(&desk.nobody(), &session).problem(401, "invalid_refresh_token");
    refresh(&desk.nobody(), &next).problem(401, "invalid_refresh_token");
    refresh(&desk.nobody(), &session).problem(401, "invalid_refresh_token");
    let events = "SELECT count(*) FROM audit_events WHERE kind = 'refresh_token_reused'";
    assert_eq!(desk.database.count(events), 1);
}

#[test]
fn a_repeated_refresh_fails_after_a_sign_out() {
    let desk = Desk::open();
    let session = sign_in(&desk);
    let next = refresh(&desk.nobody(), &session).ok();
    let token = json!({"refresh_token": next["refresh_token"]});
    assert_eq!(desk.nobody().post("/auth/logout", token).status, 204);
    refresh(&desk.nobody(), &session).problem(401, "invalid_refresh_token");
}

#[test]
fn a_changed_secret_does_not_change_the_successor() {
    use crate::harness::SECRET;
    let desk = Desk::open();
    let session = sign_in(&desk);
    let next = refresh(&desk.nobody(), &session).ok();
    let new = mesa::auth::tokens::Tokens::new("another secret of the tests, 32 bytes", Some(SECRET));
    let successors = new.successors(session["refresh_token"].as_str().unwrap()).unwrap();
    assert_eq!(successors[1], next["refresh_token"].as_str().unwrap());
}
