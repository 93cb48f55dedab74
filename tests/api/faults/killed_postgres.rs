//! `kill -9` of PostgreSQL under load: of its postmaster, which the desk that started it restarts, and of a backend,
//! after which PostgreSQL restarts all backends. The server keeps running.

use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};
use nix::sys::signal::Signal;

use super::load::{Cast, Load};
use super::place::{Place, children, number, server, sign_in, signal, within};
use crate::harness::binary::Running;

/// Maximum time until the desk is ready again.
const BACK: Duration = Duration::from_secs(15);

/// Runs a desk under load, calls `kill` on its PostgreSQL `kills` times and verifies the acknowledged writes.
fn killed(what: &str, kills: usize, kill: impl Fn(&Place)) {
    let place = Place::new();
    let began = Instant::now();
    let mut running = Running::start(server(&place.data(), &[]));
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let load = Load::start(&Cast { requester, technician }, 4);
    let mut longest = Duration::ZERO;
    for round in 1..=kills {
        load.wait_for_writes(5 + round * 7 % 13);
        let gone = Instant::now();
        kill(&place);
        // Writes are acknowledged again without any intervention.
        load.wait_for_writes(2);
        assert!(gone.elapsed() < BACK, "{:?} until the next write", gone.elapsed());
        longest = longest.max(gone.elapsed());
    }
    load.wait_for_writes(5);
    let done = load.end();
    within(BACK, "the desk is ready", || running.client().get("//health/ready").status == 200);
    done.hold(&mut PgConnection::establish(&place.url()).unwrap(), &sign_in(&running, "director"));
    assert!(running.signal(Signal::SIGTERM).success());
    assert_eq!(place.postmaster(), None, "the restarted PostgreSQL is stopped as well");
    println!(
        "{kills} kills of {what}: {} writes acknowledged and {} repeated, {} reads, back after {longest:?} at most, {} s",
        done.writes,
        done.repeats,
        done.reads,
        began.elapsed().as_secs()
    );
}

#[test]
fn a_killed_postmaster_is_restarted_with_every_acknowledged_write() {
    killed("the postmaster", number("MESA_TEST_FAULTS", 1), |place| {
        let postmaster = place.postmaster();
        signal(postmaster.unwrap(), Signal::SIGKILL);
        within(BACK, "another postmaster", || place.postmaster().is_some_and(|pid| Some(pid) != postmaster));
    });
}

#[test]
#[ignore = "half a minute: .ci/faults"]
fn a_killed_backend_loses_no_acknowledged_write() {
    killed("a backend", number("MESA_TEST_FAULTS", 2), |place| {
        let postmaster = place.postmaster().unwrap();
        // A backend that serves the desk, according to its process title.
        let serves = |pid: &i32| {
            let title = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&title).contains("mesa_server mesa [local]")
        };
        let mut pid = None;
        within(BACK, "a connection of the desk", || {
            pid = children(postmaster).into_iter().rfind(serves);
            pid.is_some()
        });
        signal(pid.unwrap(), Signal::SIGKILL);
        // PostgreSQL ends all other backends too.
        within(BACK, "PostgreSQL restarts", || !children(postmaster).contains(&pid.unwrap()));
    });
}
