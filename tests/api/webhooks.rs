//! Webhooks: what is sent, signed, in which order, again, and to whom.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesa::auth::policy::Role;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::receiver::{Received, Receiver, Reply};
use crate::harness::{Client, Desk};
use crate::service_accounts::machine;

/// A desk whose webhooks may call the receivers of the tests.
fn open() -> Desk {
    Desk::configured(&[("MESA_WEBHOOK_ALLOW", "127.0.0.0/8")])
}

/// Creates a webhook for events of tickets; returns its path and its secret.
fn webhook(client: &Client, receiver: &Receiver) -> (String, String) {
    let new = json!({"url": receiver.url(), "event_types": ["co.mesa.ticket.*"]});
    let made = client.post("/webhooks", new).created();
    (format!("/webhooks/{}", made["id"].as_str().unwrap()), made["secret"].as_str().unwrap().to_owned())
}

/// HMAC-SHA256 as RFC 2104 defines it, independent of the server's library.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> {
        (0..64).map(|place| key.get(place).copied().unwrap_or_default() ^ with).collect()
    };
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

fn is_signed(request: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, timestamp) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    let signed = format!("{id}.{timestamp}.{}", request.body);
    let expected = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
    request.header("webhook-signature").split(' ').any(|one| one == expected)
}

/// The kinds of the events of each subject, in the order of their arrival.
fn by_subject(requests: &[Received]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in requests.iter().map(Received::event) {
        let kind = event["type"].as_str().unwrap().split('.').nth(3).unwrap().to_owned();
        all.entry(event["subject"].as_str().unwrap().to_owned()).or_default().push(kind);
    }
    all
}

/// Makes everything that waits for its next attempt due.
fn make_due(desk: &Desk) {
    desk.database.run("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE state = 'waiting'");
}

#[test]
fn an_event_is_sent_signed_and_as_the_log_has_it() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, secret) = webhook(&director, &receiver);
    let ticket = desk.requester().register("Sin red");
    director.post("/categories", json!({"name": "Nube"})).created();
    receiver.always(Reply::Status(200, String::new(), "á".repeat(2000)));
    desk.send_webhooks();
    let requests = receiver.requests();
    let first = &requests[0];
    assert_eq!(first.line, "POST /mesa HTTP/1.1");
    assert_eq!(first.header("content-type"), "application/json");
    assert!(first.header("user-agent").starts_with("Mesa/"), "{first:?}");
    let log = director.get("/events?type=co.mesa.ticket.*").ok();
    assert_eq!(requests.len(), log["items"].as_array().unwrap().len(), "no other types");
    for (request, mut event) in requests.iter().zip(log["items"].as_array().unwrap().clone()) {
        assert!(is_signed(request, &secret) && !is_signed(request, "whsec_AAAA"), "{request:?}");
        event.as_object_mut().unwrap().remove("cursor").unwrap();
        assert_eq!(request.event(), event);
        assert_eq!(request.header("webhook-id"), event["id"]);
        let age =
            chrono::Utc::now().timestamp() - request.header("webhook-timestamp").parse::<i64>().unwrap();
        assert!((0..30).contains(&age), "{age}");
    }
    assert_eq!(first.event()["data"]["ticket_id"], ticket["id"]);
    let deliveries = director.get(&format!("{path}/deliveries?sort=created_at")).items();
    let sent = &deliveries[0];
    assert_eq!((&sent["state"], &sent["response_status"]), (&json!("delivered"), &json!(200)));
    assert_eq!((&sent["attempts"], &sent["next_attempt_at"]), (&json!(1), &Value::Null));
    assert_eq!(sent["event_id"], first.event()["id"]);
    assert_eq!(sent["response_body"].as_str().unwrap(), "á".repeat(512), "the first KB");
    assert!(sent["duration_ms"].as_i64().is_some() && sent["delivered_at"].is_string(), "{sent}");
    let one = director.get(&format!("{path}/deliveries/{}", sent["id"].as_str().unwrap())).ok();
    assert_eq!(one, *sent);
    assert!(director.get(&format!("{path}/deliveries?state=failed&state=waiting")).items().is_empty());
    assert_eq!(desk.send_webhooks(), 0, "each is sent once");
}

#[test]
fn what_fails_is_sent_again_in_order_per_ticket() {
    let desk = open();
    let (director, technician, receiver) = (desk.director(), desk.technician(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    let (one, other) = (desk.requester().register("Sin red"), desk.requester().register("Sin teléfono"));
    let step = |ticket: &Value, level: &str| {
        technician
            .post(&format!("/tickets/{}/classification", ticket["id"]), json!({"criticality": level}))
            .ok();
    };
    step(&one, "high");
    // The first event of one of the tickets is not accepted.
    receiver.reply([Reply::status(500)]);
    desk.send_webhooks();
    let (first, second) = (format!("ticket/{}", one["id"]), format!("ticket/{}", other["id"]));
    let failed = receiver.take().into_iter().find(|request| request.event()["subject"] == *first).unwrap();
    let waiting = director.get(&format!("{path}/deliveries?state=waiting")).items();
    let blocked = if waiting.iter().all(|one| one["subject"] == *first) { &first } else { &second };
    assert!(!waiting.is_empty() && waiting.iter().all(|one| one["subject"] == **blocked), "{waiting:?}");
    for (reply, error) in [(Reply::Drop, true), (Reply::Hang, true), (Reply::status(302), false)] {
        make_due(&desk);
        receiver.take();
        receiver.reply([reply]);
        desk.send_webhooks();
        assert_eq!(receiver.requests().len(), 1, "the next events of the ticket wait");
        let waiting = director.get(&format!("{path}/deliveries?state=waiting&sort=created_at")).items();
        assert_eq!(waiting[0]["error"].is_string(), error, "{waiting:?}");
        assert_eq!(waiting[0]["response_status"].is_null(), error);
        assert!(director.get(&path).ok()["first_failed_at"].is_string());
    }
    make_due(&desk);
    receiver.take();
    desk.send_webhooks();
    let kinds = by_subject(&receiver.requests());
    let expected = technician.get("/events?type=co.mesa.ticket.*").ok();
    let expected: Vec<String> = expected["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["subject"] == **blocked)
        .map(|event| event["type"].as_str().unwrap().split('.').nth(3).unwrap().to_owned())
        .collect();
    assert_eq!(kinds.get(blocked).unwrap(), &expected);
    let again = receiver.requests();
    if blocked == &first {
        assert_eq!(failed.header("webhook-id"), again[0].header("webhook-id"), "the id stays");
    }
    assert!(director.get(&path).ok()["first_failed_at"].is_null());
    assert!(director.get(&format!("{path}/deliveries?state=waiting")).items().is_empty());
}

#[test]
fn after_eleven_attempts_a_delivery_has_failed_and_the_next_follows() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    let ticket = desk.requester().register("Sin red");
    let step = format!("/tickets/{}/classification", ticket["id"]);
    desk.technician().post(&step, json!({"criticality": "high"})).ok();
    receiver.reply([Reply::Status(503, "retry-after: 1800\r\n".to_owned(), String::new())]);
    desk.send_webhooks();
    let asked = &director.get(&format!("{path}/deliveries?sort=created_at")).items()[0];
    let wait = crate::harness::moment(&asked["next_attempt_at"]) - chrono::Utc::now();
    assert!((1700..=1900).contains(&wait.num_seconds()), "{wait}");
    receiver.always(Reply::status(500));
    for _ in 1..11 {
        make_due(&desk);
        desk.send_webhooks();
    }
    let deliveries = director.get(&format!("{path}/deliveries?sort=created_at")).items();
    assert_eq!((&deliveries[0]["state"], &deliveries[0]["attempts"]), (&json!("failed"), &json!(11)));
    assert_eq!(deliveries[1]["attempts"], 1, "it waited for the first");
    // All that failed, once more.
    receiver.always(Reply::status(204));
    let queued = director.post(&format!("{path}/replays"), json!({})).expect(202);
    assert_eq!(queued["queued_count"], 1);
    make_due(&desk);
    receiver.take();
    desk.send_webhooks();
    let ids: Vec<String> =
        receiver.requests().iter().map(|request| request.header("webhook-id").to_owned()).collect();
    let expected: Vec<&str> = deliveries.iter().map(|one| one["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, expected, "in the order of the log");
}

#[test]
fn a_redirect_is_not_followed() {
    let desk = open();
    let (director, receiver, inner) = (desk.director(), Receiver::start(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    for status in [301, 302, 303, 307, 308] {
        receiver.take();
        let location = format!("location: {}\r\n", inner.url());
        receiver.reply([Reply::Status(status, location, String::new())]);
        director.post(&format!("{path}/test"), json!({})).expect(202);
        desk.send_webhooks();
        assert_eq!(receiver.requests().len(), 1);
    }
    assert_eq!(inner.connections(), 0);
    let failed = director.get(&format!("{path}/deliveries")).items();
    assert!(failed.iter().all(|one| one["state"] == "waiting" && one["attempts"] == 1), "{failed:?}");
}

#[test]
fn a_410_and_five_days_of_failures_end_a_webhook_and_it_resumes_where_it_stopped() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    let first = desk.requester().register("Sin red");
    receiver.reply([Reply::status(410)]);
    desk.send_webhooks();
    let ended = director.get(&path).ok();
    assert_eq!((&ended["active"], &ended["ended_reason"]), (&json!(false), &json!("gone")));
    assert_eq!(director.get(&format!("{path}/deliveries?state=failed")).items().len(), 1);
    let events = director.get("/audit/log?resource=webhook").items();
    assert_eq!((&events[0]["kind"], &events[0]["actor"]), (&json!("changed"), &Value::Null), "{events:?}");
    let told = director.get("/messages?kind=webhook_ended").items();
    assert_eq!((told.len(), &told[0]["recipient"]["id"]), (1, &json!(director.id())), "{told:?}");
    director.post(&format!("{path}/test"), json!({})).problem(409, "wrong_state");

    let second = desk.requester().register("Sin teléfono");
    receiver.take();
    assert_eq!(desk.send_webhooks(), 0, "it is not active");
    let resumed = director.patch(&path, json!({"active": true})).ok();
    assert_eq!((&resumed["active"], &resumed["ended_reason"]), (&json!(true), &Value::Null));
    desk.send_webhooks();
    let kinds = by_subject(&receiver.take());
    assert_eq!(kinds[&format!("ticket/{}", second["id"])][0], "received", "what happened in the meantime");
    // The one with the 410 is not repeated by itself.
    let of_first = kinds.get(&format!("ticket/{}", first["id"]));
    assert!(of_first.is_none_or(|kinds| !kinds.contains(&"received".to_owned())));

    receiver.always(Reply::status(500));
    desk.requester().register("Sin luz");
    desk.send_webhooks();
    desk.database.run("UPDATE webhooks SET failing_since = now() - interval '4 days 23 hours'");
    make_due(&desk);
    desk.send_webhooks();
    assert_eq!(director.get(&path).ok()["active"], true);
    desk.database.run("UPDATE webhooks SET failing_since = now() - interval '5 days 1 minute'");
    make_due(&desk);
    desk.send_webhooks();
    let ended = director.get(&path).ok();
    assert_eq!((&ended["active"], &ended["ended_reason"]), (&json!(false), &json!("failing")));
    receiver.always(Reply::status(204));
    receiver.take();
    director.patch(&path, json!({"active": true})).ok();
    desk.send_webhooks();
    assert!(!receiver.requests().is_empty());
    assert!(director.get(&format!("{path}/deliveries?state=waiting")).items().is_empty());
}

#[test]
fn during_a_rotation_both_secrets_sign() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, first) = webhook(&director, &receiver);
    let test = || {
        receiver.take();
        director.post(&format!("{path}/test"), json!({})).expect(202);
        assert_eq!(desk.send_webhooks(), 1);
        receiver.take().remove(0)
    };
    let request = test();
    assert_eq!(request.event()["type"], "co.mesa.webhook.test.v1");
    assert!(is_signed(&request, &first));
    let rotation = format!("{path}/secret-rotation");
    let second = director.post(&rotation, json!({})).ok();
    assert!(second["previous_secret_expires_at"].is_string());
    let second = second["secret"].as_str().unwrap();
    let request = test();
    assert!(is_signed(&request, &first) && is_signed(&request, second));
    assert_eq!(request.header("webhook-signature").split(' ').count(), 2);
    assert!(director.get(&path).ok()["previous_secret_expires_at"].is_string());
    desk.database.run("UPDATE webhooks SET previous_secret_until = now() - interval '1 second'");
    let request = test();
    assert!(!is_signed(&request, &first) && is_signed(&request, second));
    assert!(director.get(&path).ok()["previous_secret_expires_at"].is_null());
    let third = director.post(&rotation, json!({"previous_valid_hours": 0})).ok();
    assert_eq!(third["previous_secret_expires_at"], Value::Null);
    let request = test();
    assert!(!is_signed(&request, second) && is_signed(&request, third["secret"].as_str().unwrap()));
    assert_eq!(
        director.post(&rotation, json!({"previous_valid_hours": 169})).faults()[0].0,
        "/previous_valid_hours"
    );
    // Neither the API nor the audit log shows a secret.
    let log = director.get("/audit/log?resource=webhook").text();
    for text in [director.get(&path).text(), director.get("/webhooks").text(), log] {
        assert!(!text.contains("whsec") && !text.contains("\"secret\""), "{text}");
    }
}

#[test]
fn several_copies_share_the_work_without_doubles() {
    let desk = open();
    let (director, technician, receiver) = (desk.director(), desk.technician(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    let tickets: Vec<Value> = (0..12).map(|_| desk.requester().register("Sin red")).collect();
    for level in ["high", "low", "medium"] {
        for ticket in &tickets {
            let step = format!("/tickets/{}/classification", ticket["id"]);
            technician.post(&step, json!({"criticality": level})).ok();
        }
    }
    let copies: Vec<_> = (0..3).map(|_| desk.copy()).collect();
    let sent: usize = std::thread::scope(|scope| {
        let all: Vec<_> = copies
            .iter()
            .map(|copy| {
                scope.spawn(|| {
                    let mut sent = 0;
                    for _ in 0..40 {
                        sent += copy.send_webhooks();
                        std::thread::sleep(std::time::Duration::from_millis(20));
                    }
                    sent
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    let requests = receiver.requests();
    let ids: HashSet<&str> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!((requests.len(), ids.len()), (sent, sent), "each once");
    let log = director.get("/events?limit=1000&type=co.mesa.ticket.*").ok();
    assert_eq!(sent, log["items"].as_array().unwrap().len(), "none is missing");
    for (subject, kinds) in by_subject(&requests) {
        let expected: Vec<&str> = log["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["subject"] == *subject)
            .map(|event| event["type"].as_str().unwrap().split('.').nth(3).unwrap())
            .collect();
        assert_eq!(kinds, expected, "{subject}");
    }
    assert!(director.get(&format!("{path}/deliveries?state=waiting")).items().is_empty());
}

#[test]
fn what_a_killed_copy_has_taken_is_sent_after_its_lease() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    director.post(&format!("{path}/test"), json!({})).expect(202);
    desk.database.run("UPDATE webhook_deliveries SET locked_until = now() + interval '1 minute'");
    assert_eq!(desk.send_webhooks(), 0, "another copy has it");
    desk.database.run("UPDATE webhook_deliveries SET locked_until = now() - interval '1 second'");
    assert_eq!(desk.send_webhooks(), 1);
}

#[test]
fn what_the_owner_may_not_see_any_more_is_not_sent() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let owner = desk.another(Role::Director);
    let (path, _) = webhook(&owner, &receiver);
    let ticket = desk.requester().register("Sin red");
    let entry = json!({"visibility": "private", "body": "Interno."});
    director.post(&format!("/tickets/{}/followups", ticket["id"]), entry).created();
    for change in [json!({"role": "technician"}), json!({"active": false})] {
        receiver.always(Reply::status(500));
        desk.send_webhooks();
        make_due(&desk);
        receiver.take();
        director.patch(&format!("/users/{}", owner.id()), change).ok();
        desk.requester().register("Sin teléfono");
        assert_eq!(desk.send_webhooks(), 0);
        assert!(receiver.requests().is_empty());
        let ended = director.get(&path).ok();
        assert_eq!((&ended["active"], &ended["ended_reason"]), (&json!(false), &json!("owner")), "{ended}");
        desk.database
            .run(&format!("UPDATE users SET role = 'director', active = true WHERE id = '{}'", owner.id()));
        if ended["owner"]["id"] == owner.id() {
            let resumed = director.patch(&path, json!({"active": true})).ok();
            assert_eq!(resumed["owner"]["id"], owner.id(), "the owner may have webhooks again");
        }
    }
    receiver.always(Reply::status(204));
    desk.database.run(&format!("UPDATE users SET role = 'technician' WHERE id = '{}'", owner.id()));
    make_due(&desk);
    desk.send_webhooks();
    receiver.take();
    let told = director.get("/messages?kind=webhook_ended").items();
    assert!(told.iter().all(|message| message["recipient"]["id"] != owner.id()), "{told:?}");
    let shown = director.get(&format!("/messages/{}", told[0]["id"].as_str().unwrap())).ok();
    assert!(shown["text"].as_str().unwrap().contains("http://127.0.0.1:"), "{shown}");
    let resumed = director.patch(&path, json!({"active": true})).ok();
    assert_eq!(resumed["owner"]["id"], director.id(), "the account that resumes it");
    desk.send_webhooks();
    let kinds = by_subject(&receiver.requests());
    assert!(kinds[&format!("ticket/{}", ticket["id"])].contains(&"followup_added".to_owned()), "{kinds:?}");
}

#[test]
fn a_service_account_has_webhooks_of_its_own_within_its_scopes() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let scopes = ["manage_webhooks", "follow_events", "read_ticket", "use_private_followups"];
    let (account, machine) = machine(&desk, Role::Director, &scopes);
    let (of_director, _) = webhook(&director, &Receiver::start());
    let (own, _) = webhook(&machine, &receiver);
    for request in [machine.get(&of_director), machine.patch(&of_director, json!({"url": receiver.url()}))] {
        request.problem(404, "not_found");
    }
    machine.post(&format!("{of_director}/secret-rotation"), json!({})).problem(404, "not_found");
    machine.get(&format!("{of_director}/deliveries")).problem(404, "not_found");
    assert_eq!(machine.get("/webhooks").items().len(), 1);
    assert_eq!(director.get("/webhooks").items().len(), 2);
    director.patch(&of_director, json!({"active": false})).ok();

    let ticket = desk.requester().register("Sin red");
    desk.send_webhooks();
    receiver.take();
    let entry = json!({"visibility": "private", "body": "Interno."});
    director.post(&format!("/tickets/{}/followups", ticket["id"]), entry).created();
    receiver.reply([Reply::status(500)]);
    desk.send_webhooks();
    assert_eq!(receiver.take().len(), 1);
    // Between two attempts it loses what the event is about.
    let less = json!({"scopes": ["manage_webhooks", "follow_events", "read_ticket"]});
    director.patch(&format!("/service-accounts/{}", account["id"].as_str().unwrap()), less).ok();
    make_due(&desk);
    assert_eq!(desk.send_webhooks(), 0);
    let last = &machine.get(&format!("{own}/deliveries")).items()[0];
    assert_eq!(
        (&last["state"], &last["event_type"]),
        (&json!("skipped"), &json!("co.mesa.ticket.followup_added.v1"))
    );
    assert!(receiver.requests().is_empty());
}

#[test]
fn a_filter_selects_tickets_and_a_span_is_sent_again() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let category = director.post("/categories", json!({"name": "Nube"})).created()["id"].clone();
    let new = json!({"url": receiver.url(), "filter": {"category_ids": [category]}});
    let made = director.post("/webhooks", new).created();
    assert_eq!(made["filter"], json!({"unit_ids": [], "category_ids": [category]}));
    let path = format!("/webhooks/{}", made["id"].as_str().unwrap());
    desk.requester().register("Sin red");
    director.post("/categories", json!({"name": "Otra"})).created();
    let body = json!({"subject": "Nube", "description": "No abre el correo.", "category_id": category});
    let wanted = desk.requester().post("/tickets", body).created();
    desk.send_webhooks();
    let requests = receiver.take();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|request| request.event()["data"]["ticket_id"] == wanted["id"]));
    let replays = format!("{path}/replays");
    assert_eq!(director.post(&replays, json!({})).expect(202)["queued_count"], 0);
    let all = json!({"state": "delivered"});
    assert_eq!(director.post(&replays, all).faults()[0].0, "/created_from_at");
    let before = json!({"state": "delivered", "created_from_at": "2020-01-01T00:00:00Z", "created_before_at": "2021-01-01T00:00:00Z"});
    assert_eq!(director.post(&replays, before).expect(202)["queued_count"], 0);
    let span = json!({"state": "delivered", "created_from_at": "2020-01-01T00:00:00Z"});
    assert_eq!(director.post(&replays, span).expect(202)["queued_count"], requests.len());
    desk.send_webhooks();
    let ids = |requests: &[Received]| -> Vec<String> {
        requests.iter().map(|request| request.header("webhook-id").to_owned()).collect()
    };
    assert_eq!(ids(&receiver.take()), ids(&requests), "the same ids");
    let one = director.get(&format!("{path}/deliveries?sort=created_at")).items()[0].clone();
    let again = format!("{path}/deliveries/{}/replay", one["id"].as_str().unwrap());
    assert_eq!(director.post(&again, json!({})).expect(202)["state"], "waiting");
    assert_eq!(desk.send_webhooks(), 1);
    assert_eq!(receiver.take()[0].header("webhook-id"), one["event_id"]);
    let unknown = json!({"filter": {"unit_ids": [category]}});
    assert_eq!(director.patch(&path, unknown).faults()[0].0, "/filter/unit_ids/0");
    let unknown = json!({"event_types": ["co.mesa.ticket.acepted.v1"]});
    assert_eq!(director.patch(&path, unknown).faults()[0].0, "/event_types/0");
    director.delete(&path).expect_status(204);
    director.get(&path).problem(404, "not_found");
}

#[test]
fn old_deliveries_are_removed_and_there_are_fifty_webhooks_at_most() {
    let desk = open();
    let (director, receiver) = (desk.director(), Receiver::start());
    let (path, _) = webhook(&director, &receiver);
    for _ in 0..3 {
        director.post(&format!("{path}/test"), json!({})).expect(202);
    }
    desk.send_webhooks();
    director.post(&format!("{path}/test"), json!({})).expect(202);
    desk.database.run("UPDATE webhook_deliveries SET created_at = now() - interval '31 days'");
    desk.database.run("UPDATE webhook_deliveries SET created_at = now() WHERE id = (SELECT min(id::text)::uuid FROM webhook_deliveries)");
    desk.database.ask(|db| mesa::server::routine::once(db, &desk.shared().config));
    let left = director.get(&format!("{path}/deliveries")).items();
    assert_eq!(left.len(), 2, "a young one and one that waits: {left:?}");
    let metrics = desk.nobody().get("//metrics").text();
    assert!(metrics.contains("mesa_webhook_deliveries_waiting 1"), "{metrics}");
    for _ in 1..50 {
        webhook(&director, &receiver);
    }
    director.post("/webhooks", json!({"url": receiver.url()})).problem(409, "too_many_webhooks");
}
