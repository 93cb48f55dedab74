//! Retention removes the values of deleted records from the audit log, and the log can still be verified.

use chrono::Utc;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::{Connection, PgConnection};
use diesel_migrations::MigrationHarness;
use mesa::audit::tree::heads::{self, HeadReason};
use mesa::db::migrations::{self, MIGRATIONS};
use mesa::retention::removal::{self, Which};
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::states::{improvement_action, minutes, risk};

/// A word in every text of the records.
const WORD: &str = "ornitorrinco";
const KEY: (&str, &str) =
    ("MESA_AUDIT_KEY", "0707070707070707070707070707070707070707070707070707070707070707");
const OLD: &str = "now() - interval '25 months'";
/// The resources of the records in the audit log.
const RESOURCES: &str = "'minutes', 'measurement', 'improvement_action', 'improvement_followup', 'attachment', 'risk', 'inbound_email'";

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

fn tamper(desk: &Desk, sql: &str) {
    desk.database
        .run(&format!("SET session_replication_role = replica; {sql}; RESET session_replication_role"));
}

/// Creates one record of each kind whose retention period is over, with all parts that have events.
fn expired_records(desk: &Desk) {
    let (director, owner) = (desk.director(), desk.technician());
    let mut written = minutes(owner.id());
    written["proceedings"] = json!(WORD);
    let signed = id(&director.post("/meeting-minutes", written).created());
    let decisions = json!([{"decision": WORD, "owner_id": owner.id(), "due_on": "2026-10-30"}]);
    director
        .patch(&format!("/meeting-minutes/{signed}"), json!({"decisions": decisions, "place": WORD}))
        .ok();
    director.with("if-match", "*").post(&format!("/meeting-minutes/{signed}/signature"), json!({})).ok();
    let path = format!("{}/measurements", desk.indicator("satisfaction"));
    let measured = id(&director.post(&path, json!({"year": 2026, "quarter": 1})).created());
    director.patch(&format!("/measurements/{measured}"), json!({"analysis": WORD})).ok();
    director.with("if-match", "*").post(&format!("/measurements/{measured}/approval"), json!({})).ok();
    let mut action = improvement_action(owner.id(), "open");
    action["cause"] = json!(WORD);
    let action =
        format!("/improvement-actions/{}", id(&director.post("/improvement-actions", action).created()));
    owner.post(&format!("{action}/followups"), json!({"body": "Va bien.", "progress": 47})).created();
    owner.upload(&format!("{action}/attachments"), "acta.txt", WORD).created();
    owner.post(&format!("{action}/completion"), json!({"note": WORD})).ok();
    director.post(&format!("{action}/verification"), json!({"effective": true, "note": WORD})).ok();
    let mut closed = risk(owner.id(), "active");
    closed["risk"] = json!(WORD);
    let closed = id(&director.post("/risks", closed).created());
    director.patch(&format!("/risks/{closed}"), json!({"status": "closed"})).ok();
    let mail = "From: director@mesa.test\nSubject: Re: [#1] x\n\nx";
    let mail = director.raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    assert_ne!(mail["status"], "processed");
    tamper(
        desk,
        &format!(
            "UPDATE minutes SET signed_at = {OLD}, updated_at = {OLD}, created_at = {OLD};
             UPDATE measurements SET approved_at = {OLD}; UPDATE improvement_actions SET verified_at = {OLD};
             UPDATE risks SET updated_at = {OLD}; UPDATE inbound_emails SET received_at = {OLD}, processed_at = {OLD}"
        ),
    );
}

/// Applies the retention rules.
fn expire(desk: &Desk) {
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    let (removed, outcome) = removal::remove(db, chrono_tz::America::Bogota, Utc::now(), Which::All);
    outcome.unwrap();
    assert_eq!(removed.iter().map(|one| one.count).sum::<i64>(), 5, "{removed:?}");
}

fn with_word(desk: &Desk) -> i64 {
    desk.database.count(&format!("SELECT count(*) FROM audit_events WHERE data::text ILIKE '%{WORD}%'"))
}

fn with_values(desk: &Desk) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM audit_events WHERE resource IN ({RESOURCES}) AND data_salt IS NOT NULL"
    ))
}

fn against(desk: &Desk, head: &Value) -> Value {
    let root = head["root"].as_str().unwrap().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    desk.director().get(&format!("/audit/verification?head_size={}&head_root={root}", head["tree_size"])).ok()
}

fn head(desk: &Desk) -> Value {
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    heads::make(db, &desk.shared().config.audit, HeadReason::Daily).unwrap();
    desk.director().get("/audit/heads?limit=1").items().remove(0)
}

#[test]
fn retention_removes_values_of_deleted_records_and_the_log_verifies() {
    let desk = Desk::configured(&[KEY]);
    desk.ticket_in("received");
    expired_records(&desk);
    // The values of a record whose period is not over remain, even if an administrator deletes it.
    let mut young = risk(desk.technician().id(), "closed");
    young["cause"] = json!("cigarra");
    let young = id(&desk.director().post("/risks", young).created());
    let kept = head(&desk);
    let before = with_word(&desk);
    assert!(before >= 6, "{before}");
    desk.database.run(&format!("DELETE FROM risks WHERE id = '{young}'"));
    expire(&desk);
    assert_eq!((with_word(&desk), with_values(&desk)), (0, 2));
    let cigarra =
        "SELECT count(*) FROM audit_events WHERE data::text LIKE '%cigarra%' AND data_salt IS NOT NULL";
    assert_eq!(desk.database.count(cigarra), 2);

    let removals = desk.director().get("/audit/log?kind=removed").items();
    assert_eq!(removals.len(), 6);
    for removal in removals.iter().filter(|removal| removal["resource_id"] != json!(young)) {
        assert_eq!((&removal["redacted"], &removal["details"]), (&json!(true), &json!({})));
        let values = removal["changes"].as_array().unwrap().iter();
        assert!(values.clone().count() > 0 && removal["occurred_at"].is_string(), "{removal}");
        for change in values {
            assert!(
                change["field"].is_string() && change["from"] == "[…]" && change["to"].is_null(),
                "{change}"
            );
        }
    }
    let found = against(&desk, &kept);
    assert_eq!((&found["whole"], &found["head"]["status"]), (&json!(true), &json!("consistent")), "{found}");

    // The server's role can neither mark a record nor redact its events.
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    for (sql, refusal) in [
        (format!("INSERT INTO expired_records VALUES ('risk', '{young}')"), "only the deletion"),
        ("UPDATE expired_records SET resource_id = 'x'".to_owned(), "only the deletion"),
        ("DELETE FROM expired_records".to_owned(), "only the deletion"),
        (
            format!(
                "UPDATE audit_events SET data_salt = NULL, data = without_values(data) WHERE resource_id = '{young}'"
            ),
            "the audit log cannot be changed",
        ),
        (
            "UPDATE audit_events SET data = jsonb_set(data, '{details}', '\"[…]\"') WHERE data_salt IS NULL"
                .to_owned(),
            "the audit log cannot be changed",
        ),
    ] {
        let error = db.batch_execute(&sql).unwrap_err().to_string();
        assert!(error.contains(refusal), "{sql}: {error}");
    }
    // Verification fails for a redacted event with a value, and for a redacted event of a record that did not expire.
    for sql in [
        "UPDATE audit_events SET data = replace(data::text, '[…]', 'otra cosa')::jsonb \
         WHERE resource = 'minutes' AND kind = 'removed'"
            .to_owned(),
        format!(
            "UPDATE audit_events SET data_salt = NULL, data = without_values(data) \
             WHERE resource_id = '{young}' AND kind = 'removed'"
        ),
    ] {
        desk.database.run("CREATE TABLE copied AS TABLE audit_events");
        tamper(&desk, &sql);
        let found = desk.director().get("/audit/verification").ok();
        let broken = found["log"]["broken"].as_array().unwrap();
        assert_eq!(broken.len(), 1, "{sql}: {found}");
        assert_eq!(broken[0]["reason"], "hash");
        tamper(
            &desk,
            "UPDATE audit_events e SET data = c.data, data_salt = c.data_salt FROM copied c WHERE c.id = e.id",
        );
        desk.database.run("DROP TABLE copied");
    }
    assert_eq!(against(&desk, &kept)["whole"], true);
}

#[test]
fn the_migration_removes_values_of_records_deleted_by_earlier_versions() {
    const MIGRATION: &str = "20261129000101";
    let desk = Desk::configured(&[KEY]);
    desk.ticket_in("received");
    expired_records(&desk);
    let kept = head(&desk);
    let mut connection = desk.database.connect();
    // The later ones stay: the server of this test needs their columns.
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap();
    let migration = all.iter().find(|one| one.name().version().to_string() == MIGRATION).unwrap();
    connection.revert_migration(migration).unwrap();
    expire(&desk);
    // An administrator deleted this record before its period was over.
    let young = id(&desk.director().post("/risks", risk(desk.technician().id(), "active")).created());
    desk.database.run(&format!("DELETE FROM risks WHERE id = '{young}'"));
    assert!(with_word(&desk) > 6 && with_values(&desk) > 10);
    migrations::apply(&mut connection).unwrap();
    assert_eq!((with_word(&desk), with_values(&desk)), (0, 2));
    let found = against(&desk, &kept);
    assert_eq!((&found["whole"], &found["head"]["status"]), (&json!(true), &json!("consistent")), "{found}");
}
