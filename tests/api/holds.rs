//! Tickets on hold for an external cause.

use serde_json::{Value, json};

use crate::harness::Desk;

const REASON: &str = "Se espera el repuesto del proveedor.";

#[test]
fn a_ticket_on_hold_shows_why_since_when_and_by_whom_until_it_resumes() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let one = desk.ticket_in("in_progress");
    assert_eq!(technician.get(&one).ok()["hold"], Value::Null);
    let held = technician.post(&format!("{one}/hold"), json!({"reason": REASON})).ok();
    assert_eq!(
        (&held["hold"]["reason"], &held["hold"]["held_by"]["id"]),
        (&json!(REASON), &json!(technician.id()))
    );
    assert_eq!((&held["hold"]["held_at"], &held["information_request"]), (&held["updated_at"], &json!(null)));
    // The reason was mailed to the requester.
    for client in [&requester, &desk.director()] {
        assert_eq!(client.get(&one).ok()["hold"], held["hold"]);
    }
    let resumed = technician.post(&format!("{one}/resumption"), json!({})).ok();
    assert_eq!(resumed["hold"], Value::Null);

    let again = "Falta la firma.";
    let held = technician.post(&format!("{one}/hold"), json!({"reason": again})).ok();
    assert_eq!(held["hold"]["reason"], again);
    let archived = technician.post(&format!("{one}/archive"), json!({"reason": "duplicate"})).ok();
    assert_eq!(archived["hold"], Value::Null);
}

#[test]
fn a_ticket_that_waits_for_its_requester_has_no_hold() {
    let desk = Desk::open();
    let one = desk.ticket_in("in_progress");
    let missing = json!({"missing": "¿Cuál es la placa?"});
    let ticket = desk.technician().post(&format!("{one}/information-request"), missing).ok();
    assert_eq!((&ticket["status"], &ticket["hold"]), (&json!("on_hold"), &Value::Null));
    assert_eq!(ticket["information_request"]["missing"], "¿Cuál es la placa?");
}
