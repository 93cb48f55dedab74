//! What nobody may learn who may not read it, in every way in which events leave the desk: the log, the stream, webhooks, and
//! what can be read or exported. All types of events happen; a type that does not happen here fails the test.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use mesa::auth::policy::Role;
use mesa::events::types;
use mesa::server::routine;
use serde_json::{Value, json};

use crate::examples;
use crate::harness::receiver::Receiver;
use crate::harness::{Client, Desk};
use crate::operations::{Operation, operations};
use crate::service_accounts::new_key;

/// In every text that requests of this test send.
const WRITTEN: &str = "Quetzal-7781";
/// In private followups, reasons and files of the ticket inside the limit.
const PRIVATE: &str = "Colibrí-reservado";
/// In what belongs to the ticket of another person, in another unit and category.
const FOREIGN: &str = "Zarigüeya-ajena";
const FOREIGN_DOCUMENT: &str = "99887766551";
/// The numbers of tickets of others begin so.
const FOREIGN_NUMBER: i64 = 7_340_000;

/// Kinds of events of tickets that requesters are not told of.
const INTERNAL: [&str; 10] = [
    "followup_published",
    "due_changed",
    "due_soon",
    "overdue",
    "duplicate_merged",
    "related",
    "unrelated",
    "watcher_added",
    "watcher_removed",
    "anonymized",
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(desk: &Desk, sql: &str) -> HashSet<String> {
    let rows: Vec<Line> = desk.database.ask(|db| diesel::sql_query(sql).load(db)).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

fn yes(desk: &Desk, sql: &str) -> bool {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        yes: bool,
    }
    desk.database.ask(|db| diesel::sql_query(sql).get_result::<Answer>(db)).unwrap().yes
}

/// Somebody who reads, and what they may see, as SQL and lists that do not come from the code under test.
struct Reader {
    name: &'static str,
    client: Client,
    /// The numbers of their tickets.
    tickets: String,
    /// Whether they read private followups and what is internal.
    is_inside: bool,
    /// The resources other than tickets whose events they may see.
    records: &'static [&'static str],
    /// Whether nothing of the foreign ticket may reach them in any way.
    is_apart: bool,
}

const CATALOGUES: &[&str] = &[
    "article",
    "unit",
    "category",
    "calendar",
    "holiday",
    "attention_time",
    "attention_application",
    "survey_question",
];
const OF_STAFF: &[&str] = &[
    "article",
    "user",
    "absence",
    "unit",
    "category",
    "calendar",
    "holiday",
    "attention_time",
    "attention_application",
    "survey_question",
    "retention_rule",
    "retention_run",
    "attachment",
    "indicator",
    "measurement",
    "minutes",
    "improvement_action",
    "improvement_followup",
    "risk",
    "quarterly_report",
    "access_grant",
];
const OF_PROFESSIONALS: &[&str] = &[
    "survey",
    "article",
    "user",
    "absence",
    "unit",
    "category",
    "calendar",
    "holiday",
    "attention_time",
    "attention_application",
    "survey_question",
    "retention_rule",
    "retention_run",
    "attachment",
    "indicator",
    "measurement",
    "minutes",
    "improvement_action",
    "improvement_followup",
    "risk",
    "quarterly_report",
    "access_grant",
];

/// Words in the free texts of a request.
fn mark(body: &mut Value) {
    const FREE: [&str; 9] = [
        "body",
        "reason",
        "note",
        "missing",
        "comment",
        "analysis",
        "incident",
        "resolution",
        "justification",
    ];
    for (name, value) in body.as_object_mut().into_iter().flatten() {
        match value {
            Value::String(text) if FREE.contains(&name.as_str()) && text.contains(' ') => {
                text.push_str(&format!(" {WRITTEN}"))
            }
            Value::Object(_) => mark(value),
            _ => {}
        }
    }
}

/// Carries out every operation of the contract, which makes most types of events.
fn carry_out_everything(desk: &Desk) -> Vec<Operation> {
    let mut all = operations(desk);
    all.sort_by_key(|operation| operation.method == "DELETE");
    let kept = examples::kept();
    for operation in all.iter().filter(|operation| operation.method != "GET") {
        let example = kept.get(&operation.id).and_then(|example| example.get("request"));
        let mut request = examples::prepare(desk, operation, example);
        if let Some((kind, text)) = request.body.as_mut().filter(|(kind, _)| kind.ends_with("json"))
            && let Ok(mut body) = serde_json::from_str(text)
        {
            mark(&mut body);
            *text = body.to_string();
            assert!(kind.ends_with("json"));
        }
        let answer = request.send();
        assert!((200..300).contains(&answer.status), "{}: {} {}", operation.id, answer.status, answer.text());
    }
    all
}

/// What happens to tickets without a request for it, or after several.
fn carry_out_the_rest(desk: &Desk) {
    let (director, technician) = (desk.director(), desk.technician());
    let waiting = desk.ticket_in("classified");
    let within = director.get("/attention-times/medium").ok()["within_minutes"].as_i64().unwrap();
    director.patch("/attention-times/medium", json!({"within_minutes": within + 7})).ok();
    director.post("/attention-times/application", json!({})).ok();
    let pass = |one: &str, minutes: i64| {
        desk.database.run(&format!(
            "UPDATE tickets SET received_at = received_at - interval '{minutes} minutes', \
                 attention_due_at = attention_due_at - interval '{minutes} minutes', \
                 attention_due_soon_at = attention_due_soon_at - interval '{minutes} minutes' WHERE id = {}",
            number(one)
        ));
        routine::once(&mut desk.database.connect(), &desk.shared().config);
    };
    pass(&waiting, within * 4 / 5);
    pass(&waiting, within);
    let leaver = desk.another(Role::Technician);
    let left = desk.ticket_in("classified");
    technician.post(&format!("{left}/assignment"), json!({"assignee_id": leaver.id()})).ok();
    director.patch(&format!("/users/{}", leaver.id()), json!({"active": false})).ok();
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    let erased = desk.another(Role::Requester);
    let ticket = erased.register("Sin luz");
    erased.post(&format!("/tickets/{}/archive", ticket["id"]), json!({"reason": "withdrawn"})).ok();
    director
        .post(&format!("/users/{}/anonymization", erased.id()), json!({"reason": "Ley 1581 de 2012"}))
        .ok();
}

/// An audit event of each type of record that did not happen, as the triggers of the tables write it, with words in all that it
/// can have.
fn record(desk: &Desk, missing: &BTreeSet<String>) {
    for (resource, kind) in missing.iter().map(|name| {
        let parts: Vec<&str> = name.split('.').collect();
        (parts[2].to_owned(), parts[3].to_owned())
    }) {
        if resource == "ticket" {
            continue;
        }
        let data = json!({
            "changes": [{"field": "name", "from": format!("{FOREIGN} 1"), "to": format!("{FOREIGN} 2")}],
            "details": {"name": FOREIGN, "document_id": FOREIGN_DOCUMENT},
        });
        desk.database.run(&format!(
            "INSERT INTO audit_events (id, kind, resource, resource_id, actor_id, at, data) \
             VALUES (gen_random_uuid(), '{kind}', '{resource}', gen_random_uuid()::text, (SELECT min(id::text)::uuid FROM users), \
                 now(), '{data}')"
        ));
    }
}

/// Events after the beginning of the log.
fn log(client: &Client) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), "start".to_owned());
    loop {
        let page = client.get(&format!("/events?limit=1000&after={cursor}")).ok();
        events.extend(page["items"].as_array().unwrap().clone());
        if page["has_more"] == false {
            return events;
        }
        page["next_cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
}

fn stream(client: &Client) -> Vec<Value> {
    let text = client.get("/events/stream?seconds=3&after=start&presence=false").text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "{}");
    lines.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// What is wrong with what this reader received.
fn faults(desk: &Desk, reader: &Reader, events: &[Value], texts: &HashSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut add = |what: &str, event: &Value| wrong.push(format!("{}: {what}: {event}", reader.name));
    let tickets =
        lines(desk, &format!("SELECT id::text AS line FROM tickets WHERE id IN ({})", reader.tickets));
    let public_followups = lines(desk, "SELECT id::text AS line FROM followups WHERE visibility = 'public'");
    let public_files = lines(
        desk,
        "SELECT a.id::text AS line FROM attachments a LEFT JOIN followups f ON f.id = a.followup_id \
         WHERE a.ticket_id IS NOT NULL AND coalesce(f.visibility, 'public') = 'public'",
    );
    for event in events {
        let (data, kind) = (&event["data"], event["type"].as_str().unwrap().split('.').nth(3).unwrap());
        let resource = event["type"].as_str().unwrap().split('.').nth(2).unwrap();
        let text = event.to_string();
        if let Some(found) = texts.iter().find(|word| text.contains(word.as_str())) {
            add(&format!("has the text {found:?}"), event);
        }
        if resource == "ticket" {
            if !tickets.contains(&data["ticket_id"].to_string()) {
                add("is of a ticket of others", event);
            }
            let followup = data["followup_id"].as_str();
            let files = data["attachment_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
            if !reader.is_inside {
                if followup.is_some_and(|id| !public_followups.contains(id)) {
                    add("names a private followup", event);
                }
                if files.into_iter().any(|id| !public_files.contains(id)) {
                    add("names a private file", event);
                }
                if INTERNAL.contains(&kind) {
                    add("is internal", event);
                }
            }
        } else {
            let own_survey = resource == "survey"
                && yes(
                    desk,
                    &format!(
                        "SELECT EXISTS (SELECT FROM surveys WHERE id::text = '{}' AND requester_id = '{}') AS yes",
                        data["resource_id"].as_str().unwrap_or_default(),
                        reader.client_id(),
                    ),
                );
            if !reader.records.contains(&resource) && !own_survey {
                add("is of a record that they may not read", event);
            }
            if resource == "survey" && !data["actor_id"].is_null() {
                add("names the author of a survey", event);
            }
        }
    }
    wrong
}

impl Reader {
    fn client_id(&self) -> String {
        self.client.get("/me").ok()["id"].as_str().unwrap().to_owned()
    }
}

/// Everything that somebody wrote or is: no event has it.
fn texts(desk: &Desk) -> HashSet<String> {
    let mut all = lines(
        desk,
        "SELECT DISTINCT line FROM ( \
             SELECT subject AS line FROM tickets UNION SELECT description FROM tickets UNION SELECT solution FROM tickets \
             UNION SELECT requester_full_name FROM tickets UNION SELECT requester_email FROM tickets \
             UNION SELECT requester_document_id FROM tickets UNION SELECT archive_note FROM tickets \
             UNION SELECT body FROM followups UNION SELECT file_name FROM attachments \
             UNION SELECT full_name FROM users UNION SELECT email FROM users UNION SELECT document_id FROM users \
             UNION SELECT title FROM articles UNION SELECT comment FROM surveys UNION SELECT name FROM units \
             UNION SELECT name FROM categories) AS texts WHERE length(line) >= 6",
    );
    for word in [WRITTEN, PRIVATE, FOREIGN, FOREIGN_DOCUMENT] {
        all.insert(word.to_owned());
    }
    all
}

/// Somebody in a unit and category of their own, and somebody else.
struct World {
    unit: Value,
    category: Value,
    requester: Client,
    foreign: Client,
}

fn world(desk: &Desk) -> World {
    let director = desk.director();
    let unit = director.post("/units", json!({"name": "Archivo"})).created()["id"].clone();
    let other_unit = director.post("/units", json!({"name": "Unidad ajena"})).created()["id"].clone();
    let category = director.post("/categories", json!({"name": "Archivo central"})).created()["id"].clone();
    let (requester, foreign) = (desk.another(Role::Requester), desk.another(Role::Requester));
    director.patch(&format!("/users/{}", requester.id()), json!({"unit_id": unit})).ok();
    let person = json!({"unit_id": other_unit, "full_name": format!("Rosa {FOREIGN}"), "document_id": FOREIGN_DOCUMENT});
    director.patch(&format!("/users/{}", foreign.id()), person).ok();
    World { unit, category, requester, foreign }
}

fn number(path: &str) -> i64 {
    path.rsplit('/').next().unwrap().parse().unwrap()
}

/// A ticket inside with private parts, linked to tickets outside; and the tickets outside.
fn tell_apart(desk: &Desk, world: &World) -> (String, Vec<String>) {
    let technician = desk.technician();
    let register = |who: &Client, word: &str| {
        let new = json!({
            "subject": format!("Sin red {word}"), "description": format!("No hay {word}"), "requester_id": who.id(),
        });
        let id = technician.post("/tickets", new).created()["id"].as_i64().unwrap();
        let one = format!("/tickets/{id}");
        for (visibility, more) in [("private", PRIVATE), ("public", "x")] {
            let entry = json!({"visibility": visibility, "body": format!("Nota {word} {more}")});
            let entry = technician.post(&format!("{one}/followups"), entry).created();
            let files = format!("{one}/followups/{}/attachments", entry["id"].as_str().unwrap());
            technician.upload(&files, &format!("{word}-{more}.txt"), "x").created();
        }
        one
    };
    let inside = register(&world.requester, "dentro");
    let sequence = format!("SELECT setval(pg_get_serial_sequence('tickets', 'id'), {FOREIGN_NUMBER})");
    desk.database.ask(|db| diesel::sql_query(sequence).execute(db)).unwrap();
    let outside: Vec<String> = (0..4).map(|_| register(&world.foreign, FOREIGN)).collect();
    assert!(outside.iter().all(|path| number(path) > FOREIGN_NUMBER));
    let classified = json!({"criticality": "low", "category_id": world.category});
    technician.post(&format!("{inside}/classification"), classified).ok();
    // The ticket inside has events that name those outside.
    let relations = format!("{inside}/relations");
    let related = |path: &str| json!({"kind": "caused_by", "ticket_id": number(path)});
    let relation = technician.post(&relations, related(&outside[0])).created();
    technician.delete(&format!("{relations}/{}", relation["id"].as_str().unwrap())).expect_status(204);
    technician.post(&relations, related(&outside[1])).created();
    technician
        .post(
            &format!("{}/merge", outside[2]),
            json!({"into_ticket_id": number(&inside), "confirm_other_requester": true}),
        )
        .ok();
    (inside, outside)
}

fn readers(desk: &Desk, world: &World) -> Vec<Reader> {
    let director = desk.director();
    let machine = |role: &str, scopes: &[&str], limit: Value| {
        let mut new = json!({"name": "Lector", "role": role, "scopes": scopes});
        new.as_object_mut().unwrap().extend(limit.as_object().unwrap().clone());
        let account = director.post("/service-accounts", new).created();
        desk.nobody().holding(new_key(desk, &account)["key"].as_str().unwrap())
    };
    let everything = "SELECT id FROM tickets".to_owned();
    let inside = ["read_ticket", "use_private_followups", "read_articles", "read_catalogs", "follow_events"];
    let of_unit = format!("SELECT id FROM tickets WHERE requester_unit_id = {}", quoted(&world.unit));
    let of_category = format!("SELECT id FROM tickets WHERE category_id = {}", quoted(&world.category));
    let own = |client: &Client| format!("SELECT id FROM tickets WHERE requester_id = '{}'", client.id());
    let reader = |name, client: Client, tickets: &str, is_inside, records, is_apart| Reader {
        name,
        client,
        tickets: tickets.to_owned(),
        is_inside,
        records,
        is_apart,
    };
    let demo = desk.requester();
    vec![
        reader("requester", world.requester.clone(), &own(&world.requester), false, &[], true),
        reader("requester of many", demo.clone(), &own(&demo), false, &[], true),
        reader("technician", desk.technician(), &everything, true, OF_STAFF, false),
        reader("professional", desk.professional(), &everything, true, OF_PROFESSIONALS, false),
        reader("director", desk.director(), &everything, true, OF_PROFESSIONALS, false),
        reader(
            "unit",
            machine("technician", &inside, json!({"unit_ids": [world.unit]})),
            &of_unit,
            true,
            CATALOGUES,
            true,
        ),
        reader(
            "category",
            machine("director", &inside, json!({"category_ids": [world.category]})),
            &of_category,
            true,
            CATALOGUES,
            true,
        ),
        reader(
            "unit, without the private side",
            machine("technician", &["read_ticket", "follow_events"], json!({"unit_ids": [world.unit]})),
            &of_unit,
            false,
            &[],
            true,
        ),
        reader(
            "without the private side",
            machine("technician", &["read_ticket", "follow_events"], json!({})),
            &everything,
            false,
            &[],
            false,
        ),
        reader(
            "no tickets",
            machine("director", &["follow_events"], json!({})),
            "SELECT 0",
            false,
            &[],
            true,
        ),
    ]
}

fn quoted(id: &Value) -> String {
    format!("'{}'", id.as_str().unwrap())
}

/// A webhook of this client for all types, and who receives its deliveries.
fn webhook(client: &Client, filter: Value) -> Receiver {
    let receiver = Receiver::start();
    let mut new = json!({"url": receiver.url()});
    if !filter.is_null() {
        new["filter"] = filter;
    }
    client.post("/webhooks", new).created();
    receiver
}

/// What is wrong with what this reader can read or export: the words and numbers of others in it.
fn faults_of_answers(reader: &Reader, paths: &[String], outside: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    if reader.is_apart {
        words.extend([FOREIGN.to_owned(), FOREIGN_DOCUMENT.to_owned()]);
        words.extend(outside.iter().map(|path| number(path).to_string()));
    }
    if !reader.is_inside {
        words.push(PRIVATE.to_owned());
    }
    let (mut wrong, mut read) = (Vec::new(), 0);
    for path in paths {
        for accept in ["application/json", "text/csv", "*/*"] {
            let answer = reader.client.with("accept", accept).get(path);
            read += usize::from(answer.status == 200);
            let text = answer.text();
            for word in words.iter().filter(|word| text.contains(word.as_str())) {
                wrong.push(format!("{}: GET {path} ({accept}) has {word:?}", reader.name));
            }
        }
    }
    assert!(read > 5 || reader.name == "no tickets", "{} read {read} answers", reader.name);
    wrong
}

#[test]
fn nobody_learns_what_they_may_not_read() {
    let desk = Desk::configured(&[("MESA_WEBHOOK_ALLOW", "127.0.0.0/8")]);
    let world = world(&desk);
    let readers = readers(&desk, &world);
    let of_category = json!({"category_ids": [world.category]});
    let scopes = ["manage_webhooks", "follow_events", "read_ticket"];
    let account = json!({"name": "Envíos", "role": "director", "scopes": scopes});
    let account = desk.director().post("/service-accounts", account).created();
    let machine = desk.nobody().holding(new_key(&desk, &account)["key"].as_str().unwrap());
    let received = [
        ("director", webhook(&desk.director(), Value::Null)),
        ("category", webhook(&desk.director(), of_category)),
        ("without the private side", webhook(&machine, Value::Null)),
    ];
    let (inside, outside) = tell_apart(&desk, &world);
    let all = carry_out_everything(&desk);
    carry_out_the_rest(&desk);
    let texts = texts(&desk);

    let known: BTreeSet<String> = [types::of_tickets(), types::of_records()].concat().into_iter().collect();
    let missing = || -> BTreeSet<String> {
        let happened: BTreeSet<String> =
            log(&desk.director()).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        known.difference(&happened).cloned().collect()
    };
    record(&desk, &missing());
    let missing = missing();
    assert!(missing.is_empty(), "no event of these types happens in this test: {missing:#?}");

    let mut wrong = Vec::new();
    for reader in &readers {
        let (read, streamed) = (log(&reader.client), stream(&reader.client));
        assert!(reader.name == "no tickets" || !read.is_empty(), "{} reads nothing", reader.name);
        let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&read), ids(&streamed), "{}", reader.name);
        wrong.extend(faults(&desk, reader, &read, &texts));
        wrong.extend(faults(&desk, reader, &streamed, &texts));
    }

    // Receivers that are not there.
    desk.database.run("UPDATE webhooks SET active = false WHERE url NOT LIKE 'http://127.%'");
    desk.send_webhooks();
    for (name, receiver) in &received {
        let events: Vec<Value> = receiver.requests().iter().map(|request| request.event()).collect();
        assert!(!events.is_empty(), "nothing was delivered: {name}");
        let reader = readers.iter().find(|reader| reader.name == *name).unwrap();
        wrong.extend(
            faults(&desk, reader, &events, &texts).into_iter().map(|fault| format!("webhook, {fault}")),
        );
    }

    let mut paths: Vec<String> = all
        .iter()
        .filter(|operation| operation.method == "GET" && operation.id != "getEventStream")
        .map(|operation| operation.path["/api/v1".len()..].to_owned())
        .collect();
    for part in [
        "",
        "/followups",
        "/timeline",
        "/events",
        "/attachments",
        "/relations",
        "/receipt",
        "/attention",
        "/watchers",
    ] {
        paths.push(format!("{inside}{part}"));
        paths.push(format!("{}{part}", outside[0]));
    }
    paths.extend([
        format!("/tickets?q={FOREIGN}"),
        format!("/tickets?q={FOREIGN_DOCUMENT}"),
        format!("/tickets?q=%23{}", number(&outside[0])),
    ]);
    for reader in &readers {
        if reader.is_apart || !reader.is_inside {
            wrong.extend(faults_of_answers(reader, &paths, &outside));
        }
    }
    assert!(wrong.is_empty(), "{} faults: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}
