//! Availability and workload of staff, automatic assignment and handover.

use chrono::Utc;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk, moment};
use crate::shifts::{absence, assigned, at, chosen, classified, last_event, works_only};

#[test]
fn the_list_shows_who_is_available_and_their_workload() {
    let desk = Desk::open();
    let director = desk.director();
    let always = desk.technician();
    let (later, away, gone, left) = (
        desk.another(Role::Technician),
        desk.another(Role::Technician),
        desk.another(Role::Technician),
        desk.another(Role::Technician),
    );
    works_only(&desk, &later, 3);
    director.post(&format!("/users/{}/absences", away.id()), absence(at(-1, 8), at(4, 8))).created();
    director.patch(&format!("/users/{}", gone.id()), json!({"contract_ends_on": "2026-01-31"})).ok();
    director.patch(&format!("/users/{}", left.id()), json!({"active": false})).ok();
    assigned(&desk, "critical", &always);
    assigned(&desk, "low", &always);

    let listed = |query: &str| director.get(&format!("/availability?{query}")).items();
    let of = |items: &[Value], person: &Client| {
        items.iter().find(|item| item["user"]["id"] == person.id()).cloned()
    };
    let now = listed("support_level=1");
    assert_eq!(now.len(), 4);
    assert!(of(&now, &left).is_none());
    let state = |person: &Client| {
        let item = of(&now, person).unwrap();
        (item["on_shift"] == true, item["absent"] == true, item["contract_ended"] == true)
    };
    assert_eq!(state(&always), (true, false, false));
    assert_eq!(state(&later), (false, false, false));
    assert_eq!(state(&away), (true, true, false));
    assert_eq!(state(&gone), (true, false, true));
    let busy = of(&now, &always).unwrap();
    assert_eq!(
        (&busy["open_ticket_count"], &busy["open_work"], &busy["support_level"]),
        (&json!(2), &json!(9), &json!(1))
    );
    assert!(
        moment(&busy["last_assigned_at"]) <= Utc::now() && moment(&busy["next_available_at"]) <= Utc::now()
    );
    assert_eq!(moment(&of(&now, &later).unwrap()["next_available_at"]), at(3, 8));
    assert_eq!(moment(&of(&now, &away).unwrap()["next_available_at"]), at(4, 8));
    assert_eq!(of(&now, &gone).unwrap()["next_available_at"], Value::Null);
    assert_eq!(of(&now, &later).unwrap()["last_assigned_at"], Value::Null);

    let then = listed(&format!("available_at={}", at(3, 9).format("%Y-%m-%dT%H:%M:%SZ")));
    assert_eq!(then.len(), 6);
    assert_eq!(of(&then, &later).unwrap()["on_shift"], true);
    let names = |items: Vec<Value>| -> Vec<Value> {
        items.iter().map(|item| item["user"]["full_name"].clone()).collect()
    };
    let mut descending = names(listed("sort=-name"));
    descending.reverse();
    assert_eq!(descending, names(listed("")));
    assert_eq!(listed("limit=2").len(), 2);
    for (query, parameter) in
        [("available_at=2060-01-01T00:00:00Z", "/available_at"), ("support_level=4", "/support_level")]
    {
        assert_eq!(director.get(&format!("/availability?{query}")).faults()[0].0, parameter);
    }
}

#[test]
fn automatic_assignment_balances_open_work_among_available_staff() {
    let desk = Desk::open();
    let director = desk.director();
    let (first, second) = (desk.technician(), desk.another(Role::Technician));
    let (later, away, gone) =
        (desk.another(Role::Technician), desk.another(Role::Technician), desk.another(Role::Technician));
    works_only(&desk, &later, 3);
    director.post(&format!("/users/{}/absences", away.id()), absence(at(-1, 8), at(4, 8))).created();
    director.patch(&format!("/users/{}", gone.id()), json!({"contract_ends_on": "2026-01-31"})).ok();

    // Seven tickets of low criticality weigh less than one critical ticket.
    assigned(&desk, "critical", &first);
    for _ in 0..7 {
        assert_eq!(chosen(&desk, "low"), second.id());
    }
    assert_eq!(chosen(&desk, "low"), second.id());
    // Both have a load of 8: the one whose last assignment is older is chosen.
    assert_eq!(chosen(&desk, "medium"), first.id());
    assert_eq!(chosen(&desk, "medium"), second.id());
}

#[test]
fn if_nobody_is_available_the_409_names_who_is_next_and_naming_is_allowed() {
    let desk = Desk::open();
    let technician = desk.technician();
    works_only(&desk, &technician, 3);
    let one = classified(&desk, "high");
    let before = desk.database.fingerprint();
    let problem =
        desk.professional().post(&format!("{one}/assignment"), json!({})).problem(409, "nobody_available");
    assert_eq!(moment(&problem["next_available_at"]), at(3, 8));
    assert_eq!(problem["next_available_user"]["id"], technician.id());
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("Tomás Ríos Cano") && detail.ends_with("a las 8:00 a. m."), "{detail}");
    assert_eq!(desk.database.fingerprint(), before);

    let named = json!({"assignee_id": technician.id()});
    assert_eq!(
        desk.professional().post(&format!("{one}/assignment"), named.clone()).ok()["status"],
        "assigned"
    );
    // The current assignee is not a candidate for the replacement.
    let again = json!({"replaced_assignee_id": technician.id()});
    let problem =
        desk.professional().post(&format!("{one}/assignment"), again).problem(409, "nobody_available");
    assert_eq!(
        (&problem["next_available_at"], &problem["next_available_user"]),
        (&Value::Null, &Value::Null)
    );

    desk.director().patch(&format!("/users/{}", technician.id()), json!({"active": false})).ok();
    let other = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    desk.professional().post(&format!("{other}/classification"), json!({"criticality": "high"})).ok();
    let refused = desk.professional().post(&format!("{other}/assignment"), named);
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_found".into())]);
}

#[test]
fn a_handover_transfers_all_open_work_in_one_call() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let other = desk.another(Role::Technician);
    let (waiting, running, held) =
        (desk.ticket_in("assigned"), desk.ticket_in("in_progress"), desk.ticket_in("on_hold"));
    let solved = desk.ticket_in("solved");
    let path = format!("/users/{}/handover", technician.id());
    let versions = |one: &str| director.get(one).header("etag").to_owned();
    let before = versions(&running);

    let handover =
        director.post(&path, json!({"assignee_id": other.id(), "reason": "Sale a vacaciones."})).ok();
    let numbers: Vec<String> = handover["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("/tickets/{}", item["ticket_id"]))
        .collect();
    assert_eq!(numbers, [&*waiting, &*running, &*held]);
    for one in &numbers {
        let ticket = director.get(one).ok();
        assert_eq!((&ticket["assignee"]["id"], &ticket["scheduled_for"]), (&json!(other.id()), &Value::Null));
        let event = last_event(&desk, one);
        assert_eq!((&event["kind"], &event["actor"]["id"]), (&json!("assigned"), &json!(director.id())));
        assert_eq!(event["details"], json!({"automatic": false, "reason": "Sale a vacaciones."}));
    }
    assert_eq!(director.get(&running).ok()["status"], "assigned");
    assert_eq!(director.get(&held).ok()["status"], "on_hold");
    assert_eq!(director.get(&solved).ok()["assignee"]["id"], technician.id());
    assert_ne!(versions(&running), before);
    let told =
        format!("SELECT count(*) FROM messages WHERE kind = 'assigned' AND recipient_id = '{}'", other.id());
    assert_eq!(desk.database.count(&told), 3);
    assert_eq!(director.post(&path, json!({"reason": "Otra vez."})).ok(), json!({"tickets": []}));
    // Open work can be listed with filters of the ticket list.
    let open = |person: &Client| {
        let open = "status=assigned&status=in_progress&status=on_hold";
        director.get(&format!("/tickets?assignee_id={}&{open}", person.id())).items().len()
    };
    assert_eq!((open(&technician), open(&other)), (0, 3));
}

#[test]
fn a_handover_distributes_work_among_available_staff_or_changes_nothing() {
    let desk = Desk::open();
    let (director, technician, professional) = (desk.director(), desk.technician(), desk.professional());
    for criticality in ["low", "medium", "critical", "high", "low"] {
        assigned(&desk, criticality, &technician);
    }
    let escalated = desk.ticket_in("in_progress");
    technician.post(&format!("{escalated}/escalations"), json!({"reason": "Es de la red."})).created();
    director.post(&format!("{escalated}/assignment"), json!({"assignee_id": professional.id()})).ok();
    let path = |person: &Client| format!("/users/{}/handover", person.id());

    let before = desk.database.fingerprint();
    let refused =
        director.post(&path(&professional), json!({"assignee_id": technician.id(), "reason": "Sale."}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_allowed".into())]);
    let refused =
        director.post(&path(&technician), json!({"assignee_id": technician.id(), "reason": "Sale."}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_allowed".into())]);
    let refused =
        director.post(&path(&technician), json!({"assignee_id": desk.requester().id(), "reason": "Sale."}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_allowed".into())]);
    let problem =
        director.post(&path(&technician), json!({"reason": "Sale."})).problem(409, "nobody_available");
    assert_eq!(problem["ticket_id"], 3, "the critical one comes first");
    assert_eq!(desk.database.fingerprint(), before);

    let (one, two) = (desk.another(Role::Technician), desk.another(Role::Technician));
    let handover = director.post(&path(&technician), json!({"reason": "Terminó su contrato."})).ok();
    let given: Vec<(i64, bool)> = handover["tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["ticket_id"].as_i64().unwrap(), item["assignee"]["id"] == one.id()))
        .collect();
    let first = given[0].1;
    // The critical ticket to one; high, medium and both low ones to the other, whose load is 8 by then.
    assert_eq!(given, [(3, first), (4, !first), (2, !first), (1, !first), (5, !first)]);
    let two_or_one = if first { two.id() } else { one.id() };
    assert_eq!(last_event(&desk, "/tickets/5")["details"]["automatic"], true);
    assert_eq!(director.get("/tickets/5").ok()["assignee"]["id"], two_or_one);
}
