//! Uploads that are rejected, interrupted or never finished leave nothing in the object store.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use mesa::attachments::{content, removed};
use serde_json::json;

use crate::harness::{Client, Desk};

/// All files of the object store.
fn stored(desk: &Desk) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&desk.shared().config.attachments_folder().unwrap(), &mut found);
    found
}

fn stored_within(desk: &Desk, wanted: usize, limit: Duration) {
    let began = Instant::now();
    while stored(desk).len() != wanted {
        assert!(began.elapsed() < limit, "{wanted} files expected: {:?}", stored(desk));
        std::thread::sleep(Duration::from_millis(10));
    }
}

const SOON: Duration = Duration::from_secs(10);

/// An upload that sends its body in two halves.
struct Unfinished {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Unfinished {
    fn begin(client: &Client, path: &str, headers: &str, size: usize) -> Self {
        let (host, token) = client.door();
        let mut body =
            b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n".to_vec();
        body.resize(body.len() + size, b'a');
        body.extend_from_slice(b"\r\n--x--\r\n");
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nHost: mesa\r\nAuthorization: Bearer {token}\r\n{headers}\
             Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let rest = body.split_off(body.len() / 2);
        stream.write_all(&body).unwrap();
        Unfinished { stream, rest }
    }

    fn status(mut self) -> u16 {
        let mut bytes = [0; 2048];
        let read = self.stream.read(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..read]).get(9..12).unwrap().parse().unwrap()
    }

    fn finish(mut self) -> u16 {
        let rest = std::mem::take(&mut self.rest);
        self.stream.write_all(&rest).unwrap();
        self.status()
    }
}

#[test]
fn a_rejected_upload_leaves_no_content() {
    let desk = Desk::open();
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("received");
    let path = format!("{one}/attachments");
    // With an outdated version, the body is not received.
    let stale = requester.with("if-match", "\"999-aa\"");
    assert_eq!(Unfinished::begin(&stale, &path, "If-Match: \"999-aa\"\r\n", 1_000_000).status(), 412);
    assert_eq!(stored(&desk).len(), 0);

    // The ticket changes while the file arrives.
    let version = requester.get(&one).header("etag").to_owned();
    let arriving = Unfinished::begin(&requester, &path, &format!("If-Match: {version}\r\n"), 1_000_000);
    stored_within(&desk, 1, SOON);
    technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    assert_eq!(arriving.finish(), 412);
    stored_within(&desk, 0, SOON);

    // The key was already used with another file.
    let keyed = requester.with("idempotency-key", "archivo-1");
    keyed.upload(&path, "a.txt", "uno").created();
    keyed.upload(&path, "a.txt", "dos").problem(422, "idempotency_key_reused");
    keyed.upload(&path, "a.txt", vec![b'd'; 1_000_000]).problem(422, "idempotency_key_reused");
    keyed.upload(&path, "a.txt", "uno").created();
    stored_within(&desk, 1, SOON);

    // The connection is closed early, and a type is rejected at the end of the file.
    let cut = Unfinished::begin(&requester, &path, "", 1_000_000);
    stored_within(&desk, 2, SOON);
    drop(cut);
    stored_within(&desk, 1, SOON);
    let mut binary = vec![b'a'; 900_000];
    binary.extend([0; 100_000]);
    requester.upload(&path, "a.txt", binary).problem(415, "unsupported_media_type");
    stored_within(&desk, 1, SOON);

    // The state changes while the file arrives. A repeat of an earlier request still gets its original response.
    let arriving = Unfinished::begin(&requester, &path, "", 1_000_000);
    stored_within(&desk, 2, SOON);
    technician.post(&format!("{one}/archive"), json!({"reason": "withdrawn"})).ok();
    assert_eq!(arriving.finish(), 409);
    keyed.upload(&path, "a.txt", "uno").created();
    stored_within(&desk, 1, SOON);
    assert_eq!(requester.get(&path).items().len(), 1);
}

#[test]
fn files_left_by_a_killed_server_are_removed_and_no_others() {
    let desk = Desk::open();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    let file = desk.requester().upload(&path, "a.txt", "se queda").created();
    let large = desk.requester().upload(&path, "b.txt", vec![b'b'; 700_000]).created();
    assert_eq!(large["size_bytes"], 700_000);
    let run = |work| actix_web::rt::System::new().block_on(work);
    // An unfinished part, a complete temporary object, and a content that no row refers to.
    let incoming = desk.shared().config.attachments_folder().unwrap().join("incoming");
    fs::write(incoming.join("019ace00-0000-7000-8000-000000000001#1"), "mitad").unwrap();
    fs::write(incoming.join("019ace00-0000-7000-8000-000000000002"), "todo").unwrap();
    actix_web::rt::System::new()
        .block_on(content::put(desk.shared(), "ab/abandoned", actix_web::web::Bytes::from_static(b"x")))
        .unwrap();
    assert_eq!(stored(&desk).len(), 5);
    assert_eq!(run(content::sweep_temporary(desk.shared(), content::ABANDONED)).unwrap(), 0);
    assert_eq!(run(content::sweep_temporary(desk.shared(), Duration::ZERO)).unwrap(), 2);
    let sweep = |wait| actix_web::rt::System::new().block_on(removed::sweep(desk.shared(), wait)).unwrap();
    assert_eq!((sweep(removed::WAIT), sweep(TimeDelta::zero()), sweep(TimeDelta::zero())), (0, 1, 0));
    assert_eq!(desk.database.count("SELECT count(*) FROM removed_files"), 0);
    assert_eq!(stored(&desk).len(), 2);
    let content = format!("/attachments/{}/content", file["id"].as_str().unwrap());
    assert_eq!(desk.requester().get(&content).text(), "se queda");
}

#[test]
fn the_simultaneous_uploads_of_an_account_are_limited() {
    let desk = Desk::open();
    let requester = desk.requester();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    let mut arriving: Vec<Unfinished> =
        (0..4).map(|_| Unfinished::begin(&requester, &path, "", 1_000_000)).collect();
    stored_within(&desk, 4, SOON);
    let refused = requester.upload(&path, "a.txt", "otro");
    refused.problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "5");
    desk.technician().upload(&path, "a.txt", "de otra persona").created();
    assert_eq!(arriving.pop().unwrap().finish(), 201);
    requester.upload(&path, "a.txt", "otro").created();
    drop(arriving);
    stored_within(&desk, 3, SOON);
}

#[test]
fn executable_files_are_rejected_and_file_names_are_made_safe() {
    let desk = Desk::configured(&[("MESA_ATTACHMENT_TYPES", "*/*")]);
    let requester = desk.requester();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    for name in
        ["a.hta", "a.vbs", "a.url", "a.mht", "a.jar", "foto.jpg.lnk", "a.html", "a.svg", "a.hta\u{200b}"]
    {
        requester.upload(&path, name, "texto").problem(415, "unsupported_media_type");
    }
    for (name, kept) in
        [("NUL.txt", "_NUL.txt"), ("CON", "_CON"), ("a\u{61c}\u{ad}\u{180e}\u{2028}b.txt", "ab.txt")]
    {
        assert_eq!(requester.upload(&path, name, "texto").created()["file_name"], kept);
    }
    assert_eq!(stored(&desk).len(), 1);
}
