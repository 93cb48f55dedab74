//! Clients that take tickets through all steps during a fault: each write has an idempotency key and is repeated until
//! it is acknowledged.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use reqwest::blocking::Client as Http;
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD};

/// Maximum time until a write is acknowledged.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long an access token is used; it is valid for 15 minutes.
const TOKEN: Duration = Duration::from_secs(10 * 60);

/// An address with a free port, which every restart of a server uses.
pub fn port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The two users of a ticket.
#[derive(Clone)]
pub struct Cast {
    pub requester: Client,
    pub technician: Client,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    writes: AtomicUsize,
    reads: AtomicUsize,
    repeats: AtomicUsize,
    tickets: Mutex<Vec<i64>>,
    /// Unexpected answers.
    wrong: Mutex<Vec<String>>,
}

/// Clients that run until `end` is called.
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

/// The writes that were acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    pub tickets: Vec<i64>,
    pub writes: usize,
    pub reads: usize,
    pub repeats: usize,
}

impl Load {
    pub fn start(cast: &Cast, clients: usize) -> Self {
        Self::named("", cast, clients)
    }

    /// The same beside other loads with the same users: its idempotency keys begin with the name.
    pub fn named(name: &str, cast: &Cast, clients: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let client = |number| {
            let (cast, shared, name) = (cast.clone(), Arc::clone(&shared), format!("{name}{number}"));
            std::thread::spawn(move || One { cast, shared, http: http(), name }.live())
        };
        Load { clients: (0..clients).map(client).collect(), shared }
    }

    /// The number of writes acknowledged so far.
    pub fn writes(&self) -> usize {
        self.shared.writes.load(Ordering::Relaxed)
    }

    /// Waits until `more` further writes are acknowledged.
    pub fn wait_for_writes(&self, more: usize) {
        let (enough, deadline) = (self.writes() + more, Instant::now() + PATIENCE);
        while self.writes() < enough {
            assert!(Instant::now() < deadline, "no {more} writes were acknowledged within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets every client finish its current ticket.
    pub fn end(self) -> Acknowledged {
        self.shared.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
        let wrong = self.shared.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} wrong answers: {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        Acknowledged {
            tickets: self.shared.tickets.lock().unwrap().clone(),
            writes: self.shared.writes.load(Ordering::Relaxed),
            reads: self.shared.reads.load(Ordering::Relaxed),
            repeats: self.shared.repeats.load(Ordering::Relaxed),
        }
    }
}

pub fn http() -> Http {
    Http::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(30)).build().unwrap()
}

struct One {
    cast: Cast,
    shared: Arc<Shared>,
    http: Http,
    name: String,
}

impl One {
    fn live(mut self) {
        let mut signed_in = Instant::now();
        for life in 0.. {
            if self.shared.over.load(Ordering::Relaxed) {
                return;
            }
            if signed_in.elapsed() > TOKEN {
                let Cast { requester, technician } = &self.cast;
                self.cast = Cast { requester: self.again(requester), technician: self.again(technician) };
                signed_in = Instant::now();
            }
            let Cast { requester, technician } = &self.cast;
            let write = |who: &Client, path: &str, body: Value| {
                let key = format!("{}-{life}-{}", self.name, path.rsplit('/').next().unwrap_or_default());
                self.insist(who, path, &key, &body)
            };
            let new = json!({"subject": format!("Sin red {life}"), "description": "No hay red."});
            let ticket = write(requester, "/tickets", new)["id"].as_i64().unwrap();
            self.shared.tickets.lock().unwrap().push(ticket);
            let one = format!("/tickets/{ticket}");
            self.read(requester, &one);
            write(technician, &format!("{one}/classification"), json!({"criticality": "high"}));
            write(technician, &format!("{one}/assignment"), json!({"assignee_id": technician.id()}));
            self.read(technician, "/tickets?limit=20");
            let then = Utc::now() + TimeDelta::hours(1);
            write(technician, &format!("{one}/acceptance"), json!({"scheduled_for": then}));
            let said = json!({"visibility": "public", "body": "Vamos a su oficina."});
            write(technician, &format!("{one}/followups"), said);
            self.read(requester, &format!("{one}/followups"));
            write(technician, &format!("{one}/solution"), json!({"description": "Se cambió el cable."}));
        }
    }

    /// Signs the same user in again.
    fn again(&self, who: &Client) -> Client {
        let login = json!({"email": who.email(), "password": PASSWORD});
        let session = self.repeat(who, "/auth/login", "", &login);
        who.holding(session["access_token"].as_str().unwrap())
    }

    /// Repeats the write until it is acknowledged, and counts it.
    fn insist(&self, who: &Client, path: &str, key: &str, body: &Value) -> Value {
        let written = self.repeat(who, path, key, body);
        self.shared.writes.fetch_add(1, Ordering::Relaxed);
        written
    }

    /// Repeats the request with its idempotency key until it is acknowledged.
    fn repeat(&self, who: &Client, path: &str, key: &str, body: &Value) -> Value {
        let (address, token) = who.door();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let request = self.http.post(format!("http://{address}/api/v1{path}")).bearer_auth(token);
            let answer = request.header("idempotency-key", key).json(body).send();
            // An incomplete answer is an error.
            let answer = answer.and_then(|answer| {
                let (status, again) =
                    (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
                answer.text().map(|text| (status, again, text))
            });
            match answer {
                Ok((200 | 201, _, text)) => return serde_json::from_str(&text).unwrap(),
                Err(_) | Ok((503, true, _)) => {}
                Ok((409, _, text)) if text.contains("request_in_progress") => {}
                Ok((status, _, text)) => self.complain(format!("POST {path}: {status} {text}")),
            }
            self.shared.repeats.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("POST {path} under {key} was not acknowledged within {PATIENCE:?}");
    }

    fn read(&self, who: &Client, path: &str) {
        let (address, token) = who.door();
        let answer = self.http.get(format!("http://{address}/api/v1{path}")).bearer_auth(token).send();
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(200) => {
                self.shared.reads.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) | Ok(503) => {}
            Ok(status) => self.complain(format!("GET {path}: {status}")),
        }
    }

    fn complain(&self, what: String) {
        self.shared.wrong.lock().unwrap().push(what);
    }
}

#[derive(QueryableByName, PartialEq, Debug)]
struct Life {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    tickets: i64,
    #[diesel(sql_type = diesel::sql_types::Text)]
    life: String,
}

/// The traces of each ticket in all tables, grouped: how many tickets have the same ones. Whether a new ticket is told to
/// staff depends on how soon it is assigned.
const LIVES: &str = "SELECT count(*) AS tickets, life FROM (SELECT concat_ws(' ', t.status, t.version, \
    (SELECT string_agg(concat(seq, kind), ',' ORDER BY seq) FROM events WHERE ticket_id = t.id), \
    (SELECT string_agg(kind, ',' ORDER BY kind) FROM messages WHERE ticket_id = t.id AND kind <> 'new_ticket'), \
    (SELECT string_agg(concat(number, outcome), ',') FROM openings WHERE ticket_id = t.id), \
    (SELECT count(*) FROM followups WHERE ticket_id = t.id), \
    (SELECT count(*) FROM attentions WHERE ticket_id = t.id), \
    (SELECT count(*) FROM surveys WHERE ticket_id = t.id)) AS life FROM tickets t \
    WHERE t.subject NOT IN ({others})) lives GROUP BY life";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// The result of a statement that selects a `count`.
pub fn count(database: &mut PgConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Count>(database).unwrap().count
}

impl Acknowledged {
    /// With those of another load on the same database.
    pub fn and(mut self, other: Acknowledged) -> Self {
        self.tickets.extend(other.tickets);
        Acknowledged {
            tickets: self.tickets,
            writes: self.writes + other.writes,
            reads: self.reads + other.reads,
            repeats: self.repeats + other.repeats,
        }
    }

    /// Verifies that every acknowledged write is stored once, that nothing else is, and that the history verifies. All
    /// tickets went through the same steps, so a ticket that lacks something differs from the others.
    #[track_caller]
    pub fn hold(&self, database: &mut PgConnection, director: &Client) {
        self.hold_beside(database, director, "''");
    }

    /// The same, without the tickets that have these subjects.
    #[track_caller]
    pub fn hold_beside(&self, database: &mut PgConnection, director: &Client, others: &str) {
        let lives = LIVES.replace("{others}", others);
        let lives: Vec<Life> = diesel::sql_query(lives).load(database).unwrap();
        let beside = format!("SELECT count(*) AS count FROM tickets WHERE subject IN ({others})");
        let beside = usize::try_from(count(database, &beside)).unwrap();
        let whole = "solved 6 1received,2classified,3assigned,4accepted,5followup_added,6solved";
        assert!(lives.len() == 1 && lives[0].life.starts_with(whole), "tickets differ: {lives:#?}");
        assert_eq!(lives[0].tickets, i64::try_from(self.tickets.len()).unwrap());
        let mut known = self.tickets.clone();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), self.tickets.len(), "two registrations returned the same ticket");
        assert_eq!(self.writes, 6 * known.len());
        let verified = director.get("/audit/verification").ok();
        assert_eq!(verified["broken"], json!([]), "{verified}");
        assert_eq!(verified["ticket_count"], json!(known.len() + beside), "{verified}");
    }
}
