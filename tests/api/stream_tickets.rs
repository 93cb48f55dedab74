//! Tickets with which a browser opens a stream of events: used once, at any copy, by one path, and no longer than the sign-in
//! or key that they were made with.

use std::thread;
use std::time::{Duration, Instant};

use mesa::auth::policy::Role;
use mesa::language::locale::Locale;
use mesa::server::routine;
use serde_json::{Value, json};

use crate::harness::{Client, Desk, logs, moment};
use crate::service_accounts::{machine, new_key};

/// A ticket, and the path of the stream with it, for a second.
fn issue(client: &Client) -> (Value, String) {
    let answer = client.post("/events/stream-tickets", json!({}));
    let issued = answer.created();
    assert_eq!(answer.header("cache-control"), "no-store");
    let ticket = issued["stream_ticket"].as_str().unwrap();
    logs::keep_secret(ticket);
    assert!(!answer.header("location").contains(ticket));
    let path = issued["link"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    let path = format!("{path}&seconds=1");
    (issued, path)
}

#[test]
fn a_ticket_opens_the_stream_once_at_another_copy() {
    let desk = Desk::open();
    let (copy, technician, nobody) = (desk.copy(), desk.technician(), desk.nobody());
    desk.requester().register("Sin red");
    let (issued, path) = issue(&technician);
    let stream = copy.client(&nobody).get(&format!("{path}&after=start"));
    assert_eq!(stream.header("content-type"), "text/event-stream; charset=utf-8");
    assert!(stream.text().contains("co.mesa.ticket.received.v1"));
    for again in [&nobody, &copy.client(&nobody)] {
        again.get(&path).problem(401, "unauthenticated");
    }
    // Of several at once one gets it.
    let (_, path) = issue(&technician);
    let opened = thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| nobody.get(&path).status)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(opened, 1);
    // Kept as a hash, for half a minute.
    let (kept, _) = issue(&technician);
    let ticket = kept["stream_ticket"].as_str().unwrap();
    let hashed = format!("SELECT count(*) FROM stream_tickets WHERE token_hash = sha256('{ticket}')");
    assert_eq!(desk.database.count(&hashed), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM stream_tickets"), 1);
    let rest = moment(&issued["expires_at"]) - chrono::Utc::now();
    assert!(rest.num_seconds() <= 30, "{issued}");
}

#[test]
fn nothing_but_the_stream_accepts_a_ticket() {
    let desk = Desk::open();
    let (technician, nobody) = (desk.technician(), desk.nobody());
    let (issued, path) = issue(&technician);
    let ticket = issued["stream_ticket"].as_str().unwrap();
    for other in ["/events", "/tickets", "/me"] {
        nobody.get(&format!("{other}?ticket={ticket}")).problem(401, "unauthenticated");
        nobody.holding(ticket).get(other).problem(401, "unauthenticated");
    }
    nobody.holding(ticket).get("/events/stream?seconds=1").problem(401, "unauthenticated");
    nobody
        .post(&format!("/events/stream-tickets?ticket={ticket}"), json!({}))
        .problem(401, "unauthenticated");
    nobody.raw("HEAD", &path, "", "").expect_status(401);
    // Beside a token the ticket is neither used nor used up.
    nobody.holding("no-token").get(&path).problem(401, "unauthenticated");
    technician.get(&path).expect_status(200);
    nobody.get(&path).expect_status(200);
    nobody.post("/events/stream-tickets", json!({})).problem(401, "unauthenticated");
}

#[test]
fn a_ticket_is_of_no_use_without_what_it_was_made_with() {
    let desk = Desk::open();
    let (director, nobody) = (desk.director(), desk.nobody());
    let refused = |path: &str| nobody.get(path).problem(401, "unauthenticated");
    // Expired; the periodic tasks remove it.
    let (_, path) = issue(&director);
    desk.database.run("UPDATE stream_tickets SET expires_at = now() - interval '1 second'");
    refused(&path);
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(desk.database.count("SELECT count(*) FROM stream_tickets"), 0);
    // The key is revoked.
    let (account, with_key) = machine(&desk, Role::Technician, &["read_ticket", "follow_events"]);
    let (_, path) = issue(&with_key);
    nobody.get(&path).expect_status(200);
    let second = nobody.holding(new_key(&desk, &account)["key"].as_str().unwrap());
    let (_, path) = issue(&second);
    desk.database.run("UPDATE access_keys SET revoked_at = now()");
    refused(&path);
    // The account is disabled.
    let other = desk.another(Role::Technician);
    let (_, path) = issue(&other);
    desk.database.run(&format!("UPDATE users SET active = false WHERE id = '{}'", other.id()));
    desk.wait_for_copies();
    refused(&path);
    // All sign-ins were ended.
    let other = desk.another(Role::Technician);
    let (_, path) = issue(&other);
    desk.database.run(&format!("UPDATE users SET sign_in_era = sign_in_era + 1 WHERE id = '{}'", other.id()));
    desk.wait_for_copies();
    refused(&path);
    // The rights are those of the moment of use: this one reads their own tickets alone now.
    desk.requester().register("Ajeno");
    let other = desk.another(Role::Technician);
    let (_, path) = issue(&other);
    desk.database.run(&format!("UPDATE users SET role = 'requester' WHERE id = '{}'", other.id()));
    desk.wait_for_copies();
    assert!(!nobody.get(&format!("{path}&after=start")).text().contains("data: {\""));
    // A scope that the account lacks.
    let (_, without) = machine(&desk, Role::Technician, &["read_ticket"]);
    without.post("/events/stream-tickets", json!({})).problem(403, "forbidden");
}

#[test]
fn the_stream_of_a_ticket_ends_with_the_credential() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    let (account, _) = machine(&desk, Role::Technician, &["read_ticket", "follow_events"]);
    let key = new_key(&desk, &account);
    let (user_id, key_id) = (account["id"].as_str().unwrap(), key["id"].as_str().unwrap());
    let (user_id, key_id) = (user_id.parse().unwrap(), key_id.parse().unwrap());
    let token = desk.shared().tokens.sign_for_key(user_id, Locale::Es, 0, key_id, 3).unwrap();
    let (issued, path) = issue(&nobody.holding(&token));
    assert!((moment(&issued["expires_at"]) - chrono::Utc::now()).num_seconds() <= 3, "{issued}");
    let start = Instant::now();
    nobody.get(&path.replace("&seconds=1", "&seconds=60")).expect_status(200);
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    // With the key: at the first event after it was revoked.
    let (_, path) = issue(&nobody.holding(key["key"].as_str().unwrap()));
    let (start, path) = (Instant::now(), path.replace("&seconds=1", "&seconds=60"));
    thread::scope(|scope| {
        let stream = scope.spawn(|| nobody.get(&path).text());
        thread::sleep(Duration::from_millis(500));
        desk.database.run("UPDATE access_keys SET revoked_at = now()");
        // An account is read again after a second.
        thread::sleep(Duration::from_millis(1100));
        desk.requester().register("Después");
        assert!(!stream.join().unwrap().contains("data: {\""));
    });
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn an_account_has_a_limited_number_of_unused_tickets() {
    let desk = Desk::open();
    let technician = desk.technician();
    let (_, first) = issue(&technician);
    let tickets: Vec<String> = (0..100).map(|_| issue(&technician).1).collect();
    assert_eq!(desk.database.count("SELECT count(*) FROM stream_tickets"), 100);
    desk.nobody().get(&first).problem(401, "unauthenticated");
    desk.nobody().get(&tickets[0]).expect_status(200);
}
