//! SIGTERM under load.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::load::port;
use super::place::{number, on, sign_in};
use crate::harness::binary::Running;
use crate::harness::{Client, Database};

/// The result of a call.
#[derive(Debug, PartialEq)]
enum End {
    /// A complete answer with this status.
    Answered(u16),
    /// The connection was refused.
    Refused,
    /// The connection ended without a complete answer.
    Cut(String),
}

/// One request on a new connection.
fn call(client: &Client, request: &str, body: &str) -> End {
    let (address, token) = client.door();
    let mut stream = match TcpStream::connect(address) {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return End::Refused,
        Err(error) => return End::Cut(format!("while connecting: {error}")),
    };
    let message = format!(
        "{request} HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    if let Err(error) = stream.write_all(message.as_bytes()) {
        return End::Cut(format!("while writing: {error}"));
    }
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        return End::Cut(format!("while reading: {error}"));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    let head = head.to_ascii_lowercase();
    let length = head
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.split("\r\n").next().and_then(|number| number.parse::<usize>().ok()));
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    match (status, length) {
        (Some(503), _) if !head.contains("retry-after: ") => End::Cut(format!("no Retry-After: {text:?}")),
        (Some(status), Some(length)) if length == body.len() => End::Answered(status),
        _ => End::Cut(format!("half an answer: {text:?}")),
    }
}

#[test]
fn sigterm_under_load_lets_every_accepted_request_complete() {
    let stops = number("MESA_TEST_STOPS", 1);
    let (database, data, address) = (Database::from_template(), TempDir::new().unwrap(), port());
    for _ in 0..stops {
        let mut command = on(&database, data.path(), &[]);
        command.env("MESA_LISTEN", &address);
        let mut running = Running::start(command);
        let (requester, technician) = (sign_in(&running, "requester"), sign_in(&running, "technician"));
        // An idle connection does not delay the end.
        let mut idle = TcpStream::connect(&address).unwrap();
        idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: mesa\r\n\r\n").unwrap();
        assert!(idle.read(&mut [0; 4096]).unwrap() > 0);
        // A request that waits for a lock when the signal comes: it has the full time limit of a statement.
        let held = requester.register("La que espera")["id"].as_i64().unwrap();
        let mut beside = database.connect();
        let lock = format!("BEGIN; SELECT FROM tickets WHERE id = {held} FOR UPDATE");
        diesel::connection::SimpleConnection::batch_execute(&mut beside, &lock).unwrap();
        let over = AtomicBool::new(false);
        let classify = format!("POST /api/v1/tickets/{held}/classification");
        let before = database.count("SELECT count(*) FROM tickets");
        let (ends, slow, took) = std::thread::scope(|scope| {
            let slow = scope.spawn(|| call(&technician, &classify, r#"{"criticality": "high"}"#));
            let clients: Vec<_> = (0..8)
                .map(|number| {
                    let (requester, over) = (&requester, &over);
                    scope.spawn(move || {
                        let mut ends = Vec::new();
                        while !over.load(Ordering::Relaxed) && ends.last() != Some(&End::Refused) {
                            let body = r#"{"subject": "Sin red", "description": "No hay red."}"#;
                            ends.push(match number % 2 {
                                0 => call(requester, "POST /api/v1/tickets", body),
                                _ => call(requester, "GET /api/v1/tickets?limit=5", ""),
                            });
                        }
                        ends
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(300));
            let (pid, asked) = (running.child.id(), Instant::now());
            super::place::signal(i32::try_from(pid).unwrap(), Signal::SIGTERM);
            let come = || call(&requester, "GET /health/live", "");
            let told = std::iter::repeat_with(come).find(|end| *end != End::Answered(200));
            // One that arrives at the moment of the close may be reset.
            assert!(matches!(told, Some(End::Refused | End::Cut(_))), "{told:?}");
            std::thread::sleep(Duration::from_millis(3500).saturating_sub(asked.elapsed()));
            diesel::connection::SimpleConnection::batch_execute(&mut beside, "COMMIT").unwrap();
            assert!(running.child.wait().unwrap().success());
            let took = asked.elapsed();
            over.store(true, Ordering::Relaxed);
            let ends: Vec<End> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
            (ends, slow.join().unwrap(), took)
        });
        assert_eq!(slow, End::Answered(200), "a request in progress is completed");
        let count = |wanted: &dyn Fn(&End) -> bool| ends.iter().filter(|end| wanted(end)).count();
        let cut: Vec<&End> = ends.iter().filter(|end| matches!(end, End::Cut(_))).collect();
        assert!(
            cut.is_empty(),
            "{} of {} got no complete answer: {:?}",
            cut.len(),
            ends.len(),
            &cut[..cut.len().min(5)]
        );
        let others = |end: &End| !matches!(end, End::Answered(200 | 201) | End::Refused);
        assert_eq!(count(&others), 0, "{ends:?}");
        let registered = database.count("SELECT count(*) FROM tickets") - before;
        assert_eq!(registered, i64::try_from(count(&|end| *end == End::Answered(201))).unwrap());
        assert!(took < Duration::from_secs(10), "{took:?}");
        println!(
            "stopped in {took:?}: {} answered, none cut off",
            count(&|end| matches!(end, End::Answered(200 | 201)))
        );
    }
}
