//! Attention times: the policy that applies to a ticket, application to open tickets, and the explanation of a due
//! time.

use chrono::Duration;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::calendars::{OFFICE, calendar};
use crate::harness::states::soon;
use crate::harness::{Client, Desk, moment};

/// Assigns a new calendar with these hours to a criticality. Returns the id of the calendar.
fn count_on(desk: &Desk, criticality: &str, opening_hours: &str) -> String {
    let id = calendar(desk, opening_hours);
    desk.director().patch(&format!("/attention-times/{criticality}"), json!({"calendar_id": id})).ok();
    id
}

/// A new ticket with this moment of reception.
fn received_at(desk: &Desk, moment: &str) -> String {
    let id = desk.requester().register("La impresora no imprime")["id"].clone();
    desk.database.run(&format!("UPDATE tickets SET received_at = '{moment}' WHERE id = {id}"));
    format!("/tickets/{id}")
}

fn classify(client: &Client, one: &str, criticality: &str) -> Value {
    client.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok()
}

/// From reception to the due time, in minutes.
fn minutes(ticket: &Value) -> i64 {
    (moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"])).num_minutes()
}

#[test]
fn a_changed_attention_time_applies_to_tickets_received_afterwards() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let (early, classified) = (desk.ticket_in("received"), desk.ticket_in("received"));
    let due = classify(&technician, &classified, "high")["attention_due_at"].clone();
    let changed = director.patch("/attention-times/high", json!({"within_minutes": 240})).ok();
    assert_eq!(
        (&changed["within_minutes"], &changed["calendar"]["opening_hours"]),
        (&json!(240), &json!("24/7"))
    );
    let late = desk.ticket_in("received");
    assert_eq!(technician.get(&classified).ok()["attention_due_at"], due);
    assert_eq!(minutes(&classify(&technician, &early, "high")), 120);
    assert_eq!(minutes(&classify(&technician, &late, "high")), 240);
    // Also when it is classified again.
    assert_eq!(minutes(&classify(&technician, &early, "low")), 1080);
    assert_eq!(minutes(&classify(&technician, &early, "high")), 120);
}

#[test]
fn a_changed_calendar_applies_to_tickets_received_afterwards() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let id = count_on(&desk, "medium", "24/7");
    let early = desk.ticket_in("received");
    director
        .patch(
            &format!("/calendars/{id}"),
            json!({"opening_hours": "Dec 31 23:00-24:00; Jan 01 00:00-12:00"}),
        )
        .ok();
    let late = desk.ticket_in("received");
    assert_eq!(minutes(&classify(&technician, &early, "medium")), 300);
    let due = moment(&classify(&technician, &late, "medium")["attention_due_at"]);
    // The last hour of one year and four hours of the next, in Bogotá.
    assert_eq!(due.format("%m-%d %H:%M").to_string(), "01-01 09:00");
    // A new name does not create a policy.
    let policies = "SELECT count(*) FROM attention_policies";
    let before = desk.database.count(policies);
    director.patch(&format!("/calendars/{id}"), json!({"name": "Fin de año"})).ok();
    director.patch("/attention-times/medium", json!({"within_minutes": 300})).ok();
    assert_eq!(desk.database.count(policies), before);
}

#[test]
fn a_due_time_is_computed_with_the_calendar_of_the_criticality() {
    let desk = Desk::open();
    count_on(&desk, "high", OFFICE);
    desk.database.run("ALTER TABLE attention_policies DISABLE TRIGGER attention_policies_keep");
    desk.database
        .run("DELETE FROM attention_policies WHERE criticality = 'high' AND effective_from < '2000-01-01'");
    desk.database
        .run("UPDATE attention_policies SET effective_from = '2020-01-01' WHERE criticality = 'high'");
    // Friday 13 November 2026, 17:30:15 in Bogotá: 29 min 45 s, Monday a holiday, Tuesday 90 min 15 s.
    let one = received_at(&desk, "2026-11-13T22:30:15Z");
    let ticket = classify(&desk.technician(), &one, "high");
    assert_eq!(ticket["attention_due_at"], "2026-11-17T14:30:15Z");
    assert_eq!(classify(&desk.technician(), &one, "critical")["attention_due_at"], "2026-11-13T23:30:15Z");
}

#[test]
fn the_policy_at_reception_applies_to_an_escalation() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("in_progress");
    desk.director().patch("/attention-times/medium", json!({"within_minutes": 60})).ok();
    let escalated =
        technician.post(&format!("{one}/escalations"), json!({"reason": "Es de la red."})).created();
    let due = moment(&technician.get(&one).ok()["attention_due_at"]);
    assert_eq!(due - moment(&escalated["created_at"]), Duration::minutes(300));
}

#[test]
fn an_attention_time_needs_a_calendar_with_enough_hours() {
    let desk = Desk::open();
    let director = desk.director();
    let rare = calendar(&desk, "Jan 01 00:00-00:01");
    let time = |body: Value| director.patch("/attention-times/low", body);
    assert_eq!(
        time(json!({"calendar_id": rare})).faults(),
        [("/within_minutes".into(), "out_of_range".into())]
    );
    let usual = count_on(&desk, "low", OFFICE);
    let shrunk =
        director.patch(&format!("/calendars/{usual}"), json!({"opening_hours": "Jan 01 00:00-00:01"}));
    assert_eq!(shrunk.faults(), [("/opening_hours".into(), "out_of_range".into())]);
    director.patch(&format!("/calendars/{rare}"), json!({"active": false})).ok();
    assert_eq!(
        time(json!({"calendar_id": rare, "within_minutes": 1})).faults(),
        [("/calendar_id".into(), "not_found".into())]
    );
    // A calendar in use remains assigned when it is deactivated.
    director.patch(&format!("/calendars/{usual}"), json!({"active": false})).ok();
    assert_eq!(time(json!({"within_minutes": 600})).ok()["calendar"]["id"], json!(usual));
    let times = director.get("/attention-times").items();
    let low = times.iter().find(|time| time["criticality"] == "low").unwrap();
    assert_eq!((&low["within_minutes"], &low["calendar"]["opening_hours"]), (&json!(600), &json!(OFFICE)));
}

#[test]
fn classification_with_an_ended_calendar_gets_409_no_due_time() {
    let desk = Desk::open();
    desk.database.run(
        "INSERT INTO attention_policies SELECT gen_random_uuid(), criticality, calendar_id, minutes, \
         '2020-2025 Mo-Fr 08:00-18:00', '2026-01-01' FROM attention_policies WHERE criticality = 'low'",
    );
    let one = desk.ticket_in("received");
    let answer = desk.technician().post(&format!("{one}/classification"), json!({"criticality": "low"}));
    answer.problem(409, "no_due_time");
    assert_eq!(desk.technician().get(&one).ok()["status"], "received");
}

#[test]
fn application_to_open_tickets_records_an_event_for_each() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let apply = |client: &Client| client.post("/attention-times/application", json!({}));
    let waiting = [desk.ticket_in("classified"), desk.ticket_in("assigned"), desk.ticket_in("escalated")];
    let untouched = ["in_progress", "solved", "closed", "archived"].map(|state| desk.ticket_in(state));
    let other = desk.ticket_in("received");
    classify(&technician, &other, "high");
    let unclassified = desk.ticket_in("received");
    let all = || -> Vec<Value> {
        waiting
            .iter()
            .chain(&untouched)
            .chain([&other, &unclassified])
            .map(|one| director.get(one).ok())
            .collect()
    };
    let before = all();

    assert_eq!(apply(&director).ok(), json!({"examined_count": 5, "changed_count": 0}));
    assert_eq!(all(), before);
    director.patch("/attention-times/medium", json!({"within_minutes": 30})).ok();
    assert_eq!(all(), before);
    let etag = director.get(&waiting[0]).header("etag").to_owned();
    let messages = desk.database.count("SELECT count(*) FROM messages");
    assert_eq!(apply(&desk.professional()).ok(), json!({"examined_count": 5, "changed_count": 3}));
    assert_ne!(director.get(&waiting[0]).header("etag"), etag);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), messages);
    let after = all();
    assert_eq!(after[3..], before[3..]);
    for (one, (before, after)) in waiting.iter().zip(before.iter().zip(&after)) {
        let moved = moment(&before["attention_due_at"]) - moment(&after["attention_due_at"]);
        assert_eq!(moved, Duration::minutes(270), "{one}");
        let event = director.get(&format!("{one}/events")).items().pop().unwrap();
        assert_eq!(
            (&event["kind"], &event["actor"]["id"]),
            (&json!("due_changed"), &json!(desk.professional().id()))
        );
        assert_eq!(event["details"], json!({"within_minutes": 30, "opening_hours": "24/7"}));
        let fields: Vec<&str> = event["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| change["field"].as_str().unwrap())
            .collect();
        assert!(fields.contains(&"attention_due_at"), "{fields:?}");
        let levels = director.get(&format!("{one}/attention")).ok()["levels"].clone();
        assert_eq!(levels.as_array().unwrap().last().unwrap()["within_minutes"], 30);
    }
    // It also applies to tickets that are classified later, again or for the first time.
    assert_eq!(minutes(&classify(&technician, &unclassified, "medium")), 30);
    assert_eq!(minutes(&classify(&technician, &other, "medium")), 30);
    assert_eq!(apply(&director).ok()["changed_count"], 0);
    for client in [desk.requester(), technician] {
        apply(&client).problem(403, "forbidden");
    }
    let keyed = director.with("idempotency-key", "otra vez");
    director.patch("/attention-times/medium", json!({"within_minutes": 31})).ok();
    let first = apply(&keyed).ok();
    assert_eq!(first["changed_count"], 5);
    assert_eq!(apply(&keyed).ok(), first);
    director.get("/audit/verification").ok();
}

#[test]
fn a_due_time_is_explained_level_by_level() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let attention = |one: &str| requester.get(&format!("{one}/attention")).ok();
    let one = desk.ticket_in("received");
    let provisional = attention(&one)["levels"][0].clone();
    assert_eq!((&provisional["provisional"], &provisional["within_minutes"]), (&json!(true), &json!(60)));
    desk.another(Role::Requester).get(&format!("{one}/attention")).problem(404, "not_found");

    let due = classify(&technician, &one, "high")["attention_due_at"].clone();
    let level = attention(&one)["levels"][0].clone();
    assert_eq!(
        (&level["support_level"], &level["due_at"], &level["in_time"]),
        (&json!(1), &due, &json!(null))
    );
    assert_eq!((&level["within_minutes"], &level["opening_hours"]), (&json!(120), &json!("24/7")));
    assert_eq!(
        (&level["policy"]["criticality"], &level["policy"]["calendar"]["name"]),
        (&json!("high"), &json!("24/7"))
    );
    let left = level["remaining_minutes"].as_f64().unwrap();
    assert!((119.0..=120.0).contains(&left), "{left}");
    assert_eq!(level["stretches"].as_array().unwrap().len(), 1);
    assert_eq!((&level["stretches"][0]["ends_at"], &level["stretches"][0]["reason"]), (&due, &json!("open")));

    technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    let level = attention(&one)["levels"][0].clone();
    assert_eq!((&level["in_time"], &level["assignee"]["id"]), (&json!(true), &json!(technician.id())));
    assert_eq!(level["stretches"][0]["ends_at"], level["accepted_at"]);

    technician.post(&format!("{one}/escalations"), json!({"reason": "Es de la red."})).created();
    // Two hours and one minute later nobody has accepted it.
    desk.database.run("UPDATE attentions SET started_at = started_at - interval '121 minutes', due_at = due_at - interval '121 minutes' WHERE level = 2");
    let levels = attention(&one)["levels"].clone();
    assert_eq!((&levels[0]["in_time"], &levels[1]["in_time"]), (&json!(true), &json!(false)));
    assert!((-2.0..=-1.0).contains(&levels[1]["remaining_minutes"].as_f64().unwrap()), "{levels}");
}

#[test]
fn a_long_week_end_is_explained_with_its_holiday() {
    let desk = Desk::open();
    let one = received_at(&desk, "2025-11-14T21:00:00Z");
    classify(&desk.technician(), &one, "medium");
    // Friday 14 November 2025, 16:00 in Bogotá; Monday is a holiday (Independence of Cartagena), Tuesday 3 h.
    desk.database.run(&format!(
        "UPDATE attentions SET opening_hours = '{OFFICE}', due_at = '2025-11-18T16:00:00Z', \
         accepted_at = '2025-11-18T15:30:00Z', accepted_by = (SELECT id FROM users WHERE role = 'technician')"
    ));
    let level = desk.requester().get(&format!("{one}/attention")).ok()["levels"][0].clone();
    let told: Vec<Value> = level["stretches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| json!([s["ends_at"], s["counts"], s["reason"], s["holiday"], s["duration_minutes"]]))
        .collect();
    let expected = [
        json!(["2025-11-14T23:00:00Z", true, "open", null, 120.0]),
        json!(["2025-11-17T05:00:00Z", false, "closed", null, 3240.0]),
        json!(["2025-11-18T05:00:00Z", false, "public_holiday", "Independencia de Cartagena", 1440.0]),
        json!(["2025-11-18T13:00:00Z", false, "closed", null, 480.0]),
        json!(["2025-11-18T15:30:00Z", true, "open", null, 150.0]),
    ];
    assert_eq!(told, expected);
    assert_eq!((&level["counted_minutes"], &level["remaining_minutes"]), (&json!(270.0), &json!(30.0)));
    assert_eq!((&level["in_time"], &level["complete"]), (&json!(true), &json!(true)));
}
