//! Password attempts are counted before the password is checked and hashed, and that work holds no database
//! connection.

use std::thread;
use std::time::{Duration, Instant};

use mesa::auth::policy::Role;
use serde_json::json;

use crate::harness::{Desk, PASSWORD};

/// A password of the maximum length that takes zxcvbn the most time.
fn symbols() -> String {
    "!#$%&/()=?+{}[]-_.:,;<>|@".chars().cycle().take(200).collect()
}

#[test]
fn rejected_new_passwords_are_counted_and_then_delayed() {
    let desk = Desk::open();
    let person = desk.another(Role::Requester);
    let change =
        |new: &str| person.post("/me/password", json!({"current_password": PASSWORD, "new_password": new}));
    assert_eq!(change("1234567890").faults(), [("/new_password".into(), "too_guessable".into())]);
    assert_eq!(desk.database.count("SELECT max(attempts)::bigint FROM sign_in_attempts"), 1);
    desk.database.run("UPDATE sign_in_attempts SET attempts = 15, next_at = now()");
    assert_eq!(change("1234567890").faults(), [("/new_password".into(), "too_guessable".into())]);
    change(&symbols()).problem(429, "too_many_attempts");
    // A password that violates the contract is neither counted nor hashed.
    let long = "x".repeat(201);
    assert_eq!(change(&long).faults(), [("/new_password".into(), "too_long".into())]);
}

/// With a single database connection, other requests are answered while passwords are computed, because no connection
/// is held.
#[test]
fn no_connection_is_held_while_passwords_are_computed() {
    let desk = Desk::configured(&[("MESA_POOL_SIZE", "1")]);
    let (director, reader) = (desk.director(), desk.technician());
    let held = Duration::from_millis(1000);
    // All permits are taken, as by many passwords at once: each further request waits up to two seconds for one.
    let waited = thread::scope(|scope| {
        let permits = thread::available_parallelism().map_or(1, usize::from);
        let busy: Vec<_> = (0..permits)
            .map(|_| {
                scope.spawn(move || {
                    let system = actix_web::rt::System::new();
                    system.block_on(mesa::auth::passwords::compute(move || thread::sleep(held))).unwrap();
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(200));
        let changes: Vec<_> = (0..2)
            .map(|_| desk.another(Role::Requester))
            .map(|person| {
                scope.spawn(move || {
                    let change = json!({"current_password": PASSWORD, "new_password": symbols()});
                    person.post("/me/password", change).status
                })
            })
            .collect();
        let made = scope.spawn(|| {
            let user = json!({"email": "ana@mesa.test", "password": "una-clave-larga", "role": "requester", "full_name": "Ana"});
            director.post("/users", user).status
        });
        thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        reader.get("/me").ok();
        let waited = started.elapsed();
        for busy in busy {
            busy.join().unwrap();
        }
        for change in changes {
            assert!(matches!(change.join().unwrap(), 204 | 503));
        }
        assert!(matches!(made.join().unwrap(), 201 | 503));
        waited
    });
    assert!(waited < Duration::from_millis(600), "{waited:?}");
}
