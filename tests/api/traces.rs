//! Traces, as a collector receives them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::receiver::Receiver;
use crate::harness::{Desk, SECRET};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector that accepts all spans.
struct Collector {
    url: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(body) = receive(stream) {
                    kept.lock().unwrap().push(body);
                }
            }
        });
        Collector { url, bodies }
    }

    fn spans(&self) -> Vec<Span> {
        let bodies = self.bodies.lock().unwrap();
        let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|one| one.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }

    /// The first span of which this is true.
    fn wait_for(&self, is_wanted: impl Fn(&Span) -> bool) -> Span {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Some(found) = self.spans().into_iter().find(&is_wanted) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no such span: {:?}", self.spans().iter().map(|span| &span.name).collect::<Vec<_>>());
    }
}

/// The body of one request to `/v1/traces`, which is answered with 200.
fn receive(stream: TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    assert!(head.starts_with("POST /v1/traces "), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/x-protobuf"), "{head}");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    Some(body)
}

fn attributes(span: &Span) -> HashMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |value: &Option<_>| -> Option<String> {
        let value: &opentelemetry_proto::tonic::common::v1::AnyValue = value.as_ref()?;
        value.value.as_ref().map(text)
    };
    span.attributes.iter().map(|one| (one.key.as_str(), value(&one.value).unwrap_or_default())).collect()
}

fn server(desk: &Desk, folder: &TempDir, collector: &str) -> Running {
    Running::start(mesa(&[
        ("DATABASE_URL", &desk.database.server_url),
        ("MESA_JWT_SECRET", SECRET),
        ("MESA_DATA_DIR", folder.path().to_str().unwrap()),
        ("MESA_LISTEN", "127.0.0.1:0"),
        ("MESA_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ("MESA_OTLP_ENDPOINT", collector),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("RUST_LOG", "info"),
    ]))
}

#[test]
fn spans_of_requests_database_work_tasks_and_deliveries_reach_a_collector() {
    let (desk, folder, collector) = (Desk::open(), TempDir::new().unwrap(), Collector::start());
    let ticket = desk.ticket_in("in_progress");
    let running = server(&desk, &folder, &collector.url);
    let technician = desk.technician().at(&running.url);
    technician.with("traceparent", format!("00-{TRACE}-{PARENT}-01")).get(&ticket).ok();
    technician.get("/tickets?q=secreto").ok();
    technician.get("/nothing/rosa@mesa.test").problem(404, "not_found");
    // The sender of this one does not record its trace.
    technician.with("traceparent", format!("00-{}-{PARENT}-00", "ab".repeat(16))).get("/me").ok();
    let receiver = Receiver::start();
    let director = desk.director().at(&running.url);
    let webhook = director.post("/webhooks", json!({"url": receiver.url()})).created();
    director.post(&format!("/webhooks/{}/test", webhook["id"].as_str().unwrap()), json!({})).expect(202);

    let request = collector.wait_for(|span| span.name == "GET /api/v1/tickets/{ticket_id}");
    assert_eq!(
        (hex::encode(&request.trace_id), hex::encode(&request.parent_span_id)),
        (TRACE.into(), PARENT.into())
    );
    let known = attributes(&request);
    assert_eq!(known["http.request.method"], "GET");
    assert_eq!(known["http.route"], "/api/v1/tickets/{ticket_id}");
    assert_eq!(known["http.response.status_code"], "200");
    assert_eq!(request.kind, 2, "a server");
    for (name, kind) in [("wait for a connection", 1), ("work with the database", 3)] {
        let part = collector.wait_for(|span| span.name == name && span.parent_span_id == request.span_id);
        assert_eq!((&part.trace_id, part.kind), (&request.trace_id, kind));
        assert!(part.start_time_unix_nano >= request.start_time_unix_nano);
        assert!(part.end_time_unix_nano <= request.end_time_unix_nano);
    }
    let task = collector.wait_for(|span| span.name == "close_solved_tickets");
    assert!(task.parent_span_id.is_empty());
    let delivery = collector.wait_for(|span| span.name == "webhook delivery");
    assert_eq!(attributes(&delivery)["http.response.status_code"], "204");
    let unmatched = collector
        .wait_for(|span| attributes(span).get("http.response.status_code").is_some_and(|is| is == "404"));
    assert_eq!((unmatched.name.as_str(), attributes(&unmatched).get("http.route")), ("GET", None));
    // The last ones are sent when the server stops.
    technician.with("traceparent", format!("00-{}-{PARENT}-01", "cd".repeat(16))).get("/desk").ok();
    drop(running);
    collector.wait_for(|span| hex::encode(&span.trace_id) == "cd".repeat(16));
    let me = collector.spans().into_iter().any(|span| hex::encode(&span.trace_id) == "ab".repeat(16));
    assert!(!me, "a trace that its sender does not record is recorded");
    let all: Vec<u8> = collector.bodies.lock().unwrap().concat();
    for private in ["secreto", "mesa.test", "rosa", "Sin red", receiver.url().as_str(), ticket.as_str()] {
        let found = all.windows(private.len()).any(|part| part == private.as_bytes());
        assert!(!found, "{private} is in the spans");
    }
}

#[test]
fn a_collector_that_is_away_or_hangs_delays_no_request() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!("http://{}", silent.local_addr().unwrap());
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (collector, is_reported) in [(closed, true), (hangs, false)] {
        let (desk, folder) = (Desk::open(), TempDir::new().unwrap());
        let running = server(&desk, &folder, &collector);
        let technician = desk.technician().at(&running.url);
        technician.get("/me").ok();
        let began = Instant::now();
        for _ in 0..100 {
            technician.get("/me").ok();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{collector}: {:?}", began.elapsed());
        if is_reported {
            // The spans are sent in batches.
            let log = running.log_with("traces are not sent");
            assert_eq!(log.matches("traces are not sent").count(), 1, "{log}");
        }
        let began = Instant::now();
        drop(running);
        assert!(began.elapsed() < Duration::from_secs(15), "the stop took {:?}", began.elapsed());
    }
}
