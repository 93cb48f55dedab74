//! Tickets in every state, created through the API.

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use super::{Client, Desk};

/// Every state of a ticket.
pub const STATES: [&str; 9] = [
    "received",
    "classified",
    "assigned",
    "in_progress",
    "escalated",
    "on_hold",
    "solved",
    "closed",
    "archived",
];

/// Creates a ticket of `requester` in this state, assigned to `technician` if the state has an assignee. Returns its
/// path.
pub fn ticket_of(desk: &Desk, requester: &Client, technician: &Client, state: &str) -> String {
    let one = format!("/tickets/{}", requester.register("La impresora no imprime")["id"]);
    for (step, body) in way_to(state, technician.id()) {
        let answer = technician.post(&format!("{one}/{step}"), body);
        assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.request, answer.text());
    }
    assert_eq!(desk.director().get(&one).ok()["status"], state);
    one
}

impl Desk {
    /// Creates a ticket of the demo requester in this state, assigned to the demo technician. Returns its path.
    pub fn ticket_in(&self, state: &str) -> String {
        ticket_of(self, &self.requester(), &self.technician(), state)
    }
}

impl Desk {
    /// The path of the predefined indicator with this measure.
    pub fn indicator(&self, measure: &str) -> String {
        let all = self.director().get("/indicators").items();
        let found = all.iter().find(|indicator| indicator["measure"] == measure).unwrap();
        format!("/indicators/{}", found["id"].as_str().unwrap())
    }
}

/// Creates a ticket of the demo requester that was escalated to level 2 and is in this state there, assigned to the demo
/// professional if the state has an assignee. Returns its path.
pub fn ticket_at_level_2(desk: &Desk, state: &str) -> String {
    let (one, professional) = (desk.ticket_in("escalated"), desk.professional());
    let way = [("assignment", json!({"assignee_id": professional.id()})), ("acceptance", soon())];
    let steps = match state {
        "escalated" => 0,
        "assigned" => 1,
        "in_progress" => 2,
        other => panic!("no such state at level 2: {other}"),
    };
    for (step, body) in way.into_iter().take(steps) {
        professional.post(&format!("{one}/{step}"), body).ok();
    }
    one
}

/// Solves a new ticket of the demo requester with a grant of access. Returns the id of the grant.
pub fn access_grant(desk: &Desk) -> String {
    let one = desk.ticket_in("in_progress");
    let grant =
        json!({"beneficiary": "Luz Elena Toro", "system": "Sistema de impuestos", "profile": "Consulta"});
    let body = json!({"description": "Se creó la cuenta.", "access_grants": [grant]});
    desk.technician().post(&format!("{one}/solution"), body).ok();
    let list = format!("/audit/access-grants?ticket_id={}", one.rsplit('/').next().unwrap());
    desk.technician().get(&list).items()[0]["id"].as_str().unwrap().to_owned()
}

/// The body of an acceptance, with an appointment one hour from now.
pub fn soon() -> Value {
    json!({"scheduled_for": Utc::now() + Duration::hours(1)})
}

fn way_to(state: &str, assignee: &str) -> Vec<(&'static str, Value)> {
    let mut way = vec![
        ("classification", json!({"criticality": "medium"})),
        ("assignment", json!({"assignee_id": assignee})),
        ("acceptance", soon()),
    ];
    match state {
        "received" => way.truncate(0),
        "classified" => way.truncate(1),
        "assigned" => way.truncate(2),
        "in_progress" => {}
        "escalated" => way.push(("escalations", json!({"reason": "Es de la red."}))),
        "on_hold" => way.push(("hold", json!({"reason": "Se espera el repuesto."}))),
        "solved" => way.push(("solution", json!({"description": "Se cambió el cable."}))),
        "closed" => {
            way.push(("solution", json!({"description": "Se cambió el cable."})));
            way.push(("closure", json!({})));
        }
        "archived" => way.push(("archive", json!({"reason": "duplicate"}))),
        other => panic!("no such state: {other}"),
    }
    way
}

/// The body of an improvement action with this owner and status.
pub fn improvement_action(owner: &str, status: &str) -> Value {
    json!({
        "kind": "corrective", "finding": "El 18 % de los casos críticos se atendió tarde.",
        "cause": "No hay turno los sábados.", "action": "Establecer un turno los sábados.", "owner_id": owner,
        "due_on": "2030-12-31", "status": status,
        "origin": {"kind": "figure", "path": "/api/v1/statistics?from_date=2026-07-01&through_date=2026-09-30"},
    })
}

/// The body of a risk with this owner and status.
pub fn risk(owner: &str, status: &str) -> Value {
    json!({
        "cause": "Las copias no se prueban.", "risk": "Pérdida del registro de solicitudes",
        "effect": "No se podría demostrar la oportunidad de la atención.", "probability": 3, "impact": 5,
        "controls": "Copia diaria en otro edificio.", "residual": {"probability": 2, "impact": 3},
        "treatment": "reduce", "treatment_plan": "Restaurar una copia cada trimestre.", "owner_id": owner,
        "review_on": "2027-03-31", "status": status, "origin": {"kind": "report", "year": 2026, "quarter": 3},
    })
}

/// The body of complete minutes, with a decision assigned to this member of staff.
pub fn minutes(owner: &str) -> Value {
    json!({
        "held_on": "2026-10-09", "start_time": "08:00", "end_time": "09:30", "place": "Sala de juntas",
        "agenda": ["Informe del tercer trimestre", "Plan de Mejoramiento"],
        "attendees": [
            {"user_id": owner, "job_title": "Técnico Operativo"},
            {"full_name": "Luz Elena Toro", "job_title": "Enlace MIPG", "attendance": "guest"},
        ],
        "proceedings": "Se presentó el informe.",
        "decisions": [{"decision": "Formular la acción de mejora.", "owner_id": owner, "due_on": "2026-10-30"}],
        "report": {"year": 2026, "quarter": 3}, "next_meeting_on": "2027-01-15",
    })
}

/// The body of an indicator with this status.
pub fn indicator(status: &str) -> Value {
    json!({
        "name": "Disponibilidad de la red", "aim": "Medir si la red está disponible.",
        "formula": "Horas disponibles / horas × 100", "unit_of_measure": "%", "measure": "manual", "target": 99.5,
        "direction": "at_least", "warning": 98, "source": "Monitoreo", "responsible": "Director Administrativo",
        "status": status,
    })
}
