//! Many uploads that never end: memory stays bounded, others are served, and the files that a killed server leaves are
//! removed.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::place::{number, on, sign_in, within};
use super::rude_clients::{beside_others, memory};
use crate::harness::binary::Running;
use crate::harness::{Client, Database};

/// Sends a file without its end, as far as the server accepts it.
fn unfinished(client: &Client, ticket: &str, bytes: usize) -> TcpStream {
    let (host, token) = client.door();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = format!(
        "POST /api/v1/tickets/{ticket}/attachments HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n",
        bytes + 1000
    );
    let piece = vec![b'a'; 256 * 1024];
    let mut sent = stream.write_all(head.as_bytes()).map_or(bytes, |()| 0);
    // A rejected upload is not sent to its end.
    while sent < bytes && stream.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    stream
}

#[test]
fn unfinished_uploads_use_bounded_memory_and_are_removed_after_a_kill() {
    let (database, data) = (Database::from_template(), TempDir::new().unwrap());
    let mut running = Running::start(on(&database, data.path(), &[]));
    let accounts =
        ["requester", "technician", "professional", "director"].map(|role| sign_in(&running, role));
    let ticket = accounts[0].register("Con archivos")["id"].to_string();
    let bytes = number("MESA_TEST_UPLOAD_MEBIBYTES", 6) * 1024 * 1024;
    let (before, _) = memory(&running);
    let streams = beside_others(&accounts[0], || {
        std::thread::scope(|scope| {
            let ticket = &ticket;
            let sending = accounts.iter().flat_map(|account| {
                (0..10).map(move |_| scope.spawn(move || unfinished(account, ticket, bytes)))
            });
            let sending: Vec<_> = sending.collect();
            sending.into_iter().map(|sending| sending.join().unwrap()).collect::<Vec<_>>()
        })
    });
    let (after, most) = memory(&running);
    println!("40 uploads: {before} MiB before, {after} MiB after, {most} MiB at most");
    assert!(most < before + 50, "{before} MiB before, {most} MiB at most");

    let incoming = data.path().join("attachments/incoming");
    let left = || fs::read_dir(&incoming).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(left().len(), 16, "four uploads for each of four accounts");
    running.signal(Signal::SIGKILL);
    drop(streams);
    assert_eq!(left().len(), 16);
    // Two hours later.
    let earlier = SystemTime::now() - Duration::from_secs(7200);
    for file in left() {
        fs::File::options().append(true).open(file).unwrap().set_modified(earlier).unwrap();
    }
    let mut running = Running::start(on(&database, data.path(), &[]));
    within(Duration::from_secs(20), "temporary files are removed", || left().is_empty());
    assert!(running.signal(Signal::SIGTERM).success());
}
