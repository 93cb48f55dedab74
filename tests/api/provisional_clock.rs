//! The clock that runs from the reception until the classification.

use chrono::{DateTime, Duration, Utc};
use mesa::server::routine;
use mesa::tickets::watch;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::nights::told;

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn due_after(ticket: &Value) -> Duration {
    time(&ticket["attention_due_at"]) - time(&ticket["received_at"])
}

/// Moves the times of every ticket this many minutes into the past.
fn pass(desk: &Desk, minutes: i64) {
    desk.database.run(&format!(
        "UPDATE tickets SET received_at = received_at - interval '{minutes} minutes',
            attention_due_at = attention_due_at - interval '{minutes} minutes',
            first_attention_due_at = first_attention_due_at - interval '{minutes} minutes',
            attention_due_soon_at = attention_due_soon_at - interval '{minutes} minutes'"
    ));
}

#[test]
fn the_strictest_time_counts_until_the_classification() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let one = desk.ticket_in("received");
    let ticket = requester.get(&one).ok();
    assert_eq!((due_after(&ticket), &ticket["criticality"]), (Duration::hours(1), &json!(null)));
    let attention = requester.get(&format!("{one}/attention")).ok();
    let clock = &attention["levels"][0];
    assert_eq!(
        (&clock["provisional"], &clock["policy"]["criticality"], &clock["started_at"]),
        (&json!(true), &json!("critical"), &ticket["received_at"])
    );
    let ticket = technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    assert_eq!(due_after(&ticket), Duration::hours(18));
    let attention = requester.get(&format!("{one}/attention")).ok();
    assert_eq!(attention["levels"].as_array().unwrap().len(), 1);
    assert_eq!(attention["levels"][0]["provisional"], false);
}

#[test]
fn the_provisional_criticality_is_configured() {
    let desk = Desk::configured(&[("MESA_PROVISIONAL_CRITICALITY", "medium")]);
    let one = desk.ticket_in("received");
    assert_eq!(due_after(&desk.requester().get(&one).ok()), Duration::hours(5));
    // It pauses while the requester owes information, and goes on with the same time.
    let missing = json!({"missing": "¿Cuál es la placa?"});
    let held = desk.technician().post(&format!("{one}/information-request"), missing).ok();
    assert_eq!(held["attention_due_at"], json!(null));
    let ticket = desk.technician().post(&format!("{one}/resumption"), json!({})).ok();
    let due = due_after(&ticket);
    assert!(due >= Duration::hours(5) && due < Duration::hours(5) + Duration::minutes(1), "{due}");
}

#[test]
fn an_unclassified_ticket_past_its_time_is_watched_and_counts_as_late() {
    let desk = Desk::open();
    let director = desk.director();
    desk.ticket_in("received");
    pass(&desk, 46);
    let watch = || watch::notify(&mut desk.database.connect(), chrono_tz::America::Bogota).unwrap();
    assert_eq!((watch(), watch()), (1, 0));
    assert_eq!(told(&desk, "due_soon"), ["technician@mesa.test"]);
    assert_eq!(director.get("/tickets?overdue=true").items().len(), 0);
    pass(&desk, 15);
    assert_eq!((watch(), watch()), (1, 0));
    assert_eq!(told(&desk, "overdue"), ["director@mesa.test", "technician@mesa.test"]);
    assert_eq!(director.get("/tickets?overdue=true").items().len(), 1);
    let today = Utc::now().date_naive();
    let (from, to) = (today - Duration::days(1), today + Duration::days(1));
    let figures = director.get(&format!("/statistics?from_date={from}&through_date={to}")).ok();
    assert_eq!(figures["tickets"]["waiting_overdue"], 1, "{}", figures["tickets"]);
    assert_eq!(director.get("/tickets?attention=waiting_overdue").items().len(), 1);
}

#[test]
fn a_ticket_of_an_earlier_version_gets_its_clock_later() {
    let desk = Desk::open();
    let one = desk.ticket_in("received");
    let before = desk.requester().get(&one).ok()["attention_due_at"].clone();
    desk.database.run(
        "UPDATE tickets SET first_attention_due_at = NULL, attention_due_at = NULL, attention_due_soon_at = NULL; \
         DELETE FROM attentions",
    );
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(desk.requester().get(&one).ok()["attention_due_at"], before);
}

#[test]
fn changed_attention_times_apply_to_unclassified_tickets_too() {
    let desk = Desk::open();
    let director = desk.director();
    let one = desk.ticket_in("received");
    director.patch("/attention-times/critical", json!({"within_minutes": 30})).ok();
    let applied = director.post("/attention-times/application", json!({})).ok();
    assert_eq!((&applied["examined_count"], &applied["changed_count"]), (&json!(1), &json!(1)));
    assert_eq!(due_after(&director.get(&one).ok()), Duration::minutes(30));
}
