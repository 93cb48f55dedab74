//! Faults of single entries of the log of all events are found at their places.

use diesel::{Connection, PgConnection};
use mesa::audit::tree::sequence::{self, IfBusy};
use serde_json::{Value, json};

use crate::harness::Desk;

/// Runs `sql` with the triggers off, as a superuser could.
fn tamper(desk: &Desk, sql: &str) {
    desk.database
        .run(&format!("SET session_replication_role = replica; {sql}; RESET session_replication_role"));
}

#[test]
fn each_fault_of_an_entry_is_found_at_its_place() {
    let desk = Desk::open();
    desk.ticket_in("in_progress");
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    sequence::run(db, IfBusy::Wait).unwrap();
    desk.database.run("CREATE TABLE kept AS TABLE log_entries");
    let position = |event: &str| {
        desk.database.count(&format!("SELECT position FROM log_entries WHERE event_id = {event}"))
    };
    let ticket = "(SELECT id FROM events WHERE seq = 2)";
    let audit = "(SELECT min(id::text)::uuid FROM audit_events)";
    let (second, first_audit, last) =
        (position(ticket), position(audit), desk.database.count("SELECT max(position) FROM log_entries"));
    let of_ticket = json!([{"ticket_id": 1, "seq": 2, "reason": "log"}]);
    let places = |found: &Value| -> Vec<Value> {
        let places = found["log"]["broken"].as_array().unwrap().iter();
        places.map(|place| json!([place["log_position"], place["source"], place["reason"]])).collect()
    };
    for (sql, broken, in_log) in [
        // It names the other kind of event.
        (
            format!("UPDATE log_entries SET source = 'audit' WHERE event_id = {ticket}"),
            json!([]),
            vec![json!([second, "audit", "event_missing"])],
        ),
        (
            format!("UPDATE log_entries SET source = 'ticket' WHERE event_id = {audit}"),
            json!([]),
            vec![json!([first_audit, "ticket", "event_missing"])],
        ),
        (
            format!("UPDATE log_entries SET hash = sha256(hash) WHERE event_id = {ticket}"),
            of_ticket.clone(),
            vec![json!([second, "ticket", "mismatch"])],
        ),
        (
            format!("UPDATE log_entries SET hash = sha256(hash) WHERE event_id = {audit}"),
            json!([]),
            vec![json!([null, "audit", "log"]), json!([first_audit, "audit", "mismatch"])],
        ),
        (
            format!("UPDATE log_entries SET event_id = gen_random_uuid() WHERE event_id = {ticket}"),
            of_ticket.clone(),
            vec![json!([second, "ticket", "event_missing"])],
        ),
        (
            format!("DELETE FROM log_entries WHERE event_id = {ticket}"),
            of_ticket,
            vec![json!([second, null, "entry_missing"])],
        ),
        (
            format!("UPDATE log_entries SET position = {last} + 1000000 WHERE event_id = {ticket}"),
            json!([]),
            vec![json!([second, null, "entry_missing"]), json!([last + 1, null, "entry_missing"])],
        ),
    ] {
        assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
        tamper(&desk, &sql);
        let found = desk.director().get("/audit/verification").ok();
        assert_eq!((&found["broken"], places(&found)), (&broken, in_log), "{sql}");
        assert_eq!(found["whole"], false, "{sql}");
        tamper(&desk, "DELETE FROM log_entries; INSERT INTO log_entries OVERRIDING SYSTEM VALUE TABLE kept");
    }
}
