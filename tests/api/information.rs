//! Information requests: the wait, the pause of the clock, the answer, and archiving without an answer.

use chrono::{Duration, Utc};
use mesa::server::routine;
use serde_json::{Value, json};

use crate::calendars::{OFFICE, calendar};
use crate::harness::states::soon;
use crate::harness::{Answer, Client, Desk, moment};

/// Every state in which information can be requested.
const WAITS_FROM: [&str; 5] = ["received", "classified", "assigned", "in_progress", "escalated"];

const MISSING: &str = "¿Cuál es la placa del equipo?";

fn ask(client: &Client, one: &str) -> Answer {
    client.post(&format!("{one}/information-request"), json!({"missing": MISSING}))
}

/// The path of a ticket in this state, whose requester was asked for information.
pub fn waiting(desk: &Desk, state: &str) -> String {
    let one = desk.ticket_in(state);
    ask(&desk.technician(), &one).ok();
    one
}

fn reply(client: &Client, one: &str) -> Answer {
    client.post(&format!("{one}/followups"), json!({"visibility": "public", "body": "Es la 10432."}))
}

pub fn events(desk: &Desk, one: &str) -> Vec<Value> {
    desk.director().get(&format!("{one}/events?limit=200")).items()
}

pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

/// The number of messages of this kind to this user.
pub fn told(desk: &Desk, kind: &str, person: &Client) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM messages WHERE kind = '{kind}' AND recipient_id = '{}'",
        person.id()
    ))
}

/// The number of messages of this kind with this text at this path of their data.
pub fn said(desk: &Desk, kind: &str, path: &str, text: &str) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM messages WHERE kind = '{kind}' AND data #>> '{{{path}}}' = '{text}'"
    ))
}

#[test]
fn information_can_be_requested_in_every_state_and_puts_on_hold() {
    let desk = Desk::configured(&[("MESA_INFORMATION_DAYS", "5")]);
    let (requester, technician) = (desk.requester(), desk.technician());
    for state in WAITS_FROM {
        let one = desk.ticket_in(state);
        let before = technician.get(&one).ok();
        let ticket = ask(&technician, &one).ok();
        assert_eq!((&ticket["status"], &ticket["resumes_to"]), (&json!("on_hold"), &json!(state)));
        assert_eq!(ticket["assignee"], before["assignee"]);
        let request = &ticket["information_request"];
        assert_eq!(request["missing"], MISSING);
        assert_eq!(moment(&request["deadline_at"]) - moment(&request["requested_at"]), Duration::days(5));
        // In progress, the acceptance has ended the attention time; in other states the clock is paused.
        let stopped = state == "in_progress";
        let due = if stopped { before["attention_due_at"].clone() } else { Value::Null };
        assert_eq!(ticket["attention_due_at"], due, "{state}");
        let mut theirs = requester.get(&one).ok();
        // They may take other steps.
        theirs["allowed_steps"] = ticket["allowed_steps"].clone();
        assert_eq!(theirs, ticket);
        // Only one request at a time.
        assert_eq!(ask(&technician, &one).problem(409, "step_not_allowed")["current_status"], "on_hold");
        let event = events(&desk, &one).pop().unwrap();
        assert_eq!(
            (&event["kind"], &event["details"]["missing"]),
            (&json!("information_requested"), &json!(MISSING))
        );

        let ticket = technician.post(&format!("{one}/resumption"), json!({})).ok();
        assert_eq!((&ticket["status"], &ticket["resumes_to"]), (&json!(state), &json!(null)));
        assert_eq!(ticket["information_request"], json!(null));
        let event = events(&desk, &one).pop().unwrap();
        assert_eq!((&event["kind"], &event["details"]), (&json!("resumed"), &json!({"kind": "information"})));
    }
    assert_eq!(told(&desk, "information_requested", &requester), 5);
    desk.director().get("/audit/verification").ok();
}

#[test]
fn the_request_states_missing_data_and_deadline_in_the_users_language() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let asked = json!({"missing": MISSING, "deadline_at": "2026-12-01T20:00:00Z"});
    for (locale, until) in [
        ("es", "a más tardar el martes 1 de diciembre de 2026 a las 3:00 p. m."),
        ("en", "by Tuesday 1 December 2026 at 3:00 p.m."),
    ] {
        requester.patch("/me", json!({"locale": locale})).ok();
        let one = desk.ticket_in("received");
        let ticket = technician.post(&format!("{one}/information-request"), asked.clone()).ok();
        assert_eq!(ticket["information_request"]["deadline_at"], "2026-12-01T20:00:00Z");
        let followup = requester.get(&format!("{one}/followups")).items().pop().unwrap();
        let body = followup["body"].as_str().unwrap();
        assert!(body.contains(MISSING) && body.contains(until), "{body}");
        assert_eq!(followup["author"]["id"], technician.id());
        // There is one message, which names the followup.
        assert_eq!(said(&desk, "information_requested", "followup_id", followup["id"].as_str().unwrap()), 1);
        assert_eq!(events(&desk, &one).pop().unwrap()["details"]["followup_id"], followup["id"]);
    }
    assert_eq!(told(&desk, "followup", &requester), 0);
    assert_eq!(said(&desk, "information_requested", "deadline", "2026-12-01T20:00:00Z"), 2);
    assert_eq!(said(&desk, "information_requested", "missing", MISSING), 2);
}

#[test]
fn a_deadline_must_be_in_the_future_and_within_a_year() {
    let desk = Desk::open();
    let one = desk.ticket_in("received");
    for (deadline, code) in [
        (json!(Utc::now() - Duration::seconds(1)), "not_in_future"),
        (json!(Utc::now() + Duration::days(366)), "out_of_range"),
        (json!("mañana"), "wrong_format"),
    ] {
        let body = json!({"missing": MISSING, "deadline_at": deadline});
        let refused = desk.technician().post(&format!("{one}/information-request"), body);
        assert_eq!(refused.faults(), [("/deadline_at".into(), code.into())]);
    }
    assert_eq!(desk.technician().get(&one).ok()["status"], "received");
}

#[test]
fn an_answer_returns_the_ticket_to_its_previous_state() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    for state in WAITS_FROM {
        let one = waiting(&desk, state);
        // Followups of staff, public or private, are not an answer.
        for visibility in ["public", "private"] {
            let entry = json!({"visibility": visibility, "body": "Le llamé: la busca."});
            technician.post(&format!("{one}/followups"), entry).created();
        }
        technician.upload(&format!("{one}/attachments"), "nota.txt", "hola").created();
        assert_eq!(technician.get(&one).ok()["status"], "on_hold");
        let before = events(&desk, &one).len();
        let version = |answer: Answer| -> i32 {
            answer.header("etag").trim_matches('"').split('-').next().unwrap().parse().unwrap()
        };
        let known = version(requester.get(&one));
        reply(&requester, &one).created();
        let ticket = requester.get(&one).ok();
        assert_eq!((&ticket["status"], &ticket["information_request"]), (&json!(state), &json!(null)));
        assert!(version(requester.get(&one)) > known);
        let new = &events(&desk, &one)[before..];
        assert_eq!(kinds(new), ["followup_added", "resumed"]);
        assert_eq!(new[1]["details"], json!({"kind": "information", "answered_by": "followup"}));
        assert_eq!(new[1]["actor"]["id"], requester.id());
        // Further followups have no other effect.
        reply(&requester, &one).created();
        assert_eq!(kinds(&events(&desk, &one)[before..]), ["followup_added", "resumed", "followup_added"]);
    }
    // The assignee is notified by the followup; without an assignee, the user who asked is notified.
    assert_eq!(told(&desk, "followup", &technician), 4);
    assert_eq!(told(&desk, "resumed", &technician), 3);
    desk.director().get("/audit/verification").ok();
}

#[test]
fn a_file_from_the_requester_is_an_answer() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = waiting(&desk, "assigned");
    requester.upload(&format!("{one}/attachments"), "placa.txt", "10432").created();
    assert_eq!(requester.get(&one).ok()["status"], "assigned");
    assert_eq!(events(&desk, &one).pop().unwrap()["details"]["answered_by"], "attachment");
    assert_eq!(told(&desk, "resumed", &technician), 1);

    let one = waiting(&desk, "received");
    let followup = requester.get(&format!("{one}/followups")).items().pop().unwrap();
    let files = format!("{one}/followups/{}/attachments", followup["id"].as_str().unwrap());
    requester.upload(&files, "placa.txt", "10432").created();
    assert_eq!(requester.get(&one).ok()["status"], "received");
}

#[test]
fn a_correction_is_an_answer_before_classification() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = waiting(&desk, "received");
    // A change without effect and a change by staff are not an answer.
    requester.patch(&one, json!({"subject": "La impresora no imprime"})).ok();
    technician.patch(&one, json!({"subject": "La impresora del despacho no imprime"})).ok();
    assert_eq!(requester.get(&one).ok()["status"], "on_hold");
    let ticket = requester.patch(&one, json!({"description": "Es la de placa 10432."})).ok();
    assert_eq!(
        (&ticket["status"], &ticket["description"]),
        (&json!("received"), &json!("Es la de placa 10432."))
    );
    let events = events(&desk, &one);
    assert_eq!(kinds(&events)[kinds(&events).len() - 2..], ["changed", "resumed"]);
    assert_eq!(events.last().unwrap()["details"]["answered_by"], "correction");
    assert_eq!(told(&desk, "resumed", &technician), 1);

    let one = waiting(&desk, "classified");
    let refused = requester.patch(&one, json!({"subject": "Otro asunto"})).problem(409, "step_not_allowed");
    assert!(!refused["allowed_steps"].as_array().unwrap().contains(&json!("change")));
}

#[test]
fn a_waiting_ticket_can_be_classified_and_assigned() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = waiting(&desk, "received");
    let assign = json!({"assignee_id": technician.id()});
    // Not before it is classified.
    let refused = technician.post(&format!("{one}/assignment"), assign.clone());
    let allowed = refused.problem(409, "step_not_allowed")["allowed_steps"].clone();
    assert_eq!(
        allowed,
        json!(["change", "classification", "resumption", "followups", "attachments", "archive", "merge"])
    );
    let classify = |criticality: &str| {
        technician.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok()
    };
    for criticality in ["high", "low"] {
        let ticket = classify(criticality);
        assert_eq!((&ticket["status"], &ticket["resumes_to"]), (&json!("on_hold"), &json!("classified")));
        assert_eq!(ticket["attention_due_at"], json!(null));
    }
    let ticket = technician.post(&format!("{one}/assignment"), assign).ok();
    assert_eq!((&ticket["status"], &ticket["resumes_to"]), (&json!("on_hold"), &json!("assigned")));
    assert_eq!(ticket["attention_due_at"], json!(null));
    technician.post(&format!("{one}/acceptance"), soon()).problem(409, "step_not_allowed");
    reply(&requester, &one).created();
    let ticket = technician.get(&one).ok();
    assert_eq!(ticket["status"], "assigned");
    assert!(moment(&ticket["attention_due_at"]) > Utc::now() + Duration::hours(17));
    technician.post(&format!("{one}/acceptance"), soon()).ok();

    // A new assignee of a waiting ticket in progress still has to accept it.
    let one = waiting(&desk, "in_progress");
    let professional = desk.professional();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": professional.id()})).ok();
    reply(&requester, &one).created();
    assert_eq!(technician.get(&one).ok()["status"], "assigned");
}

#[test]
fn the_attention_clock_is_paused_until_the_requester_answers() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = format!("/tickets/{}", requester.register("Sin red")["id"]);
    technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    ask(&technician, &one).ok();
    // Received 3 h ago, asked 45 min later: 75 of the 120 minutes are left.
    desk.database.run(
        "UPDATE tickets SET received_at = now() - interval '180 minutes', \
             first_attention_due_at = now() - interval '60 minutes'; \
         UPDATE attentions SET started_at = t.received_at, due_at = t.received_at + interval '120 minutes' FROM tickets t; \
         UPDATE holds SET started_at = t.received_at + interval '45 minutes' FROM tickets t",
    );
    let attention = || requester.get(&format!("{one}/attention")).ok();
    let explained = attention();
    let level = &explained["levels"][0];
    assert_eq!((&level["counted_minutes"], &level["remaining_minutes"]), (&json!(45.0), &json!(75.0)));
    assert_eq!((&level["due_at"], &level["in_time"]), (&json!(null), &json!(null)));
    let reasons: Vec<&Value> =
        level["stretches"].as_array().unwrap().iter().map(|stretch| &stretch["reason"]).collect();
    assert_eq!(reasons, ["open", "paused"]);
    assert_eq!(level["stretches"][1]["ends_at"], explained["calculated_at"]);
    assert_eq!(
        (&explained["pauses"][0]["missing"], &explained["pauses"][0]["ends_at"]),
        (&json!(MISSING), &json!(null))
    );
    // No reminder or overdue message is sent.
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(told(&desk, "overdue", &technician) + told(&desk, "due_soon", &technician), 0);
    let figures = || {
        let today = Utc::now().date_naive();
        let period = format!(
            "/statistics?from_date={}&through_date={}",
            today - Duration::days(1),
            today + Duration::days(1)
        );
        let rows = desk.director().get(&period).ok()["by_criticality"].clone();
        rows.as_array().unwrap().iter().find(|row| row["criticality"] == "high").unwrap().clone()
    };
    assert_eq!((&figures()["waiting"], &figures()["waiting_overdue"]), (&json!(1), &json!(0)));

    reply(&requester, &one).created();
    let resumed_at = moment(&events(&desk, &one).pop().unwrap()["occurred_at"]);
    let ticket = technician.get(&one).ok();
    let due = moment(&ticket["attention_due_at"]);
    assert_eq!(due - resumed_at, Duration::minutes(75));
    let explained = attention();
    let level = &explained["levels"][0];
    assert_eq!(level["due_at"], ticket["attention_due_at"]);
    assert_eq!(moment(&explained["pauses"][0]["ends_at"]), resumed_at);
    let told: Vec<Value> =
        level["stretches"].as_array().unwrap().iter().map(|s| json!([s["reason"], s["counts"]])).collect();
    assert_eq!(told, [json!(["open", true]), json!(["paused", false]), json!(["open", true])]);
    assert_eq!(
        (&level["stretches"][0]["duration_minutes"], &level["stretches"][2]["duration_minutes"]),
        (&json!(45.0), &json!(75.0))
    );
    assert_eq!(moment(&level["stretches"][1]["ends_at"]), resumed_at);

    // A second wait is a second pause.
    ask(&technician, &one).ok();
    assert_eq!(technician.get(&one).ok()["attention_due_at"], json!(null));
    assert_eq!(attention()["pauses"].as_array().unwrap().len(), 2);
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    assert!(moment(&technician.get(&one).ok()["attention_due_at"]) >= due);
    // A hold for another reason is not a pause.
    let held = desk.ticket_in("on_hold");
    assert_eq!(requester.get(&format!("{held}/attention")).ok()["pauses"], json!([]));
}

#[test]
fn a_wait_overnight_is_computed_on_the_calendar() {
    let desk = Desk::open();
    let technician = desk.technician();
    let id = calendar(&desk, OFFICE);
    desk.director().patch("/attention-times/high", json!({"calendar_id": id})).ok();
    let one = waiting(&desk, "received");
    reply(&desk.requester(), &one).created();
    // Thursday 13 November 2025, 17:30 in Bogotá; asked at 17:45; answered on Friday at 9:15, before office hours are
    // half over; Monday is a holiday (Independence of Cartagena).
    desk.database.run(
        "ALTER TABLE attention_policies DISABLE TRIGGER attention_policies_keep; \
         DELETE FROM attention_policies WHERE criticality = 'high' AND effective_from < '2000-01-01'; \
         UPDATE attention_policies SET effective_from = '2020-01-01' WHERE criticality = 'high'; \
         UPDATE tickets SET received_at = '2025-11-13T22:30:00Z'; \
         UPDATE holds SET started_at = '2025-11-13T22:45:00Z', ended_at = '2025-11-14T14:15:00Z'",
    );
    let classified = technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    // 15 minutes on Thursday; 105 on Friday, from 9:15 on.
    assert_eq!(classified["attention_due_at"], "2025-11-14T16:00:00Z");
    let level = desk.requester().get(&format!("{one}/attention")).ok()["levels"][0].clone();
    let told: Vec<Value> = level["stretches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| json!([s["ends_at"], s["reason"], s["duration_minutes"]]))
        .collect();
    let expected = [
        json!(["2025-11-13T22:45:00Z", "open", 15.0]),
        json!(["2025-11-14T14:15:00Z", "paused", 930.0]),
        json!(["2025-11-14T16:00:00Z", "open", 105.0]),
    ];
    assert_eq!(told, expected);
    // Asked on Thursday at 19:00 and answered on Friday at 7:00: no office hours are paused. 30 minutes, then 90 from
    // 8:00 on.
    desk.database
        .run("UPDATE holds SET started_at = '2025-11-14T00:00:00Z', ended_at = '2025-11-14T12:00:00Z'");
    let classified = technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    assert_eq!(classified["attention_due_at"], "2025-11-14T14:30:00Z");
    // Answered on the holiday: Friday does not count, nor does Monday. 30 minutes, then 90 on Tuesday from 8:00 on.
    desk.database.run("UPDATE holds SET ended_at = '2025-11-17T15:00:00Z'");
    let classified = technician.post(&format!("{one}/classification"), json!({"criticality": "high"})).ok();
    assert_eq!(classified["attention_due_at"], "2025-11-18T14:30:00Z");
}

#[test]
fn a_ticket_overdue_before_the_wait_stays_overdue() {
    let desk = Desk::open();
    let technician = desk.technician();
    let one = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    desk.database.run("UPDATE tickets SET received_at = received_at - interval '61 minutes'");
    technician.post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    let due = technician.get(&one).ok()["attention_due_at"].clone();
    ask(&technician, &one).ok();
    let level = || technician.get(&format!("{one}/attention")).ok()["levels"][0].clone();
    assert_eq!((&level()["due_at"], &level()["in_time"]), (&json!(null), &json!(false)));
    reply(&desk.requester(), &one).created();
    assert_eq!(technician.get(&one).ok()["attention_due_at"], due);
    assert_eq!((&level()["due_at"], &level()["in_time"]), (&due, &json!(false)));
}

#[test]
fn attention_times_applied_during_a_wait_take_effect_after_it() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let one = waiting(&desk, "classified");
    director.patch("/attention-times/medium", json!({"within_minutes": 30})).ok();
    let applied = director.post("/attention-times/application", json!({})).ok();
    assert_eq!(applied, json!({"examined_count": 0, "changed_count": 0}));
    assert_eq!(technician.get(&one).ok()["attention_due_at"], json!(null));
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    let ticket = technician.get(&one).ok();
    let minutes = (moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"])).num_minutes();
    assert!((30..32).contains(&minutes), "{minutes}");
}

#[test]
fn an_answer_is_accepted_after_the_calendar_ended_during_a_wait() {
    let desk = Desk::open();
    let one = waiting(&desk, "classified");
    desk.database.run(
        "INSERT INTO attention_policies SELECT gen_random_uuid(), criticality, calendar_id, minutes, \
         '2020-2025 Mo-Fr 08:00-18:00', '2026-01-01' FROM attention_policies WHERE criticality = 'medium'",
    );
    reply(&desk.requester(), &one).created();
    let ticket = desk.technician().get(&one).ok();
    assert_eq!((&ticket["status"], &ticket["attention_due_at"]), (&json!("classified"), &json!(null)));
}

#[test]
fn unanswered_tickets_are_archived_once_by_concurrent_servers() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let unanswered: Vec<String> = WAITS_FROM.map(|state| waiting(&desk, state)).into();
    let (answered, later) = (waiting(&desk, "received"), waiting(&desk, "received"));
    let held = desk.ticket_in("on_hold");
    reply(&requester, &answered).created();
    // Received 6 h ago, asked half an hour later.
    desk.database.run(
        "UPDATE tickets SET received_at = received_at - interval '6 hours'; \
         UPDATE attentions SET started_at = started_at - interval '6 hours', due_at = due_at - interval '6 hours'; \
         UPDATE holds SET started_at = started_at - interval '5 hours 30 minutes'",
    );
    let clock = |one: &str| technician.get(&format!("{one}/attention")).ok()["levels"][0].clone();
    let left = clock(&unanswered[1])["remaining_minutes"].clone();
    assert!((269.0..=270.1).contains(&left.as_f64().unwrap()), "{left}");
    desk.database.run(&format!(
        "UPDATE tickets SET information_deadline = now() - interval '1 second' WHERE information_deadline IS NOT NULL \
         AND id <> {}",
        later.rsplit('/').next().unwrap()
    ));
    let copy = desk.copy();
    let config = &desk.shared().config;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| routine::once(&mut desk.database.connect(), config));
            scope.spawn(|| routine::once(&mut copy.shared().db.connection().unwrap(), config));
        }
    });
    for one in &unanswered {
        let ticket = requester.get(one).ok();
        assert_eq!(
            (&ticket["status"], &ticket["archive"]["reason"]),
            (&json!("archived"), &json!("missing_information"))
        );
        assert_eq!(ticket["archive"]["note"], MISSING);
        assert_eq!((&ticket["information_request"], &ticket["resumes_to"]), (&json!(null), &json!(null)));
        let archived: Vec<Value> =
            events(&desk, one).into_iter().filter(|event| event["kind"] == "archived").collect();
        assert_eq!((archived.len(), &archived[0]["actor"]), (1, &json!(null)));
        assert_eq!(archived[0]["details"]["reason"], "missing_information");
    }
    assert_eq!(told(&desk, "archived", &requester), 5);
    assert_eq!(said(&desk, "archived", "note", MISSING), 5);
    // The attention time was not over, because the clock was paused.
    let stopped = clock(&unanswered[1]);
    assert_eq!((&stopped["remaining_minutes"], &stopped["in_time"]), (&left, &json!(null)));
    assert_eq!(requester.get(&answered).ok()["status"], "received");
    for one in [&later, &held] {
        assert_eq!(requester.get(one).ok()["status"], "on_hold");
    }
    reply(&requester, &unanswered[0]).problem(409, "step_not_allowed");
    desk.director().get("/audit/verification").ok();
}
