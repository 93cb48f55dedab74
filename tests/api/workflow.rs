//! The steps that each state allows: every step is tried in every state.

use serde_json::{Value, json};

use crate::harness::states::{STATES, soon, ticket_at_level_2};
use crate::harness::{Answer, Client, Desk};

/// The steps that each state allows. All others are rejected.
const ALLOWED: [(&str, &[&str]); 9] = [
    (
        "received",
        &["change", "classification", "information_request", "followups", "attachments", "archive", "merge"],
    ),
    (
        "classified",
        &[
            "classification",
            "assignment",
            "information_request",
            "followups",
            "attachments",
            "archive",
            "merge",
        ],
    ),
    (
        "assigned",
        &[
            "classification",
            "assignment",
            "acceptance",
            "return",
            "information_request",
            "followups",
            "attachments",
            "archive",
            "merge",
        ],
    ),
    (
        "in_progress",
        &[
            "classification",
            "assignment",
            "rescheduling",
            "escalations",
            "return",
            "hold",
            "information_request",
            "followups",
            "attachments",
            "solution",
            "archive",
            "merge",
        ],
    ),
    (
        "escalated",
        &[
            "classification",
            "assignment",
            "return",
            "information_request",
            "followups",
            "attachments",
            "archive",
            "merge",
        ],
    ),
    (
        "on_hold",
        &["classification", "assignment", "resumption", "followups", "attachments", "archive", "merge"],
    ),
    ("solved", &["followups", "attachments", "closure", "reopening"]),
    ("closed", &[]),
    ("archived", &["resubmission"]),
];

const STEPS: [&str; 18] = [
    "change",
    "classification",
    "assignment",
    "acceptance",
    "rescheduling",
    "escalations",
    "return",
    "hold",
    "information_request",
    "resumption",
    "followups",
    "attachments",
    "solution",
    "closure",
    "reopening",
    "archive",
    "resubmission",
    "merge",
];

fn take(step: &str, client: &Client, other: &Client, one: &str, into: i64) -> Answer {
    let body = match step {
        "change" => return client.patch(one, json!({"subject": "Otro asunto"})),
        "attachments" => return client.upload(&format!("{one}/attachments"), "nota.txt", "hola"),
        "classification" => json!({"criticality": "high"}),
        "assignment" => json!({"assignee_id": other.id()}),
        "acceptance" => soon(),
        "rescheduling" => {
            let mut body = soon();
            body["reason"] = json!("El repuesto llega más tarde.");
            body
        }
        "escalations" => json!({"reason": "Es de la red."}),
        "return" => json!({"reason": "La red ya funciona."}),
        "hold" => json!({"reason": "Se espera el repuesto."}),
        "information_request" => json!({"missing": "¿Cuál es la placa?"}),
        "followups" => json!({"visibility": "public", "body": "Vamos en camino."}),
        "solution" => json!({"description": "Se cambió el cable."}),
        "archive" => json!({"reason": "duplicate"}),
        "merge" => json!({"into_ticket_id": into, "confirm_other_requester": true}),
        _ => json!({}),
    };
    client.post(&format!("{one}/{}", step.replace('_', "-")), body)
}

/// All data of a ticket.
fn traces(desk: &Desk, one: &str) -> Value {
    let staff = desk.technician();
    let ticket = staff.get(one);
    json!({
        "ticket": ticket.ok(), "etag": ticket.header("etag"),
        "events": staff.get(&format!("{one}/events")).items(),
        "followups": staff.get(&format!("{one}/followups")).items(),
        "escalations": staff.get(&format!("{one}/escalations")).items(),
        "attachments": staff.get(&format!("{one}/attachments")).items(),
    })
}

/// Tries every step on a new ticket in this state.
fn every_step_in(state: &str) {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    let (_, allowed) = ALLOWED.iter().find(|(known, _)| *known == state).unwrap();
    let into = technician.register("Sin red")["id"].as_i64().unwrap();
    // Rejected steps change nothing, so one ticket is enough for all of them.
    let kept = desk.ticket_in(state);
    let untouched = traces(&desk, &kept);
    for step in STEPS {
        if allowed.contains(&step) {
            let one = match step {
                "return" => ticket_at_level_2(&desk, state),
                _ => desk.ticket_in(state),
            };
            let events = || technician.get(&format!("{one}/events")).items().len();
            let before = events();
            let answer = take(step, &technician, &professional, &one, into);
            assert!(matches!(answer.status, 200 | 201), "{step} in {state}: {}", answer.text());
            assert_eq!(events(), before + 1, "{step} in {state} is one event");
        } else {
            let messages = desk.database.count("SELECT count(*) FROM messages");
            let answer = take(step, &technician, &professional, &kept, into);
            let problem = answer.problem(409, "step_not_allowed");
            assert_eq!(problem["current_status"], state, "{step}");
            let named: Vec<&str> = problem["allowed_steps"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| step.as_str().unwrap())
                .collect();
            // A ticket of level 1 has no level below.
            let mut expected: Vec<&str> =
                allowed.iter().filter(|step| **step != "return" || state == "escalated").copied().collect();
            expected.sort_by_key(|step| STEPS.iter().position(|known| known == step));
            assert_eq!(named, expected, "what {state} allows");
            assert_eq!(traces(&desk, &kept), untouched, "{step} in {state} changes nothing");
            assert_eq!(desk.database.count("SELECT count(*) FROM messages"), messages, "{step} in {state}");
        }
    }
}

/// One test for each state, so that they run in parallel.
macro_rules! every_step_in_every_state {
    ($($state:ident)+) => {
        mod every_step_in {
            $(#[test]
            fn $state() {
                super::every_step_in(stringify!($state));
            })+
        }

        #[test]
        fn no_state_is_left_out() {
            assert_eq!(STATES, [$(stringify!($state)),+]);
            assert_eq!(STATES, ALLOWED.map(|(state, _)| state));
        }
    };
}

every_step_in_every_state! { received classified assigned in_progress escalated on_hold solved closed archived }

#[test]
fn the_body_is_checked_before_the_state_and_the_state_before_the_person() {
    let desk = Desk::open();
    let assigned = desk.ticket_in("assigned");
    let received = desk.ticket_in("received");
    let other = desk.professional();
    other.post(&format!("{received}/solution"), json!({"description": 7})).problem(422, "invalid_body");
    other
        .post(&format!("{received}/solution"), json!({"description": "Listo."}))
        .problem(409, "step_not_allowed");
    other.post(&format!("{assigned}/acceptance"), soon()).problem(403, "not_the_assignee");
    desk.nobody().post(&format!("{assigned}/acceptance"), json!({"x": 1})).problem(401, "unauthenticated");
    desk.requester().post(&format!("{assigned}/acceptance"), json!({"x": 1})).problem(403, "forbidden");
    other.post("/tickets/999999/acceptance", json!({"x": 1})).problem(404, "not_found");
}

#[test]
fn a_refused_step_of_a_final_state_says_that_there_are_no_more() {
    let desk = Desk::open();
    let (technician, english) = (desk.technician(), desk.technician().with("accept-language", "en"));
    let detail = |client: &Client, path: &str| {
        client.post(path, json!({"criticality": "low"})).problem(409, "step_not_allowed")["detail"].clone()
    };
    let closed = format!("{}/classification", desk.ticket_in("closed"));
    assert_eq!(detail(&technician, &closed), "El caso está cerrado y no admite más pasos.");
    assert_eq!(detail(&english, &closed), "The ticket is closed and allows no further steps.");
    let archived = format!("{}/classification", desk.ticket_in("archived"));
    let again = "El caso está archivado. Usted solo puede dar este paso: `resubmission`.";
    assert_eq!(detail(&technician, &archived), again);
}

#[test]
fn a_reopened_or_resumed_ticket_keeps_its_assignee() {
    let desk = Desk::open();
    let technician = desk.technician();
    let solved = desk.ticket_in("solved");
    let ticket =
        desk.requester().post(&format!("{solved}/reopening"), json!({"reason": "Volvió a atascarse."})).ok();
    assert_eq!(
        (&ticket["status"], &ticket["solution"], &ticket["reopened_count"]),
        (&json!("in_progress"), &json!(null), &json!(1))
    );
    assert_eq!(ticket["assignee"]["id"], technician.id());
    technician.post(&format!("{solved}/solution"), json!({"description": "Se cambió el rodillo."})).ok();

    let held = desk.ticket_in("on_hold");
    assert_eq!(technician.post(&format!("{held}/resumption"), json!({})).ok()["status"], "in_progress");

    // Assigned to another person meanwhile, who must accept it first.
    let held = desk.ticket_in("on_hold");
    let professional = desk.professional();
    let ticket =
        technician.post(&format!("{held}/assignment"), json!({"assignee_id": professional.id()})).ok();
    assert_eq!(ticket["status"], "on_hold");
    assert_eq!(technician.post(&format!("{held}/resumption"), json!({})).ok()["status"], "assigned");
    professional.post(&format!("{held}/acceptance"), soon()).ok();
}

#[test]
fn escalations_go_up_to_level_3_and_each_has_its_own_attention_time() {
    let desk = Desk::open();
    let (technician, professional, director) = (desk.technician(), desk.professional(), desk.director());
    let one = desk.ticket_in("in_progress");
    let escalate = |client: &Client, body: Value| client.post(&format!("{one}/escalations"), body);
    assert_eq!(
        escalate(&technician, json!({"reason": "x", "to_level": 1})).faults(),
        [("/to_level".into(), "out_of_range".into())]
    );
    let first_due = technician.get(&one).ok()["attention_due_at"].clone();
    escalate(&technician, json!({"reason": "Es de la red."})).created();
    assert_ne!(technician.get(&one).ok()["attention_due_at"], first_due);
    // A technician cannot be assigned at level 2.
    let refused = technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()}));
    assert_eq!(refused.faults(), [("/assignee_id".into(), "not_allowed".into())]);
    professional.post(&format!("{one}/assignment"), json!({})).ok();
    professional.post(&format!("{one}/acceptance"), soon()).ok();
    escalate(&professional, json!({"reason": "Lo atiende el proveedor."})).created();
    director.post(&format!("{one}/assignment"), json!({"assignee_id": director.id()})).ok();
    director.post(&format!("{one}/acceptance"), soon()).ok();
    escalate(&director, json!({"reason": "Más arriba."})).problem(409, "no_higher_level");
    let levels: Vec<Value> =
        technician.get(&format!("{one}/escalations")).items().iter().map(|e| e["to_level"].clone()).collect();
    assert_eq!(levels, [2, 3]);
    assert_eq!(desk.database.count("SELECT count(*) FROM attentions WHERE accepted_at IS NOT NULL"), 3);
}

#[test]
fn an_appointment_is_in_the_future_and_a_critical_ticket_has_none() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("assigned");
    let accept = |body: Value| technician.post(&format!("{one}/acceptance"), body);
    assert_eq!(accept(json!({})).faults(), [("/scheduled_for".into(), "required".into())]);
    assert_eq!(
        accept(json!({"scheduled_for": "2020-01-01T00:00:00Z"})).faults(),
        [("/scheduled_for".into(), "not_in_future".into())]
    );
    assert_eq!(
        accept(json!({"scheduled_for": "mañana"})).faults(),
        [("/scheduled_for".into(), "wrong_format".into())]
    );
    technician.post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!(accept(soon()).faults(), [("/scheduled_for".into(), "not_allowed".into())]);
    assert_eq!(accept(json!({})).ok()["status"], "in_progress");
}
