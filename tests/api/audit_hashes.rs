//! The hashes that the verification computes are those that PostgreSQL computed when it wrote the events.

use diesel::RunQueryDsl;
use diesel::pg::data_types::PgTimestamp;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::Desk;

/// Runs `sql` with the triggers off, as a superuser could.
fn tamper(desk: &Desk, sql: &str) {
    desk.database.run(&format!("SET session_replication_role = replica; {sql}"));
}

/// Any text that PostgreSQL can store, of at most so many characters.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        prop::char::range('\u{1}', '\u{20}'),
        prop::sample::select(vec!['"', '\\', '/', '\u{7f}', '|', ',', ' ', '\u{2028}', '😀', 'ñ']),
        any::<char>().prop_filter("PostgreSQL stores no NUL", |character| *character != '\0'),
    ];
    vec(characters, 1..=longest).prop_map(String::from_iter)
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e20..1e20).prop_map(|number: f64| json!(number)),
        text(20).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((text(10), inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Every moment of a `timestamptz`, in microseconds since 2000.
fn at() -> impl Strategy<Value = i64> {
    const FIRST: i64 = -211_813_488_000_000_000;
    const LAST: i64 = 9_223_371_331_199_999_999;
    prop_oneof![
        FIRST..=LAST,
        // About 1970 and about now.
        -946_684_803_000_000..=-946_684_797_000_000i64,
        840_000_000_000_000..=860_000_000_000_000i64,
        prop::sample::select(vec![i64::MIN, i64::MAX, FIRST, LAST, 0, -1, -946_684_800_000_000]),
    ]
}

fn samples<T>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::default();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn hashes_of_all_kinds_of_events_are_those_of_the_database() {
    let desk = Desk::open();
    desk.ticket_in("received");
    let people: Vec<Uuid> = desk.database.ask(|db| {
        #[derive(diesel::QueryableByName)]
        struct Id {
            #[diesel(sql_type = SqlUuid)]
            id: Uuid,
        }
        diesel::sql_query("SELECT id FROM users")
            .load::<Id>(db)
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect()
    });
    desk.database.run("ALTER TABLE events DROP CONSTRAINT events_kind_check");
    let person = prop_oneof![Just(None), prop::sample::select(people).prop_map(Some)];
    let cases = samples(
        (any::<u128>(), text(50), person, at(), data(), text(50), proptest::option::of(text(200))),
        400,
    );
    desk.database.ask(|db| {
        for (id, kind, actor, at, data, resource, resource_id) in &cases {
            diesel::sql_query(
                "INSERT INTO events (id, ticket_id, kind, actor_id, at, data) VALUES ($1, 1, $2, $3, $4, $5)",
            )
            .bind::<SqlUuid, _>(Uuid::from_u128(*id))
            .bind::<Text, _>(kind)
            .bind::<Nullable<SqlUuid>, _>(actor)
            .bind::<Timestamptz, _>(PgTimestamp(*at))
            .bind::<Jsonb, _>(data)
            .execute(db)
            .unwrap();
            diesel::sql_query(
                "INSERT INTO audit_events (id, kind, actor_id, at, data, resource, resource_id) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind::<SqlUuid, _>(Uuid::from_u128(id.wrapping_add(1)))
            .bind::<Text, _>(kind)
            .bind::<Nullable<SqlUuid>, _>(actor)
            .bind::<Timestamptz, _>(PgTimestamp(*at))
            .bind::<Jsonb, _>(data)
            .bind::<Text, _>(resource)
            .bind::<Nullable<Text>, _>(resource_id)
            .execute(db)
            .unwrap();
        }
    });
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!((&found["broken"], &found["log"]["broken"]), (&json!([]), &json!([])));
    assert_eq!((&found["whole"], &found["event_count"]), (&json!(true), &json!(401)));

    // A small change of each column of every event is found.
    for change in [
        "kind = kind || 'x'",
        "actor_id = CASE WHEN actor_id IS NULL THEN (SELECT id FROM users LIMIT 1) END",
        "at = CASE WHEN isfinite(at) THEN at + interval '1 millisecond' * CASE WHEN at < '2000-01-01' THEN 1 ELSE -1 END \
             ELSE '2026-11-30' END",
        "data = jsonb_build_array(data)",
        "data_salt = sha256(data_salt)",
        "data_digest = sha256(data_digest)",
    ] {
        for table in ["events", "audit_events"] {
            desk.database.run(&format!("CREATE TABLE kept AS TABLE {table}"));
            let limits = "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}_data_salt_check, DROP CONSTRAINT IF EXISTS {}_kind_check";
            tamper(&desk, &format!("{}; UPDATE {table} SET {change}", limits.replace("{}", table)));
            let found = desk.director().get("/audit/verification").ok();
            let broken = if table == "events" { &found["broken"] } else { &found["log"]["broken"] };
            let broken = broken.as_array().unwrap();
            let expected =
                if table == "events" { &found["event_count"] } else { &found["audit_event_count"] };
            assert_eq!(
                (json!(broken.len()), broken.iter().all(|found| found["reason"] == "hash")),
                (expected.clone(), true),
                "{table}: {change}"
            );
            tamper(&desk, &format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept; DROP TABLE kept"));
        }
    }
}
