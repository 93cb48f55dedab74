//! Verification of the history: intact histories verify, and tampering is found.

use serde_json::{Value, json};

use crate::harness::Desk;

/// Runs `sql` with the triggers off, as a superuser could.
fn tamper(desk: &Desk, sql: &str) {
    desk.database.run(&format!("SET session_replication_role = replica; {sql}"));
}

#[test]
fn an_intact_history_verifies() {
    let desk = Desk::open();
    desk.ticket_in("closed");
    desk.ticket_in("escalated");
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!(
        (&found["whole"], &found["ticket_count"], &found["broken"]),
        (&json!(true), &json!(2), &json!([]))
    );
    assert_eq!(desk.director().get("/audit/verification?ticket_id=1").ok()["event_count"], 6);
}

#[test]
fn every_kind_of_tampering_is_found_and_located() {
    let desk = Desk::open();
    for _ in 0..3 {
        desk.ticket_in("in_progress");
    }
    // The case that changes a third table is the last one.
    let tables = ["histories", "events"];
    let kept = tables.map(|table| format!("CREATE TABLE kept_{table} AS TABLE {table};"));
    desk.database.run(&kept.concat());
    let back = tables.map(|table| format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table};"));
    for (sql, broken) in [
        // Every column with content.
        (
            "UPDATE events SET data = jsonb_set(data, '{details}', '{\"x\": 1}') WHERE ticket_id = 2 AND seq = 3",
            vec![(2, 3, "hash")],
        ),
        (
            "UPDATE events SET at = at - interval '1 microsecond' WHERE ticket_id = 2 AND seq = 2",
            vec![(2, 2, "hash")],
        ),
        ("UPDATE events SET at = 'infinity' WHERE ticket_id = 2 AND seq = 2", vec![(2, 2, "hash")]),
        (
            "UPDATE events SET actor_id = (SELECT id FROM users WHERE role = 'director') WHERE ticket_id = 2 AND seq = 1",
            vec![(2, 1, "hash")],
        ),
        ("UPDATE events SET actor_id = NULL WHERE ticket_id = 2 AND seq = 4", vec![(2, 4, "hash")]),
        ("UPDATE events SET kind = 'closed' WHERE ticket_id = 2 AND seq = 4", vec![(2, 4, "hash")]),
        ("UPDATE events SET id = gen_random_uuid() WHERE ticket_id = 2 AND seq = 1", vec![(2, 1, "hash")]),
        (
            "UPDATE events SET hash = sha256('x') WHERE ticket_id = 2 AND seq = 3",
            vec![(2, 3, "hash"), (2, 4, "link")],
        ),
        // With a recomputed hash.
        (
            "UPDATE events SET kind = 'closed' WHERE ticket_id = 2 AND seq = 3; \
             UPDATE events e SET hash = event_hash(e) WHERE ticket_id = 2 AND seq = 3",
            vec![(2, 3, "log"), (2, 4, "link")],
        ),
        (
            "UPDATE events SET kind = 'closed' WHERE ticket_id = 2 AND seq = 4; \
             UPDATE events e SET hash = event_hash(e) WHERE ticket_id = 2 AND seq = 4",
            vec![(2, 4, "link")],
        ),
        // Removed, truncated, added, moved.
        ("DELETE FROM events WHERE ticket_id = 2 AND seq = 2", vec![(2, 3, "gap")]),
        ("DELETE FROM events WHERE ticket_id = 2 AND seq = 1", vec![(2, 2, "gap")]),
        ("DELETE FROM events WHERE ticket_id = 2 AND seq >= 3", vec![(2, 3, "missing")]),
        ("DELETE FROM events WHERE ticket_id = 2", vec![(2, 1, "missing")]),
        (
            "DELETE FROM events WHERE ticket_id = 2; DELETE FROM histories WHERE ticket_id = 2",
            vec![(2, 1, "missing")],
        ),
        (
            "INSERT INTO events (id, ticket_id, seq, kind, at, data, previous_hash, hash, data_salt, data_digest) \
             SELECT gen_random_uuid(), 2, 5, 'closed', now(), '{\"changes\": [], \"details\": {}}', hash, 'x', \
                 uuid_send(gen_random_uuid()), sha256('') FROM events WHERE ticket_id = 2 AND seq = 4; \
             UPDATE events e SET data_digest = event_digest(e) WHERE ticket_id = 2 AND seq = 5; \
             UPDATE events e SET hash = event_hash(e) WHERE ticket_id = 2 AND seq = 5",
            vec![(2, 5, "added")],
        ),
        (
            "UPDATE events SET ticket_id = 1, seq = 5 WHERE ticket_id = 2 AND seq = 4",
            vec![(1, 5, "hash"), (2, 4, "missing")],
        ),
        ("DELETE FROM tickets WHERE id = 2", vec![(2, 0, "missing")]),
    ] {
        tamper(&desk, &back.concat());
        assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
        tamper(&desk, sql);
        let expected: Vec<Value> = broken
            .iter()
            .map(|(ticket_id, seq, reason)| json!({"ticket_id": ticket_id, "seq": seq, "reason": reason}))
            .collect();
        let found = desk.director().get("/audit/verification").ok();
        assert_eq!((&found["whole"], &found["broken"]), (&json!(false), &json!(expected)), "{sql}");
        assert_eq!(desk.director().get("/audit/verification?ticket_id=3").ok()["whole"], true);
        let of_one: Vec<Value> = expected.into_iter().filter(|found| found["ticket_id"] == 2).collect();
        assert_eq!(
            desk.director().get("/audit/verification?ticket_id=2").ok()["broken"],
            json!(of_one),
            "{sql}"
        );
    }
}

#[test]
fn a_removed_event_stays_missing_after_further_events() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    tamper(&desk, "DELETE FROM events WHERE seq = 4");
    desk.technician().post(&format!("{one}/hold"), json!({"reason": "Falta un repuesto."})).ok();
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!(found["broken"], json!([{"ticket_id": 1, "seq": 5, "reason": "gap"}]));
}

#[test]
fn different_events_have_different_hashes() {
    let desk = Desk::open();
    desk.ticket_in("received");
    // Values that an ambiguous encoding of separators or nulls would confuse.
    let hash = |kind: &str, actor: &str, data: &str| {
        desk.database.count(&format!(
            "SELECT ('x' || left(encode(event_hash(e), 'hex'), 15))::bit(60)::bigint FROM ( \
                 SELECT (jsonb_populate_record(e, jsonb_build_object('kind', {kind}, 'actor_id', {actor}, \
                     'data_digest', sha256(e.data_salt || convert_to(({data})::text, 'UTF8'))))).* \
                 FROM events e) AS e"
        ))
    };
    let id = "'0197c0de-0000-7000-8000-000000000000'";
    let mut seen = vec![
        hash("'a|-'", "NULL", "'{}'::jsonb"),
        hash("'a'", "NULL", "'{}'::jsonb"),
        hash("'a'", id, "'{}'::jsonb"),
        hash("'a\", \"b'", "NULL", "'{}'::jsonb"),
        hash("'a'", "NULL", "'{\"x\": 1}'::jsonb"),
        hash("'a'", "NULL", "'{\"x\": \"1\"}'::jsonb"),
        hash("'a'", "NULL", "'{\"x\": 1.0}'::jsonb"),
        hash("'a'", "NULL", "'{\"x\": null}'::jsonb"),
    ];
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn more_than_one_batch_of_tickets_is_verified_in_one_document() {
    let desk = Desk::open();
    desk.ticket_in("classified");
    // Each copy gets its own history.
    desk.database.copies_of_the_first_ticket(1200);
    desk.database.run(
        "INSERT INTO events (id, ticket_id, kind, at, data) \
         SELECT gen_random_uuid(), t.id, 'received', t.received_at, '{\"changes\": [], \"details\": {}}' \
         FROM tickets t, generate_series(1, 2) WHERE t.id > 1",
    );
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!((&found["whole"], &found["broken"]), (&json!(true), &json!([])));
    assert_eq!(
        (&found["ticket_count"], &found["event_count"], &found["redacted_event_count"]),
        (&json!(1201), &json!(2402), &json!(0))
    );
    tamper(
        &desk,
        "UPDATE events SET kind = 'closed' WHERE ticket_id IN (2, 501, 1201) AND seq = 2; \
         DELETE FROM tickets WHERE id IN (500, 502, 1000)",
    );
    let broken = desk.director().get("/audit/verification").ok()["broken"].clone();
    let broken: Vec<(i64, i64, &str)> = broken
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            (
                found["ticket_id"].as_i64().unwrap(),
                found["seq"].as_i64().unwrap(),
                found["reason"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        (2, 2, "hash"),
        (500, 0, "missing"),
        (501, 2, "hash"),
        (502, 0, "missing"),
        (1000, 0, "missing"),
        (1201, 2, "hash"),
    ];
    assert_eq!(broken, expected);
}

#[test]
fn a_verification_that_fails_midway_returns_no_valid_document() {
    let desk = Desk::open();
    desk.ticket_in("received");
    desk.director().get("/audit/verification?ticket_id=2").problem(404, "not_found");
    desk.database.copies_of_the_first_ticket(600);
    desk.database.run(
        "INSERT INTO events (id, ticket_id, kind, at, data) \
         SELECT gen_random_uuid(), t.id, 'received', t.received_at, '{}' FROM tickets t WHERE t.id > 1; \
         ALTER TABLE events RENAME TO kept_events; \
         CREATE VIEW events AS SELECT id, ticket_id, seq, kind, actor_id, at, data, previous_hash, data_salt, data_digest, \
             CASE WHEN ticket_id < 600 THEN hash ELSE (1 / (seq - seq))::text::bytea END AS hash FROM kept_events; \
         GRANT SELECT ON events TO PUBLIC",
    );
    assert!(desk.director().broken_off("/audit/verification"));
    desk.director().get("/audit/verification?ticket_id=601").problem(500, "internal");
}

#[test]
fn events_record_actor_time_and_old_and_new_values() {
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
