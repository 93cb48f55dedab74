//! Tickets that become critical after they were accepted.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::harness::Desk;

fn messages(desk: &Desk, one: &str, kind: &str) -> Vec<Value> {
    let id = one.rsplit('/').next().unwrap();
    desk.director().get(&format!("/messages?ticket_id={id}&kind={kind}&sort=created_at")).items()
}

#[test]
fn it_voids_the_appointment_and_restarts_the_clock() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let one = desk.ticket_in("in_progress");
    let before = technician.get(&one).ok();
    assert!(before["scheduled_for"].is_string());
    let ticket = director.post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    for gone in ["scheduled_for", "accepted_at"] {
        assert_eq!(ticket[gone], json!(null), "{gone}");
    }
    assert_eq!((&ticket["status"], &ticket["assignee"]["id"]), (&json!("assigned"), &json!(technician.id())));
    assert_eq!(ticket["attended_at"], before["attended_at"]);
    let due: DateTime<Utc> = ticket["attention_due_at"].as_str().unwrap().parse().unwrap();
    let left = due - Utc::now();
    assert!(left > Duration::minutes(58) && left <= Duration::minutes(60), "{left}");
    let levels = technician.get(&format!("{one}/attention")).ok()["levels"].clone();
    let told: Vec<Value> = levels
        .as_array()
        .unwrap()
        .iter()
        .map(|level| json!([level["support_level"], level["in_time"], level["assignee"]["id"]]))
        .collect();
    assert_eq!(told, [json!([1, true, technician.id()]), json!([1, null, technician.id()])]);

    let told = messages(&desk, &one, "became_critical");
    let mut recipients: Vec<&str> = told.iter().map(|one| one["recipient"]["id"].as_str().unwrap()).collect();
    recipients.sort();
    let (requester, me) = (desk.requester(), technician.id().to_owned());
    let mut expected = vec![requester.id(), me.as_str()];
    expected.sort();
    assert_eq!(recipients, expected);
    let to_requester = told.iter().find(|one| one["recipient"]["id"] == requester.id()).unwrap();
    let text =
        director.get(&format!("/messages/{}", to_requester["id"].as_str().unwrap())).ok()["text"].clone();
    assert!(text.as_str().unwrap().contains("queda sin efecto"), "{text}");
    // The timeline of the requester shows it.
    let timeline = requester.get(&format!("{one}/timeline")).items();
    let event = timeline.iter().rfind(|entry| entry["kind"] == "classified").unwrap();
    assert!(event["changes"].to_string().contains("scheduled_for"), "{event}");

    technician.post(&format!("{one}/acceptance"), json!({})).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Se aisló el equipo."})).ok();
    assert_eq!(director.get("/audit/verification").ok()["broken"], json!([]));
}

#[test]
fn a_hold_for_an_external_cause_ends() {
    let desk = Desk::open();
    let one = desk.ticket_in("on_hold");
    let ticket =
        desk.director().post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!((&ticket["status"], &ticket["hold"]), (&json!("assigned"), &json!(null)));
    assert!(ticket["attention_due_at"].is_string());
}

#[test]
fn a_ticket_that_was_not_accepted_keeps_its_clock_and_its_assignee_is_told() {
    let desk = Desk::open();
    let one = desk.ticket_in("assigned");
    let ticket =
        desk.director().post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    let time = |field: &str| -> DateTime<Utc> { ticket[field].as_str().unwrap().parse().unwrap() };
    assert_eq!(time("attention_due_at") - time("received_at"), Duration::hours(1));
    let told = messages(&desk, &one, "became_critical");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["recipient"]["id"], desk.technician().id());
    // Another classification as critical changes and tells nothing.
    desk.director().post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!(messages(&desk, &one, "became_critical").len(), 1);
}

#[test]
fn another_criticality_of_an_accepted_ticket_keeps_the_appointment() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let before = desk.technician().get(&one).ok();
    let ticket = desk.director().post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    for same in ["scheduled_for", "status", "attention_due_at"] {
        assert_eq!(ticket[same], before[same], "{same}");
    }
}
