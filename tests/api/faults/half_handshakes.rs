//! Clients that begin TLS handshakes and do not complete them, while another client connects.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpSocket;
use tokio_rustls::rustls::version::TLS13;

use super::hostile_clients::wait_limit;
use super::place::number;
use super::rude_clients::memory;
use crate::harness::Database;
use crate::tls::{Files, REQUEST, made, over, serving};

/// A connection from another address of this machine.
fn from_elsewhere(address: &str) -> TcpStream {
    let connect = async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        socket.connect(address.parse().unwrap()).await.unwrap().into_std().unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(connect);
    stream.set_nonblocking(false).unwrap();
    stream
}

#[test]
#[ignore = "needs an otherwise idle machine: .ci/faults"]
fn handshakes_that_stay_half_open_delay_no_one_elsewhere() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    // More than two workers accept at a time by the framework's default limit.
    let many = number("MESA_TEST_HANDSHAKES", 1500).min(usize::try_from(hard).unwrap_or(usize::MAX) - 1000);
    let certificate = made();
    let files = Files::of(&certificate);
    let database = Database::from_template();
    let running = serving(&files, &database);
    let address = running.url.strip_prefix("https://").unwrap();
    let (before, _) = memory(&running);
    // The longest of ten connections from another address.
    let longest_wait = || {
        let wait = |_| {
            let began = Instant::now();
            let mut line = over(from_elsewhere(address), certificate.cert.der(), &TLS13);
            line.write_all(REQUEST).unwrap();
            let mut answer = String::new();
            line.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            began.elapsed()
        };
        (0..10).map(wait).max().unwrap()
    };
    let unloaded = longest_wait();
    let began = Instant::now();
    let mut half_open: Vec<TcpStream> = (0..many)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            // The beginning of a record that says that 512 bytes follow.
            stream.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
            stream
        })
        .collect();
    let opened = began.elapsed();
    let longest = longest_wait();
    let (_, most) = memory(&running);
    println!(
        "{many} half-open handshakes in {opened:?}: another waited {longest:?}, before {unloaded:?}; {before} MiB before, {most} MiB at most"
    );
    assert!(longest < wait_limit(unloaded), "another handshake took {longest:?}, before {unloaded:?}");
    // The server closes them after five seconds.
    let last = half_open.last_mut().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    // With a reset if the server has not read the beginning of the record.
    let ended = match last.read(&mut [0; 100]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(ended, "a half-open handshake stays open");
}
