//! The audit log: which changes are recorded, what an event contains, and who can read it.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use mesa::audit::configuration;
use mesa::auth::policy::Role;
use mesa::config::Config;
use mesa::people::accounts::NewAccount;
use serde_json::{Value, json};

use crate::examples;
use crate::harness::states::minutes;
use crate::harness::{Desk, contract, logs};
use crate::operations::operations;

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Continues a sign-in that is already recorded; only the reuse of an old token is recorded.
const REFRESH: &str = "refreshSession";

/// Tables that a request may change without an event.
const UNRECORDED: &[(&str, &str)] = &[
    ("access_key_uses", "times of use"),
    ("audit_events", "the log itself"),
    ("log_entries_placed", "the log itself"),
    ("log_entries_waiting", "the log itself"),
    ("background_tasks", "the last run of each, by the server itself"),
    ("idempotency_keys", "copies of answers for retries"),
    ("job_operations", "what a job does is recorded when it is done"),
    ("jobs", "what a job does is recorded when it is done"),
    ("password_reset_requests", "recorded when the request is processed"),
    ("sign_in_attempts", "counters"),
    ("sign_in_places", "counters"),
    ("stream_tickets", "used once, within half a minute"),
    ("ticket_presence", "who is there at this moment: no history"),
    ("webhook_deliveries", "what is sent of events, and sent again"),
];

/// Tables without the trigger that records changes, each with the events that cover it.
const WITHOUT_TRIGGER: &[(&str, &str)] = &[
    ("article_revisions", "events of the article"),
    ("attention_policies", "events of the attention time"),
    ("attentions", "ticket events"),
    ("demo_accounts", "creation of the users"),
    ("earlier_attentions", "ticket events"),
    ("escalations", "ticket events"),
    ("events", "ticket events"),
    ("expired_records", "removal of the record"),
    ("followups", "ticket events"),
    ("histories", "ticket events"),
    ("holds", "ticket events"),
    ("holiday_sets", "events of the holiday"),
    ("minutes_attendance", "a change of the minutes, recorded by the handler"),
    ("minutes_decisions", "a change of the minutes, recorded by the handler"),
    ("minutes_numbers", "events of the minutes"),
    ("openings", "ticket events"),
    ("password_links", "sign-in events"),
    ("quarterly_report_files", "approval of the report"),
    ("quarterly_report_totals_files", "approval of the report"),
    ("quarterly_reports", "approval of the report, recorded by the handler"),
    ("refresh_tokens", "sign-in events"),
    ("removed_files", "removal of what named the file"),
    ("shifts", "a change of the user, recorded by the handler"),
    ("survey_answers", "answer to the survey"),
    ("survey_counts", "figures"),
    ("survey_tokens", "links, made with a message of a ticket"),
    ("ticket_facts", "ticket events"),
    ("ticket_relations", "ticket events"),
    ("ticket_watchers", "ticket events"),
    ("ticket_words", "ticket events"),
    ("followup_words", "ticket events"),
    ("tickets", "ticket events"),
    ("tree_head_mails", "heads of the log"),
    ("tree_heads", "heads of the log"),
];

fn tables(desk: &Desk) -> Vec<String> {
    let named = "SELECT relname::text AS name FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE '\\_\\_diesel%' ORDER BY 1";
    let rows: Vec<Named> = desk.database.ask(|db| diesel::sql_query(named).load(db)).unwrap();
    rows.into_iter().map(|row| row.name).collect()
}

/// A digest of each table's content.
fn contents(desk: &Desk, tables: &[String]) -> BTreeMap<String, String> {
    let one = |table: &String| {
        format!(
            "SELECT '{table} ' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') AS name FROM {table} r"
        )
    };
    let all = tables.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
    let rows: Vec<Named> = desk.database.ask(|db| diesel::sql_query(all).load(db)).unwrap();
    let pair = |row: Named| row.name.split_once(' ').map(|(table, digest)| (table.into(), digest.into()));
    rows.into_iter().filter_map(pair).collect()
}

fn recorded(desk: &Desk) -> i64 {
    desk.database.count("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM audit_events)")
}

#[test]
fn every_operation_that_changes_data_is_recorded() {
    let desk = Desk::open();
    let mut operations = operations(&desk);
    // Deletions run last, because other operations need the resources.
    operations.sort_by_key(|operation| operation.method == "DELETE");
    let mut tables = tables(&desk);
    tables.retain(|table| UNRECORDED.iter().all(|(unrecorded, _)| unrecorded != table));
    let (examples, mut wrong, mut writes) = (examples::kept(), Vec::new(), 0);
    for operation in operations.iter().filter(|operation| operation.method != "GET") {
        if operation.id == REFRESH {
            continue;
        }
        let example = examples.get(&operation.id).and_then(|example| example.get("request"));
        let request = examples::prepare(&desk, operation, example);
        let (before, events) = (contents(&desk, &tables), recorded(&desk));
        let answer = request.send();
        assert!((200..300).contains(&answer.status), "{}: {} {}", operation.id, answer.status, answer.text());
        let after = contents(&desk, &tables);
        let changed: Vec<&String> = tables.iter().filter(|table| before[*table] != after[*table]).collect();
        writes += usize::from(!changed.is_empty());
        if !changed.is_empty() && recorded(&desk) == events {
            wrong.push(format!("{} changed {changed:?}", operation.id));
        }
    }
    assert!(wrong.is_empty(), "without an event: {wrong:#?}");
    assert!(writes > 50, "only {writes} operations changed something");
}

#[test]
fn every_table_has_the_trigger_or_is_listed_as_an_exception() {
    let desk = Desk::open();
    let audited = "SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgfoid = 'record_change'::regproc";
    let audited: Vec<Named> = desk.database.ask(|db| diesel::sql_query(audited).load(db)).unwrap();
    let audited: Vec<&str> = audited.iter().map(|row| row.name.as_str()).collect();
    let elsewhere: Vec<&str> = WITHOUT_TRIGGER.iter().chain(UNRECORDED).map(|(table, _)| *table).collect();
    let tables = tables(&desk);
    for table in &tables {
        let (audited, elsewhere) = (audited.contains(&table.as_str()), elsewhere.contains(&table.as_str()));
        assert!(audited != elsewhere, "{table}: trigger {audited}, named {elsewhere}");
    }
    for table in elsewhere {
        assert!(tables.iter().any(|known| known == table), "there is no table {table}");
    }
    // The resources that triggers name are those of the API.
    let named = "SELECT DISTINCT split_part(encode(tgargs, 'escape'), '\\000', 1) AS name \
         FROM pg_trigger WHERE tgfoid = 'record_change'::regproc";
    let named: Vec<Named> = desk.database.ask(|db| diesel::sql_query(named).load(db)).unwrap();
    for Named { name } in named {
        desk.director().get(&format!("/audit/log?resource={name}")).ok();
    }
}

fn entries(desk: &Desk, filters: &str) -> Vec<Value> {
    desk.director().get(&format!("/audit/log?{filters}")).items()
}

fn fields(entry: &Value) -> Vec<&str> {
    entry["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect()
}

#[test]
fn an_event_names_the_actor_and_the_fields_and_contains_no_secret() {
    let desk = Desk::open();
    let (director, professional) = (desk.director(), desk.professional());
    let new = json!({"email": "nueva@mesa.test", "password": "una-clave-larga", "role": "technician",
        "full_name": "Nueva Persona", "contact": {"extension": "1499"}});
    let id = director.post("/users", new).created()["id"].as_str().unwrap().to_owned();
    professional.patch(&format!("/users/{id}"), json!({"full_name": "Otra Persona", "unit_id": null})).ok();
    // Nothing changes.
    professional.patch(&format!("/users/{id}"), json!({"full_name": "Otra Persona"})).ok();
    let week = json!({"shifts": [{"weekday": 1, "start_time": "08:00", "end_time": "17:00"}]});
    professional.put(&format!("/users/{id}/shifts"), week).ok();

    let found = entries(&desk, &format!("resource=user&resource_id={id}"));
    let kinds: Vec<&str> = found.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["changed", "changed", "created"], "{found:#?}");
    assert_eq!(fields(&found[0]), ["shifts"]);
    let name = json!([{"field": "full_name", "from": "Nueva Persona", "to": "Otra Persona"}]);
    assert_eq!(found[1]["changes"], name);
    assert_eq!(found[1]["actor"]["id"], professional.id());
    assert_eq!(found[2]["actor"]["id"], director.id());
    assert!(fields(&found[2]).contains(&"extension"), "{found:#?}");
    let all: Vec<Named> = desk
        .database
        .ask(|db| diesel::sql_query("SELECT data::text AS name FROM audit_events").load(db))
        .unwrap();
    for Named { name } in all {
        assert!(!name.contains("argon2") && !name.contains("password") && !name.contains("hash"), "{name}");
    }
    let one = director.get(&format!("/audit/log/{}", found[1]["id"].as_str().unwrap()));
    assert_eq!(one.ok(), found[1]);
    assert!(!one.header("etag").is_empty());
}

#[test]
fn changes_of_minutes_lists_and_of_record_states_are_recorded() {
    let desk = Desk::open();
    let director = desk.director();
    let written = director.post("/meeting-minutes", minutes(desk.technician().id())).created();
    let one = format!("/meeting-minutes/{}", written["id"].as_str().unwrap());
    let decision = json!({"decision": "Comprar", "owner_id": desk.technician().id(), "due_on": "2026-12-01"});
    director.patch(&one, json!({"decisions": [decision]})).ok();
    director.with("if-match", "*").post(&format!("{one}/signature"), json!({})).ok();
    let found = entries(&desk, &format!("resource=minutes&resource_id={}", written["id"].as_str().unwrap()));
    let kinds: Vec<&str> = found.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    // Changes of its lists are separate events.
    assert_eq!(kinds, ["signed", "changed", "changed", "changed", "created"], "{found:#?}");
    assert!(found[1..3].iter().any(|entry| fields(entry) == ["decisions"]), "{found:#?}");
    assert_eq!(found[0]["details"]["version"], 3);
}

#[test]
fn the_log_can_be_filtered_and_paged_by_the_director_only() {
    let desk = Desk::open();
    let director = desk.director();
    for name in ["Uno", "Dos", "Tres"] {
        director.post("/units", json!({"name": name})).created();
    }
    desk.professional().post("/categories", json!({"name": "Cuatro"})).created();
    let by = |filters: &str| entries(&desk, filters).len();
    let (mine, theirs) = (director.id(), desk.professional().id().to_owned());
    assert_eq!(by(&format!("actor_id={mine}")), 3);
    assert_eq!(by(&format!("actor_id={mine}&actor_id={theirs}")), 4);
    assert_eq!(by(&format!("kind=created&resource=category&resource=unit&actor_id={theirs}")), 1);
    assert_eq!(by(&format!("kind=removed&actor_id={mine}")), 0);
    let all = entries(&desk, &format!("actor_id={mine}"));
    let middle = all[1]["occurred_at"].as_str().unwrap();
    assert_eq!(by(&format!("actor_id={mine}&occurred_from={middle}")), 2);
    assert_eq!(by(&format!("actor_id={mine}&occurred_before={middle}")), 1);

    let first = director.get(&format!("/audit/log?actor_id={mine}&limit=2&with_total=true")).ok();
    assert_eq!(first["total"], 3);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = director.get(&format!("/audit/log?actor_id={mine}&limit=2&cursor={cursor}"));
    assert_eq!(second.items(), all[2..]);
    director.get(&format!("/audit/log?limit=2&cursor={cursor}")).problem(400, "invalid_cursor");
    for role in [Role::Requester, Role::Technician, Role::Professional] {
        desk.demo(role).get("/audit/log").problem(403, "forbidden");
        let one = format!("/audit/log/{}", all[0]["id"].as_str().unwrap());
        desk.demo(role).get(&one).problem(403, "forbidden");
    }
}

#[test]
fn every_filter_of_the_log_uses_an_index() {
    let desk = Desk::open();
    desk.database.run(
        "INSERT INTO audit_events (id, kind, resource, resource_id, actor_id, at, data, data_digest, hash)
         SELECT gen_random_uuid(), CASE WHEN n % 500 = 0 THEN 'removed' ELSE 'changed' END,
             CASE WHEN n % 500 = 1 THEN 'risk' ELSE 'unit' END, (n % 500)::text,
             CASE WHEN n % 500 = 2 THEN (SELECT min(id::text)::uuid FROM users) END,
             now() - n * interval '1 minute', '{\"changes\": [], \"details\": {}}', '', ''
         FROM generate_series(1, 20000) AS n;
         ANALYZE audit_events",
    );
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        #[diesel(column_name = "QUERY PLAN")]
        line: String,
    }
    let filters = [
        "true",
        "kind = ANY ('{removed,created}')",
        "resource = ANY ('{risk,article}')",
        "resource_id = '7'",
        "actor_id = ANY (ARRAY(SELECT min(id::text)::uuid FROM users))",
        "at >= now() - interval '10 minutes'",
        "at < now() - interval '10 days'",
    ];
    for (index, one) in filters.iter().enumerate() {
        for other in &filters[index..] {
            let sql = format!(
                "EXPLAIN SELECT * FROM audit_events LEFT JOIN users ON users.id = actor_id \
                 WHERE {one} AND {other} ORDER BY at DESC, audit_events.id DESC LIMIT 51"
            );
            let plan: Vec<Line> = desk.database.ask(|db| diesel::sql_query(sql).load(db)).unwrap();
            let plan = plan.iter().map(|line| line.line.as_str()).collect::<Vec<_>>().join("\n");
            assert!(!plan.contains("Seq Scan on audit_events"), "{one} AND {other}:\n{plan}");
        }
    }
}

#[test]
fn changes_by_a_command_or_by_sql_are_recorded_without_an_actor() {
    let desk = Desk::open();
    let mut db = desk.database.connect();
    let opened = NewAccount::check(
        contract::shared().schemas(),
        "primera@mesa.test",
        Role::Director,
        "Primera",
        "una-clave-larga",
    )
    .unwrap()
    .open(&mut db, &desk.shared().config)
    .unwrap();
    desk.database.run(&format!("UPDATE users SET role = 'technician' WHERE id = '{opened}'"));
    let found = entries(&desk, &format!("resource=user&resource_id={opened}"));
    assert_eq!(found[0]["changes"], json!([{"field": "role", "from": "director", "to": "technician"}]));
    assert_eq!((&found[0]["actor"], &found[1]["actor"]), (&Value::Null, &Value::Null));
    assert_eq!(found[1]["kind"], "created");
}

#[test]
fn every_export_is_recorded() {
    let desk = Desk::open();
    let director = desk.director();
    let operations = operations(&desk);
    // Not exports: one attachment, a picture, the receipt of one ticket, the events.
    let others = ["downloadAttachment", "getRiskMatrix", "getTicketReceipt", "getEventStream"];
    let document = desk.nobody().get("//openapi.json").ok();
    let mut exports = 0;
    for operation in operations.iter().filter(|one| one.method == "GET" && one.roles.is_some()) {
        let content = &document["paths"][&operation.template]["get"]["responses"]["200"]["content"];
        let media: Vec<&String> = content.as_object().into_iter().flatten().map(|(media, _)| media).collect();
        let is_file = media.iter().any(|media| *media != "application/json");
        if !is_file && operation.id != "getUserPersonalData" || others.contains(&operation.id.as_str()) {
            continue;
        }
        let count = || desk.database.count("SELECT count(*) FROM audit_events WHERE kind = 'exported'");
        let before = count();
        let media = media.iter().find(|media| **media != "application/json").copied();
        let accept = media.map_or("application/json", String::as_str);
        let path = format!("{}?", &operation.path["/api/v1".len() + 1..]);
        director.with("accept", accept).get(&path).expect_status(200);
        assert_eq!(count(), before + 1, "{}", operation.id);
        exports += 1;
    }
    assert!(exports >= 4, "{exports}");
    director.get("/tickets/export?q=secreto&status=received").expect_status(200);
    let entry = entries(&desk, "resource=ticket_list&limit=1").remove(0);
    assert_eq!(entry["details"]["parameters"], json!({"q": [], "status": ["received"]}));
    assert_eq!(entry["actor"]["id"], director.id());
    desk.requester().get("/audit/log").problem(403, "forbidden");
}

#[test]
fn a_start_records_the_configuration_if_it_changed() {
    let desk = Desk::open();
    let read = |days: &str| {
        let days = days.to_owned();
        Config::read(&move |name| (name == "MESA_SURVEY_DAYS").then(|| days.clone())).unwrap()
    };
    for days in ["30", "30", "45", "45", "30"] {
        desk.database
            .ask(|db| configuration::record(db, &read(days)).map_err(|_| diesel::result::Error::NotFound))
            .unwrap();
    }
    let found = entries(&desk, "resource=configuration");
    let kinds: Vec<&str> = found.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["changed", "changed", "created"]);
    assert_eq!(found[1]["changes"], json!([{"field": "survey_days", "from": 30, "to": 45}]));
    assert_eq!(found[2]["details"]["configuration"]["jwt_secret"], "unset");
}

/// The number of audit events that contain this text.
fn holding(desk: &Desk, text: &str) -> i64 {
    desk.database.count(&format!("SELECT count(*) FROM audit_events WHERE data::text ILIKE '%{text}%'"))
}

#[test]
fn a_person_can_read_their_audit_events_and_anonymization_redacts_them() {
    let desk = Desk::open();
    let (director, person) = (desk.director(), desk.another(Role::Requester));
    let one = format!("/users/{}", person.id());
    director.patch(&one, json!({"full_name": "Zoraida Quintero"})).ok();
    // By SQL, because a change over the API ends the user's sessions.
    desk.database.run(&format!("UPDATE users SET email = 'zoraida@mesa.test' WHERE id = '{}'", person.id()));
    director.patch(&one, json!({"full_name": "Zoraida Velásquez"})).ok();
    person.patch("/me", json!({"contact": {"mobile": "3009998877"}, "locale": "en"})).ok();
    let told = person.get(&format!("{one}/personal-data")).ok();
    let events = told["audit_events"].as_array().unwrap().clone();
    assert!(events.iter().any(|event| event["changes"].to_string().contains("Quintero")), "{events:#?}");
    assert!(holding(&desk, "Quintero") > 0 && holding(&desk, "3009998877") > 0);

    director.post(&format!("{one}/anonymization"), json!({"reason": "Ley 1581 de 2012"})).ok();
    for text in ["Zoraida", "Quintero", "3009998877", person.email()] {
        assert_eq!(holding(&desk, text), 0, "{text}");
    }
    let after = entries(&desk, &format!("resource=user&resource_id={}", person.id()));
    assert_eq!(after[0]["kind"], "anonymized");
    assert_eq!(after[0]["actor"]["id"], director.id());
    for event in &events {
        let same = after.iter().find(|entry| entry["id"] == event["id"]).unwrap();
        let redacted = json!(!fields(event).is_empty());
        assert_eq!((&same["hash"], &same["redacted"]), (&event["hash"], &redacted), "{event}");
        assert_eq!(fields(same), fields(event));
    }
    // Values that are not personal data remain.
    let locale =
        |entries: &[Value]| entries.iter().any(|entry| entry["changes"].to_string().contains("\"en\""));
    assert!(locale(&after));
    let wrong = "SELECT count(*) FROM audit_events e WHERE hash <> audit_event_hash(e) \
         OR data_salt IS NOT NULL AND data_digest <> audit_event_digest(e)";
    assert_eq!(desk.database.count(wrong), 0);
}

#[test]
fn released_mail_and_retried_messages_are_recorded() {
    let desk = Desk::open();
    let director = desk.director();
    let mail = "From: nadie@otra.example\nAuto-Submitted: auto-replied\nSubject: secreto\n\nhola";
    let kept = director.raw("POST", "/inbound-emails", "message/rfc822", mail).json();
    let id = kept["id"].as_str().unwrap();
    director.post(&format!("/inbound-emails/{id}/processing"), json!({"release": true})).ok();
    let found = entries(&desk, &format!("resource=inbound_email&resource_id={id}"));
    assert!(
        found.iter().any(|entry| entry["kind"] == "released" && entry["actor"]["id"] == director.id()),
        "{found:#?}"
    );
    assert_eq!(holding(&desk, "secreto"), 0);

    desk.requester().register("Sin red");
    desk.database.run("UPDATE messages SET status = 'failed', last_error = 'no'");
    let message = director.get("/messages").items()[0]["id"].as_str().unwrap().to_owned();
    director.post(&format!("/messages/{message}/retry"), json!({})).ok();
    let found = entries(&desk, &format!("resource=message&kind=retried&actor_id={}", director.id()));
    assert_eq!(found[0]["resource_id"], message.as_str());
}

#[test]
fn the_access_log_names_account_route_and_problem() {
    let desk = Desk::open();
    let director = desk.director();
    let unit = format!("/units/{}", desk.unit_id());
    director.with("x-request-id", "kept-1").get(&unit).ok();
    director.with("x-request-id", "kept-2").patch(&unit, json!({"name": ""})).expect(422);
    desk.nobody().with("x-request-id", "kept-3").get("//s/0123456789").expect_status(404);
    desk.nobody().with("x-request-id", "kept-4").get("/nothing/rosa@mesa.test").problem(404, "not_found");
    let line = |id: &str| {
        // The line is written after the answer, possibly after the client has read it.
        let found = (0..200).find_map(|_| {
            logs::access_line(id).or_else(|| {
                std::thread::sleep(std::time::Duration::from_millis(10));
                None
            })
        });
        let words: Vec<String> = found.unwrap().split(' ').map(str::to_owned).collect();
        // The duration, which follows the status, is not compared.
        words
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != 4)
            .map(|(_, word)| word.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let account = director.id();
    assert_eq!(
        line("kept-1"),
        format!("mesa::access GET /api/v1/units/{{unit_id}} 200 account={account} code=- request_id=kept-1")
    );
    assert_eq!(
        line("kept-2"),
        format!(
            "mesa::access PATCH /api/v1/units/{{unit_id}} 422 account={account} code=invalid_body request_id=kept-2"
        )
    );
    assert_eq!(line("kept-3"), "mesa::access GET /s/{token} 404 account=- code=- request_id=kept-3");
    assert_eq!(line("kept-4"), "mesa::access GET - 404 account=- code=not_found request_id=kept-4");
}
