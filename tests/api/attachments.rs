//! Files of tickets, followups and articles.

use serde_json::{Value, json};

use crate::harness::Desk;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_is_returned_unchanged_and_only_as_a_download() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = desk.ticket_in("received");
    let answer = requester.upload(&format!("{one}/attachments"), "../foto del daño.pdf", PNG);
    let file = answer.created();
    assert_eq!(
        (&file["file_name"], &file["content_type"], &file["size_bytes"]),
        (&json!("foto del daño.pdf"), &json!("image/png"), &json!(PNG.len()))
    );
    assert_eq!(answer.header("location"), format!("/api/v1/attachments/{}", id(&file)));
    let content = requester.get(&format!("/attachments/{}/content", id(&file)));
    assert_eq!((content.status, content.bytes.as_slice()), (200, PNG));
    assert_eq!(content.header("content-type"), "image/png");
    assert!(
        content
            .header("content-disposition")
            .starts_with("attachment; filename*=UTF-8''foto%20del%20da%C3%B1o.pdf")
    );
    assert_eq!(content.header("x-content-type-options"), "nosniff");
    assert!(content.header("content-security-policy").contains("sandbox"));
    assert_eq!(requester.get(&format!("{one}/attachments")).items(), [file]);
    let events = desk.technician().get(&format!("{one}/events")).items();
    assert_eq!(events.last().unwrap()["kind"], "file_attached");
}

#[test]
fn size_and_types_are_limited_by_the_configuration() {
    let desk = Desk::configured(&[
        ("MESA_ATTACHMENT_MAX_BYTES", "1000"),
        ("MESA_ATTACHMENT_TYPES", "image/*,text/plain"),
    ]);
    let requester = desk.requester();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    requester.upload(&path, "justo.txt", vec![b'a'; 1000]).created();
    requester.upload(&path, "grande.txt", vec![b'a'; 1001]).problem(413, "too_large");
    requester.upload(&path, "muy grande.txt", vec![b'a'; 5_000_000]).problem(413, "too_large");
    requester
        .upload(&path, "página.html", "<html><script>alert(1)</script></html>")
        .problem(415, "unsupported_media_type");
    requester
        .upload(&path, "foto.png", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".to_vec())
        .problem(415, "unsupported_media_type");
    assert_eq!(requester.upload(&path, "vacío.txt", "").faults(), [("/file".into(), "too_short".into())]);
    requester.post(&path, json!({"file": "x"})).problem(415, "unsupported_media_type");
    let broken = requester.raw("POST", &path, "multipart/form-data; boundary=x", "--x\r\nContent-Disp");
    broken.problem(400, "bad_request");
    let nameless = "--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\na\r\n--x--\r\n";
    let other = requester.raw("POST", &path, "multipart/form-data; boundary=x", nameless);
    assert_eq!(other.faults(), [("/other".into(), "unknown_field".into())]);
    assert_eq!(
        requester.raw("POST", &path, "multipart/form-data; boundary=x", "--x--\r\n").faults(),
        [("/file".into(), "required".into())]
    );
    assert_eq!(requester.get(&path).items().len(), 1);
}

#[test]
fn files_of_a_ticket_need_access_to_the_ticket() {
    let desk = Desk::open();
    let one = desk.ticket_in("received");
    let file = desk.requester().upload(&format!("{one}/attachments"), "a.txt", "a").created();
    let other = desk.another(mesa::auth::policy::Role::Requester);
    for path in [
        format!("/attachments/{}", id(&file)),
        format!("/attachments/{}/content", id(&file)),
        format!("{one}/attachments"),
    ] {
        other.get(&path).problem(404, "not_found");
    }
    other.upload(&format!("{one}/attachments"), "b.txt", "b").problem(404, "not_found");
}

#[test]
fn readers_of_an_article_can_read_its_files() {
    let desk = Desk::open();
    let technician = desk.technician();
    let content =
        json!({"title": "Título", "incident": "Incidente", "resolution": "Solución", "visibility": "public"});
    let article = format!("/kb/articles/{}", id(&technician.post("/kb/articles", content).created()));
    let file = id(&technician.upload(&format!("{article}/attachments"), "guía.txt", "Paso 1").created());
    desk.requester().get(&format!("/attachments/{file}/content")).problem(404, "not_found");
    technician.patch(&article, json!({"status": "published", "no_steps": true})).ok();
    assert_eq!(desk.requester().get(&format!("/attachments/{file}/content")).text(), "Paso 1");
    assert_eq!(desk.requester().get(&format!("{article}/attachments")).items().len(), 1);
}

#[test]
fn a_repeated_upload_with_the_same_key_stores_one_file() {
    let desk = Desk::open();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    let requester = desk.requester().with("idempotency-key", "archivo-1");
    let first = requester.upload(&path, "a.txt", "hola").created();
    assert_eq!(requester.upload(&path, "a.txt", "hola").created(), first);
    requester.upload(&path, "a.txt", "otra cosa").problem(422, "idempotency_key_reused");
    assert_eq!(requester.get(&path).items().len(), 1);
}

#[test]
fn copies_of_the_server_share_the_files() {
    let desk = Desk::open();
    let path = format!("{}/attachments", desk.ticket_in("received"));
    let file = id(&desk.requester().upload(&path, "a.txt", "hola").created());
    let copy = desk.copy();
    assert_eq!(copy.client(&desk.requester()).get(&format!("/attachments/{file}/content")).text(), "hola");
}

#[test]
fn an_upload_rejected_by_the_ticket_state_is_not_stored() {
    let desk = Desk::open();
    let requester = desk.requester();
    let path = format!("{}/attachments", desk.ticket_in("archived"));
    requester.upload(&path, "a.txt", "hola").problem(409, "step_not_allowed");
    let kept = std::path::Path::new(&desk.shared().config.data_dir).join("attachments");
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0);
}
