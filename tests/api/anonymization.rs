//! Anonymization of a requester removes from texts of others only what the director confirms.

use std::time::{Duration, Instant};

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Client, Desk};

/// A requester who set these words as their name.
fn named(desk: &Desk, name: &str) -> Client {
    let client = desk.another(Role::Requester);
    desk.database.run(&format!(
        "UPDATE users SET full_name = '{name}', document_id = '1036999888', landline = NULL, mobile = '3117778899' \
         WHERE id = '{}'",
        client.id()
    ));
    client
}

/// A closed ticket of the requester with these private notes.
fn ticket_with_notes(desk: &Desk, requester: &Client, description: &str, notes: &[&str]) -> String {
    let staff = desk.technician();
    let body = json!({"subject": "Sin red", "description": description});
    let one = format!("/tickets/{}", requester.post("/tickets", body).created()["id"]);
    staff.post(&format!("{one}/classification"), json!({"criticality": "medium"})).ok();
    staff.post(&format!("{one}/assignment"), json!({"assignee_id": staff.id()})).ok();
    staff.post(&format!("{one}/acceptance"), soon()).ok();
    for note in notes {
        staff.post(&format!("{one}/followups"), json!({"visibility": "private", "body": note})).created();
    }
    staff.post(&format!("{one}/solution"), json!({"description": "Listo."})).ok();
    staff.post(&format!("{one}/closure"), json!({})).ok();
    one
}

fn notes(desk: &Desk, one: &str) -> Vec<String> {
    let notes = desk.technician().get(&format!("{one}/followups?visibility=private")).items();
    notes.iter().map(|note| note["body"].as_str().unwrap().to_owned()).collect()
}

fn preview(desk: &Desk, person: &Client) -> Value {
    desk.director().get(&format!("/users/{}/anonymization-preview", person.id())).ok()
}

fn places<'a>(preview: &'a Value, resource: &str) -> Vec<&'a Value> {
    preview["places"].as_array().unwrap().iter().filter(|place| place["resource"] == resource).collect()
}

const NOTES: [&str; 3] = [
    "El ciudadano profirió amenazas graves contra el técnico.",
    "Otra vez AMENAZAS  GRAVES & <b>; cédula 1.036.999.888.",
    "Hay amenazas, y son graves.",
];

#[test]
fn words_used_as_a_name_remain_in_staff_notes_by_default() {
    let desk = Desk::open();
    let person = named(&desk, "amenazas graves");
    let one = ticket_with_notes(&desk, &person, "Soy amenazas graves, cédula 1036999888.", &NOTES);
    let seen = preview(&desk, &person);
    assert_eq!((&seen["complete"], &seen["omitted_term_count"]), (&json!(true), &json!(0)));
    let data: Vec<(&Value, &Value)> =
        seen["terms"].as_array().unwrap().iter().map(|term| (&term["datum"], &term["text"])).collect();
    assert!(data.contains(&(&json!("full_name"), &json!("amenazas graves"))), "{data:?}");
    assert!(data.contains(&(&json!("telephone"), &json!("3117778899"))));
    let in_notes = places(&seen, "followup");
    let staff_notes: Vec<&&Value> = in_notes
        .iter()
        .filter(|place| place["removed_by_default"] == false && place["datum"] == "full_name")
        .collect();
    let excerpts: Vec<&str> = staff_notes.iter().map(|place| place["excerpt"].as_str().unwrap()).collect();
    assert_eq!(excerpts.len(), 2, "{in_notes:?}");
    assert!(excerpts.contains(&"El ciudadano profirió <mark>amenazas graves</mark> contra el técnico."));
    assert!(
        excerpts.contains(&"Otra vez <mark>AMENAZAS  GRAVES</mark> &amp; &lt;b&gt;; cédula 1.036.999.888.")
    );
    let own = places(&seen, "ticket");
    assert!(own.len() == 2 && own.iter().all(|place| place["removed_by_default"] == true), "{own:?}");
    let unconfirmed = seen["places"].as_array().unwrap().iter();
    let unconfirmed = unconfirmed.filter(|place| place["removed_by_default"] == false).count();

    let done = desk
        .director()
        .post(&format!("/users/{}/anonymization", person.id()), json!({"reason": "Ley 1581 de 2012"}))
        .ok();
    assert_eq!(done["left_place_count"], unconfirmed);
    assert_eq!(notes(&desk, &one), NOTES);
    let ticket = desk.director().get(&one).ok();
    assert_eq!(
        (&ticket["description"], &ticket["requester"]["full_name"]),
        (&json!("Soy […], cédula […]."), &json!("Persona anonimizada"))
    );
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
    let after = preview(&desk, &person);
    assert_eq!((&after["terms"], &after["places"]), (&json!([]), &json!([])));
}

#[test]
fn only_confirmed_terms_and_places_are_removed() {
    let desk = Desk::open();
    let person = named(&desk, "amenazas graves");
    let one = ticket_with_notes(&desk, &person, "Sin red", &NOTES);
    let seen = preview(&desk, &person);
    let place = places(&seen, "followup").into_iter().find(|place| {
        place["datum"] == "full_name" && place["excerpt"].as_str().unwrap().contains("profirió")
    });
    let document = seen["terms"].as_array().unwrap().iter().find(|term| term["datum"] == "document_id");
    let path = format!("/users/{}/anonymization", person.id());

    // Terms and places that are not in the preview are rejected with 422, and nothing changes.
    let wrong =
        json!({"reason": "Ley 1581", "term_ids": ["0000000000000000"], "place_ids": ["user:x:email:0", "x"]});
    let faults = desk.director().post(&path, wrong).faults();
    let named: Vec<(&str, &str)> = faults.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
    assert_eq!(
        named,
        [("/term_ids/0", "not_found"), ("/place_ids/0", "not_found"), ("/place_ids/1", "not_found")]
    );
    assert_eq!(notes(&desk, &one), NOTES);

    let confirmed = json!({"reason": "Ley 1581", "term_ids": [document.unwrap()["id"]],
        "place_ids": [place.unwrap()["id"]]});
    let done = desk.director().post(&path, confirmed).ok();
    assert_eq!(
        notes(&desk, &one),
        [
            "El ciudadano profirió […] contra el técnico.",
            "Otra vez AMENAZAS  GRAVES & <b>; cédula […].",
            "Hay amenazas, y son graves."
        ]
    );
    assert!(done["left_place_count"].as_i64().unwrap() >= 1, "{done}");
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
}

#[test]
fn anonymization_redacts_the_audit_log() {
    let desk = Desk::open();
    let person = desk.another(Role::Requester);
    let account = format!("/users/{}", person.id());
    desk.director().patch(&account, json!({"full_name": "Zoraida Maturana Díaz"})).ok();
    let said = "SELECT count(*) FROM audit_events WHERE data::text LIKE '%Zoraida%'";
    assert_eq!(desk.database.count(said), 1);
    desk.director().post(&format!("{account}/anonymization"), json!({"reason": "Ley 1581"})).ok();
    assert_eq!(desk.database.count(said), 0);
    let events = format!(
        "SELECT count(*) FROM audit_events WHERE resource_id = '{}' AND data_salt IS NULL",
        person.id()
    );
    assert!(desk.database.count(&events) >= 1);
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
}

#[test]
fn anonymization_with_many_long_names_is_fast() {
    let desk = Desk::open();
    let person = named(&desk, "Ana María Restrepo");
    for number in 0..60 {
        let one = person.register("Sin red")["id"].clone();
        let name = format!("{number} {}", "ab cd ef ".repeat(22));
        desk.database.run(&format!(
            "UPDATE tickets SET requester_full_name = left('{name}', 198), description = repeat('ab cd ef {number} ', 1000) \
             WHERE id = {one}"
        ));
        desk.technician().post(&format!("/tickets/{one}/archive"), json!({"reason": "duplicate"})).ok();
    }
    let started = Instant::now();
    let seen = preview(&desk, &person);
    assert!(seen["omitted_term_count"].as_i64().unwrap() > 50, "{seen}");
    desk.director()
        .post(&format!("/users/{}/anonymization", person.id()), json!({"reason": "Ley 1581"}))
        .ok();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
