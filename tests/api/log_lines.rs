//! The log as JSON, and the trace that a request belongs to.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::{Database, Desk, SECRET, logs};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_log_as_json_has_an_object_on_each_line() {
    let (database, folder) = (Database::from_template(), TempDir::new().unwrap());
    let running = Running::start(mesa(&[
        ("DATABASE_URL", &database.server_url),
        ("MESA_JWT_SECRET", SECRET),
        ("MESA_DATA_DIR", folder.path().to_str().unwrap()),
        ("MESA_LISTEN", "127.0.0.1:0"),
        ("MESA_LOG_FORMAT", "json"),
        ("RUST_LOG", "info"),
    ]));
    let client = running.client().with("x-request-id", "kept-json");
    client
        .with("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .get("/me")
        .problem(401, "unauthenticated");
    let log = running.log_with("kept-json");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not an object: {line}")))
        .collect();
    for line in &lines {
        chrono::DateTime::parse_from_rfc3339(line["timestamp"].as_str().unwrap()).unwrap();
        for field in ["level", "target", "message"] {
            assert!(line[field].is_string(), "{line}");
        }
    }
    let access = lines.iter().find(|line| line["request_id"] == "kept-json").unwrap();
    assert_eq!((&access["target"], &access["level"]), (&json!("mesa::access"), &json!("info")));
    assert_eq!((&access["method"], &access["route"]), (&json!("GET"), &json!("/api/v1/me")));
    assert_eq!((&access["status"], &access["code"]), (&json!(401), &json!("unauthenticated")));
    assert_eq!(access["trace_id"], TRACE);
    assert!(access["duration_ms"].as_f64().unwrap() >= 0.0);
}

#[test]
fn the_trace_of_a_request_is_in_its_log_line() {
    let desk = Desk::open();
    let technician = desk.technician();
    let line = |id: &str| {
        (0..50).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            logs::access_line(id)
        })
    };
    technician
        .with("x-request-id", "kept-traced")
        .with("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .get("/me")
        .ok();
    assert!(line("kept-traced").unwrap().contains(&format!(" trace_id={TRACE} request_id=kept-traced")));
    technician
        .with("x-request-id", "kept-untraced")
        .with("traceparent", format!("00-{TRACE}-xxf067aa0ba902b7-01"))
        .get("/me")
        .ok();
    assert!(!line("kept-untraced").unwrap().contains("trace_id"));
}

#[test]
fn an_unknown_form_of_the_log_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let stopped = mesa(&[
        ("MESA_DATA_DIR", folder.path().to_str().unwrap()),
        ("MESA_LISTEN", "127.0.0.1:0"),
        ("MESA_LOG_FORMAT", "xml"),
    ])
    .output()
    .unwrap();
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(
        !stopped.status.success() && said.contains("MESA_LOG_FORMAT") && said.contains("text or json"),
        "{said}"
    );
}
