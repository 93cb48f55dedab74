//! Copies of the server that are restarted one after another behind nginx, under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::faults::load::port;
use crate::faults::place::{number, on, sign_in, within};
use crate::harness::Database;
use crate::harness::binary::Running;
use crate::harness::front::Front;

#[test]
#[ignore = "needs nginx: .ci/operation"]
fn copies_are_restarted_behind_a_balancer_without_a_failed_request() {
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let addresses = [port(), port()];
    let start = |address: &str| {
        let mut command = on(&database, data.path(), &[("MESA_DRAIN_SECONDS", "10")]);
        Running::start({
            command.env("MESA_LISTEN", address);
            command
        })
    };
    let mut copies = addresses.each_ref().map(|address| start(address));
    let front = Front::documented(&[&copies[0].url, &copies[1].url]);
    let (requester, technician) = (sign_in(&copies[0], "requester"), sign_in(&copies[0], "technician"));
    let over = AtomicBool::new(false);
    let restarts = number("MESA_TEST_RESTARTS", 2);
    let (answered, failed) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|number| {
                let (over, url) = (&over, format!("{}/api/v1/tickets", front.url));
                let (_, token) = if number % 2 == 0 { &requester } else { &technician }.door();
                scope.spawn(move || {
                    let (http, mut answered, mut failed) = (reqwest::blocking::Client::new(), 0, Vec::new());
                    while !over.load(Ordering::Relaxed) {
                        let body = json!({"subject": "Sin red", "description": "No hay red."});
                        let request =
                            if number % 2 == 0 { http.post(&url).json(&body) } else { http.get(&url) };
                        match request.bearer_auth(token).send() {
                            Ok(answer) if answer.status().is_success() => answered += 1,
                            Ok(answer) => failed.push(answer.status().to_string()),
                            Err(error) => failed.push(error.to_string()),
                        }
                    }
                    (answered, failed)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(1));
        for restart in 0..restarts {
            let (running, address) = (&mut copies[restart % 2], &addresses[restart % 2]);
            crate::faults::place::signal(i32::try_from(running.child.id()).unwrap(), Signal::SIGTERM);
            // It serves and says that it is not ready.
            within(Duration::from_secs(4), "it is not ready", || {
                running.client().get("//health/ready").status == 503
            });
            assert_eq!(running.client().get("//health/live").status, 200);
            assert!(running.child.wait().unwrap().success());
            *running = start(address);
            std::thread::sleep(Duration::from_secs(1));
        }
        over.store(true, Ordering::Relaxed);
        let ends = clients.into_iter().map(|client| client.join().unwrap());
        ends.fold((0, Vec::new()), |(sum, mut all), (answered, failed)| {
            all.extend(failed);
            (sum + answered, all)
        })
    });
    assert!(
        failed.is_empty(),
        "{} of {} failed: {:?}",
        failed.len(),
        answered,
        &failed[..failed.len().min(5)]
    );
    println!("{restarts} restarts behind nginx: {answered} requests, none failed");
}
