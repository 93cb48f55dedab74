//! Assignment to people who may not be able to attend to the ticket now, and what its requester is told.

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::shifts::{absence, works_only};

fn codes(ticket: &Value) -> Vec<&str> {
    let warnings = ticket["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

fn kinds_to_requester(desk: &Desk, one: &str) -> Vec<String> {
    let id = one.rsplit('/').next().unwrap();
    let sent = desk.director().get(&format!("/messages?ticket_id={id}&sort=created_at")).items();
    let own = sent.iter().filter(|message| message["recipient"]["id"] == desk.requester().id());
    own.map(|message| message["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_explicit_assignment_warns_of_absence_shift_and_contract() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let assign = |language: &'static str| {
        let one = desk.ticket_in("classified");
        let body = json!({"assignee_id": technician.id()});
        director.with("accept-language", language).post(&format!("{one}/assignment"), body).ok()
    };
    assert!(assign("es").get("warnings").is_none());
    works_only(&desk, &technician, 3);
    let warned = assign("es");
    assert_eq!(codes(&warned), ["off_shift"]);
    let detail = warned["warnings"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("Tomás Ríos Cano no está en turno. Estará disponible el "), "{detail}");
    let detail = assign("en")["warnings"][0]["detail"].clone();
    assert!(
        detail.as_str().unwrap().starts_with("Tomás Ríos Cano is not on shift. Available again on "),
        "{detail}"
    );
    let now = Utc::now();
    let absent = absence(now - Duration::hours(1), now + Duration::days(20));
    director.post(&format!("/users/{}/absences", technician.id()), absent).created();
    assert_eq!(codes(&assign("es")), ["absent", "off_shift"]);
    director.patch(&format!("/users/{}", technician.id()), json!({"contract_ends_on": "2020-12-31"})).ok();
    assert_eq!(codes(&assign("es")), ["contract_ended", "absent", "off_shift"]);
    // Nowhere else.
    assert!(director.get("/tickets/1").ok().get("warnings").is_none());
}

#[test]
fn a_resumption_by_staff_is_told_to_the_requester() {
    let desk = Desk::open();
    let one = desk.ticket_in("on_hold");
    desk.technician().post(&format!("{one}/resumption"), json!({})).ok();
    assert_eq!(kinds_to_requester(&desk, &one).last().unwrap(), "resumed");
}

#[test]
fn a_reassignment_that_voids_an_appointment_is_told_to_the_requester() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let body = json!({"assignee_id": desk.professional().id()});
    desk.director().post(&format!("{one}/assignment"), body.clone()).ok();
    assert_eq!(kinds_to_requester(&desk, &one), ["received", "accepted", "appointment_voided"]);
    let told = desk.director().get("/messages?kind=appointment_voided").items();
    let text =
        desk.director().get(&format!("/messages/{}", told[0]["id"].as_str().unwrap())).ok()["text"].clone();
    assert!(text.as_str().unwrap().contains("La cita del "), "{text}");
    // Without an acceptance there is nothing to void.
    let assigned = desk.ticket_in("assigned");
    desk.director().post(&format!("{assigned}/assignment"), body).ok();
    assert_eq!(kinds_to_requester(&desk, &assigned), ["received"]);
}
