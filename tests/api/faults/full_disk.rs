//! PostgreSQL's disk is full: acknowledged writes remain, further writes get 503 with `Retry-After`, and the desk
//! accepts writes again once there is space.

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

/// A small tmpfs, if this user may mount one.
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
#[ignore = "needs a separate disk: .ci/faults"]
fn no_acknowledged_write_is_lost_when_the_disk_of_postgresql_is_full() {
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

    // Fills the remaining space, as another program could.
    let filler = disk.0.join("filler");
    let fill = || {
        let _ = Command::new("dd")
            .args(["if=/dev/zero", "bs=64k"])
            .arg(format!("of={}", filler.display()))
            .output();
        // Down to the last byte.
        let _ = Command::new("sh").args(["-c", "head -c 65536 /dev/zero >> \"$0\""]).arg(&filler).output();
    };
    fill();
    // Long texts, until the free space inside PostgreSQL's own files is used up as well.
    let (long, began) = ("No hay red. ".repeat(1500), Instant::now());
    let (mut told, mut taken) = (0, 0);
    while told < 5 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{taken} were accepted on a full disk, {told} refused"
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
    println!("{taken} long tickets were accepted and then {told} got 503");

    fs::remove_file(&filler).unwrap();
    let back = within(Duration::from_secs(30), "writes are accepted again", || {
        requester.post("/tickets", json!({"subject": "Otra vez", "description": "Hay red."})).status == 201
    });
    println!("writes accepted again {back:?} after space was freed");
    load.wait_for_writes(10);
    let done = load.end();
    // The long tickets, which went through no further steps, are counted separately.
    let mut beside = PgConnection::establish(&place.url()).unwrap();
    let others = "SELECT FROM tickets WHERE subject IN ('Disco lleno', 'Otra vez')";
    assert_eq!(count(&mut beside, others), taken + 1, "exactly the acknowledged tickets are stored");
    done.hold_beside(&mut beside, &director, "'Disco lleno', 'Otra vez'");
    assert!(running.signal(Signal::SIGTERM).success());
}

fn count(db: &mut PgConnection, what: &str) -> i64 {
    super::load::count(db, &format!("SELECT count(*) AS count FROM ({what}) counted"))
}
