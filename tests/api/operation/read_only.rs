//! A copy of the server that only reads, on a standby.

use std::collections::BTreeSet;
use std::time::Duration;

use mesa::app;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::failover::copy;
use super::node::{Node, url};
use crate::faults::place::{sign_in, within};
use crate::harness::binary::Running;
use crate::harness::{Client, PASSWORD};

/// Reads that leave a record, and the log, whose events get their places when they are read.
const RECORDED: [&str; 3] = ["/events", "/events/stream", "/tickets/export"];

/// The GET operations without parameters in their paths.
fn lists() -> Vec<String> {
    let document = serde_json::to_value(app::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let paths = paths.filter(|(path, item)| item.get("get").is_some() && !path.contains('{'));
    paths.map(|(path, _)| path.replace("/api/v1", "")).collect()
}

fn login(server: &Running, password: &str) -> crate::harness::Answer {
    server.client().post("/auth/login", json!({"email": "director@mesa.test", "password": password}))
}

fn refresh(server: &Running, session: &Value) -> crate::harness::Answer {
    server.client().post("/auth/refresh", json!({"refresh_token": session["refresh_token"]}))
}

#[test]
fn a_read_only_copy_on_a_standby_answers_as_the_primary_and_changes_nothing() {
    let primary = Node::primary();
    primary.prepare();
    let standby = primary.standby();
    let (data, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let writable = copy(&data, &url(&[&primary]), &[]);
    let requester = sign_in(&writable, "requester");
    let ticket = requester.register("Antes del desastre");
    let stored = login(&writable, PASSWORD).ok();
    let revoked = login(&writable, PASSWORD).ok();
    writable
        .client()
        .post("/auth/logout", json!({"refresh_token": revoked["refresh_token"]}))
        .expect_status(204);
    let reading = copy(&other, &url(&[&standby]), &[("MESA_READ_ONLY", "true")]);
    assert_eq!(reading.client().get("//health/ready").status, 200);
    // Tokens of the primary, once the standby has them.
    within(Duration::from_secs(10), "the sign-in", || refresh(&reading, &stored).status == 200);
    assert_eq!(refresh(&reading, &stored).ok()["refresh_token"], stored["refresh_token"]);
    refresh(&reading, &revoked).problem(401, "invalid_refresh_token");
    // A sign-in here.
    let session = login(&reading, PASSWORD).ok();
    assert_eq!(refresh(&reading, &session).ok()["refresh_token"], session["refresh_token"]);
    refresh(&writable, &session).problem(401, "invalid_refresh_token");
    let clients = |server: &Running| ["technician", "director"].map(|role| sign_in(server, role));
    let (here, there) = (clients(&reading), clients(&writable));
    let mut recorded = BTreeSet::new();
    for path in lists() {
        for (here, there) in here.iter().zip(&there) {
            let query =
                if path == "/statistics" { "?from_date=2026-01-01&through_date=2026-12-31" } else { "" };
            let (here, there) = (here.get(&format!("{path}{query}")), there.get(&format!("{path}{query}")));
            if here.status == 503 {
                assert_eq!(here.problem(503, "read_only")["status"], 503, "{path}");
                recorded.insert(path.clone());
            } else {
                assert_eq!(here.status, there.status, "{path}");
            }
        }
    }
    assert_eq!(recorded.into_iter().collect::<Vec<_>>(), RECORDED);
    let here = sign_in(&reading, "requester");
    assert_eq!(
        here.get(&format!("/tickets/{}", ticket["id"])).ok(),
        requester.get(&format!("/tickets/{}", ticket["id"])).ok()
    );
    let refused = |client: &Client| {
        let answer = client
            .with("idempotency-key", "later")
            .post("/tickets", json!({"subject": "Después", "description": "La sede no tiene red."}));
        answer.problem(503, "read_only");
        assert_eq!(answer.header("retry-after"), "60");
    };
    refused(&here);
    here.post(
        &format!("/tickets/{}/followups", ticket["id"]),
        json!({"visibility": "public", "body": "¿Qué pasó?"}),
    )
    .problem(503, "read_only");
    // What was not recorded here gives no access elsewhere.
    let (_, token) = here.door();
    writable.client().holding(token).get("/me").problem(401, "unauthenticated");
    // Promoted, it still only reads.
    standby.promote();
    refused(&here);
    assert_eq!(reading.client().get("//health/ready").status, 200);
    assert_eq!(here.get("/tickets?with_total=true").ok()["total"], 1);
    // Attempts are limited without the database.
    let statuses: Vec<u16> = (0..12).map(|_| login(&reading, "una-clave-equivocada").status).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(statuses[0], 401, "{statuses:?}");
}

#[test]
fn a_read_only_copy_needs_a_database_of_its_schema() {
    let data = TempDir::new().unwrap();
    let mut command = crate::faults::place::server(data.path(), &[("MESA_READ_ONLY", "true")]);
    let output = command.env_remove("DATABASE_URL").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("DATABASE_URL: required if MESA_READ_ONLY is set"), "{said}");
}
