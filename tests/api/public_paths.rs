//! Paths outside of the API: every path has a limit of requests, errors of the parser are problems, and `/` redirects
//! to the documentation.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::faults::place::on;
use crate::harness::binary::Running;
use crate::harness::{Database, Desk};

#[test]
fn every_public_path_has_a_limit_per_client_address() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "12"), ("MESA_TRUSTED_PROXIES", "127.0.0.1")]);
    let survey = format!("//s/{}", "x".repeat(43));
    let paths = ["//", "//docs/", "//openapi.json", "//problems", "//nowhere", survey.as_str()];
    for (number, path) in paths.into_iter().enumerate() {
        let somebody = desk.nobody().with("x-forwarded-for", format!("198.51.100.{number}"));
        for left in (0..12).rev() {
            let answer = somebody.get(path);
            assert!(answer.status < 429, "{path}: {}", answer.status);
            assert!(answer.header("ratelimit").contains(&format!("r={left};")), "{path}");
        }
        let refused = somebody.get(path);
        refused.problem(429, "too_many_requests");
        assert!(!refused.header("retry-after").is_empty());
        // This limit does not affect the API, health checks and metrics.
        somebody.get("/me").problem(401, "unauthenticated");
        for probe in ["//health/live", "//health/ready", "//metrics"] {
            somebody.get(probe).expect_status(200);
        }
    }
    // All public paths share one count, so that no path is a way around the limit of another.
    let somebody = desk.nobody().with("x-forwarded-for", "198.51.100.200");
    for path in paths.into_iter().cycle().take(12) {
        assert!(somebody.get(path).status < 429);
    }
    for path in paths {
        somebody.get(path).problem(429, "too_many_requests");
    }
}

#[test]
fn health_checks_and_metrics_have_a_separate_limit() {
    let desk = Desk::configured(&[("MESA_RATE_LIMIT", "5")]);
    let nobody = desk.nobody();
    for probe in ["//health/live", "//health/ready", "//metrics"].into_iter().cycle().take(30) {
        nobody.get(probe).expect_status(200);
    }
    assert!(nobody.get("//metrics").header("ratelimit-policy").contains("q=6000;"));
    nobody.get("//docs/").expect_status(200);
    nobody.get("/me").problem(401, "unauthenticated");
}

#[test]
fn the_root_redirects_to_the_documentation() {
    let desk = Desk::open();
    let answer = desk.nobody().get("//");
    answer.expect_status(308);
    assert_eq!(answer.header("location"), "/docs/");
    let refused = desk.nobody().raw("POST", "//", "text/plain", "x");
    refused.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), "GET, HEAD");
}

/// Sends these parts over one connection, and returns everything received until the connection closes.
fn exchange(address: &str, parts: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let mut answered = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let _ = stream.write_all(part);
        if index + 1 < parts.len() {
            // Waits for the response to a part before the next part is sent.
            let mut bytes = [0; 8192];
            let read = stream.read(&mut bytes).unwrap();
            answered.extend_from_slice(&bytes[..read]);
        }
    }
    let _ = stream.read_to_end(&mut answered);
    String::from_utf8_lossy(&answered).into_owned()
}

/// Checks that the last response is a complete problem with this status, and that the connection closes after it.
#[track_caller]
fn is_problem(answered: &str, status: &str, code: &str) {
    let last = &answered[answered.rfind("HTTP/1.1 ").unwrap()..];
    assert!(last.starts_with(&format!("HTTP/1.1 {status} ")), "{answered}");
    let (head, body) = last.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for header in
        ["content-type: application/problem+json", "x-content-type-options: nosniff", "x-request-id: "]
    {
        assert!(head.contains(header), "{header}: {answered}");
    }
    assert!(head.contains(&format!("content-length: {}", body.len())), "{answered}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], code, "{problem}");
}

#[test]
fn requests_that_the_parser_rejects_get_a_problem() {
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let running = Running::start(on(&database, data.path(), &[]));
    let address = running.url.strip_prefix("http://").unwrap();
    let good: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: mesa\r\n\r\n";
    let bad: [&[u8]; 5] = [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: mesa\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: mesa\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: mesa\r\nBad\x01Name: x\r\n\r\n",
    ];
    for request in bad {
        is_problem(&exchange(address, &[request]), "400", "bad_request");
        // On a connection that has already served a request.
        let answered = exchange(address, &[good, request]);
        assert!(answered.starts_with("HTTP/1.1 200 "), "{answered}");
        is_problem(&answered, "400", "bad_request");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: mesa\r\nX-Long: {}", "x".repeat(140_000));
    is_problem(&exchange(address, &[long.as_bytes()]), "431", "headers_too_large");
    // A response of the application is not changed, whatever its text.
    let echoed = exchange(address, &[b"GET /nowhere HTTP/1.1\r\nHost: mesa\r\nConnection: close\r\n\r\n"]);
    is_problem(&echoed, "404", "not_found");
    running.log_with(" - 400 ");
}
