//! Clients that send slowly or without end, and thousands of idle connections: memory stays bounded, and others are
//! served.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::place::{number, on, sign_in, within};
use crate::harness::binary::{Running, after};
use crate::harness::{Client, Database};

/// The current and the maximum resident memory of the process, in MiB.
pub fn memory(running: &Running) -> (usize, usize) {
    (resident(running, "VmRSS:"), resident(running, "VmHWM:"))
}

/// One field of `/proc/PID/status`, in MiB.
pub fn resident(running: &Running, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

fn open(client: &Client) -> TcpStream {
    let stream = TcpStream::connect(client.door().0).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn head(client: &Client, path: &str, framing: &str) -> String {
    let token = client.door().1;
    format!(
        "POST /api/v1{path} HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

/// The status of the answer, if there is one.
fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    text.get(9..12)?.parse().ok()
}

/// Sends up to `bytes` bytes, as many as the server accepts. Returns how many were sent and the status of the answer.
fn flood(mut stream: TcpStream, head: &str, bytes: u64, chunked: bool) -> (u64, Option<u16>) {
    stream.write_all(head.as_bytes()).unwrap();
    let data = vec![b' '; 1024 * 1024];
    let mut sent = 0;
    while sent < bytes {
        let written = if chunked {
            stream
                .write_all(b"100000\r\n")
                .and_then(|()| stream.write_all(&data))
                .and_then(|()| stream.write_all(b"\r\n"))
        } else {
            stream.write_all(&data)
        };
        if written.is_err() {
            break;
        }
        sent += data.len() as u64;
    }
    (sent, status(&mut stream))
}

/// Sends requests until `over` is set. Returns the longest duration of a request.
fn others_are_served(requester: &Client, over: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        assert_eq!(requester.get("/tickets?limit=5").status, 200);
        longest = longest.max(began.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    longest
}

/// Runs `act` while another client sends requests.
pub fn beside_others<T>(requester: &Client, act: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| others_are_served(requester, &over));
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        over.store(true, Ordering::Relaxed);
        let longest = other.join().unwrap();
        assert!(longest < Duration::from_secs(5), "another client waited {longest:?}");
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn bodies_and_heads_without_end_do_not_exhaust_memory() {
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let mut running = Running::start(on(&database, data.path(), &[]));
    let requester = sign_in(&running, "requester");
    let ticket = requester.register("Con archivos")["id"].clone();
    let (before, _) = memory(&running);
    let bytes = u64::try_from(number("MESA_TEST_BODY_MEBIBYTES", 64)).unwrap() * 1024 * 1024;
    beside_others(&requester, || {
        for path in ["/tickets".to_owned(), format!("/tickets/{ticket}/attachments"), "/nowhere".to_owned()] {
            for chunked in [false, true] {
                let framing = if chunked {
                    "Transfer-Encoding: chunked".to_owned()
                } else {
                    format!("Content-Length: {bytes}")
                };
                let head = head(&requester, &path, &framing);
                let head = if path.ends_with("attachments") {
                    let form = "multipart/form-data; boundary=x";
                    let begin = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                        Content-Type: text/plain\r\n\r\n";
                    let head = head.replace("application/json", form);
                    if chunked { format!("{head}{:x}\r\n{begin}\r\n", begin.len()) } else { head + begin }
                } else {
                    head
                };
                let wanted = if path == "/nowhere" { 404 } else { 413 };
                // A client that announces the length and sends no body always gets the status.
                if !chunked {
                    let mut stream = open(&requester);
                    stream.write_all(head.as_bytes()).unwrap();
                    assert_eq!(status(&mut stream), Some(wanted), "{path}");
                }
                let began = Instant::now();
                let (sent, answered) = flood(open(&requester), &head, bytes, chunked);
                // If the server closes the connection while the body is being sent, the answer may be lost.
                assert!(answered.is_none_or(|status| status == wanted), "{path}, {chunked}: {answered:?}");
                println!(
                    "{path}, chunked: {chunked}: {sent} of {bytes} bytes, {answered:?}, {:?}",
                    began.elapsed()
                );
            }
        }
        // A head without end.
        let mut stream = open(&requester);
        stream.write_all(b"GET /api/v1/me HTTP/1.1\r\nHost: mesa\r\n").unwrap();
        let mut sent = 0_u64;
        while sent < bytes
            && stream.write_all(format!("X-{sent}: {}\r\n", "x".repeat(1000)).as_bytes()).is_ok()
        {
            sent += 1000;
        }
        assert!(sent < 8 * 1024 * 1024, "{sent} bytes of a head were accepted");
        println!("a head without end: cut after {sent} bytes, {:?}", status(&mut stream));
    });
    let (after, most) = memory(&running);
    println!("{before} MiB before, {after} MiB after, {most} MiB at most");
    assert!(most < before + 100, "{before} MiB before, {most} MiB at most");
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
#[ignore = "half a minute: .ci/faults"]
fn a_byte_per_second_and_half_a_body_time_out() {
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let mut running = Running::start(on(&database, data.path(), &[]));
    let requester = sign_in(&running, "requester");
    beside_others(&requester, || {
        std::thread::scope(|scope| {
            // The head, one byte per second.
            scope.spawn(|| {
                let (mut stream, began) = (open(&requester), Instant::now());
                for byte in b"GET /api/v1/me HTTP/1.1\r\nHost: mesa\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaa" {
                    if stream.write_all(&[*byte]).is_err() || began.elapsed() > Duration::from_secs(14) {
                        break;
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
                assert!(matches!(status(&mut stream), Some(408) | None));
                assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            });
            // The body, one byte per second, and half a body: 408 in time, and no ticket is created.
            for bytes in [40, 10] {
                let requester = &requester;
                scope.spawn(move || {
                    let (mut stream, began) = (open(requester), Instant::now());
                    let head = head(requester, "/tickets", "Content-Length: 60");
                    stream.write_all(head.as_bytes()).unwrap();
                    let mut reader = stream.try_clone().unwrap();
                    let answer = std::thread::spawn(move || status(&mut reader));
                    for _ in 0..bytes {
                        if stream.write_all(b" ").is_err() || answer.is_finished() {
                            break;
                        }
                        std::thread::sleep(Duration::from_secs(1));
                    }
                    assert_eq!(answer.join().unwrap(), Some(408));
                    assert!(began.elapsed() < Duration::from_secs(35), "{:?}", began.elapsed());
                });
            }
            // Half a body, then the client disconnects.
            scope.spawn(|| {
                let mut stream = open(&requester);
                let head = head(&requester, "/tickets", "Content-Length: 60");
                stream.write_all(format!("{head}{{\"subject\": \"Sin red\"").as_bytes()).unwrap();
                let _ = stream.shutdown(Shutdown::Both);
            });
        });
    });
    assert_eq!(database.count("SELECT count(*) FROM tickets"), 0);
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
fn thousands_of_idle_connections_use_little_memory_and_others_are_served() {
    let wanted = number("MESA_TEST_IDLE", 1000);
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    let room = usize::try_from(hard).unwrap_or(usize::MAX).saturating_sub(1000);
    let idle = wanted.min(room);
    if idle < wanted {
        eprintln!("only {idle} of {wanted}: this process may open no more than {hard} files");
    }
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    // A service manager starts it with this soft limit; the server raises it to the hard limit.
    let mut running = Running::start(after("ulimit -Sn 1024", &on(&database, data.path(), &[])));
    let requester = sign_in(&running, "requester");
    let (before, _) = memory(&running);
    let files = format!("/proc/{}/fd", running.child.id());
    let held = || fs::read_dir(&files).unwrap().count();
    let few = held() + 50;
    beside_others(&requester, || {
        let (mut streams, mut most, began) = (Vec::new(), 0, Instant::now());
        while streams.len() < idle {
            streams.push(open(&requester));
            if streams.len() % 500 == 0 {
                most = most.max(held());
            }
        }
        // The server has accepted them: they are not in the system's queue. If opening them takes longer than
        // idle connections are kept, this holds for those opened within the last nine seconds.
        let at_once = idle * 9 / usize::try_from(began.elapsed().as_secs()).unwrap().max(9);
        within(Duration::from_secs(9), "all connections are accepted", || {
            most = most.max(held());
            most > at_once
        });
        let (now, _) = memory(&running);
        let each = (now.saturating_sub(before)) * 1024 / idle;
        println!(
            "{idle} idle connections in {:?}: {before} MiB before, {now} MiB with them, {each} KiB each",
            began.elapsed()
        );
        assert!(
            now < before + 40 + idle * 32 / 1024,
            "{before} MiB before, {now} MiB with {idle} connections"
        );
        for _ in 0..10 {
            assert_eq!(requester.get("/tickets").status, 200);
        }
        // The server closes them.
        within(Duration::from_secs(30), "idle connections are closed", || held() < few);
        drop(streams);
    });
    assert!(running.signal(Signal::SIGTERM).success());
}
