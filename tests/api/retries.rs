//! Clients that retry: one request with one idempotency key, sent many times, also over connections that break.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Desk};

const CLIENTS: usize = 50;

fn body() -> Value {
    json!({"subject": "Sin red en el tercer piso", "description": "Desde esta mañana no hay red."})
}

/// Sends the request and closes the connection: before the body is complete, or before the response arrives.
fn cut_off(client: &Client, number: usize) {
    let body = body().to_string();
    let (address, token) = client.door();
    let head = format!(
        "POST /api/v1/tickets HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: k-50\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let sent = if number.is_multiple_of(4) { body.len() / 2 } else { body.len() };
    stream.write_all(&body.as_bytes()[..sent]).unwrap();
    std::thread::sleep(Duration::from_millis(u64::try_from(number % 7).unwrap()));
    let _ = stream.shutdown(Shutdown::Both);
    let _ = stream.read(&mut [0; 16]);
}

/// Retries until the ticket is registered, and returns its number.
fn register_with_retries(client: &Client) -> i64 {
    loop {
        let answer = client.post("/tickets", body());
        match answer.status {
            201 => return answer.created()["id"].as_i64().unwrap(),
            409 => answer.problem(409, "request_in_progress"),
            _ => answer.problem(503, "unavailable"),
        };
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn fifty_retries_of_a_create_with_broken_connections_make_one_ticket() {
    let desk = Desk::open();
    let copy = desk.copy();
    let requester = desk.requester().with("idempotency-key", "k-50");
    let at_the_copy = copy.client(&requester);
    let numbers: Vec<i64> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = if number.is_multiple_of(3) { &at_the_copy } else { &requester };
                scope.spawn(move || {
                    // A client whose connection broke sends the request again.
                    if number.is_multiple_of(2) {
                        cut_off(client, number);
                    }
                    register_with_retries(client)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(numbers, [numbers[0]; CLIENTS]);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM events"), 1);
    assert_eq!(desk.requester().get("/tickets").items().len(), 1);
}
