//! The state of the installation, for administrators.

use mesa::mail::worker::Round;
use mesa::server::routine;
use mesa::system::tasks::TaskName;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::smtp::MailServer;

fn codes(status: &Value) -> Vec<&str> {
    status["hints"].as_array().unwrap().iter().map(|hint| hint["code"].as_str().unwrap()).collect()
}

fn task<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["tasks"].as_array().unwrap().iter().find(|task| task["name"] == name)
}

#[test]
fn the_director_reads_the_state_of_all_copies_at_each() {
    let gone = MailServer::start();
    let desk = Desk::mailing(&gone);
    drop(gone);
    let director = desk.director();
    let before = director.get("/system").ok();
    assert_eq!((&before["tasks"], &before["mail"]["last_attempt_at"]), (&json!([]), &Value::Null));
    assert_eq!(before["mail"]["oldest_waiting"], Value::Null);
    assert_eq!(before["server"]["version"], env!("CARGO_PKG_VERSION"));
    let applied = desk.database.count("SELECT max(version)::bigint FROM __diesel_schema_migrations");
    assert_eq!(before["database"]["schema_version"], applied.to_string());
    assert!(before["database"]["version"].as_str().unwrap().parse::<f32>().unwrap() > 13.0);

    desk.requester().register("Sin red");
    assert_eq!(desk.send_mail(), Round::Unreachable);
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    // Read at another copy, which neither sent nor ran anything.
    let copy = desk.copy();
    let status = director.at(copy.url()).get("/system").ok();
    let mail = &status["mail"];
    assert_eq!((&mail["enabled"], &mail["last_succeeded_at"]), (&json!(true), &Value::Null));
    assert!(
        mail["last_attempt_at"].is_string() && mail["last_error"].as_str().unwrap().contains("onnection")
    );
    let oldest = &mail["oldest_waiting"];
    assert_eq!(oldest["attempt_count"], 1);
    assert!(oldest["last_error"].as_str().unwrap().contains("onnection"), "{oldest}");
    assert_eq!(
        director.get(&format!("/messages/{}", oldest["id"].as_str().unwrap())).ok()["created_at"],
        oldest["created_at"]
    );
    assert!(mail["waiting_count"].as_i64().unwrap() >= 1);
    let closing = task(&status, "close_solved_tickets").unwrap();
    assert!(closing["last_succeeded_at"].is_string() && closing["duration_ms"].is_u64());
    assert_eq!((&closing["failure_count"], &closing["last_error"]), (&json!(0), &Value::Null));
    assert_eq!(status["mailbox"]["enabled"], false);

    // Only the director, and a machine of the director's with that scope.
    for other in [desk.requester(), desk.technician(), desk.professional()] {
        other.get("/system").problem(403, "forbidden");
    }
    desk.nobody().get("/system").problem(401, "unauthenticated");
}

#[test]
fn a_task_that_fails_shows_its_error_until_it_succeeds_again() {
    let desk = Desk::open();
    let director = desk.director();
    let run = || routine::once(&mut desk.database.connect(), &desk.shared().config);
    run();
    desk.database.run("ALTER TABLE refresh_tokens RENAME TO hidden");
    run();
    let runs = run();
    runs.iter().for_each(|run| run.count(desk.shared()));
    desk.database.run("ALTER TABLE hidden RENAME TO refresh_tokens");
    let status = director.get("/system").ok();
    let failed = task(&status, "remove_refresh_tokens").unwrap();
    assert_eq!(failed["failure_count"], 2);
    assert!(failed["last_error"].as_str().unwrap().contains("refresh_tokens"), "{failed}");
    assert!(failed["last_succeeded_at"].as_str() < failed["last_failed_at"].as_str(), "{failed}");
    assert_eq!(task(&status, "close_solved_tickets").unwrap()["failure_count"], 0);
    let metrics = desk.nobody().get("//metrics").text();
    assert!(metrics.contains("mesa_task_failures_total{task=\"remove_refresh_tokens\"} 1\n"), "{metrics}");
    run();
    let status = director.get("/system").ok();
    let again = task(&status, "remove_refresh_tokens").unwrap();
    assert_eq!(again["failure_count"], 0);
    assert_eq!(again["last_failed_at"], failed["last_failed_at"]);
    // One row for each task, however often it runs.
    let rows = desk.database.count("SELECT count(*) FROM background_tasks");
    assert!(rows > 15 && rows <= i64::try_from(TaskName::ALL.len()).unwrap());
}

#[test]
fn the_oldest_delivery_is_that_of_an_active_webhook() {
    let desk = Desk::open();
    let director = desk.director();
    let webhook = |path: &str| {
        let made = director
            .post("/webhooks", json!({"url": format!("https://erp.example.gov.co/{path}")}))
            .created();
        let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
        let delivery = director.post(&format!("{path}/test"), json!({})).expect(202);
        (path, made["id"].clone(), delivery["id"].clone())
    };
    let (_, later, _) = webhook("later");
    let (inactive, ..) = webhook("inactive");
    let (_, first, delivery) = webhook("first");
    desk.database.run(&format!(
        "UPDATE webhook_deliveries SET created_at = now() - interval '1 hour', attempts = 2, error = 'no answer in time' \
         WHERE webhook_id <> {}",
        later.to_string().replace('"', "'")
    ));
    director.patch(&inactive, json!({"active": false})).ok();
    let webhooks = &director.get("/system").ok()["webhooks"];
    assert_eq!(webhooks["waiting_count"], 2);
    let oldest = &webhooks["oldest_waiting"];
    assert_eq!((&oldest["id"], &oldest["webhook_id"]), (&delivery, &first));
    assert_eq!((&oldest["attempt_count"], &oldest["last_error"]), (&json!(2), &json!("no answer in time")));
}

#[test]
fn hints_say_what_the_configuration_lacks_in_the_language_of_the_reader() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "0")]);
    let status = desk.director().get("/system").ok();
    let found = codes(&status);
    for code in ["mail_off", "without_tls", "no_rate_limit"] {
        assert!(found.contains(&code), "{code} is missing in {found:?}");
    }
    assert!(!found.contains(&"audit_unsigned") && !found.contains(&"later_schema"), "{found:?}");
    let detail = |language: &str| {
        let status = desk.director().with("accept-language", language).get("/system").ok();
        status["hints"][0]["detail"].as_str().unwrap().to_owned()
    };
    assert!(detail("en").contains("There is no mail server") && detail("es").contains("No hay servidor"));
    let server = MailServer::start();
    let mailing = Desk::mailing(&server);
    let found = mailing.director().get("/system").ok();
    assert!(!codes(&found).contains(&"mail_off") && !codes(&found).contains(&"without_tls"));
}
