//! Resources that are read one by one besides their list: each with an `ETag`, and a 404 where it is not visible.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::improvement_action;
use crate::harness::{Answer, Client, Desk};

/// The resource at the `Location` of a 201, as this client reads it.
fn follow(client: &Client, made: &Answer) -> Answer {
    client.get(&format!("/{}", made.header("location")))
}

/// The resource can be read with the same content and `ETag` as it was created, and a second time without content.
fn reads_back(client: &Client, made: &Answer) {
    let read = follow(client, made);
    assert_eq!((read.ok(), read.header("etag")), (made.created(), made.header("etag")));
    let known = client.with("if-none-match", read.header("etag"));
    known.get(&format!("/{}", made.header("location"))).expect_status(304);
}

#[test]
fn an_escalation_is_read_by_staff_under_its_own_ticket() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = desk.ticket_in("in_progress");
    let made = technician.post(&format!("{one}/escalations"), json!({"reason": "Es de la red."}));
    reads_back(&technician, &made);
    let id = made.created()["id"].as_str().unwrap().to_owned();
    desk.requester().get(&format!("{one}/escalations/{id}")).problem(403, "forbidden");
    let other = desk.ticket_in("received");
    technician.get(&format!("{other}/escalations/{id}")).problem(404, "not_found");

    desk.professional().post(&format!("{one}/return"), json!({"reason": "La red ya funciona."})).ok();
    let returned = technician.get(&format!("{one}/escalations")).items().pop().unwrap();
    let path = format!("{one}/escalations/{}", returned["id"].as_str().unwrap());
    assert_eq!(technician.get(&path).ok(), returned);
}

#[test]
fn a_relation_is_read_from_both_ends_and_by_a_requester_between_own_tickets_only() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let stranger = desk.another(Role::Requester);
    let ticket = |client: &Client| client.register("Sin red")["id"].as_i64().unwrap();
    let (own, second, foreign) = (ticket(&requester), ticket(&requester), ticket(&stranger));
    let relate = |other: i64| {
        technician
            .post(&format!("/tickets/{own}/relations"), json!({"kind": "caused_by", "ticket_id": other}))
    };
    let (between, across) = (relate(second), relate(foreign));
    for made in [&between, &across] {
        reads_back(&technician, made);
    }
    let id = |made: &Answer| made.created()["id"].as_str().unwrap().to_owned();
    let there = |at: i64, made: &Answer| format!("/tickets/{at}/relations/{}", id(made));
    let inverse = technician.get(&there(second, &between)).ok();
    assert_eq!((&inverse["kind"], &inverse["ticket"]["id"]), (&json!("cause_of"), &json!(own)));
    technician.get(&there(foreign, &between)).problem(404, "not_found");

    assert_eq!(requester.get(&there(own, &between)).ok(), between.created());
    requester.get(&there(own, &across)).problem(404, "not_found");
    stranger.get(&there(foreign, &across)).problem(404, "not_found");
    stranger.get(&there(own, &across)).problem(404, "not_found");
}

#[test]
fn a_followup_of_an_improvement_action_is_read_under_its_own_action() {
    let desk = Desk::open();
    let director = desk.director();
    let action = || {
        let made = director.post("/improvement-actions", improvement_action(desk.technician().id(), "open"));
        format!("/improvement-actions/{}", made.created()["id"].as_str().unwrap())
    };
    let (one, other) = (action(), action());
    let made = director.post(&format!("{one}/followups"), json!({"body": "Va bien.", "progress": 50}));
    reads_back(&desk.technician(), &made);
    let id = made.created()["id"].as_str().unwrap().to_owned();
    director.get(&format!("{other}/followups/{id}")).problem(404, "not_found");
    desk.requester().get(&format!("{one}/followups/{id}")).problem(403, "forbidden");
}

#[test]
fn a_survey_is_read_by_its_id_as_by_its_ticket() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = desk.ticket_in("solved");
    let survey = requester.get(&format!("{one}/survey"));
    let path = format!("/surveys/{}", survey.ok()["id"].as_str().unwrap());
    for client in [&requester, &desk.professional(), &desk.director()] {
        let read = client.get(&path);
        assert_eq!((read.ok(), read.header("etag")), (survey.ok(), survey.header("etag")));
    }
    desk.technician().get(&path).problem(403, "forbidden");
    desk.another(Role::Requester).get(&path).problem(404, "not_found");
    let ratings = json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}});
    let answered = requester.post(&format!("{one}/survey"), ratings);
    assert_eq!(follow(&requester, &answered).ok(), answered.created());
    let read = requester.get(&path);
    assert_ne!(read.header("etag"), survey.header("etag"));
    let expected: Value = json!("answered");
    assert_eq!(read.ok()["status"], expected);
}
