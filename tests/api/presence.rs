//! Presence: who of the staff has a ticket open, told to those who may read its private followups, at each copy.

use std::thread;
use std::time::Duration;

use mesa::auth::policy::Role;
use mesa::server::routine;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};
use crate::service_accounts::{machine, new_key};

/// What a stream sent of presence.
fn presence(text: &str) -> Vec<Value> {
    let blocks = text.split("\n\n").filter(|block| block.starts_with("event: presence\n"));
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.iter().all(|block| !block.contains("\nid:")), "a place in the log: {text}");
    let data = blocks.iter().map(|block| block.split_once("\ndata: ").unwrap().1);
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// What this client's stream of two seconds sends while something happens.
fn meanwhile(client: &Client, act: impl FnOnce()) -> String {
    thread::scope(|scope| {
        let stream = scope.spawn(|| client.get("/events/stream?seconds=2").text());
        thread::sleep(Duration::from_millis(600));
        act();
        stream.join().unwrap()
    })
}

#[test]
fn staff_see_at_another_copy_who_comes_replies_and_leaves() {
    let desk = Desk::open();
    let copy = desk.copy();
    let (technician, professional) = (desk.technician(), desk.professional());
    let ticket = desk.requester().register("Sin red");
    let path = format!("/tickets/{}/presence", ticket["id"]);
    let text = meanwhile(&copy.client(&professional), || {
        let entered = technician.put(&path, json!({"activity": "viewing"})).ok();
        assert_eq!(entered["person"]["id"], technician.id());
        // A repetition is no news.
        technician.put(&path, json!({"activity": "viewing"})).ok();
        thread::sleep(Duration::from_millis(300));
        technician.put(&path, json!({"activity": "replying"})).ok();
        thread::sleep(Duration::from_millis(300));
        let there = professional.get(&path).ok();
        assert_eq!(there["people"].as_array().unwrap().len(), 1);
        assert_eq!(there["people"][0]["activity"], "replying");
        technician.delete(&path).expect_status(204);
        assert_eq!(professional.get(&path).ok()["people"], json!([]));
    });
    let told = presence(&text);
    let activities: Vec<&Value> = told.iter().map(|one| &one["activity"]).collect();
    assert_eq!(activities, [&json!("viewing"), &json!("replying"), &Value::Null], "{text}");
    assert!(told.iter().all(|one| one["ticket_id"] == ticket["id"]
        && one["person"]["full_name"] == technician.get("/me").ok()["full_name"]));
    // Neither in the history nor in the log, and the ticket has not changed.
    let events = technician.get(&format!("/tickets/{}/events", ticket["id"])).items();
    assert_eq!(events.len(), 1, "{events:?}");
    technician.delete(&path).expect_status(204);
}

#[test]
fn a_stream_begins_with_those_who_are_there_until_they_do_not_repeat_it() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    let ticket = desk.requester().register("Sin red");
    let path = format!("/tickets/{}/presence", ticket["id"]);
    technician.put(&path, json!({"activity": "viewing"})).ok();
    let text = meanwhile(&professional, || {
        desk.database.run(
            "UPDATE ticket_presence SET seen_at = now() - interval '2 seconds', expires_at = now() - interval '1 second'",
        );
        assert_eq!(professional.get(&path).ok()["people"], json!([]));
    });
    let told = presence(&text);
    let activities: Vec<&Value> = told.iter().map(|one| &one["activity"]).collect();
    assert_eq!(activities, [&json!("viewing"), &Value::Null], "{text}");
    let silent = professional.get("/events/stream?seconds=1&presence=false&after=start").text();
    assert!(presence(&silent).is_empty() && silent.contains("data: {\""), "{silent}");
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert_eq!(desk.database.count("SELECT count(*) FROM ticket_presence"), 0);
}

#[test]
fn requesters_and_accounts_without_the_private_side_neither_see_nor_are_seen() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let ticket = requester.register("Sin red");
    let path = format!("/tickets/{}/presence", ticket["id"]);
    for answer in
        [requester.get(&path), requester.put(&path, json!({"activity": "viewing"})), requester.delete(&path)]
    {
        answer.problem(403, "forbidden");
    }
    let public_alone = ["read_ticket", "add_public_followup", "follow_events"];
    let (_, public_alone) = machine(&desk, Role::Technician, &public_alone);
    public_alone.put(&path, json!({"activity": "viewing"})).problem(403, "forbidden");
    // Within the category of the ticket, and outside of it.
    let category = desk.director().post("/categories", json!({"name": "Nube"})).created();
    let limited = |category_id: &Value| {
        let account = json!({
            "name": "Robot", "role": "technician", "category_ids": [category_id],
            "scopes": ["read_ticket", "use_private_followups", "follow_events"],
        });
        let account = desk.director().post("/service-accounts", account).created();
        desk.nobody().holding(new_key(&desk, &account)["key"].as_str().unwrap())
    };
    let outside = limited(&category["id"]);
    outside.put(&path, json!({"activity": "viewing"})).problem(404, "not_found");
    outside.get(&path).problem(404, "not_found");
    outside.delete(&path).problem(404, "not_found");
    technician.put(&path, json!({"activity": "viewing"})).ok();
    let streams = thread::scope(|scope| {
        let clients = [&requester, &public_alone, &outside];
        let streams =
            clients.map(|client| scope.spawn(|| client.get("/events/stream?seconds=2&after=start").text()));
        thread::sleep(Duration::from_millis(600));
        technician.put(&path, json!({"activity": "replying"})).ok();
        streams.map(|stream| stream.join().unwrap())
    });
    for text in &streams {
        assert!(presence(text).is_empty(), "{text}");
    }
    assert!(streams[0].contains("co.mesa.ticket.received.v1"), "the requester follows their own ticket");
    // The ticket comes into the category.
    let change = json!({"category_id": category["id"]});
    technician.patch(&format!("/tickets/{}", ticket["id"]), change).ok();
    assert_eq!(presence(&outside.get("/events/stream?seconds=1").text()).len(), 1);
    outside.put(&path, json!({"activity": "viewing"})).ok();
    assert_eq!(technician.get(&path).ok()["people"].as_array().unwrap().len(), 2);
}

#[test]
fn an_account_is_at_a_limited_number_of_tickets() {
    let desk = Desk::open();
    let technician = desk.technician();
    let tickets: Vec<Value> =
        (0..22).map(|number| desk.requester().register(&format!("Caso {number}"))).collect();
    for ticket in &tickets {
        technician.put(&format!("/tickets/{}/presence", ticket["id"]), json!({"activity": "viewing"})).ok();
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM ticket_presence"), 20);
    let first = desk.director().get(&format!("/tickets/{}/presence", tickets[0]["id"])).ok();
    assert_eq!(first["people"], json!([]));
    // So is a ticket.
    let last = tickets[21]["id"].as_i64().unwrap();
    desk.database.run(&format!(
        "INSERT INTO users (id, email, full_name, role, active) SELECT gen_random_uuid(), 'p' || n || '@mesa.test', 'P ' || n, \
             'technician', true FROM generate_series(1, 60) n; \
         INSERT INTO ticket_presence SELECT {last}, id, 'viewing', now(), now() - interval '1 second', now() + interval '1 minute' \
             FROM users WHERE full_name LIKE 'P %'"
    ));
    technician.put(&format!("/tickets/{last}/presence"), json!({"activity": "replying"})).ok();
    let count = format!("SELECT count(*) FROM ticket_presence WHERE ticket_id = {last}");
    assert_eq!(desk.database.count(&count), 50);
}
