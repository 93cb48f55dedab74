//! PostgreSQL is suspended or shut down: the desk answers 503 at once, and works again when PostgreSQL is back.

use std::fs;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use mesa::db::private::PrivatePostgres;
use nix::sys::signal::Signal;
use serde_json::json;

use super::place::{Place, children, ended, number, postmaster, server, sign_in, signal, within};
use crate::harness::binary::Running;
use crate::harness::{Client, SECRET};

/// Maximum time until an answer, with a margin for a busy machine.
const AT_ONCE: Duration = Duration::from_millis(2500);

/// Suspends a PostgreSQL until this is dropped.
struct Still(Vec<i32>);

impl Still {
    fn of(postmaster: i32) -> Self {
        // The postmaster first, so that it starts no further processes.
        signal(postmaster, Signal::SIGSTOP);
        let mut all = children(postmaster);
        all.iter().for_each(|pid| signal(*pid, Signal::SIGSTOP));
        all.push(postmaster);
        Still(all)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        self.0.iter().for_each(|pid| signal(*pid, Signal::SIGCONT));
    }
}

fn stop_length() -> Duration {
    Duration::from_secs(u64::try_from(number("MESA_TEST_STOPPED_SECONDS", 3)).unwrap())
}

/// Sends requests while PostgreSQL is down: those that need the database get 503 at once, and the liveness check gets
/// 200.
fn is_down_for(how_long: Duration, running: &Running, requester: &Client) {
    let began = Instant::now();
    let key = requester.with("idempotency-key", "while-it-stood-still");
    let mut asked = 0;
    while began.elapsed() < how_long {
        let before = Instant::now();
        let answers = std::thread::scope(|scope| {
            let calls: [_; 4] = [
                scope.spawn(|| running.client().get("//health/ready")),
                scope.spawn(|| requester.get("/tickets")),
                scope.spawn(|| requester.get("/me")),
                scope.spawn(|| {
                    key.post("/tickets", json!({"subject": "Sin red", "description": "No hay red."}))
                }),
            ];
            calls.map(|call| call.join().unwrap())
        });
        for answer in answers {
            // The first attempt of the write may still be in progress.
            if answer.status != 409 {
                answer.problem(503, "unavailable");
                assert!(!answer.header("retry-after").is_empty(), "{}", answer.request);
            }
        }
        assert!(before.elapsed() < AT_ONCE, "{:?}", before.elapsed());
        let live = Instant::now();
        assert_eq!(running.client().get("//health/live").status, 200);
        assert!(live.elapsed() < Duration::from_millis(500), "{:?}", live.elapsed());
        asked += 1;
    }
    println!("{asked} times four clients got 503 within {AT_ONCE:?}");
}

/// The desk works as before: the write that was sent meanwhile is stored once, and every connection works.
fn is_back(running: &Running, requester: &Client, limit: Duration) {
    let took = within(limit, "the desk is ready", || running.client().get("//health/ready").status == 200);
    let key = requester.with("idempotency-key", "while-it-stood-still");
    let body = json!({"subject": "Sin red", "description": "No hay red."});
    within(limit, "the write", || key.post("/tickets", body.clone()).status == 201);
    assert_eq!(requester.get("/tickets?with_total=true").ok()["total"], 1);
    // As many requests at once as there are connections: none of their threads is blocked.
    let all: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| requester.get("/tickets").status)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(all, [200; 8]);
    let began = Instant::now();
    assert!((0..20).all(|_| requester.get("/tickets").status == 200));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    println!("ready again after {took:?}");
}

/// The number of threads of the process.
fn threads(running: &Running) -> usize {
    fs::read_dir(format!("/proc/{}/task", running.child.id())).unwrap().count()
}

#[test]
#[ignore = "a minute: .ci/faults"]
fn requests_get_503_at_once_while_postgresql_is_suspended() {
    let place = Place::new();
    let mut running = Running::start(server(&place.data(), &[("MESA_WORKERS", "2")]));
    let requester = sign_in(&running, "requester");
    let postmaster = place.postmaster().unwrap();
    // Twice: the second suspension is detected as well.
    for _ in 0..2 {
        let still = Still::of(postmaster);
        is_down_for(stop_length(), &running, &requester);
        drop(still);
        is_back(&running, &requester, Duration::from_secs(5));
    }
    let after = threads(&running);
    // The threads of the health checks have ended.
    within(Duration::from_secs(15), "the threads", || threads(&running) <= 24);
    println!("{after} threads when it was back, {} later", threads(&running));

    // SIGTERM while PostgreSQL is suspended: the server ends within a limit; PostgreSQL stops once it can.
    let still = Still::of(postmaster);
    let _ = requester.get("/tickets");
    signal(i32::try_from(running.child.id()).unwrap(), Signal::SIGTERM);
    let end = ended(&mut running, Duration::from_secs(90));
    drop(still);
    assert!(end.is_some_and(|status| status.success()), "{end:?}");
    within(Duration::from_secs(30), "PostgreSQL stops", || place.postmaster().is_none());
}

#[test]
#[ignore = "several seconds: .ci/faults"]
fn a_slow_statement_after_a_suspension_of_postgresql_is_not_a_503() {
    let place = Place::new();
    let mut running = Running::start(server(&place.data(), &[]));
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let one = requester.register("La que espera")["id"].clone();
    let mut beside = PgConnection::establish(&place.url()).unwrap();
    let still = Still::of(place.postmaster().unwrap());
    requester.get("/tickets").problem(503, "unavailable");
    // Until the health checks have given up.
    std::thread::sleep(Duration::from_secs(7));
    drop(still);
    within(Duration::from_secs(5), "the desk is ready", || {
        running.client().get("//health/ready").status == 200
    });
    // A slow statement is allowed to complete.
    beside.batch_execute(&format!("BEGIN; SELECT FROM tickets WHERE id = {one} FOR UPDATE")).unwrap();
    let slow = std::thread::scope(|scope| {
        let body = json!({"criticality": "high"});
        let slow = scope.spawn(|| technician.post(&format!("/tickets/{one}/classification"), body));
        std::thread::sleep(Duration::from_millis(1500));
        beside.batch_execute("COMMIT").unwrap();
        slow.join().unwrap()
    });
    assert_eq!(slow.ok()["status"], "classified");
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
#[ignore = "several seconds: .ci/faults"]
fn requests_get_503_while_postgresql_is_shut_down_and_work_after_its_restart() {
    let place = Place::new();
    let data = place.data().join("beside");
    let postgres = PrivatePostgres::start(&data).unwrap();
    let url = postgres.url().to_owned();
    let mut command = server(&place.data().join("desk"), &[("MESA_JWT_SECRET", SECRET)]);
    command.env("DATABASE_URL", &url);
    let mut running = Running::start(command);
    let mut db = PgConnection::establish(&url).unwrap();
    mesa::people::demo::prepare(&mut db, crate::harness::PASSWORD).unwrap();
    drop(db);
    let requester = sign_in(&running, "requester");
    postgres.stop();
    assert_eq!(postmaster(&data), None);
    is_down_for(stop_length(), &running, &requester);
    let again = PrivatePostgres::start(&data).unwrap();
    assert_eq!(again.url(), url);
    is_back(&running, &requester, Duration::from_secs(5));
    // The server stops with success while PostgreSQL is suspended; it does not stop a PostgreSQL that it did not start.
    let still = Still::of(postmaster(&data).unwrap());
    let _ = requester.get("/tickets");
    signal(i32::try_from(running.child.id()).unwrap(), Signal::SIGTERM);
    let end = ended(&mut running, Duration::from_secs(25));
    drop(still);
    assert!(end.is_some_and(|status| status.success()), "{end:?}");
}
