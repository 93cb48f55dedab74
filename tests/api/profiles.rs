//! Whether requesters had the profile that their request requires: activity 1 and the check of activity 9.

use chrono::{Days, Utc};
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Client, Desk};

/// The category that requires a head of unit.
fn for_heads(desk: &Desk) -> Value {
    desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone()
}

fn name_head(desk: &Desk, head: Option<&Client>) {
    let unit = format!("/units/{}", desk.unit_id());
    desk.director().patch(&unit, json!({"head_id": head.map(Client::id)})).ok();
}

/// Registers a ticket in that category as `who`, and returns it.
fn ask(desk: &Desk, who: &Client) -> Value {
    let body = json!({"subject": "Una cuenta", "description": "Para un contratista.", "category_id": for_heads(desk)});
    who.post("/tickets", body).created()
}

/// A period around today, independent of the time zone of the entity.
fn period() -> String {
    let today = Utc::now().date_naive();
    let (from, to) =
        (today.checked_sub_days(Days::new(1)).unwrap(), today.checked_add_days(Days::new(1)).unwrap());
    format!("/audit/profiles?from_date={from}&through_date={to}")
}

fn findings(desk: &Desk) -> Vec<(i64, Value)> {
    let items = desk.professional().get(&format!("{}&limit=200", period())).items();
    items.iter().map(|item| (item["ticket_id"].as_i64().unwrap(), item["findings"].clone())).collect()
}

#[test]
fn requests_with_an_unmet_profile_or_a_changed_head_are_listed() {
    let desk = Desk::open();
    let (head, other) = (desk.requester(), desk.another(Role::Requester));
    name_head(&desk, Some(&head));
    assert_eq!(ask(&desk, &head)["status"], "received");
    assert_eq!(ask(&desk, &other)["status"], "archived");
    other.register("Sin red");
    assert_eq!(findings(&desk), [(2, json!(["not_head"]))]);

    name_head(&desk, Some(&other));
    assert_eq!(findings(&desk), [(1, json!(["head_changed"])), (2, json!(["not_head", "head_changed"]))]);
    let items = desk.director().get(&period()).items();
    assert_eq!(
        (&items[0]["head_at_reception"]["id"], &items[0]["head_now"]["id"], &items[0]["requester"]["id"]),
        (&json!(head.id()), &json!(other.id()), &json!(head.id()))
    );
    assert_eq!(items[0]["category"]["id"], for_heads(&desk));
    assert_eq!(items[0]["unit"]["id"], json!(desk.unit_id()));

    name_head(&desk, None);
    assert_eq!(findings(&desk), [(1, json!(["head_changed"])), (2, json!(["not_head"]))]);
    assert!(
        desk.director()
            .get("/audit/profiles?from_date=2026-01-01&through_date=2026-01-31")
            .items()
            .is_empty()
    );
    let wrong = desk.director().get("/audit/profiles?from_date=2026-02-01&through_date=2026-01-31");
    assert_eq!(wrong.faults(), [("/through_date".into(), "not_allowed".into())]);
}

#[test]
fn profile_findings_are_paged() {
    let desk = Desk::open();
    for _ in 0..5 {
        ask(&desk, &desk.requester());
    }
    let (mut seen, mut path) = (Vec::new(), format!("{}&limit=2&with_total=true", period()));
    loop {
        let page = desk.director().get(&path).ok();
        assert_eq!(page["total"], 5);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["ticket_id"].as_i64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}&limit=2&with_total=true&cursor={cursor}", period());
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[test]
fn classifying_into_a_category_for_heads_archives_and_notifies() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    for state in ["received", "assigned", "in_progress", "on_hold"] {
        let one = desk.ticket_in(state);
        let before = technician.get(&one).ok();
        let told = || desk.database.count("SELECT count(*) FROM messages WHERE kind = 'archived'");
        let told_before = told();
        let body = json!({"criticality": "high", "category_id": for_heads(&desk)});
        let ticket = technician.post(&format!("{one}/classification"), body).ok();
        assert_eq!(
            (&ticket["status"], &ticket["archive"]["reason"], &ticket["category"]["id"]),
            (&json!("archived"), &json!("profile_not_authorized"), &for_heads(&desk)),
            "{state}"
        );
        assert_eq!(ticket["criticality"], before["criticality"], "the criticality does not change");
        assert_eq!(told(), told_before + 1);
        let events = technician.get(&format!("{one}/events")).items();
        let last = events.last().unwrap();
        assert_eq!(
            (&last["kind"], &last["details"]["reason"]),
            (&json!("archived"), &json!("profile_not_authorized"))
        );
        let seen = requester.get(&format!("{one}/timeline?sort=-occurred_at&type=event&limit=1")).items();
        assert_eq!((&seen[0]["kind"], &seen[0]["details"]), (&last["kind"], &last["details"]));
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM holds WHERE ended_at IS NULL"), 0);
    let listed: Vec<Value> = findings(&desk).into_iter().map(|(_, findings)| findings).collect();
    assert_eq!(listed, vec![json!(["not_head"]); 4]);
}

#[test]
fn a_classification_can_set_the_category() {
    let desk = Desk::open();
    let technician = desk.technician();
    name_head(&desk, Some(&desk.requester()));
    let one = desk.ticket_in("received");
    let network = desk.director().get("/categories?q=Redes").items()[0]["id"].clone();
    let classify = |body: Value| technician.post(&format!("{one}/classification"), body);
    let nobody = json!({"criticality": "low", "category_id": "0197c0de-0000-7000-8000-000000000000"});
    assert_eq!(classify(nobody).faults(), [("/category_id".into(), "not_found".into())]);
    let ticket = classify(json!({"criticality": "low", "category_id": network})).ok();
    assert_eq!((&ticket["status"], &ticket["category"]["id"]), (&json!("classified"), &network));
    // If omitted, the category does not change.
    assert_eq!(classify(json!({"criticality": "high"})).ok()["category"]["id"], network);
    // Who was the head of the unit at the reception may have this category, also when that person is no longer the head.
    name_head(&desk, None);
    let body = json!({"criticality": "high", "category_id": for_heads(&desk)});
    assert_eq!(classify(body.clone()).ok()["status"], "classified");
    assert_eq!(classify(body).ok()["status"], "classified");
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
}

/// A request without a category is checked when it gets one, by who was the head when it was received.
#[test]
fn the_profile_of_a_request_without_category_is_that_of_its_reception() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("received");
    name_head(&desk, Some(&requester));
    let change = json!({"category_id": for_heads(&desk)});
    assert_eq!(requester.patch(&one, change).faults(), [("/category_id".into(), "not_allowed".into())]);
    let body = json!({"criticality": "high", "category_id": for_heads(&desk)});
    let ticket = technician.post(&format!("{one}/classification"), body.clone()).ok();
    assert_eq!(
        (&ticket["status"], &ticket["archive"]["reason"]),
        (&json!("archived"), &json!("profile_not_authorized"))
    );
    // Submitted again by the head, it is classified.
    let again = requester.post(&format!("{one}/resubmission"), json!({})).created();
    assert_eq!(again["status"], "received");
    let other = requester.register("Una cuenta");
    let classified = technician.post(&format!("/tickets/{}/classification", other["id"]), body).ok();
    assert_eq!(classified["status"], "classified");
}
