//! The perception survey.

use serde_json::{Value, json};

use crate::harness::Desk;

fn ratings(overall: i16) -> Value {
    json!({"ratings": {"overall": overall, "timeliness": 4, "courtesy": 5, "solution": 3}})
}

#[test]
fn a_survey_is_pending_from_the_solution_on_and_answered_once() {
    let desk = Desk::open();
    let requester = desk.requester();
    let early = desk.ticket_in("in_progress");
    requester.get(&format!("{early}/survey")).problem(404, "not_found");
    requester.post(&format!("{early}/survey"), ratings(5)).problem(404, "not_found");
    let path = format!("{}/survey", desk.ticket_in("solved"));
    assert_eq!(requester.get(&path).ok()["status"], "pending");
    assert_eq!(
        requester.post(&path, ratings(6)).faults(),
        [("/ratings/overall".into(), "out_of_range".into())]
    );
    let partial = requester.post(&path, json!({"ratings": {"overall": 5}}));
    let named: Vec<String> = partial.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(named, ["/ratings/courtesy", "/ratings/solution", "/ratings/timeliness"]);
    let stale = requester.with("if-match", "\"999\"");
    stale.post(&path, ratings(5)).problem(412, "precondition_failed");
    let answered = requester.post(&path, ratings(5)).created();
    assert_eq!((&answered["status"], &answered["ratings"]["solution"]), (&json!("answered"), &json!(3)));
    requester.post(&path, ratings(1)).problem(409, "already_answered");
    assert_eq!(requester.get(&path).ok()["ratings"]["overall"], 5);
}

#[test]
fn a_ticket_solved_twice_has_one_survey() {
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    desk.technician().post(&format!("{one}/solution"), json!({"description": "Ahora sí."})).ok();
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys"), 1);
}

#[test]
fn only_professionals_and_the_director_read_answers() {
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    desk.requester().post(&format!("{one}/survey"), ratings(2)).created();
    desk.technician().get(&format!("{one}/survey")).problem(403, "forbidden");
    desk.technician().get("/surveys").problem(403, "forbidden");
    assert_eq!(desk.professional().get(&format!("{one}/survey")).ok()["ratings"]["overall"], 2);
    assert_eq!(desk.director().get("/surveys?status=answered").items().len(), 1);
    assert_eq!(desk.director().get("/surveys?status=pending").items().len(), 0);
}
