//! Work in the background: many operations and files of tickets, with progress, results and an end for each.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mesa::auth::policy::Role;
use mesa::server::routine;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::{Client, Desk};
use crate::service_accounts::machine;

/// This many registrations, and one that is refused in the middle.
fn registrations(desk: &Desk, count: usize) -> Value {
    let requester_id = desk.requester().id().to_owned();
    let one = |number: usize| {
        if number == count / 2 {
            return json!({"create": {"subject": "Sin descripción"}});
        }
        json!({"create": {"subject": format!("Caso {number}"), "description": "No responde.", "requester_id": requester_id}})
    };
    (0..count).map(one).collect()
}

fn queue(client: &Client, operations: Value) -> String {
    let answer = client.post("/tickets/bulk", json!({"operations": operations}));
    let job = answer.expect(202);
    assert_eq!((&job["kind"], &job["state"]), (&json!("ticket_bulk"), &json!("waiting")));
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), format!("/api/v1{path}"));
    path
}

fn results(client: &Client, job: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("{job}/results?limit=100"));
    loop {
        let page = client.get(&path).ok();
        all.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        path = format!("{job}/results?limit=100&cursor={cursor}");
    }
}

#[test]
fn more_operations_than_a_request_carries_out_become_a_job() {
    let desk = Desk::open();
    let technician = desk.technician();
    let job = queue(&technician, registrations(&desk, 110));
    assert_eq!(technician.get(&job).ok()["total_count"], 110);
    assert!(results(&technician, &job).is_empty());
    assert_eq!(desk.carry_out_jobs(), 1);
    let done = technician.get(&job).ok();
    assert_eq!(
        (&done["state"], &done["done_count"], &done["refused_count"]),
        (&json!("succeeded"), &json!(110), &json!(1))
    );
    let results = results(&technician, &job);
    let positions: Vec<u64> = results.iter().map(|one| one["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, (0..110).collect::<Vec<u64>>());
    assert_eq!(results[55]["problem"]["errors"][0]["pointer"], "/description");
    let made = technician.get(&results[54]["location"].as_str().unwrap().replace("/api/v1", ""));
    assert_eq!(
        (made.ok()["subject"].as_str().unwrap(), made.header("etag")),
        ("Caso 54", results[54]["etag"].as_str().unwrap())
    );
    // The bodies are gone.
    assert_eq!(desk.database.count("SELECT count(*) FROM job_operations WHERE operation IS NOT NULL"), 0);
    assert_eq!(desk.carry_out_jobs(), 0);
    // It is nobody else's.
    desk.director().get(&job).problem(404, "not_found");
    desk.director().get(&format!("{job}/results")).problem(404, "not_found");
    desk.director().post(&format!("{job}/cancellation"), json!({})).problem(404, "not_found");
    technician.get(&format!("{job}/file")).problem(404, "not_found");
    assert_eq!(technician.get("/jobs?state=succeeded&with_total=true").ok()["total"], 1);
    assert!(technician.get("/jobs?state=failed").items().is_empty());
}

#[test]
fn a_client_may_prefer_a_job() {
    let desk = Desk::open();
    let technician = desk.technician().with("prefer", "wait=10, Respond-Async");
    let key = technician.with("idempotency-key", "una-vez");
    let body = json!({"operations": registrations(&desk, 3)});
    let first = key.post("/tickets/bulk", body.clone()).expect(202);
    assert_eq!(key.post("/tickets/bulk", body.clone()).expect(202), first);
    assert_eq!(desk.carry_out_jobs(), 1);
    assert_eq!(technician.get("/tickets").items().len(), 2);
    let atomic = json!({"operations": body["operations"], "atomic": true});
    assert_eq!(
        technician.post("/tickets/bulk", atomic).faults(),
        [("/atomic".to_owned(), "not_allowed".to_owned())]
    );
    let many = registrations(&desk, 1001);
    technician.post("/tickets/bulk", json!({"operations": many})).problem(422, "invalid_body");
}

#[test]
fn a_job_refuses_what_a_request_refuses() {
    let desk = Desk::open();
    let technician = desk.technician();
    let body = json!({"operations": [
        {"create": {"subject": "Uno", "description": "x", "x\u{0}y": 1}},
        {"create": {"subject": 7, "description": "x"}},
        {"ticket_id": 9_007_199_254_740_991_i64, "closure": {}},
        {},
    ]});
    let at_once = technician.post("/tickets/bulk", body.clone()).ok()["results"].clone();
    let job = technician.with("prefer", "respond-async").post("/tickets/bulk", body).expect(202);
    desk.carry_out_jobs();
    let results = results(&technician, &format!("/jobs/{}", job["id"].as_str().unwrap()));
    assert_eq!(results.len(), 4);
    for (later, now) in results.iter().zip(at_once.as_array().unwrap()) {
        assert_eq!((&later["status"], &later["problem"]), (&now["status"], &now["problem"]));
    }
}

#[test]
fn an_export_with_other_filters_is_another_request() {
    let desk = Desk::open();
    let key = desk.technician().with("idempotency-key", "uno");
    let body = json!({"format": "csv"});
    let first = key.post("/tickets/exports?status=received", body.clone()).expect(202);
    assert_eq!(key.post("/tickets/exports?status=received", body.clone()).expect(202), first);
    key.post("/tickets/exports?status=closed", body).problem(422, "idempotency_key_reused");
}

#[test]
fn an_attempt_that_lost_its_lease_replaces_nothing() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.requester().register("Sin red");
    let (job, csv) = export(&desk, &technician, "csv", "");
    // As an attempt that began before, and ends after the job.
    desk.database.run(
        "UPDATE jobs SET state = 'waiting', finished_at = NULL, locked_by = NULL, storage_key = NULL, \
        file_name = NULL, content_type = NULL, size = NULL, sha256 = NULL",
    );
    desk.requester().register("Otra");
    desk.carry_out_jobs();
    let keys = desk.database.count("SELECT count(*) FROM removed_files WHERE storage_key LIKE 'exports/%'");
    assert_eq!(keys, 2, "each attempt has a file of its own");
    let file = technician.get(&job["written_file"]["link"].as_str().unwrap().replace("/api/v1", ""));
    assert_ne!(file.bytes, csv);
    let kept = "SELECT count(*) FROM removed_files r JOIN jobs j USING (storage_key) WHERE r.removed_at > now() + interval '71 hours'";
    assert_eq!(desk.database.count(kept), 1);
}

#[test]
fn a_canceled_job_does_nothing_more() {
    let desk = Desk::open();
    let technician = desk.technician();
    let job = queue(&technician, registrations(&desk, 110));
    let cancel = || technician.post(&format!("{job}/cancellation"), json!({}));
    assert_eq!(cancel().ok()["state"], "canceled");
    assert_eq!(cancel().ok()["state"], "canceled");
    assert_eq!(desk.carry_out_jobs(), 0);
    assert!(results(&technician, &job).is_empty());
    assert!(technician.get("/tickets").items().is_empty());
    let job = queue(&technician, registrations(&desk, 101));
    desk.carry_out_jobs();
    technician.post(&format!("{job}/cancellation"), json!({})).problem(409, "wrong_state");
}

#[test]
fn an_account_has_up_to_twenty_jobs_carried_out_in_their_order() {
    let desk = Desk::open();
    let technician = desk.technician().with("prefer", "respond-async");
    let operation = |level: &str, id: i64| json!({"operations": [{"ticket_id": id, "classification": {"criticality": level}}]});
    let id = technician.register("Sin red")["id"].as_i64().unwrap();
    for level in ["high", "low", "medium", "critical"].iter().cycle().take(20) {
        technician.post("/tickets/bulk", operation(level, id)).expect(202);
    }
    technician.post("/tickets/bulk", operation("low", id)).problem(409, "too_many_jobs");
    assert_eq!(desk.carry_out_jobs(), 20);
    let events = technician.get(&format!("/tickets/{id}/events?limit=100")).items();
    let levels: Vec<&str> = events
        .iter()
        .filter_map(|event| {
            event["changes"].as_array()?.iter().find(|change| change["field"] == "criticality")
        })
        .filter_map(|change| change["to"].as_str())
        .collect();
    let expected: Vec<&str> = ["high", "low", "medium", "critical"].into_iter().cycle().take(20).collect();
    assert_eq!(levels, expected);
}

#[test]
fn a_job_has_the_rights_of_its_owner_at_that_time() {
    let desk = Desk::open();
    let (account, program) = machine(&desk, Role::Technician, &["register_ticket", "read_ticket"]);
    let body = registrations(&desk, 101);
    let job = queue(&program, body.clone());
    let ended = queue(&program, body);
    let path = format!("/service-accounts/{}", account["id"].as_str().unwrap());
    // Registering is not in its scopes any more.
    desk.director().patch(&path, json!({"scopes": ["read_ticket"]})).ok();
    desk.wait_for_copies();
    desk.database.run("UPDATE jobs SET locked_until = now() + interval '1 hour' WHERE created_at > (SELECT min(created_at) FROM jobs)");
    assert_eq!(desk.carry_out_jobs(), 1);
    let refused = program.get(&job).ok();
    assert_eq!((&refused["state"], &refused["refused_count"]), (&json!("failed"), &json!(0)));
    assert_eq!(refused["problem"]["code"], "forbidden");
    // The key is revoked.
    desk.database.run("UPDATE jobs SET locked_until = NULL");
    let keys = desk.director().get(&format!("{path}/keys")).items();
    desk.director().delete(&format!("{path}/keys/{}", keys[0]["id"].as_str().unwrap())).expect_status(204);
    assert_eq!(desk.carry_out_jobs(), 1);
    let state = format!(
        "SELECT count(*) FROM jobs WHERE id = '{}' AND problem->>'code' = 'unauthenticated'",
        &ended[6..]
    );
    assert_eq!(desk.database.count(&state), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 0);
}

#[test]
fn a_job_of_a_session_ends_with_the_sessions() {
    let desk = Desk::open();
    let technician = desk.another(Role::Technician);
    let job = queue(&technician, registrations(&desk, 101));
    desk.database
        .run(&format!("UPDATE users SET sign_in_era = sign_in_era + 1 WHERE id = '{}'", technician.id()));
    assert_eq!(desk.carry_out_jobs(), 1);
    let ended = format!(
        "SELECT count(*) FROM jobs WHERE id = '{}' AND problem->>'code' = 'unauthenticated'",
        &job[6..]
    );
    assert_eq!(desk.database.count(&ended), 1);
}

fn export(desk: &Desk, client: &Client, format: &str, query: &str) -> (Value, Vec<u8>) {
    let answer = client.post(&format!("/tickets/exports{query}"), json!({"format": format}));
    let path = answer.header("location").replace("/api/v1", "");
    assert_eq!(answer.expect(202)["written_file"], Value::Null);
    client.get(&format!("{path}/file")).problem(404, "not_found");
    desk.carry_out_jobs();
    let job = client.get(&path).ok();
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let file = client.get(&job["written_file"]["link"].as_str().unwrap().replace("/api/v1", ""));
    assert_eq!(file.header("content-type"), job["written_file"]["content_type"].as_str().unwrap());
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"tickets.{format}\""));
    assert_eq!(job["written_file"]["size_bytes"].as_u64().unwrap(), file.bytes.len() as u64);
    (job, file.bytes.clone())
}

#[test]
fn tickets_are_written_into_a_file_of_each_format() {
    let desk = Desk::open();
    let technician = desk.technician();
    for subject in ["=1+1", "Sin red", "Otra"] {
        desk.requester().register(subject);
    }
    desk.ticket_in("solved");
    let (job, csv) = export(&desk, &technician, "csv", "?status=received");
    assert_eq!((&job["total_count"], &job["done_count"]), (&json!(3), &json!(3)));
    assert_eq!(csv, technician.get("/tickets/export?status=received").bytes);
    let (_, lines) = export(&desk, &technician, "ndjson", "");
    let lines: Vec<Value> =
        String::from_utf8(lines).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, technician.get("/tickets").items());
    // A time that no spreadsheet knows.
    desk.database.run("UPDATE tickets SET scheduled_for = '0099-01-01' WHERE status = 'solved'");
    let (_, workbook) = export(&desk, &technician, "xlsx", "");
    assert!(workbook.starts_with(b"PK"));
    assert_eq!(export(&desk, &technician, "ndjson", "?status=archived").1, b"");
    // What a requester exports are their own tickets.
    let other = desk.another(Role::Requester);
    assert_eq!(export(&desk, &other, "ndjson", "").1, b"");
    technician.post("/tickets/exports?status=x", json!({"format": "csv"})).problem(400, "invalid_query");
    technician.post("/tickets/exports", json!({"format": "ods"})).problem(422, "invalid_body");
    assert_eq!(desk.database.count("SELECT count(*) FROM audit_events WHERE kind = 'exported'"), 11);
}

#[test]
fn a_file_is_for_those_who_still_see_what_it_was_made_from() {
    let desk = Desk::open();
    let professional = desk.another(Role::Professional);
    desk.requester().register("Sin red");
    let (job, _) = export(&desk, &professional, "csv", "");
    let link = job["written_file"]["link"].as_str().unwrap().replace("/api/v1", "");
    professional.with("range", "bytes=0-3").get(&link).expect_status(206);
    desk.technician().get(&link).problem(404, "not_found");
    let path = format!("/users/{}", professional.id());
    desk.director().patch(&path, json!({"role": "requester"})).ok();
    desk.wait_for_copies();
    professional.get(&link).problem(403, "forbidden");
}

#[test]
fn an_export_ends_with_the_data_of_an_erased_person_and_with_time() {
    let desk = Desk::open();
    let technician = desk.technician();
    let person = desk.another(Role::Requester);
    let job = |job: &Value| format!("/jobs/{}", job["id"].as_str().unwrap());
    let (old, _) = export(&desk, &technician, "csv", "");
    let bulk = queue(&technician, registrations(&desk, 101));
    desk.carry_out_jobs();
    let anonymize = format!("/users/{}/anonymization", person.id());
    desk.director().post(&anonymize, json!({"reason": "Solicitud de supresión"})).ok();
    technician.get(&job(&old)).problem(404, "not_found");
    let (new, _) = export(&desk, &technician, "csv", "");
    desk.database.run("UPDATE jobs SET expires_at = now() - interval '1 second'");
    routine::once(&mut desk.shared().db.connection().unwrap(), &desk.shared().config);
    technician.get(&job(&new)).problem(404, "not_found");
    technician.get(&bulk).problem(404, "not_found");
    assert_eq!(desk.database.count("SELECT count(*) FROM job_operations"), 0);
}

#[test]
fn a_fault_of_the_server_is_tried_again_and_ends_the_job_after_some_attempts() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.database.run(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'broken'; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON tickets FOR EACH ROW WHEN (NEW.subject = 'Caso 7') EXECUTE FUNCTION fail()",
    );
    let job = queue(&technician, registrations(&desk, 101));
    let mut attempts = 0;
    while technician.get(&job).ok()["finished_at"] == Value::Null {
        attempts += desk.carry_out_jobs();
        desk.database.run("UPDATE jobs SET locked_until = now()");
        assert!(attempts < 50);
    }
    let failed = technician.get(&job).ok();
    assert_eq!((&failed["state"], &failed["done_count"]), (&json!("failed"), &json!(7)));
    assert_eq!(failed["problem"]["code"], "internal");
    assert_eq!(results(&technician, &job).len(), 7);
    assert_eq!(technician.get("/tickets").items().len(), 7);
}

#[test]
fn a_server_killed_in_the_middle_of_a_job_carries_out_nothing_twice() {
    let kills = std::env::var("MESA_TEST_KILLS").map_or(3, |text| text.parse().unwrap());
    let desk = Desk::open();
    let technician = desk.technician();
    let job = queue(&technician, registrations(&desk, 400));
    let data = TempDir::new().unwrap();
    let start = || {
        Running::start(mesa(&[
            ("DATABASE_URL", desk.database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", data.path().to_str().unwrap()),
        ]))
    };
    let done = || desk.database.count("SELECT done FROM jobs");
    let wait_for = |enough: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !enough() {
            assert!(Instant::now() < deadline, "{} of 400 after a minute", done());
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    for kill in 1..=kills {
        let mut running = start();
        let share = i64::from(400 * kill / (kills + 1));
        wait_for(&|| done() >= share);
        std::thread::sleep(Duration::from_millis(u64::try_from(kill * 7 % 13).unwrap()));
        running.signal(Signal::SIGKILL);
        // A minute passes.
        desk.database.run("UPDATE jobs SET locked_until = locked_until - interval '1 minute'");
    }
    let mut running = start();
    wait_for(&|| technician.get(&job).ok()["state"] == "succeeded");
    assert!(running.signal(Signal::SIGTERM).success());
    let results = results(&technician, &job);
    let made: BTreeSet<&str> = results.iter().filter_map(|one| one["location"].as_str()).collect();
    assert_eq!((results.len(), made.len()), (400, 399));
    let subjects = "SELECT count(DISTINCT subject) FROM tickets";
    assert_eq!(
        (desk.database.count("SELECT count(*) FROM tickets"), desk.database.count(subjects)),
        (399, 399)
    );
}
