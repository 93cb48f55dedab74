//! Many clients at the same time: one of them succeeds, and the history contains one event for it.

use std::sync::Barrier;
use std::thread;

use diesel::RunQueryDsl;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::{minutes, soon};
use crate::harness::{Answer, Client, Desk};

const CLIENTS: usize = 20;

/// The responses to twenty simultaneous calls over two copies of the server.
fn all_at_once(
    desk: &Desk,
    clients: &[Client],
    call: impl Fn(usize, &Client) -> Answer + Sync,
) -> Vec<Answer> {
    let copy = desk.copy();
    let barrier = Barrier::new(clients.len());
    thread::scope(|scope| {
        let calls: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(index, client)| {
                let (call, barrier) = (&call, &barrier);
                let client = if index % 2 == 0 { client.clone() } else { copy.client(client) };
                scope.spawn(move || {
                    barrier.wait();
                    call(index, &client)
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

fn events(desk: &Desk, one: &str, kind: &str) -> usize {
    let events = desk.director().get(&format!("{one}/events?limit=200")).items();
    events.iter().filter(|event| event["kind"] == kind).count()
}

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn one_of_twenty_people_who_assign_themselves_gets_the_ticket() {
    let desk = Desk::open();
    let one = desk.ticket_in("classified");
    let people: Vec<Client> = (0..CLIENTS).map(|_| desk.another(Role::Technician)).collect();
    let answers = all_at_once(&desk, &people, |_, client| {
        client.post(&format!("{one}/assignment"), json!({"assignee_id": client.id()}))
    });
    assert_eq!((with_status(&answers, 200), with_status(&answers, 409)), (1, CLIENTS - 1));
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap().ok()["assignee"]["id"].clone();
    assert_eq!(desk.director().get(&one).ok()["assignee"]["id"], winner);
    assert_eq!(events(&desk, &one, "assigned"), 1);
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.problem(409, "already_assigned")["assignee_id"], winner);
    }
}

#[test]
fn one_of_twenty_identical_acceptances_succeeds() {
    let desk = Desk::open();
    let one = desk.ticket_in("assigned");
    let same = vec![desk.technician(); CLIENTS];
    let answers = all_at_once(&desk, &same, |_, client| client.post(&format!("{one}/acceptance"), soon()));
    assert_eq!((with_status(&answers, 200), with_status(&answers, 409)), (1, CLIENTS - 1));
    assert_eq!(events(&desk, &one, "accepted"), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'accepted'"), 1);
}

#[test]
fn twenty_automatic_assignments_spread_over_the_staff() {
    let desk = Desk::open();
    for _ in 0..3 {
        desk.another(Role::Technician);
    }
    let tickets: Vec<String> = (0..CLIENTS).map(|_| desk.ticket_in("classified")).collect();
    let same = vec![desk.technician(); CLIENTS];
    let answers = all_at_once(&desk, &same, |index, client| {
        client.post(&format!("{}/assignment", tickets[index]), json!({}))
    });
    assert_eq!(with_status(&answers, 200), CLIENTS);
    let mut work: Vec<String> =
        answers.iter().map(|answer| answer.ok()["assignee"]["id"].to_string()).collect();
    work.sort();
    let each: Vec<usize> = work.chunk_by(|a, b| a == b).map(<[String]>::len).collect();
    assert_eq!(each, [5, 5, 5, 5]);
}

#[test]
fn simultaneous_handovers_and_automatic_assignments_all_succeed() {
    let desk = Desk::open();
    let leaver = desk.technician();
    for _ in 0..3 {
        desk.another(Role::Technician);
    }
    let in_hand: Vec<String> = (0..5).map(|_| desk.ticket_in("in_progress")).collect();
    let waiting: Vec<String> = (0..CLIENTS).map(|_| desk.ticket_in("classified")).collect();
    let same = vec![desk.director(); CLIENTS];
    let answers = all_at_once(&desk, &same, |index, client| match index % 4 {
        0 | 1 => {
            let path = format!("/users/{}/handover", leaver.id());
            client.post(&path, json!({"reason": "Sale a vacaciones."}))
        }
        _ => client.post(&format!("{}/assignment", waiting[index]), json!({})),
    });
    assert_eq!(with_status(&answers, 200), CLIENTS);
    for one in &in_hand {
        assert_ne!(desk.director().get(one).ok()["assignee"]["id"], leaver.id());
    }
}

#[test]
fn twenty_requests_with_one_key_register_one_ticket() {
    let desk = Desk::open();
    let same = vec![desk.requester().with("idempotency-key", "solicitud-1"); CLIENTS];
    let body = json!({"subject": "Sin red", "description": "No hay red en el piso 3."});
    let answers = all_at_once(&desk, &same, |_, client| client.post("/tickets", body.clone()));
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
    let bodies: Vec<Value> = answers.iter().filter(|answer| answer.status == 201).map(Answer::json).collect();
    assert!(!bodies.is_empty() && bodies.iter().all(|body| *body == bodies[0]));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "request_in_progress");
    }
    assert_eq!(same[0].post("/tickets", body).created(), bodies[0]);
}

#[test]
fn one_of_twenty_changes_of_the_same_version_succeeds() {
    let desk = Desk::open();
    let one = desk.ticket_in("received");
    let etag = desk.requester().get(&one).header("etag").to_owned();
    let same = vec![desk.requester().with("if-match", etag); CLIENTS];
    let answers = all_at_once(&desk, &same, |index, client| {
        client.patch(&one, json!({"subject": format!("Asunto {index}")}))
    });
    assert_eq!((with_status(&answers, 200), with_status(&answers, 412)), (1, CLIENTS - 1));
    assert_eq!(events(&desk, &one, "changed"), 1);
}

#[test]
fn one_of_twenty_resubmissions_of_a_ticket_succeeds() {
    let desk = Desk::open();
    let one = desk.ticket_in("archived");
    let same = vec![desk.requester(); CLIENTS];
    let answers =
        all_at_once(&desk, &same, |_, client| client.post(&format!("{one}/resubmission"), json!({})));
    assert_eq!((with_status(&answers, 201), with_status(&answers, 409)), (1, CLIENTS - 1));
    let new = answers.iter().find(|answer| answer.status == 201).unwrap().created()["id"].clone();
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.problem(409, "already_exists")["resubmitted_as_id"], new);
    }
    assert_eq!(events(&desk, &one, "resubmitted"), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 2);
    // The database itself also rejects a second resubmission.
    let second = desk.requester().register("Sin red")["id"].clone();
    let sql = format!("UPDATE tickets SET resubmission_of = 1 WHERE id = {second}");
    assert!(diesel::sql_query(sql).execute(&mut desk.database.connect()).is_err());
}

#[test]
fn twenty_answers_to_an_information_request_resume_the_ticket_once() {
    let desk = Desk::open();
    let one = desk.ticket_in("assigned");
    desk.technician()
        .post(&format!("{one}/information-request"), json!({"missing": "¿Cuál es la placa?"}))
        .ok();
    let same = vec![desk.requester(); CLIENTS];
    let body = json!({"visibility": "public", "body": "Es la 10432."});
    let answers =
        all_at_once(&desk, &same, |_, client| client.post(&format!("{one}/followups"), body.clone()));
    assert_eq!(with_status(&answers, 201), CLIENTS);
    assert_eq!(events(&desk, &one, "resumed"), 1);
}

#[test]
fn minutes_created_at_once_are_numbered_without_a_gap() {
    let desk = Desk::open();
    let same = vec![desk.technician(); CLIENTS];
    let answers = all_at_once(&desk, &same, |index, client| {
        let mut body = minutes(client.id());
        // One in four is rejected.
        if index % 4 == 0 {
            body["attendees"] = json!([{}]);
        }
        client.post("/meeting-minutes", body)
    });
    assert_eq!((with_status(&answers, 201), with_status(&answers, 422)), (15, 5));
    let made = answers.iter().filter(|answer| answer.status == 201);
    let mut numbers: Vec<i64> = made.map(|answer| answer.created()["number"].as_i64().unwrap()).collect();
    numbers.sort();
    assert_eq!(numbers, (1..=15).collect::<Vec<_>>());
    // A transaction that is rolled back releases its number.
    desk.database.run(
        "BEGIN; INSERT INTO minutes (id, held_on, agenda, created_by, created_at, updated_at) \
         SELECT gen_random_uuid(), '2026-12-01', '[\"x\"]', id, now(), now() FROM users LIMIT 1; ROLLBACK",
    );
    assert_eq!(
        desk.director().post("/meeting-minutes", minutes(desk.technician().id())).created()["number"],
        16
    );
}
