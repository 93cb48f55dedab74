//! A synchronous standby that is lost, and a server that accepts no changes any more.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;
use tempfile::TempDir;

use super::failover::copy;
use super::node::{Node, url};
use crate::faults::place::{sign_in, within};

#[test]
#[ignore = "half a minute: .ci/operation"]
fn while_the_standby_is_lost_reads_go_on_and_changes_are_made_once_afterwards() {
    let primary = Node::primary();
    primary.prepare();
    let standby = primary.standby();
    let data = TempDir::new().unwrap();
    let running = copy(&data, &url(&[&primary]), &[]);
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.execute("SELECT pg_reload_conf()");
    requester.register("Con el standby");
    standby.kill();
    // More changes than there are connections.
    let write = |number: usize| {
        let key = format!("without-standby-{number}");
        let body = json!({"subject": format!("Sin standby {number}"), "description": "No hay red."});
        requester.with("idempotency-key", &key).post("/tickets", body)
    };
    let reads = std::thread::scope(|scope| {
        let writes: Vec<_> = (0..12)
            .map(|number| {
                let write = &write;
                scope.spawn(move || {
                    let asked = Instant::now();
                    (write(number), asked.elapsed())
                })
            })
            .collect();
        // Reads that record something are changes too.
        let recording: Vec<_> = ["/tickets/export", "/tickets/export", "/events", "/events"]
            .map(|path| scope.spawn(|| technician.get(path).problem(503, "unavailable")))
            .into();
        let began = Instant::now();
        let mut reads = 0;
        while began.elapsed() < Duration::from_secs(22) {
            let asked = Instant::now();
            requester.get("/tickets").ok();
            assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
            reads += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
        for call in recording {
            call.join().unwrap();
        }
        for write in writes {
            let (answer, took) = write.join().unwrap();
            answer.problem(503, "unavailable");
            assert!(took < Duration::from_secs(30), "{took:?}");
        }
        reads
    });
    standby.start();
    let began = Instant::now();
    for number in 0..12 {
        within(Duration::from_secs(30), "the change", || write(number).status == 201);
    }
    assert_eq!(requester.get("/tickets?with_total=true").ok()["total"], 13);
    println!(
        "{reads} reads while 12 changes waited for a standby; all made {:?} after its return",
        began.elapsed()
    );
}

#[test]
fn a_server_that_accepts_no_changes_is_never_an_internal_error() {
    let node = Node::primary();
    node.prepare();
    let data = TempDir::new().unwrap();
    let running = copy(&data, &url(&[&node]), &[]);
    let requester = sign_in(&running, "requester");
    let ready = || running.client().get("//health/ready").status;
    let write = || {
        let body = json!({"subject": "Sin cambios", "description": "No hay red."});
        requester.post("/tickets", body).status
    };
    assert_eq!((ready(), write()), (200, 201));
    // As its sessions see it, it has become a standby.
    node.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    node.execute("SELECT pg_reload_conf()");
    let mut refused = 0;
    within(Duration::from_secs(40), "changes are refused", || {
        let status = write();
        assert!([201, 503].contains(&status), "{status}");
        refused += usize::from(status == 503);
        refused == 3
    });
    within(Duration::from_secs(15), "it is not ready", || ready() == 503);
    let mut again = node.connect();
    for statement in [
        "SET default_transaction_read_only = off",
        "ALTER SYSTEM RESET default_transaction_read_only",
        "SELECT pg_reload_conf()",
    ] {
        again.batch_execute(statement).unwrap();
    }
    within(Duration::from_secs(10), "changes are made again", || write() == 201);
    assert_eq!(ready(), 200);
}

#[test]
fn lists_and_figures_are_read_from_a_standby_and_have_every_earlier_change() {
    let primary = Node::primary();
    primary.prepare();
    let standby = primary.standby();
    let data = TempDir::new().unwrap();
    let running = copy(&data, &url(&[&primary]), &[("MESA_READ_URL", &url(&[&standby]))]);
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    // How many transactions the standby has carried out for the server.
    let carried_out = || {
        let statement = "SELECT xact_commit AS count FROM pg_stat_database WHERE datname = 'mesa'";
        crate::faults::load::count(&mut standby.connect(), statement)
    };
    let newest = || technician.get("/tickets?limit=1").ok()["items"][0]["id"].clone();
    let before = carried_out();
    for _ in 0..20 {
        let ticket = requester.register("Con el standby")["id"].clone();
        assert_eq!(newest(), ticket);
    }
    let period = "/statistics?from_date=2026-01-01&through_date=2026-12-31";
    technician.get(period).ok();
    technician.get("/kb/articles").ok();
    within(Duration::from_secs(10), "the standby reads", || carried_out() >= before + 30);
    // It stays behind: the primary is read.
    standby.execute("SELECT pg_wal_replay_pause()");
    for _ in 0..3 {
        let ticket = requester.register("Sin el standby")["id"].clone();
        assert_eq!(newest(), ticket);
    }
    standby.execute("SELECT pg_wal_replay_resume()");
    standby.kill();
    for _ in 0..3 {
        let (ticket, asked) = (requester.register("Sin el standby")["id"].clone(), Instant::now());
        assert_eq!(newest(), ticket);
        assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    }
    technician.get(period).ok();
}
