//! Tickets of another system, imported after they ended: silent, in no figure, and each of them once.

use std::thread;

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};
use crate::service_accounts::machine;

fn solved(id: &str, requester_id: &str) -> Value {
    json!({
        "external_source": "glpi", "external_id": id, "subject": "La impresora no imprime",
        "description": "Muestra atasco.", "requester_id": requester_id, "criticality": "low",
        "received_at": "2024-03-01T13:00:00Z", "attended_at": "2024-03-01T15:00:00.1234567Z",
        "solution": {"description": "Se cambió el rodillo.", "solved_at": "2024-03-02T13:00:00Z"}
    })
}

fn path(ticket: &Value) -> String {
    format!("/tickets/{}", ticket["id"])
}

/// What an imported ticket has, what it lacks, and that nobody is told of it.
#[test]
fn an_imported_ticket_is_kept_as_it_ended_and_nobody_is_told() {
    let desk = Desk::open();
    let (director, requester, technician) = (desk.director(), desk.requester(), desk.technician());
    let mut body = solved("17", requester.id());
    body["assignee_id"] = json!(technician.id());
    body["solution"]["solved_by_id"] = json!(technician.id());
    let answer = director.post("/tickets/imports", body);
    let ticket = answer.created();
    assert_eq!(answer.header("location"), format!("/api/v1{}", path(&ticket)));
    assert_eq!(
        (&ticket["status"], &ticket["received_at"], &ticket["closed_at"], &ticket["attended_at"]),
        (
            &json!("closed"),
            &json!("2024-03-01T13:00:00Z"),
            &json!("2024-03-02T13:00:00Z"),
            &json!("2024-03-01T15:00:00.123456Z"),
        ),
    );
    assert_eq!(ticket["solution"]["solved_by"]["id"], technician.id());
    assert_eq!(ticket["import"]["external_source"], "glpi");
    assert_eq!(ticket["attention_due_at"], Value::Null);
    assert_eq!(ticket["allowed_steps"], json!([]));
    // Its requester sees it and its event; nothing was sent, measured or offered.
    let own = requester.get(&path(&ticket)).ok();
    assert_eq!((&own["id"], &own["import"]), (&ticket["id"], &ticket["import"]));
    let timeline = requester.get(&format!("{}/timeline", path(&ticket))).items();
    assert_eq!((timeline.len(), &timeline[0]["kind"]), (1, &json!("imported")), "{timeline:?}");
    let shared = desk.shared();
    mesa::server::routine::once(&mut shared.db.connection().unwrap(), &shared.config);
    for table in ["messages", "surveys", "openings", "ticket_facts", "attentions"] {
        assert_eq!(desk.database.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets WHERE attended_working_minutes IS NULL"), 1);
    requester.get(&format!("{}/receipt", path(&ticket))).problem(404, "not_found");
    let events = director.get("/events?after=start&type=co.mesa.ticket.*").items();
    assert_eq!((events.len(), &events[0]["type"]), (1, &json!("co.mesa.ticket.imported.v1")));
    assert_eq!(timeline[0]["details"]["external_id"], "17");
    technician
        .post(&format!("{}/reopening", path(&ticket)), json!({"reason": "No."}))
        .problem(409, "step_not_allowed");
}

#[test]
fn an_archived_ticket_has_its_reason() {
    let desk = Desk::open();
    let mut body = solved("1", desk.requester().id());
    body["solution"] = Value::Null;
    body["archive"] =
        json!({"reason": "withdrawn", "note": "Ya no lo necesita.", "archived_at": "2024-03-05T00:00:00Z"});
    let ticket = desk.director().post("/tickets/imports", body).created();
    assert_eq!((&ticket["status"], &ticket["archive"]["reason"]), (&json!("archived"), &json!("withdrawn")));
    assert_eq!(ticket["archive"]["note"], "Ya no lo necesita.");
}

#[test]
fn importing_again_changes_what_differs_and_nothing_else() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    let first = director.post("/tickets/imports", solved("17", requester.id()));
    let same = director.post("/tickets/imports", solved("17", requester.id()));
    assert_eq!((same.ok(), same.header("etag")), (first.created(), first.header("etag")));
    let mut other = solved("17", requester.id());
    other["subject"] = json!("La impresora del archivo no imprime");
    other["criticality"] = Value::Null;
    let changed = director.post("/tickets/imports", other.clone()).ok();
    assert_eq!(changed["id"], first.json()["id"]);
    assert_eq!(
        (&changed["subject"], &changed["criticality"]),
        (&json!("La impresora del archivo no imprime"), &Value::Null)
    );
    assert_eq!(director.post("/tickets/imports", other).ok(), changed);
    let events = director.get("/events?after=start&type=co.mesa.ticket.imported.v1").items();
    let fields = |event: &Value| -> Vec<String> {
        let changed = event["data"]["changed_fields"].as_array().unwrap();
        changed.iter().map(|field| field.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        events.iter().map(fields).collect::<Vec<_>>(),
        [vec![], vec!["criticality".to_owned(), "subject".to_owned()]]
    );
    // The same number in another system is another ticket.
    let mut elsewhere = solved("17", requester.id());
    elsewhere["external_source"] = json!("zammad");
    director.post("/tickets/imports", elsewhere).created();
    assert_eq!(director.get("/audit/verification").ok()["whole"], true);
}

#[test]
fn the_requester_is_found_or_becomes_an_account_and_stays() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    let with = |id: &str, person: Value| {
        let mut body = solved(id, "");
        body.as_object_mut().unwrap().remove("requester_id");
        body["requester"] = person;
        director.post("/tickets/imports", body)
    };
    let known =
        with("1", json!({"email": requester.email().to_uppercase(), "full_name": "R. Pérez"})).created();
    assert_eq!(
        (&known["requester"]["id"], &known["requester"]["full_name"]),
        (&json!(requester.id()), &json!("R. Pérez"))
    );
    let new = with("2", json!({"document_id": "99887766", "full_name": "Luz Mar"})).created();
    let again = with("3", json!({"document_id": "99.887.766"})).created();
    assert_eq!(new["requester"]["id"], again["requester"]["id"]);
    assert_eq!(again["requester"]["full_name"], "Luz Mar");
    assert_eq!(
        with("4", json!({"email": "nadie@example.gov.co"})).faults(),
        [("/requester/full_name".to_owned(), "required".to_owned())]
    );
    // Somebody who has left.
    let left = desk.another(Role::Requester);
    desk.database.run(&format!("UPDATE users SET active = false WHERE id = '{}'", left.id()));
    let of_left = with("5", json!({"email": left.email()})).created();
    assert_eq!(of_left["requester"]["id"], left.id());
    assert_eq!(
        with("1", json!({"document_id": "99887766"})).faults(),
        [("/requester".to_owned(), "not_allowed".to_owned())]
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), 0);
}

/// The same body is the same answer, also when the account has changed since: the requester of the ticket is known.
#[test]
fn an_import_can_be_repeated_after_changes_of_the_account() {
    let desk = Desk::open();
    let director = desk.director();
    let with = |id: &str, person: &Value| {
        let mut body = solved(id, "");
        body.as_object_mut().unwrap().remove("requester_id");
        body["requester"] = person.clone();
        director.post("/tickets/imports", body)
    };
    // Rows of one person, of which each has another part of what identifies them.
    let rows = [
        json!({"full_name": "Sara Paz", "email": "sara.paz@example.gov.co"}),
        json!({"full_name": "Sara Paz", "email": "sara.paz@example.gov.co", "document_id": "70009001"}),
        json!({"full_name": "Sara Paz", "document_id": "70009001"}),
    ];
    let ids = ["1", "2", "3"];
    let first: Vec<Value> = ids.iter().zip(&rows).map(|(id, row)| with(id, row).created()).collect();
    assert!(
        first.iter().all(|ticket| ticket["requester"]["id"] == first[0]["requester"]["id"]),
        "{first:#?}"
    );
    let again = |ids: &[&str]| {
        for (id, row) in ids.iter().zip(&rows) {
            with(id, row).ok();
        }
    };
    again(&ids);
    let account = format!("/users/{}", first[0]["requester"]["id"].as_str().unwrap());
    let change = json!({"email": "sara.paz.rios@example.gov.co", "document_id": "70009002"});
    director.with("if-match", "*").patch(&account, change).ok();
    again(&ids);
    assert_eq!(desk.database.count("SELECT count(*) FROM users WHERE full_name = 'Sara Paz'"), 1);
}

/// Neither for a new person nor for one without an address.
#[test]
fn an_address_that_is_nobodys_is_refused() {
    let desk = Desk::configured(&[
        ("MESA_IMAP_URL", "imap://buzon%40mesa.test:x@127.0.0.1:1"),
        ("MESA_MAIL_TRUST", "all"),
    ]);
    let director = desk.director();
    let with = |id: &str, person: Value| {
        let mut body = solved(id, "");
        body.as_object_mut().unwrap().remove("requester_id");
        body["requester"] = person;
        director.post("/tickets/imports", body)
    };
    with("1", json!({"document_id": "800100", "full_name": "Luz Mar"})).created();
    for address in ["otra@no-address.invalid", "buzon@mesa.test"] {
        let expected = [("/requester/email".to_owned(), "not_allowed".to_owned())];
        assert_eq!(with("2", json!({"document_id": "800100", "email": address})).faults(), expected);
        assert_eq!(with("2", json!({"full_name": "Ana", "email": address})).faults(), expected);
    }
}

#[test]
fn a_resubmitted_request_stays_archived() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    let mut body = solved("1", requester.id());
    body["solution"] = Value::Null;
    body["archive"] = json!({"reason": "withdrawn", "archived_at": "2024-03-05T00:00:00Z"});
    let archived = director.post("/tickets/imports", body).created();
    requester.post(&format!("{}/resubmission", path(&archived)), json!({})).created();
    let again = director.post("/tickets/imports", solved("1", requester.id()));
    assert_eq!(again.faults(), [("/solution".to_owned(), "not_allowed".to_owned())]);
}

#[test]
fn an_import_with_a_version_changes_no_other() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    let import = |id: &str, version: &str| {
        let operation = json!({"import": solved(id, requester.id()), "if_match": version});
        let answer = director.post("/tickets/bulk", json!({"operations": [operation]})).ok();
        answer["results"][0]["status"].as_u64().unwrap()
    };
    let known = director.post("/tickets/imports", solved("1", requester.id()));
    assert_eq!(
        (import("1", known.header("etag")), import("1", "\"7-0\""), import("2", "*")),
        (200, 412, 412)
    );
}

/// Whether somebody was the head of a unit years ago is not known.
#[test]
fn the_audit_of_profiles_leaves_out_what_was_imported() {
    let desk = Desk::open();
    let director = desk.director();
    let body = json!({"name": "Accesos", "required_profile": "unit_head"});
    let category = director.post("/categories", body).created()["id"].clone();
    let mut body = solved("1", desk.requester().id());
    body["category_id"] = category;
    director.post("/tickets/imports", body).created();
    let findings = director.get("/audit/profiles?from_date=2024-01-01&through_date=2024-12-31").items();
    assert_eq!(findings, [Value::Null; 0]);
}

/// Imports beside requests that lock tickets and people in another order: none of them fails.
#[test]
fn imports_do_not_block_others_mutually() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let with_person = |id: usize| {
        let mut body = solved(&id.to_string(), "");
        body.as_object_mut().unwrap().remove("requester_id");
        body["requester"] = json!({"document_id": format!("7000{}", id % 2), "full_name": "Luz Mar"});
        body
    };
    let known: Vec<i64> = (0..4)
        .map(|id| director.post("/tickets/imports", with_person(id)).created()["id"].as_i64().unwrap())
        .collect();
    let person = json!({
        "document_id": "70000", "full_name": "Luz Mar", "unit_id": desk.unit_id(), "contact": {"mobile": "300"}
    });
    let on_behalf = json!({"subject": "Sin red", "description": "No hay red.", "requester": person});
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..10 {
                let operations = json!([
                    {"ticket_id": known[0], "reopening": {"reason": "No."}},
                    {"ticket_id": known[1], "reopening": {"reason": "No."}},
                    {"import": with_person(100 + round)},
                    {"import": with_person(round % 4)},
                    {"create": on_behalf},
                ]);
                director.post("/tickets/bulk", json!({"operations": operations})).ok();
            }
        });
        for turned in [false, true] {
            let mut operations = vec![json!({"import": with_person(1)}), json!({"create": on_behalf})];
            if turned {
                operations.reverse();
            }
            let director = &director;
            scope.spawn(move || {
                for _ in 0..10 {
                    director.post("/tickets/bulk", json!({"operations": operations})).ok();
                }
            });
        }
        scope.spawn(|| {
            for round in 0..30 {
                director.post("/tickets/imports", with_person(3 - round % 4)).ok();
            }
        });
        scope.spawn(|| {
            for _ in 0..10 {
                technician.post("/tickets", on_behalf.clone()).created();
            }
        });
    });
}

#[test]
fn what_cannot_be_imported_is_refused_and_leaves_nothing() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    let nobody = uuid::Uuid::now_v7();
    let change = |name: &str, value: Value| {
        let mut body = solved("1", requester.id());
        body[name] = value;
        director.post("/tickets/imports", body)
    };
    for (name, value, fault) in [
        ("received_at", json!("2031-01-01T00:00:00Z"), "/received_at out_of_range"),
        ("received_at", json!("0001-01-01T00:00:00Z"), "/received_at out_of_range"),
        ("closed_at", json!("2024-03-02T12:59:59Z"), "/closed_at out_of_range"),
        ("solution", Value::Null, "/solution required"),
        ("external_source", json!("GLPI"), "/external_source wrong_format"),
        ("external_id", json!(" "), "/external_id wrong_format"),
        ("requester_id", json!(nobody), "/requester_id not_found"),
        ("category_id", json!(nobody), "/category_id not_found"),
        ("assignee_id", json!(nobody), "/assignee_id not_found"),
        ("support_level", json!(4), "/support_level out_of_range"),
        ("status", json!("received"), "/status unknown_field"),
    ] {
        let faults = change(name, value).faults();
        let faults: Vec<String> = faults.iter().map(|(pointer, code)| format!("{pointer} {code}")).collect();
        assert_eq!(faults.join(", "), fault, "{name}");
    }
    let (account, _) = machine(&desk, Role::Director, &["import_tickets", "read_ticket"]);
    let id = account["id"].clone();
    assert_eq!(change("requester_id", id).faults()[0].0, "/requester_id");
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 0);
}

/// Removes what depends on the moment at which the figures were generated.
fn without_moments(figures: &mut Value) {
    match figures {
        Value::Object(members) => {
            members.retain(|name, _| !["links", "generated_at", "open_age_days"].contains(&name.as_str()));
            members.values_mut().for_each(without_moments);
        }
        Value::Array(items) => items.iter_mut().for_each(without_moments),
        _ => {}
    }
}

/// The figures are the same with and without imported tickets, and the lists behind them too.
#[test]
fn no_figure_counts_what_was_imported() {
    let desk = Desk::open();
    let (director, requester) = (desk.director(), desk.requester());
    for state in ["received", "in_progress", "solved", "closed", "archived"] {
        desk.ticket_in(state);
    }
    let now = chrono::Utc::now();
    let today = now.date_naive();
    let (from, through) = (today - chrono::TimeDelta::days(1), today + chrono::TimeDelta::days(1));
    let statistics = format!("/statistics?from_date={from}&through_date={through}&with_links=true");
    let figures = || {
        let mut figures = director.get(&statistics).ok();
        let links = figures["tickets"]["links"].clone();
        without_moments(&mut figures);
        (figures, links)
    };
    let (before, links) = figures();
    let at = |minutes: i64| json!((now - chrono::TimeDelta::minutes(minutes)).to_rfc3339());
    for (id, archived) in [("1", false), ("2", true)] {
        let mut body = solved(id, requester.id());
        (body["received_at"], body["attended_at"]) = (at(50), at(40));
        match archived {
            true => {
                body["solution"] = Value::Null;
                body["archive"] = json!({"reason": "withdrawn", "archived_at": at(10)});
            }
            false => body["solution"]["solved_at"] = at(10),
        }
        director.post("/tickets/imports", body).created();
    }
    assert_eq!(figures().0, before);
    let tickets = &before["tickets"];
    for (figure, link) in links.as_object().unwrap() {
        let expected = figure.split('.').fold(tickets, |value, name| &value[name]);
        let list = director.get(link.as_str().unwrap().trim_start_matches("/api/v1")).items();
        assert_eq!(json!(list.len()), *expected, "{figure}");
    }
    for (filter, number) in [
        ("imported=true", 2),
        ("imported=false", 5),
        ("external_source=glpi", 2),
        ("external_id=2", 1),
        ("external_id=2&external_source=zammad", 0),
        ("attention=waiting", 1),
        ("imported=true&attention=late", 0),
    ] {
        assert_eq!(director.get(&format!("/tickets?{filter}")).items().len(), number, "{filter}");
    }
    let text = director.get("/tickets/export?external_id=2").text();
    assert!(text.contains(",glpi,2"), "{text}");
}

/// Many at once, twice, and by several at the same time: each ticket once.
#[test]
fn imports_fit_into_bulk_and_are_done_once() {
    let desk = Desk::open();
    let (_, importer) = machine(&desk, Role::Director, &["import_tickets", "read_ticket"]);
    let person = |id: usize| {
        let mut body = solved(&id.to_string(), "");
        body.as_object_mut().unwrap().remove("requester_id");
        body["requester"] = json!({"document_id": format!("7000{}", id % 3), "full_name": "Luz Mar"});
        json!({"import": body})
    };
    let operations: Vec<Value> = (0..20).map(person).collect();
    let import = |client: &Client| {
        let answer = client.post("/tickets/bulk", json!({"operations": operations})).ok();
        let results = answer["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<Vec<u64>> = thread::scope(|scope| {
        let imports: Vec<_> = (0..3).map(|_| scope.spawn(|| import(&importer))).collect();
        imports.into_iter().map(|import| import.join().unwrap()).collect()
    });
    let created = all.iter().flatten().filter(|status| **status == 201).count();
    let unchanged = all.iter().flatten().filter(|status| **status == 200).count();
    assert_eq!((created, unchanged), (20, 40), "{all:?}");
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 20);
    assert_eq!(desk.database.count("SELECT count(*) FROM users WHERE full_name = 'Luz Mar'"), 3);
    let refused = json!({"operations": [{"ticket_id": 1, "import": operations[0]["import"]}]});
    let refused = importer.post("/tickets/bulk", refused).ok();
    assert_eq!(refused["results"][0]["problem"]["errors"][0]["pointer"], "/ticket_id");
}

#[test]
fn what_the_law_removed_is_not_imported_again() {
    let desk = Desk::open();
    let director = desk.director();
    let person = desk.another(Role::Requester);
    let mut body = solved("1", person.id());
    body["description"] = json!(format!("Soy {}.", person.get("/me").ok()["full_name"].as_str().unwrap()));
    let ticket = director.post("/tickets/imports", body).created();
    director
        .post(&format!("/users/{}/anonymization", person.id()), json!({"reason": "Ley 1581"}))
        .expect_status(200);
    director.post("/tickets/imports", solved("1", person.id())).problem(409, "anonymized");
    director.post("/tickets/imports", solved("2", person.id())).problem(409, "anonymized");
    let kept = director.get(&path(&ticket)).ok();
    assert_ne!(kept["requester"]["full_name"], ticket["requester"]["full_name"]);
    // What the requester wrote is searched by default.
    assert_eq!(kept["description"], "Soy […].");
    assert_eq!(director.get("/audit/verification").ok()["whole"], true);
}
