//! Which data is removed at the end of its retention period, and which data does not change.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::RunQueryDsl;
use mesa::attachments::removed;
use mesa::commands::retention as command;
use mesa::retention::RetentionKind;
use mesa::retention::removal::{self, Removed, Which};
use serde_json::{Value, json};

use crate::harness::binary::mesa;
use crate::harness::states::{improvement_action, minutes, risk};
use crate::harness::{Database, Desk};
use crate::statistics::EVERY_BREAKDOWN;

const BOGOTA: chrono_tz::Tz = chrono_tz::America::Bogota;

/// A time at which the retention period of the surveys of the first two of five quarters is over.
fn later() -> DateTime<Utc> {
    "2027-03-31T12:00:00Z".parse().unwrap()
}

fn remove(desk: &Desk, now: DateTime<Utc>) -> Vec<Removed> {
    let (removed, outcome) = removal::remove(&mut desk.database.connect(), BOGOTA, now, Which::All);
    outcome.unwrap();
    removed
}

fn due(desk: &Desk, now: DateTime<Utc>) -> BTreeMap<&'static str, i64> {
    by_kind(&removal::due(&mut desk.database.connect(), BOGOTA, now).unwrap())
}

fn by_kind(removed: &[Removed]) -> BTreeMap<&'static str, i64> {
    removed.iter().filter(|one| one.count > 0).map(|one| (one.kind.as_str(), one.count)).collect()
}

/// Changes times in the database without its triggers.
fn age(desk: &Desk, sql: &str) {
    desk.database
        .run(&format!("SET session_replication_role = replica; {sql}; RESET session_replication_role"));
}

#[track_caller]
fn refused(database: &Database, sql: &str) {
    assert!(diesel::sql_query(sql).execute(&mut database.connect()).is_err(), "{sql} was accepted");
}

/// Every statistic that depends on surveys: all groups, intervals of every length, and each of the filters.
fn statistics(desk: &Desk) -> Vec<Value> {
    let category = desk.database.ask(|db| {
        #[derive(diesel::QueryableByName)]
        struct Id {
            #[diesel(sql_type = diesel::sql_types::Text)]
            id: String,
        }
        diesel::sql_query("SELECT md5('category2')::uuid::text AS id").get_result::<Id>(db).unwrap().id
    });
    let whole = "/statistics?from_date=2024-10-01&through_date=2025-12-31";
    let mut paths: Vec<String> =
        ["week", "month", "quarter"].map(|interval| format!("{whole}&interval={interval}")).into();
    paths.push("/statistics?from_date=2024-11-10&through_date=2025-02-03&interval=day".to_owned());
    paths.push(format!("{whole}&criticality=critical&criticality=low&interval=quarter"));
    paths.push(format!("{whole}&channel=email"));
    paths.push(format!("{whole}&category_id={category}"));
    paths.push(format!("{whole}&unit_id={}", desk.unit_id()));
    paths.extend((1..=4).map(|quarter| format!("/reports/quarterly/2025/{quarter}")));
    let ask = |path: &String| {
        let asked = if path.contains('?') {
            format!("{path}{EVERY_BREAKDOWN}&with_links=true")
        } else {
            path.clone()
        };
        let mut answer = desk.director().get(&asked).ok();
        if let Some(report) = answer.as_object_mut() {
            // The time of the request.
            report.remove("generated_at");
        }
        answer
    };
    paths.iter().map(ask).collect()
}

/// Asserts that the figures are equal. A mean of times may differ in its last digit, depending on the order in which
/// the database adds values. Links are ignored, because they contain the time of the request.
pub fn assert_same(then: &Value, now: &Value, at: &str) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            assert_eq!(then.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>(), "{at}");
            for (name, value) in then.iter().filter(|(name, _)| *name != "links") {
                assert_same(value, &now[name], &format!("{at}/{name}"));
            }
        }
        (Value::Array(then), Value::Array(now)) => {
            assert_eq!(then.len(), now.len(), "{at}");
            for (index, (then, now)) in then.iter().zip(now).enumerate() {
                assert_same(then, now, &format!("{at}/{index}"));
            }
        }
        _ => match (then.as_f64(), now.as_f64()) {
            (Some(one), Some(other)) if !at.contains("surveys") => {
                assert!((one - other).abs() <= one.abs() * 1e-12, "{at}: {one} is {other}");
            }
            _ => assert_eq!(then, now, "{at}"),
        },
    }
}

fn satisfaction(desk: &Desk) -> Value {
    let path = format!("{}/measurements", desk.indicator("satisfaction"));
    let measured = desk.director().post(&path, json!({"year": 2025, "quarter": 1})).json();
    json!([measured["value"], measured["numerator"], measured["denominator"]])
}

#[test]
fn a_second_run_removes_nothing_and_the_figures_do_not_change() {
    let desk = Desk::open();
    desk.database.five_quarters(700);
    let satisfied = satisfaction(&desk);
    let before = statistics(&desk);
    let surveys = desk.database.count("SELECT count(*) FROM surveys");
    let prints = desk.database.fingerprint();
    let expected = due(&desk, later());
    assert_eq!(desk.database.fingerprint(), prints, "`due` changes nothing");
    let expected = expected["surveys"];
    assert!(expected > 50 && expected < surveys - 50, "{expected} of {surveys}");

    let first = remove(&desk, later());
    assert_eq!(by_kind(&first)["surveys"], expected);
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys"), surveys - expected);
    assert_eq!(by_kind(&remove(&desk, later())), BTreeMap::new());
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys"), surveys - expected);
    let runs = desk.director().get("/retention-runs?kind=surveys").items();
    let sum: i64 = runs.iter().map(|run| run["removed_count"].as_i64().unwrap()).sum();
    assert_eq!((sum, &runs[0]["cutoff_at"]), (expected, &json!("2025-03-31T05:00:00Z")));

    for (then, now) in before.iter().zip(&statistics(&desk)) {
        assert_same(then, now, "");
    }
    assert_eq!(satisfaction(&desk), satisfied);
    // Lists contain the surveys that remain.
    let list = "/tickets?survey_sent_from=2024-10-01T05:00:00Z&survey_sent_before=2025-01-01T05:00:00Z&with_total=true";
    assert_eq!(desk.technician().get(list).ok()["total"], desk.database.count(
        "SELECT count(*) FROM surveys WHERE created_at >= '2024-10-01 00:00-05' AND created_at < '2025-01-01 00:00-05'"
    ));
}

#[test]
fn two_simultaneous_runs_remove_each_record_once() {
    let desk = Desk::open();
    desk.database.five_quarters(900);
    // More than one batch.
    let now: DateTime<Utc> = "2028-02-01T12:00:00Z".parse().unwrap();
    let expected = due(&desk, now)["surveys"];
    assert!(expected > 500, "{expected}");
    let barrier = Barrier::new(2);
    let removed: Vec<i64> = thread::scope(|scope| {
        let copies: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut db = desk.database.connect();
                    barrier.wait();
                    let (removed, _) = removal::remove(&mut db, BOGOTA, now, Which::NotYetToday);
                    by_kind(&removed).get("surveys").copied().unwrap_or_default()
                })
            })
            .collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    assert_eq!(removed.iter().sum::<i64>(), expected);
    let runs = "SELECT sum(removed) FROM retention_runs WHERE kind = 'surveys'";
    assert_eq!(desk.database.count(runs), expected);
    let kept = "SELECT sum(surveys) FROM survey_counts WHERE fact = 'sent'";
    assert_eq!(desk.database.count(kept), expected);
    // The run of this day is complete.
    let (again, _) = removal::remove(&mut desk.database.connect(), BOGOTA, now, Which::NotYetToday);
    assert_eq!(again, []);
    let rule = desk.director().get("/retention-rules/surveys").ok();
    assert_eq!(rule["applied_on"], "2028-02-01");
}

#[test]
fn records_are_kept_as_long_as_a_form_refers_to_them() {
    let desk = Desk::open();
    let (director, owner) = (desk.director(), desk.technician());
    let id = |answer: &Value| answer["id"].as_str().unwrap().to_owned();
    let signed = id(&director.post("/meeting-minutes", minutes(owner.id())).created());
    director.with("if-match", "*").post(&format!("/meeting-minutes/{signed}/signature"), json!({})).ok();
    let draft = id(&director.post("/meeting-minutes", minutes(owner.id())).created());

    // An action from a measurement that also refers to the action, and an action from minutes.
    let path = format!("{}/measurements", desk.indicator("satisfaction"));
    let measured = id(&director.post(&path, json!({"year": 2026, "quarter": 1})).created());
    let action = |origin: Value| {
        let mut body = improvement_action(owner.id(), "open");
        body["origin"] = origin;
        let action = id(&director.post("/improvement-actions", body).created());
        let one = format!("/improvement-actions/{action}");
        owner.post(&format!("{one}/followups"), json!({"body": "Va bien."})).created();
        owner.upload(&format!("{one}/attachments"), "acta.txt", format!("acta de {action}")).created();
        owner.post(&format!("{one}/completion"), json!({"note": "Hecho."})).ok();
        let verdict = json!({"effective": true, "note": "Sirvió."});
        director.post(&format!("{one}/verification"), verdict).ok();
        action
    };
    let of_measured = action(json!({"kind": "measurement", "measurement_id": measured}));
    let of_minutes = action(json!({"kind": "minutes", "minutes_id": signed}));
    let analysed = json!({"analysis": "Va bien.", "improvement_action_id": of_measured});
    director.patch(&format!("/measurements/{measured}"), analysed).ok();
    director.with("if-match", "*").post(&format!("/measurements/{measured}/approval"), json!({})).ok();
    let closed = id(&director.post("/risks", risk(owner.id(), "active")).created());
    director.patch(&format!("/risks/{closed}"), json!({"status": "closed"})).ok();
    let active = id(&director.post("/risks", risk(owner.id(), "active")).created());

    assert_eq!(due(&desk, Utc::now()), BTreeMap::new());
    let old = "now() - interval '25 months'";
    age(&desk, &format!(
        "UPDATE minutes SET signed_at = CASE WHEN status = 'signed' THEN {old} END, updated_at = {old}, created_at = {old};
         UPDATE measurements SET approved_at = {old}; UPDATE risks SET updated_at = {old};
         UPDATE improvement_actions SET verified_at = {old} WHERE id = '{of_measured}'"
    ));
    // The minutes are referenced by an action whose retention period is not over.
    let going = BTreeMap::from([("improvement_actions", 1), ("measurements", 1), ("risks", 1)]);
    assert_eq!(due(&desk, Utc::now()), going);
    assert_eq!(by_kind(&remove(&desk, Utc::now())), going);
    director.get(&format!("/improvement-actions/{of_measured}")).problem(404, "not_found");
    director.get(&format!("/measurements/{measured}")).problem(404, "not_found");
    director.get(&format!("/risks/{closed}")).problem(404, "not_found");
    director.get(&format!("/risks/{active}")).ok();
    director.get(&format!("/meeting-minutes/{signed}")).ok();

    age(&desk, &format!("UPDATE improvement_actions SET verified_at = {old}"));
    assert_eq!(
        by_kind(&remove(&desk, Utc::now())),
        BTreeMap::from([("improvement_actions", 1), ("minutes", 1)])
    );
    director.get(&format!("/improvement-actions/{of_minutes}")).problem(404, "not_found");
    director.get(&format!("/meeting-minutes/{signed}")).problem(404, "not_found");
    director.get(&format!("/meeting-minutes/{draft}")).ok();

    // Their files are removed too, including the content, except for content that has been uploaded again since.
    assert_eq!(desk.database.count("SELECT count(*) FROM removed_files"), 2);
    let again = desk.ticket_in("received");
    let content = format!("acta de {of_minutes}");
    let kept =
        desk.requester().upload(&format!("{again}/attachments"), "acta.txt", content.clone()).created();
    let sweep =
        |wait: TimeDelta| actix_web::rt::System::new().block_on(removed::sweep(desk.shared(), wait)).unwrap();
    assert_eq!((sweep(TimeDelta::hours(1)), sweep(TimeDelta::zero()), sweep(TimeDelta::zero())), (0, 1, 0));
    assert_eq!(desk.database.count("SELECT count(*) FROM removed_files"), 0);
    let kept = format!("/attachments/{}/content", id(&kept));
    assert_eq!(desk.requester().get(&kept).text(), content);
}

#[test]
fn mail_is_removed_after_the_retention_period_of_its_ticket() {
    let desk = Desk::open();
    let (open, closed) = (desk.ticket_in("in_progress"), desk.ticket_in("closed"));
    let number = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let mail = "From: requester@mesa.test\nMessage-ID: <1@x>\n\nNo hay red.";
    desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let old = "now() - interval '25 months'";
    age(
        &desk,
        &format!(
            "UPDATE messages SET status = 'failed', last_error = 'no', created_at = {old};
         UPDATE inbound_emails SET processed_at = {old}, received_at = {old}"
        ),
    );
    assert_eq!(due(&desk, Utc::now()), BTreeMap::new(), "no ticket ended that long ago");
    age(&desk, &format!("UPDATE tickets SET closed_at = {old} WHERE id = {}", number(&closed)));
    let of_closed = format!("SELECT count(*) FROM messages WHERE ticket_id = {}", number(&closed));
    let messages = desk.database.count(&of_closed);
    assert_eq!(by_kind(&remove(&desk, Utc::now())), BTreeMap::from([("messages", messages)]));
    assert_eq!(desk.database.count(&of_closed), 0);
    let of_open = format!("SELECT count(*) FROM messages WHERE ticket_id = {}", number(&open));
    assert!(desk.database.count(&of_open) > 0);
    // The email became a ticket that is still open. It is removed once that ticket has ended.
    age(
        &desk,
        &format!(
            "UPDATE tickets SET archived_at = {old}, status = 'archived', archive_reason = 'withdrawn' \
         WHERE id = (SELECT ticket_id FROM inbound_emails)"
        ),
    );
    assert_eq!(by_kind(&remove(&desk, Utc::now()))["inbound_emails"], 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM removed_files"), 1);
}

#[test]
fn retention_rules_follow_the_procedure_and_have_a_minimum() {
    let desk = Desk::open();
    let director = desk.director();
    let rules = director.get("/retention-rules").ok()["items"].clone();
    let told: Vec<(&Value, &Value, &Value)> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (&rule["kind"], &rule["form"], &rule["retention_months"]))
        .collect();
    assert_eq!(told[0], (&json!("tickets"), &json!(null), &json!(null)));
    assert!(told.contains(&(&json!("minutes"), &json!("FO-DE-01"), &json!(24))));
    assert_eq!(told.len(), RetentionKind::ALL.len());

    let months = |months: Value| json!({"retention_months": months});
    let fault = |path: &str, body: Value| director.patch(path, body).faults();
    assert_eq!(
        fault("/retention-rules/surveys", months(json!(23))),
        [("/retention_months".into(), "out_of_range".into())]
    );
    assert_eq!(
        fault("/retention-rules/tickets", months(json!(240))),
        [("/retention_months".into(), "not_allowed".into())]
    );
    let etag = director.get("/retention-rules/surveys").header("etag").to_owned();
    let changed =
        director.with("if-match", etag.clone()).patch("/retention-rules/surveys", months(json!(36))).ok();
    assert_eq!((&changed["retention_months"], &changed["minimum_months"]), (&json!(36), &json!(24)));
    director
        .with("if-match", etag)
        .patch("/retention-rules/surveys", months(json!(48)))
        .problem(412, "precondition_failed");
    assert_eq!(
        director.patch("/retention-rules/risks", months(json!(null))).ok()["retention_months"],
        json!(null)
    );
    desk.professional().patch("/retention-rules/risks", months(json!(36))).problem(403, "forbidden");

    // The database enforces the minimum too.
    refused(&desk.database, "UPDATE retention_rules SET months = 23 WHERE kind = 'minutes'");
    refused(&desk.database, "UPDATE retention_rules SET months = 24 WHERE kind = 'tickets'");
    desk.database.run(
        "INSERT INTO retention_runs VALUES (gen_random_uuid(), 'surveys', 24, now(), 1, now());
         INSERT INTO survey_counts (fact, day, channel, status, surveys) VALUES ('sent', now(), 'web', 'pending', 1)",
    );
    for table in ["retention_runs", "survey_counts"] {
        refused(&desk.database, &format!("DELETE FROM {table}"));
        refused(&desk.database, &format!("TRUNCATE {table}"));
    }
    refused(&desk.database, "UPDATE retention_runs SET removed = 2");
    refused(&desk.database, "UPDATE survey_counts SET surveys = 2");
}

#[test]
fn the_command_reports_what_it_would_remove_and_what_it_removed() {
    let desk = Desk::open();
    desk.ticket_in("closed");
    desk.database.run(
        "UPDATE surveys SET offered_at = now() - interval '25 months', created_at = now() - interval '25 months'",
    );
    let prints = desk.database.fingerprint();
    let dry = mesa(&[
        ("DATABASE_URL", &desk.database.url),
        ("MESA_JWT_SECRET", "a secret of the tests, 32 bytes or more"),
    ])
    .args(["retention", "--dry-run"])
    .output()
    .unwrap();
    let dry = String::from_utf8(dry.stdout).unwrap();
    assert_eq!(dry.lines().count(), 7, "{dry}");
    assert!(dry.contains("surveys: kept for 24 months, up to ") && dry.contains(": 1 would go\n"), "{dry}");
    assert_eq!(desk.database.fingerprint(), prints);
    let command = |dry_run| command::retention(&desk.shared().config, &desk.database.url, dry_run).unwrap();
    assert!(command(false).contains(": 1 removed\n"));
    assert!(!command(false).contains(": 1 removed\n"));
    assert_eq!(desk.requester().get("/tickets/1/survey").status, 404);
}

/// Section 7 of the procedure, "Control de registros", with the columns of its table.
#[test]
fn those_responsible_read_the_columns_of_the_procedures_table() {
    let desk = Desk::open();
    let technician = desk.technician();
    let rules = technician.get("/retention-rules").items();
    let columns = |kind: &str| {
        let rule = rules.iter().find(|rule| rule["kind"] == kind).unwrap();
        ["responsible", "storage_place", "retrieval", "protection", "retention_months", "disposition"]
            .map(|name| rule[name].clone())
    };
    let software = "Software de la Mesa de Servicios";
    let staff = "Profesional Universitario de las TIC; Técnico Operativo o Administrativo de las TIC";
    let protection = "Backups; claves de acceso";
    assert_eq!(
        columns("tickets").to_vec(),
        [
            json!(staff),
            json!(software),
            json!(software),
            json!(protection),
            json!(null),
            json!("Servidor Data Center")
        ]
    );
    let office = "Oficina del responsable / Dirección Administrativa de las TIC";
    let computer = "PC del responsable / Carpeta compartida de Calidad";
    for (kind, responsible) in [
        ("surveys", "Profesional Universitario; Técnico Operativo o Administrativo de las TIC"),
        ("minutes", "Profesional Universitario de las TIC; Enlace MIPG de las TIC"),
        ("measurements", "Profesional Universitario de las TIC; Enlace MIPG de las TIC"),
        ("improvement_actions", "Profesional Universitario de las TIC; Enlace MIPG de las TIC"),
        ("risks", "Profesional Universitario de las TIC; Enlace MIPG de las TIC"),
    ] {
        let expected = [
            json!(responsible),
            json!(office),
            json!(computer),
            json!(protection),
            json!(24),
            json!("Eliminar"),
        ];
        assert_eq!(columns(kind).to_vec(), expected, "{kind}");
    }
    assert_eq!(columns("messages")[0], json!(null));
    // A migration is not somebody's change.
    assert_eq!(desk.director().get("/audit/log?resource=retention_rule").items().len(), 0);

    let one = "/retention-rules/surveys";
    desk.professional().get(one).ok();
    desk.professional().patch(one, json!({"retrieval": "Servidor de archivos"})).problem(403, "forbidden");
    desk.requester().get("/retention-rules").problem(403, "forbidden");
    desk.database.run("UPDATE retention_rules SET applied_on = '2026-01-01'");
    let changed = desk.director().patch(one, json!({"retrieval": "Servidor de archivos"})).ok();
    assert_eq!(
        (&changed["retrieval"], &changed["retention_months"], &changed["applied_on"]),
        (&json!("Servidor de archivos"), &json!(24), &json!("2026-01-01"))
    );
    let longer = desk.director().patch(one, json!({"retention_months": 36})).ok();
    assert_eq!((&longer["retrieval"], &longer["applied_on"]), (&json!("Servidor de archivos"), &json!(null)));
}
