//! Time limits of database connections: for statements, locks and idle transactions.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mesa::db::session::{self, Bounds};
use mesa::db::{Db, Statement};
use mesa::problem::Code;

use crate::harness::Desk;

#[derive(QueryableByName, Debug, PartialEq)]
struct Limits {
    #[diesel(sql_type = diesel::sql_types::Text)]
    statement: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    lock: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    idle: String,
}

#[derive(diesel::QueryableByName)]
struct Backend {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pid: i32,
}

fn limits(db: &mut PgConnection) -> [String; 3] {
    let found: Limits = diesel::sql_query(
        "SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock, \
            current_setting('idle_in_transaction_session_timeout') AS idle",
    )
    .get_result(db)
    .unwrap();
    [found.statement, found.lock, found.idle]
}

/// Otherwise each new combination of filters would use memory of PostgreSQL for as long as the connection is open.
#[test]
fn a_connection_with_too_many_prepared_statements_is_replaced() {
    let desk = Desk::configured(&[("MESA_POOL_SIZE", "1")]);
    let prepare = |statements: usize| {
        let mut connection = desk.shared().db.connection().unwrap();
        for number in 0..statements {
            Statement::new(format!("SELECT {number}")).execute(&mut **connection).unwrap();
        }
        let pid = Statement::new("SELECT pg_backend_pid() AS pid");
        pid.get_result::<Backend>(&mut **connection).unwrap().pid
    };
    let first = prepare(500);
    assert_eq!(prepare(500), first, "statements that are already prepared are not counted again");
    assert_eq!(prepare(1001), first);
    assert_ne!(prepare(0), first);
}

#[test]
fn every_connection_has_its_time_limits() {
    let desk = Desk::open();
    assert_eq!(limits(&mut desk.shared().db.connection().unwrap()), ["15s", "5s", "30s"]);
    assert_eq!(limits(&mut desk.shared().db.apart().unwrap()), ["15s", "5s", "30s"]);
    let mut command = session::open(&desk.database.url, Bounds::Command).unwrap();
    assert_eq!(limits(&mut command), ["1h", "1min", "0"]);
    // Only these files open connections.
    let allowed = ["src/db/hosts.rs", "src/db/database_health.rs"];
    for (path, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let opens = text.contains("PgConnection::establish") || text.contains("ConnectionManager::new");
        let known = allowed.iter().any(|known| path.ends_with(known));
        assert!(!opens || known, "{path} opens a connection without these limits");
    }
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push((entry.to_str().unwrap().to_owned(), fs::read_to_string(&entry).unwrap()));
        }
    }
    found
}

#[test]
fn a_request_that_waits_for_a_lock_gets_503() {
    let desk = Desk::open();
    let (one, requester) = (desk.ticket_in("classified"), desk.requester());
    let mut holder = desk.database.connect();
    holder.batch_execute("BEGIN; SELECT FROM tickets FOR UPDATE").unwrap();
    let began = Instant::now();
    let waits = std::thread::scope(|scope| {
        let technician = desk.technician();
        let path = format!("{one}/archive");
        let waiting = scope.spawn(move || technician.post(&path, serde_json::json!({"reason": "duplicate"})));
        // Other requests are served meanwhile.
        assert_eq!(requester.get(&one).status, 200);
        assert!(began.elapsed() < Duration::from_secs(2));
        waiting.join().unwrap()
    });
    waits.problem(503, "unavailable");
    assert!(!waits.header("retry-after").is_empty());
    let waited = began.elapsed();
    assert!(waited > Duration::from_secs(3) && waited < Duration::from_secs(8), "{waited:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    let archived =
        desk.technician().post(&format!("{one}/archive"), serde_json::json!({"reason": "duplicate"}));
    assert_eq!(archived.ok()["status"], "archived");
}

#[test]
#[ignore = "a quarter of a minute: .ci/faults"]
fn a_round_of_the_routine_does_not_wait_indefinitely_for_a_lock() {
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    desk.database.run("UPDATE tickets SET solved_at = solved_at - interval '10 days'");
    let mut holder = desk.database.connect();
    holder.batch_execute("BEGIN; LOCK TABLE tickets, surveys, messages IN ACCESS EXCLUSIVE MODE").unwrap();
    let shared = desk.shared();
    let began = Instant::now();
    mesa::server::routine::once(&mut shared.db.connection().unwrap(), &shared.config);
    // Several tasks, each with its own wait for a lock.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    holder.batch_execute("ROLLBACK").unwrap();
    drop(holder);
    assert_eq!(desk.requester().get(&one).status, 200);
}

#[test]
#[ignore = "a quarter of a minute: .ci/faults"]
fn a_statement_that_takes_too_long_is_a_503_and_a_transaction_left_open_is_ended() {
    let desk = Desk::configured(&[("MESA_POOL_SIZE", "1")]);
    let db = &desk.shared().db;
    let system = actix_web::rt::System::new();
    let began = Instant::now();
    let slow = system.block_on(db.run(|db| Ok(diesel::sql_query("SELECT pg_sleep(60)").execute(db)?)));
    assert_eq!(slow.unwrap_err().code, Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(17), "{:?}", began.elapsed());
    // One second instead of the usual 30.
    let left = system.block_on(db.run(|db| {
        db.batch_execute("SET idle_in_transaction_session_timeout = '1s'")?;
        db.batch_execute("BEGIN")?;
        std::thread::sleep(Duration::from_secs(2));
        Ok(diesel::sql_query("SELECT 1").execute(db)?)
    }));
    assert_eq!(left.unwrap_err().code, Code::Unavailable);
    // The pool contains no broken connection.
    let answered = system.block_on(db.run(|db| Ok(diesel::sql_query("SELECT 1").execute(db)?)));
    assert_eq!(answered.unwrap(), 1);
}

#[test]
fn connecting_to_a_database_that_never_answers_times_out() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://mesa@{}/mesa", mute.local_addr().unwrap());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        tell.send((session::open(&url, Bounds::Command).is_err(), Db::connect(&url, 1).is_err()))
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok((true, true)));
}
