//! Many clients that try to exhaust the server's memory or processors: memory stays bounded, and other clients are
//! served.

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
use rustix::process::setpriority_process;
use serde_json::json;
use tempfile::TempDir;

use super::place::{number, on, sign_in};
use super::rude_clients::{memory, resident};
use crate::harness::binary::Running;
use crate::harness::{Client, Database, PASSWORD};

/// Maximum memory of the process during a load, in MiB, without the pages of the program's file: those are 70 MiB in a
/// debug build and 25 MiB in a release build. Together with the latter the process stays under 200 MB.
const MEMORY_LIMIT: usize = 165;

/// Maximum 99th percentile of the duration of other clients' requests on a machine of ordinary speed.
const WAIT_LIMIT: Duration = Duration::from_secs(1);

/// On a slow machine: the maximum, as a multiple of the slowest request without the load.
const SLOWDOWN_LIMIT: u32 = 10;

/// Maximum duration of other clients' requests, given their duration without the load.
pub fn wait_limit(unloaded: Duration) -> Duration {
    WAIT_LIMIT.max(unloaded * SLOWDOWN_LIMIT)
}

/// The largest memory that the process has had, in MiB, without the pages of the program's file.
fn private_memory(running: &Running) -> usize {
    let (_, most) = memory(running);
    most - resident(running, "RssFile:")
}

fn http() -> Http {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    Http::builder().local_address(address).timeout(Duration::from_secs(60)).build().unwrap()
}

/// The duration of each request of other clients.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Waits {
    fn measure<T>(&self, act: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = act();
        self.0.lock().unwrap().push(began.elapsed());
        done
    }

    /// How many requests were measured, the median, and the 99th percentile.
    fn figures(&self) -> (usize, Duration, Duration) {
        let mut waits = self.0.lock().unwrap();
        waits.sort_unstable();
        assert!(!waits.is_empty());
        (waits.len(), waits[waits.len() / 2], waits[(waits.len() * 99 / 100).min(waits.len() - 1)])
    }
}

/// Two clients at another address during the load: one reads, one signs in.
#[derive(Default)]
struct Others {
    reads: Waits,
    sign_ins: Waits,
}

impl Others {
    /// Sends requests until it is over.
    fn read(&self, technician: &Client, over: &AtomicBool) {
        let (http, (address, token)) = (http(), technician.door());
        while !over.load(Ordering::Relaxed) {
            let url = format!("http://{address}/api/v1/tickets?limit=5");
            let answer = self.reads.measure(|| http.get(url).bearer_auth(token).send().unwrap());
            assert_eq!(answer.status().as_u16(), 200);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends requests until it is over.
    fn sign_in(&self, running: &Running, over: &AtomicBool) {
        let (http, login) = (http(), json!({"email": "professional@mesa.test", "password": PASSWORD}));
        while !over.load(Ordering::Relaxed) {
            let url = format!("{}/api/v1/auth/login", running.url);
            let answer = self.sign_ins.measure(|| http.post(url).json(&login).send().unwrap());
            let status = answer.status().as_u16();
            assert_eq!(status, 200, "{}", answer.text().unwrap_or_default());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    #[track_caller]
    fn compare_with(&self, unloaded: &Others) {
        for (name, with, without) in
            [("reads", &self.reads, &unloaded.reads), ("sign-ins", &self.sign_ins, &unloaded.sign_ins)]
        {
            let ((count, p50, p99), (_, _, usual)) = (with.figures(), without.figures());
            println!("{name} of others: {count} times, p50 {p50:?}, p99 {p99:?}; without the load {usual:?}");
            assert!(p99 < wait_limit(usual), "{name} of others: p99 {p99:?}, without the load {usual:?}");
        }
    }
}

/// Runs `act` repeatedly in many clients for a while, and measures other clients that read and sign in from another
/// address.
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
    let measure = |clients: usize, time: Duration| {
        let (over, others) = (AtomicBool::new(false), Others::default());
        std::thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    // Real hostile clients run on other machines, so these get the lowest priority: they use only the
                    // processor time that the server leaves. On Linux this sets the priority of the thread.
                    let _ = setpriority_process(None, 19);
                    while !over.load(Ordering::Relaxed) {
                        act(&hostile);
                    }
                });
            }
            scope.spawn(|| others.read(&technician, &over));
            scope.spawn(|| others.sign_in(&running, &over));
            std::thread::sleep(time);
            over.store(true, Ordering::Relaxed);
        });
        others
    };
    let unloaded = measure(0, Duration::from_secs(1));
    let loaded = measure(clients, time);
    let ((after, most), private) = (memory(&running), private_memory(&running));
    println!(
        "{name}: {before} MiB before, {after} MiB after, {most} MiB at most, {private} MiB without the program"
    );
    loaded.compare_with(&unloaded);
    assert!(private < MEMORY_LIMIT, "{private} MiB at most without the pages of the program");
    assert!(running.signal(Signal::SIGTERM).success());
}

#[test]
#[ignore = "needs an otherwise idle machine: .ci/faults"]
fn gzip_bombs_are_rejected_without_decompression() {
    // 128 KiB that decompress to more than a hundred MiB.
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
            // If the server closes the connection while the body is being sent, the answer may be lost.
            if let Ok(answer) = answer {
                assert_eq!(answer.status().as_u16(), 415, "{path}");
                refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    println!("{} bombs refused", refused.into_inner());
}

#[test]
#[ignore = "needs an otherwise idle machine: .ci/faults"]
fn slowly_sent_forms_use_little_memory_and_time() {
    let drips = number("MESA_TEST_DRIPS", 300);
    under_load("slow forms", drips, Running::client, |client| {
        let Ok(mut stream) = TcpStream::connect(client.door().0) else { return };
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let head = "POST /s/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx HTTP/1.1\r\nHost: mesa\r\n\
            Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
        let piece = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat();
        // 64 KiB, which the server accepts, or 1 MiB; then one byte at a time.
        let pieces = if client.door().1.is_empty() && is_even_turn() { 1 } else { 32 };
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| (0..pieces).try_for_each(|_| stream.write_all(&piece)));
        if sent.is_err() {
            return;
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(12) {
            // Until the server rejects it and closes the connection.
            match stream.read(&mut [0; 1024]) {
                Ok(_) => return,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            if stream.write_all(b"1\r\nx\r\n").is_err() {
                return;
            }
        }
        panic!("a slowly sent form was read for longer than its deadline");
    });
}

/// True on every second call.
fn is_even_turn() -> bool {
    static TURNS: AtomicUsize = AtomicUsize::new(0);
    TURNS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
}

#[test]
#[ignore = "needs an otherwise idle machine: .ci/faults"]
fn long_passwords_of_symbols_do_not_delay_other_clients() {
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
