//! Loads of clients that try to take the memory or the processors of the server: it stays small, and others are served.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use reqwest::blocking::Client as Http;
use serde_json::json;
use tempfile::TempDir;

use super::place::{number, on, sign_in};
use super::rude_clients::memory;
use crate::harness::binary::Running;
use crate::harness::{Client, Database, PASSWORD};

/// The most memory that the process may have had, in MiB.
fn memory_limit() -> usize {
    number("MESA_TEST_MEMORY_MEBIBYTES", 200)
}

/// How long others may wait in 99 of 100 cases.
pub fn longest_wait() -> Duration {
    Duration::from_millis(u64::try_from(number("MESA_TEST_WAIT_MILLISECONDS", 1000)).unwrap())
}

fn http() -> Http {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    Http::builder().local_address(address).timeout(Duration::from_secs(60)).build().unwrap()
}

/// What others waited for.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Waits {
    fn of<T>(&self, act: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = act();
        self.0.lock().unwrap().push(began.elapsed());
        done
    }

    /// How long 99 of 100 waited at most.
    #[track_caller]
    fn hold(&self, what: &str) {
        let mut waits = self.0.lock().unwrap();
        waits.sort_unstable();
        assert!(!waits.is_empty());
        let (p50, p99) = (waits[waits.len() / 2], waits[(waits.len() * 99 / 100).min(waits.len() - 1)]);
        println!("{what}: {} times, p50 {p50:?}, p99 {p99:?}", waits.len());
        assert!(p99 < longest_wait(), "{what}: p99 {p99:?}");
    }
}

/// Many clients that do the same over and over for a while, beside people who read and who sign in from another address.
fn under_load(
    name: &str,
    clients: usize,
    prepare: impl Fn(&Running) -> Client,
    act: impl Fn(&Client) + Sync,
) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let mut running = Running::start(on(&database, data.path(), &[]));
    let (hostile, technician) = (prepare(&running), sign_in(&running, "technician"));
    let time = Duration::from_secs(u64::try_from(number("MESA_TEST_HOSTILE_SECONDS", 4)).unwrap());
    let (before, _) = memory(&running);
    let (over, reads, sign_ins) = (AtomicBool::new(false), Waits::default(), Waits::default());
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    act(&hostile);
                }
            });
        }
        scope.spawn(|| {
            let (http, (address, token)) = (http(), technician.door());
            while !over.load(Ordering::Relaxed) {
                let url = format!("http://{address}/api/v1/tickets?limit=5");
                let answer = reads.of(|| http.get(url).bearer_auth(token).send().unwrap());
                assert_eq!(answer.status().as_u16(), 200);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        scope.spawn(|| {
            let (http, login) = (http(), json!({"email": "professional@mesa.test", "password": PASSWORD}));
            while !over.load(Ordering::Relaxed) {
                let url = format!("{}/api/v1/auth/login", running.url);
                let answer = sign_ins.of(|| http.post(url).json(&login).send().unwrap());
                assert_eq!(answer.status().as_u16(), 200);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        std::thread::sleep(time);
        over.store(true, Ordering::Relaxed);
    });
    let (after, most) = memory(&running);
    println!("{name}: {before} MiB before, {after} MiB after, {most} MiB at most");
    reads.hold("reads of others");
    sign_ins.hold("sign-ins of others");
    assert!(most < memory_limit(), "{most} MiB at most");
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
#[ignore = "needs the machine for itself: .ci/faults"]
fn bombs_of_gzip_are_not_inflated() {
    // 128 KiB that become more than a hundred MiB.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    while bomb.get_ref().len() < 128 * 1024 {
        bomb.write_all(&[b' '; 1024 * 1024]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let (http, refused) = (Http::new(), AtomicUsize::new(0));
    under_load("gzip bombs", 32, Running::client, |client| {
        for path in
            ["api/v1/auth/login", "api/v1/auth/token", "s/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]
        {
            let form = if path.ends_with("login") {
                "application/json"
            } else {
                "application/x-www-form-urlencoded"
            };
            let request =
                http.post(format!("http://{}/{path}", client.door().0)).header("content-type", form);
            let answer = request.header("content-encoding", "gzip").body(bomb.clone()).send();
            // Where the connection ends in the middle of sending, the answer may not get through.
            if let Ok(answer) = answer {
                assert_eq!(answer.status().as_u16(), 415, "{path}");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    println!("{} bombs refused", refused.into_inner());
}

#[test]
#[ignore = "needs the machine for itself: .ci/faults"]
fn forms_that_drip_take_little() {
    let drips = number("MESA_TEST_DRIPS", 300);
    under_load("dripped forms", drips, Running::client, |client| {
        let Ok(mut stream) = TcpStream::connect(client.door().0) else { return };
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let head = "POST /s/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx HTTP/1.1\r\nHost: mesa\r\n\
            Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
        let piece = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat();
        // 64 KiB, which are taken, or a MiB; and then a byte at a time.
        let pieces = if client.door().1.is_empty() && is_even_turn() { 1 } else { 32 };
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| (0..pieces).try_for_each(|_| stream.write_all(&piece)));
        if sent.is_err() {
            return;
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(12) {
            // Until it is refused; the server ends the connection after that.
            match stream.read(&mut [0; 1024]) {
                Ok(_) => return,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            if stream.write_all(b"1\r\nx\r\n").is_err() {
                return;
            }
        }
        panic!("a form that drips was read for longer than its deadline");
    });
}

/// Every other time.
fn is_even_turn() -> bool {
    static TURNS: AtomicUsize = AtomicUsize::new(0);
    TURNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
}

#[test]
#[ignore = "needs the machine for itself: .ci/faults"]
fn long_passwords_of_symbols_keep_nobody_waiting() {
    let symbols: String = "!\"#$%&/()=?¡*¨[]_:;,.-{}+|°¬\\^`~<>@'¿".chars().cycle().take(200).collect();
    let change = json!({"current_password": "no es la mía", "new_password": symbols}).to_string();
    let http = Http::new();
    under_load(
        "long passwords",
        32,
        |running| sign_in(running, "requester"),
        |requester| {
            let (address, token) = requester.door();
            let request = http.post(format!("http://{address}/api/v1/me/password")).bearer_auth(token);
            let request = request.header("content-type", "application/json").body(change.clone());
            let answer = request.timeout(Duration::from_secs(60)).send().unwrap();
            assert!(matches!(answer.status().as_u16(), 401 | 422 | 429 | 503), "{}", answer.status());
        },
    );
}
