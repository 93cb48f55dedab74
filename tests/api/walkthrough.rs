//! The procedure from the report of an incident to its figures, as a client of the API follows it.

use chrono::{Duration, Utc};
use serde_json::json;

use crate::harness::{Desk, moment};

#[test]
fn a_ticket_passes_through_the_whole_procedure() {
    let desk = Desk::open();
    let (requester, technician, professional, director) =
        (desk.requester(), desk.technician(), desk.professional(), desk.director());

    // 1 Register, 2 receive
    let answer = requester.post(
        "/tickets",
        json!({
            "subject": "La impresora del despacho no imprime",
            "description": "Desde esta mañana muestra atasco y no hay papel dentro.",
        }),
    );
    let ticket = answer.created();
    let one = format!("/tickets/{}", ticket["id"]);
    assert_eq!(
        (&ticket["status"], &ticket["criticality"], &ticket["channel"]),
        (&json!("received"), &json!(null), &json!("api"))
    );
    assert_eq!(answer.header("location"), format!("/api/v1{one}"));
    assert_eq!(ticket["requester"]["id"], requester.id());
    assert_eq!(ticket["requester"]["full_name"], "Rosa Pérez Gómez");
    assert_eq!(ticket["requester"]["unit"]["name"], "Secretaría de Hacienda");
    let neighbour = desk.another(mesa::auth::policy::Role::Requester);
    neighbour.get(&one).problem(404, "not_found");

    // 3 Classify
    requester
        .post(&format!("{one}/classification"), json!({"criticality": "high"}))
        .problem(403, "forbidden");
    let ticket = technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    assert_eq!(ticket["status"], "classified");
    assert_eq!(moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"]), Duration::hours(2));

    // 4 Assign, 5 attend and escalate
    let soon = json!({"scheduled_for": Utc::now() + Duration::hours(1)});
    technician.post(&format!("{one}/acceptance"), soon.clone()).problem(409, "step_not_allowed");
    let ticket = technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    assert_eq!((&ticket["status"], &ticket["assignee"]["id"]), (&json!("assigned"), &json!(technician.id())));
    let ticket = technician.post(&format!("{one}/acceptance"), soon.clone()).ok();
    assert_eq!(ticket["status"], "in_progress");
    let reason = json!({"reason": "La falla es de la red, no de la impresora."});
    let escalation = technician.post(&format!("{one}/escalations"), reason).created();
    assert_eq!((&escalation["from_level"], &escalation["to_level"]), (&json!(1), &json!(2)));
    let ticket = technician.get(&one).ok();
    assert_eq!(
        (&ticket["status"], &ticket["support_level"], &ticket["assignee"]),
        (&json!("escalated"), &json!(2), &json!(null))
    );
    professional.post(&format!("{one}/assignment"), json!({"assignee_id": professional.id()})).ok();
    professional.post(&format!("{one}/acceptance"), soon).ok();

    // 6 Follow up
    let public = json!({"visibility": "public", "body": "Vamos a su oficina esta tarde."});
    professional.post(&format!("{one}/followups"), public).created();
    let private = json!({"visibility": "private", "body": "El puerto 12 del switch está caído."});
    professional.post(&format!("{one}/followups"), private).created();
    let seen = requester.get(&format!("{one}/followups"));
    assert!(seen.items().iter().all(|followup| followup["visibility"] == "public"));
    assert!(seen.text().contains("esta tarde") && !seen.text().contains("puerto 12"));

    // 7 Solve, 8 knowledge base
    let ticket = professional
        .post(&format!("{one}/solution"), json!({"description": "Se cambió el puerto del switch."}))
        .ok();
    assert_eq!(ticket["status"], "solved");
    let article = professional
        .post(
            "/kb/articles",
            json!({
                "title": "Impresora de red sin respuesta",
                "incident": "La impresora aparece atascada y no imprime.",
                "resolution": "El puerto del switch estaba caído; se cambió.",
                "steps": ["Probar el puerto", "Cambiar el puerto", "Imprimir una página de prueba"],
                "references": [{"title": "Manual del switch", "url": "https://example.com/manual"}],
                "visibility": "public", "status": "published", "ticket_id": ticket["id"],
            }),
        )
        .created();
    let found = requester.get("/kb/articles?q=impresoras%20atascadas").items();
    assert_eq!(found[0]["id"], article["id"]);

    // 9 Trace, 10 survey
    let events = technician.get(&format!("{one}/events")).items();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    let expected = [
        "received",
        "classified",
        "assigned",
        "accepted",
        "escalated",
        "assigned",
        "accepted",
        "followup_added",
        "followup_added",
        "solved",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(requester.get(&format!("{one}/survey")).ok()["status"], "pending");
    let ratings = json!({"ratings": {"overall": 5, "timeliness": 4, "courtesy": 5, "solution": 5}, "comment": "Muy amables."});
    assert_eq!(requester.post(&format!("{one}/survey"), ratings.clone()).created()["status"], "answered");
    requester.post(&format!("{one}/survey"), ratings).problem(409, "already_answered");
    assert_eq!(requester.post(&format!("{one}/closure"), json!({})).ok()["status"], "closed");

    // 11 Statistics
    let today = Utc::now().date_naive();
    let period = format!(
        "/statistics?from_date={}&through_date={}",
        today - Duration::days(1),
        today + Duration::days(1)
    );
    let figures = director.get(&period).ok();
    let high = figures["by_criticality"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["criticality"] == "high")
        .unwrap();
    assert_eq!((&high["received"], &high["attended_in_time"]), (&json!(1), &json!(1)));
    assert_eq!((&figures["escalations"]["count"], &figures["surveys"]["answered"]), (&json!(1), &json!(1)));
    requester.get(&period).problem(403, "forbidden");
}
