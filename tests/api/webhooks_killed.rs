//! A server that is killed repeatedly while it sends events to a webhook: none is lost, and those of a ticket stay in order.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::Desk;
use crate::harness::binary::{Running, mesa};
use crate::harness::receiver::{Receiver, Reply};

#[test]
fn a_server_killed_while_it_sends_loses_no_event() {
    let kills = std::env::var("MESA_TEST_KILLS").map_or(3, |text| text.parse().unwrap());
    let desk = Desk::configured(&[("MESA_WEBHOOK_ALLOW", "127.0.0.0/8")]);
    let (director, receiver) = (desk.director(), Receiver::start());
    director.post("/webhooks", json!({"url": receiver.url(), "event_types": ["co.mesa.ticket.*"]})).created();
    receiver.always(Reply::Slow(Duration::from_millis(30)));
    for _ in 0..20 {
        let ticket = desk.requester().register("Sin red");
        for level in ["high", "low", "medium", "critical"] {
            let step = format!("/tickets/{}/classification", ticket["id"]);
            desk.technician().post(&step, json!({"criticality": level})).ok();
        }
    }
    let log =
        director.get("/events?limit=1000&type=co.mesa.ticket.*").ok()["items"].as_array().unwrap().clone();
    let data = TempDir::new().unwrap();
    let start = || {
        Running::start(mesa(&[
            ("DATABASE_URL", desk.database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", data.path().to_str().unwrap()),
            ("MESA_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ]))
    };
    let wait_for = |enough: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !enough() {
            assert!(
                Instant::now() < deadline,
                "{} of {} after a minute",
                receiver.requests().len(),
                log.len()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    for kill in 1..=kills {
        let mut running = start();
        let share = receiver.requests().len() + log.len() / (kills + 1);
        wait_for(&|| receiver.requests().len() >= share.min(log.len()));
        std::thread::sleep(Duration::from_millis(u64::try_from(kill * 7 % 13).unwrap()));
        running.signal(Signal::SIGKILL);
        // A minute passes.
        desk.database.run(
            "UPDATE webhook_deliveries SET locked_until = locked_until - interval '1 minute', \
                 next_attempt_at = next_attempt_at - interval '1 minute' WHERE state = 'waiting'",
        );
    }
    let mut running = start();
    // One statement: deliveries may be made between two.
    let delivered = "SELECT count(*) FILTER (WHERE state = 'delivered') FROM webhook_deliveries \
                     HAVING count(*) = count(*) FILTER (WHERE state = 'delivered')";
    wait_for(&|| {
        let all = i64::try_from(log.len()).unwrap();
        desk.database.count(&format!("SELECT COALESCE(({delivered}), 0)")) >= all
    });
    assert!(running.signal(Signal::SIGTERM).success());
    let requests = receiver.requests();
    let (mut seen, mut of_subject) = (HashSet::new(), BTreeMap::<String, Vec<String>>::new());
    for event in requests.iter().map(|request| request.event()) {
        if seen.insert(event["id"].clone()) {
            let subject = event["subject"].as_str().unwrap().to_owned();
            of_subject.entry(subject).or_default().push(event["id"].as_str().unwrap().to_owned());
        }
    }
    for (subject, ids) in of_subject {
        let expected: Vec<&str> = log
            .iter()
            .filter(|event| event["subject"] == *subject)
            .map(|event| event["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids[..expected.len()], expected, "{subject}");
    }
    assert!(log.iter().all(|event| seen.contains(&event["id"])), "an event is missing");
    println!("{kills} kills, {} events, {} twice", seen.len(), requests.len() - seen.len());
}
