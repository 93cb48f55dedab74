//! Third parties (suppliers) that work on tickets, at any support level.

use serde_json::{Value, json};

use crate::harness::states::{soon, ticket_at_level_2};
use crate::harness::{Client, Desk};

const PROMISE: &str = "2030-01-15T15:00:00Z";

fn supplier(name: &str, to_level: Option<i16>) -> Value {
    let mut body = json!({"reason": "Falla del proveedor.", "third_party": name, "promised_for": PROMISE});
    if let Some(to_level) = to_level {
        body["to_level"] = json!(to_level);
    }
    body
}

fn texts_to_requester(desk: &Desk, kind: &str) -> Vec<String> {
    let sent = desk.director().get(&format!("/messages?kind={kind}&sort=created_at")).items();
    let own = sent.iter().filter(|message| message["recipient"]["id"] == desk.requester().id());
    own.map(|message| {
        let read = desk.director().get(&format!("/messages/{}", message["id"].as_str().unwrap())).ok();
        read["text"].as_str().unwrap().to_owned()
    })
    .collect()
}

#[test]
fn a_third_party_works_at_level_1_under_the_technician_who_manages_the_case() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let one = desk.ticket_in("in_progress");
    let escalate = |body: Value| technician.post(&format!("{one}/escalations"), body);
    let made = escalate(supplier("Redes S. A. S.", Some(1))).created();
    assert_eq!((&made["from_level"], &made["to_level"]), (&json!(1), &json!(1)));
    let ticket = requester.get(&one).ok();
    assert_eq!(
        (&ticket["status"], &ticket["support_level"], &ticket["assignee"]["id"]),
        (&json!("in_progress"), &json!(1), &json!(technician.id()))
    );
    assert_eq!(ticket["third_party_work"], json!({"name": "Redes S. A. S.", "promised_for": PROMISE}));
    let told = texts_to_requester(&desk, "escalated");
    assert!(
        told[0]
            .contains("al proveedor Redes S. A. S., que se comprometió para el martes 15 de enero de 2030"),
        "{told:?}"
    );
    // Another supplier follows.
    escalate(supplier("Fibra S. A.", Some(1))).created();
    assert_eq!(requester.get(&one).ok()["third_party_work"]["name"], "Fibra S. A.");
    assert_eq!(texts_to_requester(&desk, "escalated").len(), 2);
    // It comes back.
    let steps = technician.get(&one).ok()["allowed_steps"].to_string();
    assert!(steps.contains("\"return\""), "{steps}");
    let before = technician.get(&one).ok();
    let back = json!({"reason": "El proveedor terminó.", "to_level": 1});
    let ticket = technician.post(&format!("{one}/return"), back.clone()).ok();
    assert_eq!(ticket["third_party_work"], json!(null));
    for same in ["status", "assignee", "scheduled_for", "attention_due_at"] {
        assert_eq!(ticket[same], before[same], "{same}");
    }
    assert!(texts_to_requester(&desk, "returned")[0].contains("El proveedor terminó su trabajo"));
    technician.post(&format!("{one}/return"), back).problem(409, "no_lower_level");
    let all: Vec<Value> = technician
        .get(&format!("{one}/escalations"))
        .items()
        .iter()
        .map(|change| json!([change["from_level"], change["to_level"], change["third_party"]]))
        .collect();
    assert_eq!(all, [json!([1, 1, "Redes S. A. S."]), json!([1, 1, "Fibra S. A."]), json!([1, 1, null])]);
    technician.post(&format!("{one}/solution"), json!({"description": "Se cambió la fibra."})).ok();
}

#[test]
fn at_level_3_a_technician_can_manage_the_case_of_a_third_party_and_another_one_follows() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let one = desk.ticket_in("in_progress");
    technician.post(&format!("{one}/escalations"), supplier("Redes S. A. S.", None)).created();
    assert_eq!(technician.get(&one).ok()["support_level"], 3);
    let manage = |person: &Client| {
        person.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
        person.post(&format!("{one}/acceptance"), soon()).ok();
    };
    manage(&technician);
    technician.post(&format!("{one}/escalations"), supplier("Fibra S. A.", None)).created();
    let ticket = technician.get(&one).ok();
    assert_eq!(
        (&ticket["status"], &ticket["third_party_work"]["name"]),
        (&json!("in_progress"), &json!("Fibra S. A."))
    );
    technician
        .post(&format!("{one}/escalations"), json!({"reason": "Más arriba."}))
        .problem(409, "no_higher_level");
    // Back to any level below.
    let ticket = technician.post(&format!("{one}/return"), json!({"reason": "Listo.", "to_level": 1})).ok();
    assert_eq!(
        (&ticket["support_level"], &ticket["status"], &ticket["third_party_work"]),
        (&json!(1), &json!("escalated"), &json!(null))
    );
    // Without a third party the level counts again.
    let other = ticket_at_level_2(&desk, "escalated");
    let refused = technician.post(&format!("{other}/assignment"), json!({"assignee_id": "me"}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_allowed".into())]);
    assert_eq!(director.get("/audit/verification").ok()["broken"], json!([]));
}

#[test]
fn a_solution_ends_the_work_of_a_third_party() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("in_progress");
    technician.post(&format!("{one}/escalations"), supplier("Redes S. A. S.", Some(1))).created();
    technician.post(&format!("{one}/solution"), json!({"description": "Lo arregló el proveedor."})).ok();
    assert_eq!(desk.requester().get(&one).ok()["third_party_work"], json!(null));
    let refused = technician.post(
        &format!("{}/escalations", desk.ticket_in("in_progress")),
        json!({"reason": "x", "to_level": 1}),
    );
    assert_eq!(refused.faults(), [("/to_level".into(), "out_of_range".into())]);
}
