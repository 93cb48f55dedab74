//! The log of events: complete, in the order of commits, and only what the reader may see.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Client, Desk};

/// All events after a place, part by part, and the last cursor.
fn all_after(client: &Client, after: &str, filters: &str) -> (Vec<Value>, String) {
    let (mut events, mut cursor) = (Vec::new(), after.to_owned());
    loop {
        let page = client.get(&format!("/events?limit=7&after={cursor}{filters}")).ok();
        events.extend(page["items"].as_array().unwrap().clone());
        cursor = page["next_cursor"].as_str().unwrap().to_owned();
        if page["has_more"] == false {
            return (events, cursor);
        }
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    let name = |event: &Value| event["type"].as_str().unwrap().split('.').nth(3).map(str::len);
    assert!(events.iter().all(|event| name(event).is_some()));
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn of_ticket(events: &[Value], id: &Value) -> Vec<String> {
    let own = events.iter().filter(|event| event["data"]["ticket_id"] == *id);
    own.map(|event| event["type"].as_str().unwrap().split('.').nth(3).unwrap().to_owned()).collect()
}

#[test]
fn the_events_of_a_ticket_follow_in_order_and_a_cursor_continues() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let end = technician.get("/events?after=end").ok();
    assert_eq!((&end["items"], &end["has_more"]), (&json!([]), &json!(false)));
    let from = end["next_cursor"].as_str().unwrap();
    let ticket = requester.register("Sin red");
    let path = format!("/tickets/{}", ticket["id"]);
    technician.post(&format!("{path}/classification"), json!({"criticality": "high"})).ok();
    technician
        .post(&format!("{path}/followups"), json!({"visibility": "private", "body": "Es el switch."}))
        .created();
    technician
        .post(&format!("{path}/followups"), json!({"visibility": "public", "body": "Vamos."}))
        .created();
    let (events, cursor) = all_after(&technician, from, "");
    let kinds = of_ticket(&events, &ticket["id"]);
    assert_eq!(kinds[..2], ["received", "classified"]);
    assert_eq!(kinds[kinds.len() - 2..], ["followup_added", "followup_added"]);
    let classified = &events.iter().find(|event| event["type"] == "co.mesa.ticket.classified.v1").unwrap();
    assert!(classified["data"]["changed_fields"].as_array().unwrap().contains(&json!("criticality")));
    assert_eq!(classified["data"]["link"], json!(format!("/api/v1{path}")));
    assert_eq!(classified["data"]["actor_id"], json!(technician.id()));
    // Each event's own cursor continues after it.
    let after = classified["cursor"].as_str().unwrap();
    let (rest, _) = all_after(&technician, after, "");
    let place = events.iter().position(|event| event["id"] == classified["id"]).unwrap();
    assert_eq!(rest, events[place + 1..]);
    assert!(all_after(&technician, &cursor, "").0.is_empty());
    let (chosen, _) = all_after(&technician, from, "&type=co.mesa.ticket.followup*");
    assert_eq!(types(&chosen), ["co.mesa.ticket.followup_added.v1"; 2]);
}

#[test]
fn a_requester_sees_their_own_and_no_trace_of_what_is_internal() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let other = desk.another(Role::Requester);
    let from = requester.get("/events?after=end").ok()["next_cursor"].clone();
    assert_eq!(from, "start", "there is no event yet");
    let ticket = requester.register("Sin red");
    let path = format!("/tickets/{}", ticket["id"]);
    other.register("Otra cosa");
    let private = technician
        .post(&format!("{path}/followups"), json!({"visibility": "private", "body": "Interno."}))
        .created();
    let (_, before) = all_after(&requester, "start", "");
    technician
        .upload(
            &format!("{path}/followups/{}/attachments", private["id"].as_str().unwrap()),
            "interno.txt",
            "x",
        )
        .created();
    // Nothing that they may not see moves their cursor.
    let (events, after) = all_after(&requester, "start", "");
    assert_eq!(before, after);
    assert_eq!(of_ticket(&events, &ticket["id"]), ["received"]);
    assert!(events.iter().all(|event| event["data"]["ticket_id"] == ticket["id"]), "{events:?}");
    assert_eq!(events[0]["cursor"], events[0]["id"], "a position tells how much happens to others");
    let published = format!("{path}/followups/{}/publication", private["id"].as_str().unwrap());
    let public = technician.post(&published, json!({})).created();
    let (events, _) = all_after(&requester, &after, "");
    let told = ["co.mesa.ticket.followup_added.v1", "co.mesa.ticket.file_attached.v1"];
    assert_eq!(types(&events), told, "not that it was private before");
    assert!(events.iter().all(|event| event["data"]["followup_id"] == public["id"]), "{events:?}");
    assert!(
        events.iter().all(|event| event["data"]["actor_id"] == Value::Null),
        "who published it: {events:?}"
    );
    let file = events[1]["data"]["attachment_ids"][0].as_str().unwrap();
    assert_eq!(requester.get(&format!("/attachments/{file}/content")).text(), "x");
    requester.get(&format!("/events?after={}", events[0]["cursor"].as_str().unwrap())).ok();
    let position = technician.get("/events?after=end").ok()["next_cursor"].as_str().unwrap().to_owned();
    requester.get(&format!("/events?after={position}")).problem(410, "cursor_gone");
}

#[test]
fn people_catalogues_and_articles_are_for_those_who_may_read_them() {
    let desk = Desk::open();
    let (requester, technician, director) = (desk.requester(), desk.technician(), desk.director());
    let from = technician.get("/events?after=end").ok()["next_cursor"].as_str().unwrap().to_owned();
    let category = director.post("/categories", json!({"name": "Nube"})).created();
    let article = |visibility: &str| {
        let article = json!({
            "title": "Impresora sin respuesta", "incident": "No imprime.", "resolution": "Se reinició.",
            "steps": ["Reiniciarla"], "visibility": visibility, "status": "published",
        });
        technician.post("/kb/articles", article).created()
    };
    let (public, internal) = (article("public"), article("internal"));
    let (events, _) = all_after(&technician, &from, "");
    let subject =
        |resource: &str, made: &Value| json!(format!("{resource}/{}", made["id"].as_str().unwrap()));
    let found = |events: &[Value], subject: Value| events.iter().any(|event| event["subject"] == subject);
    for made in [subject("category", &category), subject("article", &public), subject("article", &internal)] {
        assert!(found(&events, made.clone()), "{made}: {events:?}");
    }
    assert!(all_after(&requester, "start", "").0.is_empty());
    // Sign-ins and exports are in the audit log only.
    director.get("/tickets/export").expect_status(200);
    let (events, _) = all_after(&director, "start", "");
    assert!(types(&events).iter().all(|name| !name.contains("signed_in") && !name.contains("export")));
}

#[test]
fn a_cursor_of_another_log_is_refused() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.requester().register("Sin red");
    let cursor = technician.get("/events?after=end").ok()["next_cursor"].as_str().unwrap().to_owned();
    let (position, hash) = cursor.split_once('-').unwrap();
    let other_hash = if hash == "00000000" { "00000001" } else { "00000000" };
    let later = position.parse::<i64>().unwrap() + 1000;
    for wrong in [
        format!("{position}-{other_hash}"),
        format!("{later}-{hash}"),
        "019372d6-37ee-7f0b-8f91-9840bbf2e408".to_owned(),
    ] {
        technician.get(&format!("/events?after={wrong}")).problem(410, "cursor_gone");
        technician.get(&format!("/events/stream?seconds=1&after={wrong}")).problem(410, "cursor_gone");
    }
    technician.get(&format!("/events?after={position}")).problem(400, "invalid_cursor");
    technician.get(&format!("/events/stream?seconds=1&after={position}")).problem(400, "invalid_cursor");
}

#[test]
fn waiting_ends_with_the_event_and_not_with_one_that_is_not_visible() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let other = desk.another(Role::Requester);
    let start = Instant::now();
    let page = requester.get("/events?after=end&wait=1").ok();
    assert_eq!(page["items"], json!([]));
    assert!(start.elapsed() >= Duration::from_secs(1));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let start = Instant::now();
            (requester.get("/events?after=end&wait=20").ok(), start.elapsed())
        });
        thread::sleep(Duration::from_millis(300));
        other.register("De otra persona");
        thread::sleep(Duration::from_millis(500));
        assert!(!waiting.is_finished(), "the event of another requester ended the waiting");
        let ticket = requester.register("Sin red");
        let (page, took) = waiting.join().unwrap();
        assert_eq!(page["items"][0]["data"]["ticket_id"], ticket["id"]);
        assert!(took < Duration::from_secs(15), "{took:?}");
    });
    let page = technician.get("/events?after=start&wait=20&limit=1").ok();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "what is there is not waited for");
}

/// Even while another copy of the server is about to give the event its position.
#[test]
fn the_end_comes_after_all_that_was_committed_before() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let mut sequencer = desk.database.connect();
    sequencer.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(x'4d4553410600'::bigint)").unwrap();
    requester.register("Sin red");
    let end = thread::scope(|scope| {
        let end = scope.spawn(|| technician.get("/events?after=end").ok());
        thread::sleep(Duration::from_millis(300));
        assert!(!end.is_finished());
        sequencer.batch_execute("COMMIT").unwrap();
        end.join().unwrap()
    });
    let after = all_after(&technician, end["next_cursor"].as_str().unwrap(), "").0;
    assert!(after.is_empty(), "{after:?}");
}

/// Writers at two copies of the server, while followers read: nothing is missed, nothing comes twice, and the events of each
/// ticket are in order.
#[test]
fn followers_miss_nothing_while_others_write() {
    let desk = Desk::open();
    let copy = desk.copy();
    let technician = desk.technician();
    let from = technician.get("/events?after=end").ok()["next_cursor"].as_str().unwrap().to_owned();
    const WRITERS: usize = 6;
    const EACH: usize = 5;
    let logs: Vec<Vec<Value>> = thread::scope(|scope| {
        let followers: Vec<_> = [technician.clone(), copy.client(&technician)]
            .into_iter()
            .map(|client| {
                let from = from.clone();
                scope.spawn(move || {
                    let (mut cursor, mut events) = (from, Vec::new());
                    let finished = |events: &[Value]| {
                        events
                            .iter()
                            .filter(|event| event["type"] == "co.mesa.ticket.followup_added.v1")
                            .count()
                            >= WRITERS * EACH
                    };
                    let begun = Instant::now();
                    while !finished(&events) && begun.elapsed() < Duration::from_secs(60) {
                        let page = client.get(&format!("/events?limit=3&wait=2&after={cursor}")).ok();
                        events.extend(page["items"].as_array().unwrap().clone());
                        cursor = page["next_cursor"].as_str().unwrap().to_owned();
                    }
                    events
                })
            })
            .collect();
        for writer in 0..WRITERS {
            let requester = if writer % 2 == 0 { desk.requester() } else { copy.client(&desk.requester()) };
            scope.spawn(move || {
                for number in 0..EACH {
                    let ticket = requester.register(&format!("Falla {writer} {number}"));
                    let path = format!("/tickets/{}/followups", ticket["id"]);
                    requester.post(&path, json!({"visibility": "public", "body": "Urgente."})).created();
                }
            });
        }
        followers.into_iter().map(|follower| follower.join().unwrap()).collect()
    });
    let (complete, _) = all_after(&technician, &from, "");
    for events in logs {
        let ids: Vec<&Value> = events.iter().map(|event| &event["id"]).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an event came twice");
        assert_eq!(ids, complete[..ids.len()].iter().map(|event| &event["id"]).collect::<Vec<_>>());
        let tickets: HashSet<String> = events
            .iter()
            .map(|event| event["data"]["ticket_id"].to_string())
            .filter(|id| id != "null")
            .collect();
        assert_eq!(tickets.len(), WRITERS * EACH);
        for id in tickets {
            let kinds = of_ticket(&events, &id.parse::<i64>().unwrap().into());
            assert_eq!((kinds[0].as_str(), kinds.last().unwrap().as_str()), ("received", "followup_added"));
        }
    }
}

#[test]
fn a_stream_sends_what_happens_and_resumes_after_its_last_id() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let text = thread::scope(|scope| {
        let stream = scope.spawn(|| technician.get("/events/stream?seconds=2").text());
        thread::sleep(Duration::from_millis(500));
        requester.register("Sin red");
        requester.register("Sin luz");
        stream.join().unwrap()
    });
    let data = |text: &str| -> Vec<Value> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "{}");
        lines.map(|data| serde_json::from_str(data).unwrap()).collect()
    };
    // The place where it began: for a client that is cut off before the first event.
    let begins = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    assert!(text.starts_with(&format!("retry: 2000\nid: {begins}\nevent: place\ndata: {{}}\n\n")), "{text}");
    let after = technician.with("Last-Event-ID", begins).get("/events/stream?seconds=1").text();
    assert_eq!(data(&after), data(&text));
    let received: Vec<Value> =
        data(&text).into_iter().filter(|event| event["type"] == "co.mesa.ticket.received.v1").collect();
    assert_eq!(received.len(), 2, "{text}");
    let first = received[0]["cursor"].as_str().unwrap();
    assert!(text.contains(&format!("id: {first}\n")));
    // At another copy, from the database.
    let copy = desk.copy();
    let again = copy.client(&technician).with("Last-Event-ID", first).get("/events/stream?seconds=1");
    assert_eq!(again.header("content-type"), "text/event-stream; charset=utf-8");
    let again = data(&again.text());
    let complete = all_after(&technician, first, "").0;
    assert_eq!(again, complete);
    let own = data(&desk.another(Role::Requester).get("/events/stream?seconds=1&after=start").text());
    assert!(own.is_empty(), "{own:?}");
    let begins = desk.another(Role::Requester).get("/events/stream?seconds=1").text();
    assert!(begins.starts_with("retry: 2000\nid: start\nevent: place\ndata: {}\n\n"), "{begins}");
}

/// The feed of a copy is behind the database for a moment: a stream that begins there must not go back.
#[test]
fn a_stream_does_not_repeat_what_its_cursor_has_passed() {
    let desk = Desk::open();
    let copy = desk.copy();
    let (requester, technician) = (desk.requester(), desk.technician());
    thread::scope(|scope| {
        // As long as this one follows, the copy has a feed.
        let running = scope.spawn(|| copy.client(&technician).get("/events/stream?seconds=6").text());
        thread::sleep(Duration::from_millis(300));
        for number in 0..4 {
            requester.register(&format!("Falla {number}"));
            let cursor = technician.get("/events?after=end").ok()["next_cursor"].as_str().unwrap().to_owned();
            let again = copy.client(&technician).with("Last-Event-ID", cursor.as_str());
            let text = again.get("/events/stream?seconds=1").text();
            assert!(!text.contains("data: {\""), "after {cursor}: {text}");
        }
        running.join().unwrap();
    });
    let start = Instant::now();
    technician.raw("HEAD", "/events/stream?seconds=20", "", "").expect_status(200);
    assert!(start.elapsed() < Duration::from_secs(10), "a HEAD followed the stream");
}

#[test]
fn an_account_has_a_limited_number_of_streams_at_a_time() {
    let desk = Desk::configured(&[("MESA_ACCOUNT_STREAMS", "1"), ("MESA_STREAMS", "2")]);
    let (requester, technician) = (desk.requester(), desk.technician());
    thread::scope(|scope| {
        let first = scope.spawn(|| requester.get("/events/stream?seconds=2").status);
        thread::sleep(Duration::from_millis(500));
        let refused = requester.get("/events/stream?seconds=1");
        refused.problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "10");
        let second = scope.spawn(|| technician.get("/events/stream?seconds=2").status);
        thread::sleep(Duration::from_millis(500));
        desk.director().get("/events/stream?seconds=1").problem(503, "unavailable");
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (200, 200));
    });
    requester.get("/events/stream?seconds=1").expect_status(200);
}
