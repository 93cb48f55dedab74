//! Returns to a lower support level.

use mesa::auth::policy::Role;
use mesa::tickets::staff_calls;
use serde_json::{Value, json};

use crate::harness::states::{soon, ticket_at_level_2};
use crate::harness::{Client, Desk};

const REASON: &str = "La red ya funciona; falta instalar la impresora.";

fn send_back(client: &Client, one: &str) -> crate::harness::Answer {
    client.post(&format!("{one}/return"), json!({"reason": REASON}))
}

#[test]
fn a_returned_ticket_waits_for_its_assignment_at_the_level_below() {
    let desk = Desk::open();
    let technician = desk.technician();
    for state in ["escalated", "assigned", "in_progress"] {
        let one = ticket_at_level_2(&desk, state);
        let before = technician.get(&one);
        let answer = send_back(&technician, &one);
        let ticket = answer.ok();
        assert_ne!(answer.version(), before.version());
        assert_eq!(
            (&ticket["status"], &ticket["support_level"]),
            (&json!("escalated"), &json!(1)),
            "{state}"
        );
        for gone in ["assignee", "assigned_at", "accepted_at", "scheduled_for"] {
            assert_eq!(ticket[gone], json!(null), "{gone} after {state}");
        }
        // A technician can take it again.
        technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
        technician.post(&format!("{one}/acceptance"), soon()).ok();
        technician.post(&format!("{one}/solution"), json!({"description": "Instalada."})).ok();
    }
}

#[test]
fn a_ticket_at_level_1_is_not_returned_and_a_reason_is_required() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("in_progress");
    send_back(&technician, &one).problem(409, "no_lower_level");
    let faults = technician.post(&format!("{one}/return"), json!({})).faults();
    assert_eq!(faults, [("/reason".into(), "required".into())]);
    let held = ticket_at_level_2(&desk, "in_progress");
    let faults = technician.post(&format!("{held}/return"), json!({"reason": "x", "to_level": 2})).faults();
    assert_eq!(faults, [("/to_level".into(), "out_of_range".into())]);
    technician.post(&format!("{held}/hold"), json!({"reason": "Falta un repuesto."})).ok();
    send_back(&technician, &held).problem(409, "step_not_allowed");
}

#[test]
fn each_return_starts_a_clock_and_the_earlier_clocks_stay() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let one = ticket_at_level_2(&desk, "in_progress");
    let due = technician.get(&one).ok()["attention_due_at"].clone();
    send_back(&desk.professional(), &one).ok();
    assert_ne!(technician.get(&one).ok()["attention_due_at"], due);
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    technician.post(&format!("{one}/escalations"), json!({"reason": "Otra vez la red."})).created();
    send_back(&technician, &one).ok();

    let levels = technician.get(&format!("{one}/attention")).ok()["levels"].clone();
    let told =
        |level: &Value| json!([level["support_level"], level["accepted_by"]["full_name"], level["in_time"]]);
    let told: Vec<Value> = levels.as_array().unwrap().iter().map(told).collect();
    let (first, second) = (
        technician.get("/me").ok()["full_name"].clone(),
        desk.professional().get("/me").ok()["full_name"].clone(),
    );
    assert_eq!(
        told,
        [
            json!([1, first, true]),
            json!([2, second, true]),
            json!([1, first, true]),
            json!([2, null, null]),
            json!([1, null, null]),
        ]
    );
    let starts: Vec<&str> =
        levels.as_array().unwrap().iter().map(|level| level["started_at"].as_str().unwrap()).collect();
    assert!(starts.is_sorted(), "{starts:?}");

    // What was accepted before the returns still counts.
    let today = chrono::Utc::now().date_naive();
    let (from, to) = (today - chrono::Duration::days(1), today + chrono::Duration::days(1));
    let figures = director.get(&format!("/statistics?from_date={from}&through_date={to}&by=level")).ok();
    let levels = figures["by_level"].as_array().unwrap();
    let accepted: Vec<Value> =
        levels.iter().map(|level| json!([level["support_level"], level["accepted"]])).collect();
    assert_eq!(accepted[..2], [json!([1, 1]), json!([2, 1])], "{figures}");
    let of = |filter: &str| director.get(&format!("/tickets?{filter}")).items().len();
    assert_eq!(of(&format!("accepted_by_id={}", desk.professional().id())), 1);
    assert_eq!(of(&format!("escalated_by_id={}", desk.professional().id())), 0);
    assert_eq!(of("escalated_to_level=2"), 1);
    assert_eq!(of("escalated_to_level=1"), 0);
}

#[test]
fn a_return_is_told_to_the_requester_without_its_reason_and_to_the_staff_of_the_level() {
    let desk = Desk::open();
    let other = desk.another(Role::Technician);
    let one = ticket_at_level_2(&desk, "in_progress");
    send_back(&desk.professional(), &one).ok();
    staff_calls::tell(&mut desk.database.connect(), &desk.shared().config).unwrap();

    let id = one.rsplit('/').next().unwrap();
    let sent = desk.director().get(&format!("/messages?ticket_id={id}&kind=returned")).items();
    let mut told: Vec<&str> =
        sent.iter().map(|message| message["recipient"]["id"].as_str().unwrap()).collect();
    told.sort();
    let (requester, technician) = (desk.requester(), desk.technician());
    let mut expected = vec![requester.id(), technician.id(), other.id()];
    expected.sort();
    assert_eq!(told, expected);

    let event = technician.get(&format!("{one}/events")).items().pop().unwrap();
    assert_eq!((&event["kind"], &event["details"]), (&json!("returned"), &json!({"reason": REASON})));
    let change = technician.get(&format!("{one}/escalations")).items().pop().unwrap();
    assert_eq!((&change["from_level"], &change["to_level"]), (&json!(2), &json!(1)));
    assert_eq!(
        (&change["reason"], &change["escalated_by"]["id"]),
        (&json!(REASON), &json!(desk.professional().id()))
    );

    let timeline = requester.get(&format!("{one}/timeline"));
    assert!(!timeline.text().contains(REASON), "{}", timeline.text());
    let seen = timeline.items();
    let returned = seen.iter().find(|entry| entry["kind"] == "returned" && entry["type"] == "event").unwrap();
    assert_eq!(
        returned["changes"],
        json!([
            {"field": "status", "from": "in_progress", "to": "escalated"},
            {"field": "support_level", "from": 2, "to": 1},
        ])
    );
}

#[test]
fn the_history_of_a_returned_ticket_verifies() {
    let desk = Desk::open();
    send_back(&desk.technician(), &ticket_at_level_2(&desk, "escalated")).ok();
    assert_eq!(desk.director().get("/audit/verification").ok()["broken"], json!([]));
}
