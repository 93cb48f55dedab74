//! Followers of the log while many write through two copies of the server, of which one is killed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};
use mesa::people::demo;
use nix::sys::signal::Signal;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::{Database, PASSWORD};

/// A number from the environment, so that the same test can run for longer.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// One of several copies of the server: the next one if a copy does not answer.
struct Copies<'a> {
    http: Client,
    urls: &'a [String],
    token: &'a str,
    place: usize,
}

impl Copies<'_> {
    fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let url = format!("{}/api/v1{path}", self.urls[self.place % self.urls.len()]);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer =
            request.send().ok().and_then(|answer| Some((answer.status().as_u16(), answer.json().ok()?)));
        if answer.is_none() {
            self.place += 1;
        }
        answer
    }
}

struct Received {
    id: String,
    subject: String,
    after: f64,
}

/// Reads the events of tickets after a cursor until `is_over`, and then to the end of the log.
fn follow(copies: &mut Copies<'_>, mut cursor: String, is_over: &AtomicBool) -> Vec<Received> {
    let mut received = Vec::new();
    loop {
        let was_over = is_over.load(Ordering::SeqCst);
        let path = format!("/events?after={cursor}&type=co.mesa.ticket.*&limit=500&wait=1");
        let Some((200, page)) = copies.send("GET", &path, None) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let now = Utc::now();
        for event in page["items"].as_array().unwrap() {
            let at: DateTime<Utc> = event["time"].as_str().unwrap().parse().unwrap();
            received.push(Received {
                id: event["id"].as_str().unwrap().to_owned(),
                subject: event["subject"].as_str().unwrap().to_owned(),
                after: (now - at).as_seconds_f64(),
            });
        }
        page["next_cursor"].as_str().unwrap().clone_into(&mut cursor);
        if was_over && page["has_more"] == false && page["items"].as_array().unwrap().is_empty() {
            return received;
        }
    }
}

/// Registers tickets, classifies them and adds followups. What is not answered may have been done or not.
fn write(copies: &mut Copies<'_>, requester: &str, stopped: &AtomicBool) {
    let mut number = 0;
    while !stopped.load(Ordering::SeqCst) {
        number += 1;
        let new = json!({"subject": format!("Caso {number}"), "description": "x", "requester_id": requester});
        let Some((201, ticket)) = copies.send("POST", "/tickets", Some(&new)) else { continue };
        let one = format!("/tickets/{}", ticket["id"]);
        copies.send("POST", &format!("{one}/classification"), Some(&json!({"criticality": "low"})));
        let entry = json!({"visibility": "private", "body": "Se revisa."});
        copies.send("POST", &format!("{one}/followups"), Some(&entry));
    }
}

#[derive(diesel::QueryableByName)]
struct Entry {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    ticket_id: i64,
    #[diesel(sql_type = BigInt)]
    of_ticket: i64,
}

#[test]
fn followers_miss_nothing_and_see_nothing_twice_while_a_copy_is_killed() {
    let (writers, seconds) = (number("MESA_TEST_WRITERS", 8), number("MESA_TEST_FOLLOWED_SECONDS", 3));
    let database = Database::from_template();
    demo::prepare(&mut database.connect(), PASSWORD).unwrap();
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let start = |folder: &TempDir| {
        Running::start(mesa(&[
            ("DATABASE_URL", database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", folder.path().to_str().unwrap()),
            ("MESA_RATE_LIMIT", "0"),
            ("RUST_LOG", "warn"),
        ]))
    };
    let (kept, mut killed) = (start(&folders[0]), start(&folders[1]));
    let sign_in = |email: &str| {
        let login = json!({"email": email, "password": PASSWORD});
        kept.client().post("/auth/login", login).ok()["access_token"].as_str().unwrap().to_owned()
    };
    let token = sign_in("technician@mesa.test");
    let requester = kept.client().holding(&sign_in("requester@mesa.test")).get("/me").ok();
    let requester = requester["id"].as_str().unwrap();
    let urls = [kept.url.clone(), killed.url.clone()];
    let copies = |place: usize| {
        let http = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Copies { http, urls: &urls, token: &token, place }
    };
    let (is_over, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    let (whole, from_end, from_middle) = thread::scope(|scope| {
        let (is_over, stopped) = (&is_over, &stopped);
        let follower = |place: usize, cursor: String| {
            let mut copies = copies(place);
            scope.spawn(move || follow(&mut copies, cursor, is_over))
        };
        let end = copies(0).send("GET", "/events?after=end", None).unwrap().1;
        let whole = follower(0, "start".to_owned());
        // This one reads from the copy that is killed.
        let from_end = follower(1, end["next_cursor"].as_str().unwrap().to_owned());
        let writing: Vec<_> = (0..writers)
            .map(|place| {
                let mut copies = copies(usize::try_from(place).unwrap());
                scope.spawn(move || write(&mut copies, requester, stopped))
            })
            .collect();
        thread::sleep(Duration::from_secs(seconds) / 3);
        let middle = copies(0).send("GET", "/events?after=end", None).unwrap().1;
        let from_middle = follower(0, middle["next_cursor"].as_str().unwrap().to_owned());
        thread::sleep(Duration::from_secs(seconds) / 6);
        killed.signal(Signal::SIGKILL);
        // However long the reads above took: there are events after each of them.
        thread::sleep(Duration::from_secs(seconds) / 2);
        stopped.store(true, Ordering::SeqCst);
        for one in writing {
            one.join().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
        (whole.join().unwrap(), from_end.join().unwrap(), from_middle.join().unwrap())
    });
    // In the order of the log; `of_ticket`: the place among the events of the ticket by when they were written.
    let log: Vec<Entry> = database.ask(|db| {
        diesel::sql_query(
            "SELECT e.id::text AS id, e.ticket_id, row_number() OVER (PARTITION BY e.ticket_id ORDER BY e.at, e.id) AS of_ticket \
             FROM events e JOIN log_entries l ON l.event_id = e.id ORDER BY l.position",
        )
        .load(db)
        .unwrap()
    });
    assert!(log.len() > 20, "{}", log.len());
    let mut places: HashMap<i64, i64> = HashMap::new();
    for entry in &log {
        let place = places.insert(entry.ticket_id, entry.of_ticket).unwrap_or_default();
        assert_eq!(entry.of_ticket, place + 1, "an event of ticket {} is out of order", entry.ticket_id);
    }
    let ids = |from: &[Received]| from.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    let all: Vec<String> = log.iter().map(|entry| entry.id.clone()).collect();
    assert!(ids(&whole) == all, "{} events of {}", whole.len(), all.len());
    for part in [&from_end, &from_middle] {
        assert!(all.ends_with(&ids(part)) && !part.is_empty(), "{} events of {}", part.len(), all.len());
    }
    assert!(
        whole.iter().zip(&log).all(|(event, entry)| event.subject == format!("ticket/{}", entry.ticket_id))
    );
    let mut lags: Vec<f64> = whole.iter().chain(&from_middle).map(|event| event.after).collect();
    lags.sort_by(f64::total_cmp);
    println!(
        "{writers} writers, {seconds} s, {} events: read after {:.3} s (p50), {:.3} s (p99)",
        all.len(),
        lags[lags.len() / 2],
        lags[lags.len() * 99 / 100]
    );
}
