//! Tickets that wait for staff: who is told at once, who is told later, and nobody twice.

use std::thread;

use mesa::auth::policy::Role;
use mesa::tickets::staff_calls;
use serde_json::{Value, json};

use crate::harness::states::ticket_at_level_2;
use crate::harness::{Client, Desk};
use crate::shifts::{shifts_of, works_only};

/// Runs the background task, and returns how many messages it queued.
fn tell(desk: &Desk) -> usize {
    staff_calls::tell(&mut desk.database.connect(), &desk.shared().config).unwrap()
}

/// The recipients of the messages of this kind, by email address in the order of the alphabet, without the requester.
pub fn told(desk: &Desk, kind: &str) -> Vec<String> {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Email {
        #[diesel(sql_type = diesel::sql_types::Text)]
        email: String,
    }
    let sql = format!(
        "SELECT u.email FROM messages m JOIN users u ON u.id = m.recipient_id JOIN tickets t ON t.id = m.ticket_id \
         WHERE m.kind = '{kind}' AND m.recipient_id <> t.requester_id ORDER BY 1"
    );
    let emails: Vec<Email> = diesel::sql_query(sql).load(&mut desk.database.connect()).unwrap();
    emails.into_iter().map(|row| row.email).collect()
}

/// The person is on call around the clock, and never on shift.
fn is_on_call(desk: &Desk, person: &Client) {
    let day = |weekday| {
        json!({
            "weekday": weekday, "start_time": "00:00", "end_time": "00:00", "on_public_holidays": true, "on_call": true,
        })
    };
    let week: Vec<Value> = (1..=7).map(day).collect();
    let answer = desk.director().put(&shifts_of(person), json!({"shifts": week})).ok();
    assert_eq!(answer["shifts"][0]["on_call"], true);
}

/// The person is on shift around the clock.
fn is_on_shift(desk: &Desk, person: &Client) {
    desk.director().put(&shifts_of(person), json!({"shifts": []})).ok();
}

/// The person is neither on shift nor on call.
fn is_off(desk: &Desk, person: &Client) {
    works_only(desk, person, 3);
}

fn register(desk: &Desk) -> String {
    format!("/tickets/{}", desk.requester().register("Los archivos están cifrados")["id"])
}

#[test]
fn a_new_ticket_is_told_once_to_the_staff_of_its_level_on_shift() {
    let desk = Desk::open();
    let (other, off) = (desk.another(Role::Technician), desk.another(Role::Technician));
    is_off(&desk, &off);
    register(&desk);
    assert_eq!((tell(&desk), tell(&desk)), (2, 0));
    let mut expected = [desk.technician().email().to_owned(), other.email().to_owned()];
    expected.sort();
    assert_eq!(told(&desk, "new_ticket"), expected);
    // Who comes on shift later finds it in the queue: it was told to those whose work it is.
    is_on_shift(&desk, &off);
    assert_eq!(tell(&desk), 0);
}

#[test]
fn at_night_those_on_call_are_told_and_in_the_morning_those_on_shift() {
    let desk = Desk::open();
    let (technician, on_call) = (desk.technician(), desk.another(Role::Technician));
    is_off(&desk, &technician);
    is_on_call(&desk, &on_call);
    let availability = desk.director().get("/availability?support_level=1").items();
    let of_call = availability.iter().find(|one| one["user"]["id"] == on_call.id()).unwrap();
    assert_eq!((&of_call["on_shift"], &of_call["on_call"]), (&json!(false), &json!(true)));
    register(&desk);
    assert_eq!((tell(&desk), tell(&desk)), (1, 0));
    assert_eq!(told(&desk, "new_ticket"), [on_call.email()]);
    is_on_shift(&desk, &technician);
    assert_eq!((tell(&desk), tell(&desk)), (1, 0));
    assert_eq!(told(&desk, "new_ticket").len(), 2);
    // On call counts for neither availability nor automatic assignment.
    let one = register(&desk);
    desk.director().post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    let ticket = desk.director().post(&format!("{one}/assignment"), json!({})).ok();
    assert_eq!(ticket["assignee"]["id"], technician.id());
}

#[test]
fn if_nobody_can_be_reached_the_director_is_told_at_once_and_the_staff_when_they_come_on() {
    let desk = Desk::open();
    is_off(&desk, &desk.technician());
    register(&desk);
    assert_eq!((tell(&desk), tell(&desk)), (1, 0));
    assert_eq!(told(&desk, "new_ticket"), ["director@mesa.test"]);
    is_on_shift(&desk, &desk.technician());
    assert_eq!((tell(&desk), tell(&desk)), (1, 0));
    assert_eq!(told(&desk, "new_ticket"), ["director@mesa.test", "technician@mesa.test"]);
}

#[test]
fn a_ticket_that_is_not_urgent_waits_for_whoever_comes_on_next() {
    let desk = Desk::configured(&[("MESA_PROVISIONAL_CRITICALITY", "low")]);
    is_off(&desk, &desk.technician());
    let one = register(&desk);
    assert_eq!(tell(&desk), 0);
    // It is critical after all.
    desk.professional().post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!(tell(&desk), 1);
    assert_eq!(told(&desk, "became_critical"), ["director@mesa.test"]);
    let other = register(&desk);
    is_on_shift(&desk, &desk.technician());
    assert_eq!((tell(&desk), tell(&desk)), (2, 0));
    assert_eq!(told(&desk, "became_critical"), ["director@mesa.test", "technician@mesa.test"]);
    assert_eq!(told(&desk, "new_ticket"), ["technician@mesa.test"]);
    // Once taken, nobody is told any more.
    is_off(&desk, &desk.technician());
    let third = register(&desk);
    for one in [&other, &third] {
        desk.professional().post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
        desk.professional().post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    }
    is_on_shift(&desk, &desk.technician());
    assert_eq!(tell(&desk), 0);
}

#[test]
fn a_critical_ticket_reaches_those_on_call_beside_those_on_shift() {
    let desk = Desk::configured(&[("MESA_PROVISIONAL_CRITICALITY", "high")]);
    let on_call = desk.another(Role::Technician);
    is_on_call(&desk, &on_call);
    let one = register(&desk);
    assert_eq!(tell(&desk), 1);
    assert_eq!(told(&desk, "new_ticket"), ["technician@mesa.test"]);
    desk.professional().post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!(tell(&desk), 2);
    let mut expected = ["technician@mesa.test".to_owned(), on_call.email().to_owned()];
    expected.sort();
    assert_eq!(told(&desk, "became_critical"), expected);
}

#[test]
fn an_automatic_assignment_that_finds_nobody_is_told() {
    let desk = Desk::open();
    let one = desk.ticket_in("classified");
    assert_eq!(tell(&desk), 1);
    let on_call = desk.another(Role::Technician);
    is_off(&desk, &desk.technician());
    is_on_call(&desk, &on_call);
    let before = desk.director().get(&one);
    for _ in 0..2 {
        desk.director().post(&format!("{one}/assignment"), json!({})).problem(409, "nobody_available");
    }
    assert_eq!((tell(&desk), tell(&desk)), (1, 0));
    assert_eq!(told(&desk, "waiting_for_staff"), [on_call.email()]);
    assert_eq!(desk.director().get(&one).version(), before.version(), "the refused step changed the ticket");
    is_on_shift(&desk, &desk.technician());
    assert_eq!(tell(&desk), 1);
}

#[test]
fn escalations_and_returns_are_told_to_the_staff_of_the_new_level() {
    let desk = Desk::open();
    let one = ticket_at_level_2(&desk, "escalated");
    assert_eq!(tell(&desk), 1);
    assert_eq!(told(&desk, "escalated"), ["professional@mesa.test"]);
    desk.professional().post(&format!("{one}/return"), json!({"reason": "Es del puesto."})).ok();
    assert_eq!(tell(&desk), 1);
    assert_eq!(told(&desk, "returned"), ["technician@mesa.test"]);
}

#[test]
fn a_ticket_that_waits_for_its_requester_is_told_when_it_goes_on() {
    let desk = Desk::open();
    let one = register(&desk);
    let missing = json!({"missing": "¿Cuál es la placa?"});
    desk.technician().post(&format!("{one}/information-request"), missing).ok();
    assert_eq!(tell(&desk), 0);
    desk.technician().post(&format!("{one}/resumption"), json!({})).ok();
    assert_eq!(tell(&desk), 1);
    // An archived one is not told.
    let archived = register(&desk);
    desk.technician().post(&format!("{archived}/archive"), json!({"reason": "duplicate"})).ok();
    assert_eq!(tell(&desk), 0);
}

#[test]
fn copies_of_the_server_tell_each_person_once() {
    let desk = Desk::open();
    for _ in 0..20 {
        register(&desk);
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| tell(&desk));
        }
    });
    tell(&desk);
    assert_eq!(told(&desk, "new_ticket").len(), 20);
}

#[test]
fn staff_are_not_told_of_their_own_request() {
    let desk = Desk::open();
    desk.technician().register("Mi teclado no escribe");
    assert_eq!(tell(&desk), 1);
    assert_eq!(told(&desk, "new_ticket"), ["director@mesa.test"]);
}
