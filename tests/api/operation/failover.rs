//! A database URL with several servers: one that does not answer, and a primary that is replaced by its standby.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use super::node::{Node, url};
use crate::faults::load::{Acknowledged, Cast, Load};
use crate::faults::place::{number, server, sign_in, within};
use crate::harness::SECRET;
use crate::harness::binary::Running;

/// A copy of the server on these servers.
pub fn copy(data: &TempDir, database: &str, variables: &[(&str, &str)]) -> Running {
    let mut command = server(data.path(), variables);
    command.env("DATABASE_URL", database).env("MESA_JWT_SECRET", SECRET);
    Running::start(command)
}

#[test]
fn a_first_server_that_does_not_answer_delays_only_the_start() {
    let node = Node::primary();
    node.prepare();
    // It completes the handshakes of connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let both = url(&[&node]).replacen("@", &format!("@{},", silent.local_addr().unwrap()), 1);
    let data = TempDir::new().unwrap();
    let began = Instant::now();
    let mut running = copy(&data, &both, &[]);
    let ready = began.elapsed();
    assert!(ready < Duration::from_secs(30), "ready after {ready:?}");
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let longest = (0..20).map(|_| {
        let asked = Instant::now();
        requester.get("/tickets").ok();
        asked.elapsed()
    });
    let longest = longest.max().unwrap();
    assert!(longest < Duration::from_secs(6), "{longest:?}");
    // More connections than one, and a change that takes three seconds.
    let ticket = requester.register("La que espera")["id"].clone();
    let mut beside = node.connect();
    beside.batch_execute(&format!("BEGIN; SELECT FROM tickets WHERE id = {ticket} FOR UPDATE")).unwrap();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let path = format!("/tickets/{ticket}/classification");
            technician.post(&path, json!({"criticality": "high"})).status
        });
        let reads: Vec<_> = (0..6).map(|_| scope.spawn(|| requester.get("/tickets").status)).collect();
        std::thread::sleep(Duration::from_secs(3));
        beside.batch_execute("COMMIT").unwrap();
        std::iter::once(slow).chain(reads).map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 7]);
    println!("ready after {ready:?}, answers within {longest:?}");
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
#[ignore = "half a minute: .ci/operation"]
fn connections_to_a_primary_that_does_not_respond_are_replaced() {
    let primary = Node::primary();
    primary.prepare();
    let standby = primary.standby();
    let data = TempDir::new().unwrap();
    let running = copy(&data, &url(&[&primary, &standby]), &[]);
    let requester = sign_in(&running, "requester");
    let read_at_once = || -> Vec<u16> {
        std::thread::scope(|scope| {
            let calls: Vec<_> = (0..16).map(|_| scope.spawn(|| requester.get("/tickets").status)).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        })
    };
    // All connections are open, and idle for longer than they are used without a check.
    let mut lock = primary.connect();
    lock.batch_execute("BEGIN; LOCK TABLE tickets").unwrap();
    std::thread::scope(|scope| {
        let reads = scope.spawn(read_at_once);
        std::thread::sleep(Duration::from_secs(1));
        lock.batch_execute("COMMIT").unwrap();
        reads.join().unwrap();
    });
    std::thread::sleep(Duration::from_secs(3));
    primary.suspend();
    standby.promote();
    let promoted = Instant::now();
    within(Duration::from_secs(60), "reads", || {
        read_at_once();
        requester.get("/tickets").status == 200
    });
    requester.register("Después")["id"].as_i64().unwrap();
    println!("served again {:?} after the promotion", promoted.elapsed());
}

#[test]
fn a_killed_primary_is_replaced_by_its_synchronous_standby_without_a_loss() {
    let mut primary = Node::primary();
    primary.prepare();
    let mut standby = primary.standby();
    let (data, other_data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let rounds = number("MESA_TEST_FAILOVERS", 1);
    let (mut all, mut longest) = (Acknowledged::default(), Duration::ZERO);
    for round in 1..=rounds {
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
        primary.execute("SELECT pg_reload_conf()");
        let both = url(&[&primary, &standby]);
        let copies = [copy(&data, &both, &[]), copy(&other_data, &both, &[])];
        let loads = [(&copies[0], "a"), (&copies[1], "b")].map(|(running, name)| {
            let (requester, technician) = (sign_in(running, "requester"), sign_in(running, "technician"));
            Load::named(&format!("{round}{name}"), &Cast { requester, technician }, 3)
        });
        loads.iter().for_each(|load| load.wait_for_writes(20));
        primary.kill();
        standby.promote();
        let promoted = Instant::now();
        loads.iter().for_each(|load| load.wait_for_writes(1));
        longest = longest.max(promoted.elapsed());
        loads.iter().for_each(|load| load.wait_for_writes(10));
        all = loads.into_iter().map(Load::end).fold(all, Acknowledged::and);
        all.hold(&mut standby.connect(), &sign_in(&copies[0], "director"));
        drop(copies);
        primary = standby;
        standby = primary.standby();
    }
    println!(
        "{rounds} failovers: {} writes acknowledged and {} repeated, the next write {longest:?} after the promotion",
        all.writes, all.repeats
    );
}
