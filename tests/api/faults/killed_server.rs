//! `kill -9` of the server under load.

use std::time::Instant;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::load::{Cast, Load, port};
use super::place::{number, on, sign_in};
use crate::harness::Database;
use crate::harness::binary::Running;

#[test]
fn a_killed_server_has_every_acknowledged_write_exactly_once() {
    let kills = number("MESA_TEST_FAULTS", 2);
    let (database, data, address) = (Database::from_template(), TempDir::new().unwrap(), port());
    let start = || {
        let mut command = on(&database, data.path(), &[]);
        command.env("MESA_LISTEN", &address);
        Running::start(command)
    };
    let began = Instant::now();
    let mut running = start();
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let load = Load::start(&Cast { requester, technician }, 4);
    for kill in 1..=kills {
        load.wait_for_writes(5 + kill * 7 % 13);
        running.signal(Signal::SIGKILL);
        running = start();
    }
    load.wait_for_writes(5);
    let done = load.end();
    done.hold(&mut database.connect(), &sign_in(&running, "director"));
    assert!(running.signal(Signal::SIGTERM).success());
    println!(
        "{kills} kills of the server: {} writes acknowledged and {} repeated, {} reads, {} s",
        done.writes,
        done.repeats,
        done.reads,
        began.elapsed().as_secs()
    );
}
