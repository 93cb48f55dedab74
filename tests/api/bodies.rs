//! Request bodies: compressed ones are rejected, and the memory for bodies is limited in total and per client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use mesa::people::demo;
use serde_json::json;

use crate::harness::{Client, Desk, PASSWORD};

const MIB: usize = 1024 * 1024;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_body_gets_415_at_every_path() {
    let desk = Desk::open();
    let (nobody, director) = (desk.nobody(), desk.director());
    let ticket = director.register("Con archivo")["id"].clone();
    let credentials =
        json!({"email": demo::email(mesa::auth::policy::Role::Requester), "password": PASSWORD});
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let token = "x".repeat(43);
    for (client, path, content_type) in [
        (&nobody, "/auth/login".to_owned(), json),
        (&nobody, "/auth/token".to_owned(), form),
        (&nobody, format!("//s/{token}"), form),
        (&nobody, "//nowhere".to_owned(), json),
        (&director, "/tickets".to_owned(), json),
        (&director, format!("/tickets/{ticket}/attachments"), "multipart/form-data; boundary=x"),
        (&director, "/inbound-emails".to_owned(), "message/rfc822"),
    ] {
        for coding in ["gzip", "GZIP", "deflate", "br", "identity, gzip", "unknown"] {
            let client = client.with("content-encoding", coding);
            let answer = client.raw("POST", &path, content_type, gzip(credentials.to_string().as_bytes()));
            let problem = answer.problem(415, "unsupported_media_type");
            assert!(problem["detail"].as_str().unwrap().contains("Content-Encoding"), "{problem}");
            assert_eq!(answer.header("accept-encoding"), "identity", "{path} {coding}");
        }
    }
    // `identity` is accepted, and a request without a body is not rejected.
    nobody.with("content-encoding", "identity").post("/auth/login", credentials).ok();
    director.with("content-encoding", "gzip").get("/me").ok();
    // A wrong media type is rejected without `Accept-Encoding`.
    let other = nobody.raw("POST", "/auth/login", "text/plain", "{}");
    other.problem(415, "unsupported_media_type");
    assert_eq!(other.header("accept-encoding"), "");
}

#[test]
fn a_body_without_a_token_is_limited_to_64_kib() {
    let desk = Desk::open();
    let nobody = desk.nobody();
    let long = format!("{}{{}}", " ".repeat(64 * 1024));
    let form = format!("comment={}", "x".repeat(64 * 1024));
    let token = "x".repeat(43);
    let refused = nobody.raw("POST", "/auth/login", "application/json", long.clone());
    assert!(refused.problem(413, "too_large")["detail"].as_str().unwrap().contains("64 KiB"));
    nobody
        .raw("POST", &format!("//s/{token}"), "application/x-www-form-urlencoded", form)
        .problem(413, "too_large");
    // With a token larger bodies are accepted.
    desk.requester().raw("POST", "/tickets", "application/json", long).problem(422, "invalid_body");
}

/// A request with an incomplete body.
fn half(client: &Client, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(client.door().0).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: mesa\r\nContent-Length: 60000\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"{").unwrap();
    stream
}

fn within(limit: Duration, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_address_cannot_use_all_body_memory_and_dropped_bodies_free_it() {
    // An eighth of 16 MiB is enough for 128 bodies that have just begun.
    let desk = Desk::configured(&[
        ("MESA_BODY_MEMORY_BYTES", "16777216"),
        ("MESA_MAIL_MAX_BYTES", "1048576"),
        ("MESA_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    let server = desk.copy();
    let (nobody, requester) = (server.client(&desk.nobody()), server.client(&desk.requester()));
    let used = || server.shared().body_memory.used();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let survey = format!("/s/{}", "x".repeat(43));
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..60 {
        held.push(half(&nobody, &survey, form));
        held.push(half(&nobody, "/api/v1/auth/login", "Content-Type: application/json\r\n"));
    }
    within(Duration::from_secs(5), || used() > 120 * 16 * 1024);
    for _ in 0..20 {
        held.push(half(&nobody, &survey, form));
    }
    let login = json!({"email": desk.requester().email(), "password": PASSWORD});
    let refused = nobody.post("/auth/login", login.clone());
    refused.problem(503, "unavailable");
    assert!(!refused.header("retry-after").is_empty());
    assert!(used() <= 2 * MIB, "{}", used());
    // A client with a token and a client at another address are served.
    requester.register("Sin red");
    nobody.with("x-forwarded-for", "198.51.100.7").post("/auth/login", login.clone()).ok();
    drop(held);
    within(Duration::from_secs(5), || used() == 0);
    nobody.post("/auth/login", login).ok();
}

#[test]
fn a_body_that_no_handler_reads_uses_no_memory() {
    let desk = Desk::open();
    let server = desk.copy();
    let client = server.client(&desk.requester());
    let (address, token) = client.door();
    for path in ["/api/v1/me", "/docs/", "/health/live", "/openapi.json", "/problems"] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The answer does not wait for the body.
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200", "{path}");
        assert_eq!(server.shared().body_memory.used(), 0);
    }
}
