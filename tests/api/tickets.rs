//! Registering, reading and changing tickets, and the attention time.

use chrono::Duration;
use mesa::auth::policy::Role;
use mesa::server::routine;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Desk, PASSWORD, moment};

#[test]
fn missing_minimum_data_is_reported_in_one_422() {
    let desk = Desk::open();
    let new =
        json!({"email": "nueva@mesa.test", "password": PASSWORD, "role": "requester", "full_name": "Nueva"});
    desk.director().post("/users", new).created();
    let token =
        desk.nobody().post("/auth/login", json!({"email": "nueva@mesa.test", "password": PASSWORD})).ok();
    let person = desk.nobody().holding(token["access_token"].as_str().unwrap());
    let named = |body: Value| -> Vec<String> {
        person.post("/tickets", body).faults().into_iter().map(|(pointer, _)| pointer).collect()
    };
    assert_eq!(
        named(json!({})),
        ["/description", "/subject", "/requester/document_id", "/requester/unit_id", "/requester/contact"]
    );
    let mut body = json!({
        "subject": "Sin red", "description": "No hay red.",
        "requester": {"document_id": "43555666", "unit_id": desk.unit_id(), "contact": {"mobile": null}},
    });
    assert_eq!(named(body.clone()), ["/requester/contact"]);
    body["requester"]["contact"] = json!({"mobile": "3001112233"});
    let ticket = person.post("/tickets", body).created();
    assert_eq!(ticket["requester"]["document_id"], "43555666");
    assert_eq!(ticket["requester"]["full_name"], "Nueva");
}

#[test]
fn a_ticket_keeps_the_requesters_data_of_the_registration() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = format!("/tickets/{}", requester.register("Sin red")["id"]);
    requester.patch("/me", json!({"contact": {"mobile": "3110000000"}})).ok();
    assert_eq!(requester.get(&one).ok()["requester"]["contact"]["mobile"], "3001234560");
    let later = requester.register("Sin red todavía");
    assert_eq!(later["requester"]["contact"]["mobile"], "3110000000");
}

#[test]
fn staff_register_on_behalf_of_others() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let body = json!({
        "subject": "Sin red", "description": "Llamó por teléfono.", "channel": "phone", "requester_id": requester.id(),
    });
    let ticket = technician.post("/tickets", body).created();
    assert_eq!((&ticket["requester"]["id"], &ticket["channel"]), (&json!(requester.id()), &json!("phone")));
    assert_eq!(ticket["registered_by"]["id"], technician.id());
    requester.get(&format!("/tickets/{}", ticket["id"])).ok();
}

#[test]
fn a_request_only_for_heads_of_unit_is_archived_and_notified() {
    let desk = Desk::open();
    let (requester, director) = (desk.requester(), desk.director());
    let categories = director.get("/categories?q=Cuentas").items();
    let category = categories[0]["id"].clone();
    let body = json!({"subject": "Una cuenta nueva", "description": "Para un contratista.", "category_id": category});
    let ticket = requester.post("/tickets", body.clone()).created();
    assert_eq!(
        (&ticket["status"], &ticket["archive"]["reason"]),
        (&json!("archived"), &json!("profile_not_authorized"))
    );
    let told = "SELECT count(*) FROM messages WHERE kind = 'archived' AND recipient_id = (SELECT requester_id FROM tickets)";
    assert_eq!(desk.database.count(told), 1);
    let events = director.get(&format!("/tickets/{}/events", ticket["id"])).items();
    assert_eq!(
        events.iter().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["received", "archived"]
    );
    // The head of the unit is allowed to request it.
    let unit = format!("/units/{}", desk.unit_id());
    director.patch(&unit, json!({"head_id": requester.id()})).ok();
    assert_eq!(requester.post("/tickets", body).created()["status"], "received");
    // A correction cannot bypass this rule.
    let other = desk.another(Role::Requester);
    let one = format!("/tickets/{}", other.register("Sin red")["id"]);
    let refused = other.patch(&one, json!({"category_id": category}));
    assert_eq!(refused.faults(), [("/category_id".into(), "not_allowed".into())]);
}

#[test]
fn a_correction_is_an_event_with_the_old_and_new_values() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = format!("/tickets/{}", requester.register("Sin red")["id"]);
    requester.patch(&one, json!({"subject": "Sin red en el piso 3"})).ok();
    let events = desk.technician().get(&format!("{one}/events")).items();
    assert_eq!(
        events[1]["changes"],
        json!([{"field": "subject", "from": "Sin red", "to": "Sin red en el piso 3"}])
    );
    assert_eq!(events[1]["actor"]["id"], requester.id());
}

#[test]
fn attention_counts_from_reception_to_the_first_acceptance() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    desk.database.run("UPDATE tickets SET received_at = received_at - interval '90 minutes'");
    for (criticality, hours) in [("critical", 1), ("high", 2), ("medium", 5), ("low", 18)] {
        let ticket =
            technician.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok();
        assert_eq!(
            moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"]),
            Duration::hours(hours)
        );
    }
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    assert_eq!(
        technician.get(&one).ok()["attended_at"],
        Value::Null,
        "an assignment does not stop the attention time"
    );
    let ticket = technician.post(&format!("{one}/acceptance"), soon()).ok();
    assert_eq!(ticket["attended_at"], ticket["accepted_at"]);
    // After it has stopped, a new criticality below critical does not change it.
    let due = ticket["attention_due_at"].clone();
    let ticket = technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    assert_eq!(ticket["attention_due_at"], due);
}

#[test]
fn automatic_assignment_chooses_the_person_with_the_least_work() {
    let desk = Desk::open();
    let (first, second) = (desk.technician(), desk.another(Role::Technician));
    desk.ticket_in("assigned");
    let assign =
        |one: &str| first.post(&format!("{one}/assignment"), json!({})).ok()["assignee"]["id"].clone();
    assert_eq!(assign(&desk.ticket_in("classified")), second.id());
    // An assigned ticket is not reassigned by accident.
    let held = desk.ticket_in("assigned");
    let refused = second.post(&format!("{held}/assignment"), json!({"assignee_id": second.id()}));
    assert_eq!(refused.problem(409, "already_assigned")["assignee_id"], first.id());
    let taken = json!({"assignee_id": second.id(), "replaced_assignee_id": first.id()});
    assert_eq!(second.post(&format!("{held}/assignment"), taken).ok()["assignee"]["id"], second.id());
    let back = json!({"assignee_id": "me", "replaced_assignee_id": second.id()});
    assert_eq!(first.post(&format!("{held}/assignment"), back).ok()["assignee"]["id"], first.id());
    let refused = first.post(&format!("{held}/assignment"), json!({"assignee_id": "none"}));
    assert_eq!(refused.problem(422, "invalid_body")["errors"][0]["pointer"], "/assignee_id");
    // Without an active person of the level, the assignment is rejected.
    for person in [&first, &second] {
        desk.director().patch(&format!("/users/{}", person.id()), json!({"active": false})).ok();
    }
    let one = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    let director = desk.director();
    director.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    director.post(&format!("{one}/assignment"), json!({})).problem(409, "nobody_available");
}

#[test]
fn solved_tickets_are_closed_automatically_after_the_set_days() {
    let desk = Desk::configured(&[("MESA_CLOSE_AFTER_DAYS", "3")]);
    let (old, new) = (desk.ticket_in("solved"), desk.ticket_in("solved"));
    let config = &desk.shared().config;
    desk.database.run("UPDATE tickets SET solved_at = solved_at - interval '73 hours' WHERE id = 1");
    let copy = desk.copy();
    std::thread::scope(|scope| {
        scope.spawn(|| routine::once(&mut desk.database.connect(), config));
        scope.spawn(|| routine::once(&mut copy.shared().db.connection().unwrap(), config));
    });
    let technician = desk.technician();
    assert_eq!(technician.get(&old).ok()["status"], "closed");
    assert_eq!(technician.get(&new).ok()["status"], "solved");
    let events = technician.get(&format!("{old}/events")).items();
    let closed: Vec<&Value> = events.iter().filter(|event| event["kind"] == "closed").collect();
    assert_eq!(closed.len(), 1);
    assert_eq!((&closed[0]["actor"], &closed[0]["details"]["after_days"]), (&json!(null), &json!(3)));
}

#[test]
fn a_step_notifies_the_people_concerned() {
    let desk = Desk::open();
    desk.ticket_in("closed");
    let told = |kind: &str, role: &str| {
        desk.database.count(&format!(
            "SELECT count(*) FROM messages m JOIN users u ON u.id = m.recipient_id WHERE m.kind = '{kind}' AND u.role = '{role}'"
        ))
    };
    for (kind, role) in [
        ("received", "requester"),
        ("assigned", "technician"),
        ("accepted", "requester"),
        ("solved", "requester"),
        ("closed", "requester"),
    ] {
        assert_eq!(told(kind, role), 1, "{kind}");
    }
}
