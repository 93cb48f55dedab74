//! The history: whole, and found out where it is not.

use serde_json::json;

use crate::harness::Desk;

/// As a superuser who switches the triggers off would.
fn tamper(desk: &Desk, sql: &str) {
    desk.database.run(&format!("SET session_replication_role = replica; {sql}"));
}

#[test]
fn a_whole_history_verifies() {
    let desk = Desk::open();
    desk.ticket_in("closed");
    desk.ticket_in("escalated");
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!((&found["whole"], &found["tickets"], &found["broken"]), (&json!(true), &json!(2), &json!([])));
    assert_eq!(desk.director().get("/audit/verification?ticket_id=1").ok()["events"], 6);
}

#[test]
fn what_was_tampered_with_is_found_and_named() {
    for (sql, seq) in [
        (
            "UPDATE events SET data = jsonb_set(data, '{details}', '{\"x\": 1}') WHERE ticket_id = 2 AND seq = 3",
            3,
        ),
        ("UPDATE events SET at = at - interval '1 hour' WHERE ticket_id = 2 AND seq = 2", 2),
        (
            "UPDATE events SET actor_id = (SELECT id FROM users WHERE role = 'director') WHERE ticket_id = 2 AND seq = 1",
            1,
        ),
        ("DELETE FROM events WHERE ticket_id = 2 AND seq = 2", 3),
        ("DELETE FROM events WHERE ticket_id = 2", 1),
        ("UPDATE events SET hash = sha256('x') WHERE ticket_id = 2 AND seq = 4", 4),
    ] {
        let desk = Desk::open();
        desk.ticket_in("in_progress");
        desk.ticket_in("in_progress");
        tamper(&desk, sql);
        let found = desk.director().get("/audit/verification").ok();
        assert_eq!(found["whole"], false, "{sql}");
        assert_eq!(found["broken"][0], json!({"ticket_id": 2, "seq": seq}), "{sql}");
        assert_eq!(desk.director().get("/audit/verification?ticket_id=1").ok()["whole"], true);
    }
}

#[test]
fn events_say_who_when_and_from_what_to_what() {
    let desk = Desk::open();
    let one = desk.ticket_in("classified");
    let events = desk.technician().get(&format!("{one}/events")).items();
    let classified = &events[1];
    assert_eq!((&classified["kind"], &classified["seq"]), (&json!("classified"), &json!(2)));
    assert_eq!(classified["actor"]["id"], desk.technician().id());
    let changes = classified["changes"].as_array().unwrap();
    for (field, from, to) in
        [("status", json!("received"), json!("classified")), ("criticality", json!(null), json!("medium"))]
    {
        assert!(changes.contains(&json!({"field": field, "from": from, "to": to})), "{changes:?}");
    }
}
