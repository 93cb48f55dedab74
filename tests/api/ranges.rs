//! Range requests for downloads (RFC 9110, section 14), and conditional requests.

use crate::harness::{Client, Desk};

const TEXT: &str = "0123456789";

fn holds(client: &Client, path: &str, content: &[u8]) {
    let size = content.len();
    let whole = client.get(path);
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, content));
    assert_eq!(
        (whole.header("accept-ranges"), whole.header("content-length")),
        ("bytes", &*size.to_string())
    );
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag.len(), 66, "the SHA-256 of the content: {etag}");
    let ask = |headers: &[(&'static str, &str)]| {
        let client = headers.iter().fold(client.clone(), |client, (name, value)| client.with(name, *value));
        client.get(path)
    };
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=7-", 7, size - 1),
        ("bytes=7-100000000", 7, size - 1),
        ("bytes=-3", size - 3, size - 1),
        ("bytes=-100000000", 0, size - 1),
    ] {
        let part = ask(&[("range", range), ("accept-encoding", "gzip")]);
        assert_eq!((part.status, part.bytes.as_slice()), (206, &content[first..=last]), "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/{size}"));
        assert_eq!(part.header("content-length"), (last + 1 - first).to_string());
        assert_eq!(
            (part.header("etag"), part.header("content-type")),
            (&*etag, whole.header("content-type"))
        );
        assert_eq!(part.header("content-disposition"), whole.header("content-disposition"));
    }
    for range in ["bytes=5-2", "bytes=x", "bytes=0-1,3-4", "lines=1-2", "bytes"] {
        assert_eq!(ask(&[("range", range)]).status, 200, "{range}");
    }
    for range in [&format!("bytes={size}-"), "bytes=-0"] {
        let refused = ask(&[("range", range)]);
        refused.problem(416, "range_not_satisfiable");
        assert_eq!(refused.header("content-range"), format!("bytes */{size}"), "{range}");
    }
    // A range with an outdated `If-Range` returns the whole content.
    assert_eq!(ask(&[("range", "bytes=2-5"), ("if-range", &etag)]).status, 206);
    for other in ["\"other\"".to_owned(), format!("W/{etag}"), "Sun, 29 Nov 2026 00:00:00 GMT".to_owned()] {
        assert_eq!(ask(&[("range", "bytes=2-5"), ("if-range", &other)]).bytes, content, "{other}");
    }
    for known in [etag.clone(), format!("\"other\", {etag}"), "*".to_owned()] {
        let same = ask(&[("if-none-match", &known), ("range", "bytes=2-5")]);
        assert_eq!((same.status, same.header("etag"), same.bytes.len()), (304, &*etag, 0));
    }
    assert_eq!(ask(&[("if-none-match", "\"other\"")]).status, 200);
    // HEAD ignores ranges, and returns the headers of the whole content.
    let head = client.with("range", "bytes=2-5").raw("HEAD", path, "text/plain", "");
    assert_eq!((head.status, head.header("accept-ranges"), head.bytes.len()), (200, "bytes", 0));
    assert_eq!((head.header("content-length"), head.header("etag")), (&*size.to_string(), &*etag));
}

#[test]
fn a_file_and_a_message_can_be_downloaded_in_part() {
    let desk = Desk::open();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    let file = desk.requester().upload(&path, "a.txt", TEXT).created();
    holds(
        &desk.requester(),
        &format!("/attachments/{}/content", file["id"].as_str().unwrap()),
        TEXT.as_bytes(),
    );
    let mail = "From: requester@mesa.test\nSubject: Sin red\n\nNo hay red.";
    let kept = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    holds(
        &desk.director(),
        &format!("/inbound-emails/{}/raw", kept["id"].as_str().unwrap()),
        mail.as_bytes(),
    );
    // A user who may not see the ticket gets no information from a range.
    let other = desk.another(mesa::auth::policy::Role::Requester).with("range", "bytes=100-");
    other.get(&format!("/attachments/{}/content", file["id"].as_str().unwrap())).problem(404, "not_found");
}
