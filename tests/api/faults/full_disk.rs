//! A disk that is full under PostgreSQL: what was acknowledged stays, what cannot be written is told to come back, and the
//! desk goes on by itself once there is room.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};
use nix::sys::signal::Signal;
use serde_json::json;

use super::load::{Cast, Load};
use super::place::{Place, server, sign_in, within};
use crate::harness::binary::Running;
use crate::harness::skip;

/// A small disk of its own, where this user may make one.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Disk(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
#[ignore = "needs a disk of its own: .ci/faults"]
fn a_full_disk_under_postgresql_loses_nothing_that_was_acknowledged() {
    let place = Place::new();
    let Some(disk) = Disk::mount(&place.data()) else {
        skip("a full disk: this user may not mount one");
        return;
    };
    let mut running = Running::start(server(&place.data(), &[]));
    let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
    let director = sign_in(&running, "director");
    let load = Load::start(&Cast { requester: requester.clone(), technician }, 2);
    load.wait_for_writes(10);

    // All that is left is taken, as another program would.
    let filler = disk.0.join("filler");
    let fill = || {
        let _ = Command::new("dd")
            .args(["if=/dev/zero", "bs=64k"])
            .arg(format!("of={}", filler.display()))
            .output();
        // To the last byte.
        let _ = Command::new("sh").args(["-c", "head -c 65536 /dev/zero >> \"$0\""]).arg(&filler).output();
    };
    fill();
    // Long texts, until the room within PostgreSQL's own files is used up as well.
    let (long, began) = ("No hay red. ".repeat(1500), Instant::now());
    let (mut told, mut taken) = (0, 0);
    while told < 5 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{taken} were taken on a full disk, {told} refused"
        );
        let answer = requester.post("/tickets", json!({"subject": "Disco lleno", "description": long}));
        match answer.status {
            201 => taken += 1,
            _ => {
                let problem = answer.json();
                assert_eq!((answer.status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
                assert!(!answer.header("retry-after").is_empty());
                told += 1;
            }
        }
        assert_eq!(running.client().get("//health/live").status, 200);
        fill();
    }
    println!("{taken} long tickets were taken and then {told} told to come back");

    fs::remove_file(&filler).unwrap();
    let back = within(Duration::from_secs(30), "writes are taken again", || {
        requester.post("/tickets", json!({"subject": "Otra vez", "description": "Hay red."})).status == 201
    });
    println!("taken again {back:?} after there was room");
    load.wait_for_writes(10);
    let done = load.end();
    // Beside the long ones, which lived no life.
    let mut beside = PgConnection::establish(&place.url()).unwrap();
    let others = "SELECT FROM tickets WHERE subject IN ('Disco lleno', 'Otra vez')";
    assert_eq!(count(&mut beside, others), taken + 1, "what was acknowledged is there, and nothing else");
    done.hold_beside(&mut beside, &director, "'Disco lleno', 'Otra vez'");
    assert!(running.signal(Signal::SIGTERM).success());
}

fn count(db: &mut PgConnection, what: &str) -> i64 {
    super::load::count(db, &format!("SELECT count(*) AS count FROM ({what}) counted"))
}
