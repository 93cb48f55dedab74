//! Sign-ins, failed sign-ins and password changes create audit events without secrets.

use std::thread;
use std::time::Duration;

use mesa::auth::policy::Role;
use serde_json::json;

use crate::harness::{Desk, PASSWORD};

#[test]
fn sign_ins_and_password_changes_create_events_of_the_account() {
    let desk = Desk::open();
    let person = desk.another(Role::Technician);
    let login = |email: &str, password: &str| {
        desk.nobody().post("/auth/login", json!({"email": email, "password": password}))
    };
    let count = |kind: &str, actor: &str| {
        desk.database.count(&format!(
            "SELECT count(*) FROM audit_events WHERE kind = '{kind}' AND resource = 'user'
             AND resource_id = '{}' AND actor_id IS {actor}",
            person.id()
        ))
    };
    let session = login(person.email(), PASSWORD).ok();
    login(person.email(), "no-es-esta-clave").problem(401, "invalid_credentials");
    login("nobody@mesa.test", "no-es-esta-clave").problem(401, "invalid_credentials");
    let token = json!({"refresh_token": session["refresh_token"]});
    assert_eq!(desk.nobody().post("/auth/logout", token).status, 204);
    let change = json!({"current_password": PASSWORD, "new_password": "otra-clave-larga"});
    assert_eq!(person.post("/me/password", change).status, 204);
    // The event is recorded after the response.
    for _ in 0..200 {
        if count("sign_in_failed", "NULL") == 1 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(count("sign_in_failed", "NULL"), 1);
    for kind in ["signed_in", "signed_out", "password_changed"] {
        assert_eq!(count(kind, "NOT NULL"), 1, "{kind}");
    }
    // An address without an account creates no event, so that no one can fill the log.
    let sign_in_events = "SELECT count(*) FROM audit_events
        WHERE kind IN ('signed_in', 'sign_in_failed', 'signed_out', 'password_changed')";
    assert_eq!(desk.database.count(sign_in_events), 4);
    let secrets =
        "SELECT count(*) FROM audit_events WHERE data::text LIKE '%clave%' OR data::text LIKE '%argon2%'";
    assert_eq!(desk.database.count(secrets), 0);
}
