//! Signed heads of the tree over all events: a copy of a head shows whether the history was rewritten, even by the
//! owner of the database.

use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::{Connection, PgConnection};
use mesa::audit::tree::heads::{self, HeadReason};
use mesa::audit::tree::note::Note;
use mesa::audit::tree::sequence::{self, IfBusy};
use mesa::auth::policy::Role;
use mesa::server::routine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::Desk;
use crate::harness::binary::mesa;
use crate::harness::smtp::MailServer;
use crate::harness::states::ticket_of;

const KEY: (&str, &str) =
    ("MESA_AUDIT_KEY", "0707070707070707070707070707070707070707070707070707070707070707");

/// Runs `sql` with the triggers off, as a superuser could.
fn tamper(desk: &Desk, sql: &str) {
    desk.database
        .run(&format!("SET session_replication_role = replica; {sql}; RESET session_replication_role"));
}

/// Creates a head, as the routine does, and returns it.
fn sign_head(desk: &Desk) -> Value {
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    heads::make(db, &desk.shared().config.audit, HeadReason::Daily).unwrap();
    desk.director().get("/audit/heads?limit=1").items().remove(0)
}

/// The verification against a saved head.
fn against(desk: &Desk, head: &Value) -> Value {
    let root = head["root"].as_str().unwrap().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    desk.director().get(&format!("/audit/verification?head_size={}&head_root={root}", head["tree_size"])).ok()
}

/// `mesa audit verify` against a head that was saved in a file.
fn offline(desk: &Desk, head: &Value, key: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("head.txt");
    std::fs::write(&file, format!("Señores:\r\n\r\n{}\r\n", head["note"].as_str().unwrap())).unwrap();
    let variables =
        [("DATABASE_URL", desk.database.server_url.as_str()), ("MESA_JWT_SECRET", crate::harness::SECRET)];
    let mut command = mesa(&variables);
    command.args(["audit", "verify", "--key", key, "--head"]).arg(&file);
    command.output().unwrap()
}

const COPIED: [&str; 4] = ["events", "histories", "log_entries", "tree_heads"];

fn copy(desk: &Desk, prefix: &str) {
    desk.database
        .run(&COPIED.map(|table| format!("CREATE TABLE {prefix}_{table} AS TABLE {table};")).concat());
}

fn put_back(prefix: &str) -> String {
    COPIED
        .map(|table| {
            format!(
                "DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {prefix}_{table};"
            )
        })
        .concat()
}

/// Recomputes the hashes of a ticket's events and all that depends on them.
const REHASH: &str = "DO $$ DECLARE e record; last bytea; BEGIN \
     FOR e IN SELECT id FROM events WHERE ticket_id = 2 ORDER BY seq LOOP \
         UPDATE events SET previous_hash = last WHERE id = e.id; \
         UPDATE events x SET hash = event_hash(x) WHERE id = e.id RETURNING hash INTO last; \
         UPDATE log_entries SET hash = last WHERE event_id = e.id; \
     END LOOP; \
     UPDATE histories SET hash = last WHERE ticket_id = 2; END $$";

/// Closes the gaps that removed entries left.
const RENUMBER: &str = "UPDATE log_entries SET position = position + 1000000; \
     UPDATE log_entries l SET position = n.number - 1 \
     FROM (SELECT ordinal, row_number() OVER (ORDER BY position) AS number FROM log_entries) AS n \
     WHERE n.ordinal = l.ordinal";

const CHANGED_ACTOR: &str = "UPDATE events SET actor_id = (SELECT id FROM users WHERE role = 'director') WHERE ticket_id = 2 AND seq = 2";

#[test]
fn a_saved_head_reveals_every_change_by_the_owner_of_the_database() {
    let desk = Desk::configured(&[KEY]);
    let key = desk.director().get("/audit/key").ok()["public_key"].as_str().unwrap().to_owned();
    desk.ticket_in("in_progress");
    let early = sign_head(&desk);
    copy(&desk, "older");
    desk.ticket_in("solved");
    desk.ticket_in("classified");
    let head = sign_head(&desk);
    // Later events do not affect the head.
    desk.ticket_in("classified");
    copy(&desk, "kept");
    for kept in [&early, &head] {
        let found = against(&desk, kept);
        assert_eq!((&found["whole"], &found["head"]["status"]), (&json!(true), &json!("consistent")));
        assert_eq!((&found["heads"]["verified_count"], &found["log"]["broken"]), (&json!(2), &json!([])));
        let shown = offline(&desk, kept, &key);
        let text = String::from_utf8_lossy(&shown.stdout);
        assert!(shown.status.success() && text.contains("The history is intact."), "{text}");
    }
    let removed_ticket = "DELETE FROM events WHERE ticket_id = 2; DELETE FROM histories WHERE ticket_id = 2; \
         DELETE FROM log_entries WHERE source = 'ticket' AND event_id NOT IN (SELECT id FROM events); DELETE FROM tickets WHERE id = 2";
    for (sql, status, is_seen_without_head, words) in [
        (CHANGED_ACTOR.to_owned(), "rewritten", true, "Ticket 2, event 2 was changed"),
        ("DELETE FROM events WHERE ticket_id = 2 AND seq = 2".to_owned(), "rewritten", true, "was removed"),
        // Internally consistent: the stored heads show the change; if they are deleted too, only the saved head does.
        (format!("{CHANGED_ACTOR}; {REHASH}"), "rewritten", true, "The head of"),
        (
            format!("{CHANGED_ACTOR}; {REHASH}; DELETE FROM tree_heads"),
            "rewritten",
            false,
            "The history is NOT that of the head",
        ),
        (
            "INSERT INTO log_entries (source, event_id, hash, position) \
             SELECT 'ticket', gen_random_uuid(), sha256('x'), max(position) + 1 FROM log_entries"
                .to_owned(),
            "rewritten",
            true,
            "was removed; its entry in the log is still there",
        ),
        ("DELETE FROM log_entries WHERE position = 3".to_owned(), "rolled_back", true, "position 3"),
        // An earlier state of the whole database, which nothing in the database can show.
        (
            format!("{}; DELETE FROM tickets WHERE id > 1", put_back("older")),
            "rolled_back",
            false,
            "an older state of the database was restored",
        ),
        (removed_ticket.to_owned(), "rolled_back", true, "events were removed"),
        (format!("{RENUMBER}; DELETE FROM tree_heads"), "rolled_back", false, "events were removed"),
    ] {
        // The last two continue from the state before them, because the rows of `tickets` are not copied.
        if !sql.contains("position + 1000000") && !sql.starts_with("DELETE FROM events WHERE ticket_id = 2;")
        {
            tamper(&desk, &put_back("kept"));
        } else if sql == removed_ticket {
            tamper(
                &desk,
                &format!(
                    "{}; {}",
                    put_back("kept"),
                    "DELETE FROM log_entries WHERE event_id IN \
                (SELECT id FROM events WHERE ticket_id > 2); DELETE FROM events WHERE ticket_id > 2; \
                DELETE FROM histories WHERE ticket_id > 2"
                ),
            );
        }
        tamper(&desk, &sql);
        let found = against(&desk, &head);
        assert_eq!(
            (&found["whole"], &found["head"]["status"]),
            (&json!(false), &json!(status)),
            "{sql}: {found}"
        );
        let alone = desk.director().get("/audit/verification").ok();
        assert_eq!(alone["whole"] == json!(false), is_seen_without_head, "{sql}: {alone}");
        let shown = offline(&desk, &head, &key);
        let text = String::from_utf8_lossy(&shown.stdout);
        assert_eq!(shown.status.code(), Some(1), "{sql}: {text}");
        assert!(text.contains(words) && text.contains("The history is NOT intact."), "{sql}: {text}");
    }
}

#[test]
fn a_head_of_another_key_and_a_changed_head_are_rejected() {
    let desk = Desk::configured(&[KEY]);
    desk.ticket_in("received");
    let head = sign_head(&desk);
    let other = "mesa/audit+b3d9a7c5+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(offline(&desk, &head, other).status.code(), Some(2), "the id of another key");
    let key = desk.director().get("/audit/key").ok()["public_key"].as_str().unwrap().to_owned();
    let mut changed = head.clone();
    changed["note"] = json!(head["note"].as_str().unwrap().replace("time 2", "time 1"));
    let shown = offline(&desk, &changed, &key);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("NOT signed"), "{shown:?}");
    assert_eq!(shown.status.code(), Some(1));

    // Changed in the database as well.
    tamper(&desk, "UPDATE tree_heads SET note = replace(note, 'time 2', 'time 1')");
    let found = desk.director().get("/audit/verification").ok();
    let expected =
        json!({"verified_count": 0, "broken": [{"tree_size": head["tree_size"], "reason": "signature"}]});
    assert_eq!((&found["heads"], &found["whole"]), (&expected, &json!(false)));
    let refused = |query: &str| desk.director().get(&format!("/audit/verification?{query}"));
    refused("head_size=3").problem(400, "invalid_query");
    refused(&format!("head_size=3&head_root={}", "*".repeat(44))).problem(400, "invalid_query");
    refused(&format!("head_size=3&ticket_id=1&head_root={}=", "A".repeat(43))).problem(400, "invalid_query");
    desk.director().get("/audit/heads/4711").problem(404, "not_found");
    desk.director().get(&format!("/audit/heads/{}", head["tree_size"])).ok();
}

#[test]
fn anonymization_and_retention_do_not_break_the_tree() {
    let desk = Desk::configured(&[KEY]);
    let person = desk.another(Role::Requester);
    let one = ticket_of(&desk, &person, &desk.technician(), "in_progress");
    // An event that names the person.
    let name = person.get("/me").ok()["full_name"].as_str().unwrap().to_owned();
    desk.technician().post(&format!("{one}/hold"), json!({"reason": format!("{name} no está.")})).ok();
    desk.technician().post(&format!("{one}/resumption"), json!({})).ok();
    desk.technician().post(&format!("{one}/solution"), json!({"description": "Se cambió el cable."})).ok();
    person.post(&format!("{one}/closure"), json!({})).ok();
    desk.ticket_in("solved");
    let head = sign_head(&desk);
    let anonymization = format!("/users/{}/anonymization", person.id());
    desk.director().post(&anonymization, json!({"reason": "Ley 1581 de 2012"})).ok();
    // Everything that retention removes is older than its period.
    tamper(&desk, "UPDATE messages SET created_at = created_at - interval '5 years'");
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    routine::once(db, &desk.shared().config);
    let found = against(&desk, &head);
    assert_eq!((&found["whole"], &found["head"]["status"]), (&json!(true), &json!("consistent")), "{found}");
    assert!(found["redacted_event_count"].as_i64().unwrap() > 0, "{found}");
}

#[test]
fn positions_are_dense_and_ordered_under_concurrent_writes_and_sequencing() {
    let desk = Desk::configured(&[KEY]);
    let done = AtomicBool::new(false);
    let work = || PgConnection::establish(&desk.database.server_url).unwrap();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..3 {
                        desk.ticket_in("in_progress");
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let (db, audit) = (&mut work(), &desk.shared().config.audit);
                while !done.load(Ordering::Relaxed) {
                    sequence::run(db, IfBusy::Return).unwrap();
                    heads::make(db, audit, HeadReason::Daily).unwrap();
                }
            });
        }
        // Panics of the writers are raised only after the sequencers were stopped.
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::Relaxed);
        written.into_iter().for_each(|written| written.unwrap());
    });
    sequence::run(&mut work(), IfBusy::Wait).unwrap();
    for wrong in [
        "SELECT count(*) FROM log_entries WHERE position IS NULL",
        "SELECT count(*) - max(position) - 1 FROM log_entries",
        "SELECT count(*) FROM (SELECT e.seq, lag(e.seq) OVER (PARTITION BY e.ticket_id ORDER BY l.position) AS before \
         FROM events e JOIN log_entries l ON l.event_id = e.id) AS placed WHERE seq <> coalesce(before, 0) + 1",
    ] {
        assert_eq!(desk.database.count(wrong), 0, "{wrong}");
    }
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!(found["whole"], true, "{found}");
    assert_eq!(found["heads"]["verified_count"], desk.database.count("SELECT count(*) FROM tree_heads"));
    assert!(found["heads"]["verified_count"].as_i64().unwrap() > 1, "{found}");
}

/// A copy of the previous version may number the log during an upgrade.
#[test]
fn the_previous_version_numbers_the_log_too() {
    let desk = Desk::configured(&[KEY]);
    desk.ticket_in("in_progress");
    let waiting = "SELECT count(*) FROM log_entries WHERE position IS NULL";
    assert!(desk.database.count(waiting) > 1);
    desk.database.run(
        "UPDATE log_entries l SET position = highest.position + waiting.number \
         FROM (SELECT coalesce(max(position), -1) AS position FROM log_entries) AS highest, \
              unnest((SELECT array_agg(ordinal ORDER BY ordinal) FROM log_entries WHERE position IS NULL)) \
                  WITH ORDINALITY AS waiting (ordinal, number) \
         WHERE l.ordinal = waiting.ordinal",
    );
    assert_eq!(desk.database.count(waiting), 0);
    desk.ticket_in("solved");
    sequence::run(&mut PgConnection::establish(&desk.database.server_url).unwrap(), IfBusy::Wait).unwrap();
    assert_eq!(desk.database.count("SELECT count(*) FROM log_entries_waiting"), 0);
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!((&found["whole"], &found["log"]["broken"]), (&json!(true), &json!([])), "{found}");
    assert_eq!(found["log"]["tree_size"], desk.database.count("SELECT count(*) FROM log_entries"));
}

#[test]
fn heads_are_created_daily_and_at_approvals_and_mailed_to_the_auditor() {
    let server = MailServer::start();
    let desk = Desk::configured(&[
        KEY,
        ("MESA_SMTP_URL", &server.url()),
        ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@mesa.test>"),
        ("MESA_PUBLIC_URL", "https://mesa.example"),
        ("MESA_AUDIT_MAIL", "control.interno@entidad.test"),
    ]);
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    let reasons = || -> Vec<Value> {
        desk.professional().get("/audit/heads").items().iter().map(|head| head["reason"].clone()).collect()
    };
    desk.ticket_in("classified");
    desk.database.run("DELETE FROM messages");
    for _ in 0..2 {
        routine::once(db, &desk.shared().config);
        assert_eq!(reasons(), ["start"]);
    }
    desk.ticket_in("received");
    routine::once(db, &desk.shared().config);
    assert_eq!(reasons(), ["start"], "the first head of the day");
    tamper(&desk, "UPDATE tree_heads SET at = at - interval '1 day'");
    routine::once(db, &desk.shared().config);
    assert_eq!(reasons(), ["daily", "start"]);
    let approval = desk.director().post("/reports/quarterly/2025/3/approval", json!({})).created();
    assert_eq!(reasons(), ["report_approved", "daily", "start"]);
    desk.director().post("/reports/quarterly/2025/3/approval", json!({})).ok();
    assert_eq!(reasons().len(), 3);
    // The tree contains the digests of the files.
    let digest = approval["files"][0]["sha256"].as_str().unwrap();
    let held =
        format!("SELECT count(*) FROM audit_events WHERE kind = 'approved' AND data::text LIKE '%{digest}%'");
    assert_eq!(desk.database.count(&held), 1);

    desk.database.run("DELETE FROM messages");
    desk.send_mail();
    desk.send_mail();
    let key = desk.director().get("/audit/key").ok()["public_key"].as_str().unwrap().parse().unwrap();
    let mails = server.mail();
    assert_eq!(mails.len(), 3);
    let heads = desk.director().get("/audit/heads").items();
    for mail in &mails {
        assert!(mail.header("To").contains("control.interno@entidad.test"));
        let text = mail.parsed().get_body().unwrap();
        let note = Note::find(&text).unwrap();
        assert!(note.is_signed_by(std::slice::from_ref(&key)), "{text}");
        assert!(heads.iter().any(|head| head["tree_size"] == note.checkpoint.size));
    }
}

#[test]
fn without_a_key_there_are_no_heads() {
    let desk = Desk::configured(&[("MESA_AUDIT_KEY", "")]);
    desk.ticket_in("received");
    let db = &mut PgConnection::establish(&desk.database.server_url).unwrap();
    routine::once(db, &desk.shared().config);
    assert_eq!(desk.director().get("/audit/heads").items(), Vec::<Value>::new());
    assert_eq!(desk.director().get("/audit/key").ok(), json!({"public_key": null, "previous_keys": []}));
    let found = desk.director().get("/audit/verification").ok();
    assert_eq!((&found["whole"], &found["head"]), (&json!(true), &json!(null)));
    assert_eq!(found["log"]["tree_size"], desk.database.count("SELECT count(position) FROM log_entries"));
}
