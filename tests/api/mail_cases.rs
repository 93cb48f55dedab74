//! Small messages that real mail looks like (`tests/mail-cases`): what becomes of each over the API.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Client, Desk};
use crate::inbound::{hand_in, message};

const ANA: &str = "ana.ruiz@entidad.test";

/// A desk with the sender of the messages, who has all minimum data, and with ticket 1, which they wrote.
fn desk() -> Desk {
    let desk = Desk::configured(&[
        ("MESA_SMTP_URL", "smtp://127.0.0.1:1"),
        ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@mesa.test>"),
        ("MESA_PUBLIC_URL", "https://mesa.example"),
        ("MESA_MAIL_SENDER_LIMIT", "1000"),
    ]);
    let account = json!({
        "email": ANA, "role": "requester", "full_name": "Ana Ruiz", "document_id": "43999111",
        "contact": {"extension": "1200"}, "unit_id": desk.unit_id(),
    });
    desk.director().post("/users", account).created();
    let root = message(ANA, "Hilo de prueba", "Message-ID: <raiz@entidad.test>\n", "Sin red.");
    assert_eq!(hand_in(&desk.director(), root).created()["ticket_id"], 1);
    desk
}

/// What a message became.
struct Became {
    email: Value,
    ticket: Value,
    /// The description of the ticket, or the text of the followup.
    body: String,
    files: Vec<(String, Vec<u8>)>,
}

fn became(director: &Client, content: Vec<u8>) -> Became {
    let email = hand_in(director, content).created();
    if email["status"] != "processed" {
        return Became { body: email["reason"].to_string(), files: Vec::new(), ticket: json!(null), email };
    }
    let one = format!("/tickets/{}", email["ticket_id"]);
    let ticket = director.get(&one).ok();
    let (owner, body) = match email["followup_id"].as_str() {
        Some(id) => {
            let path = format!("{one}/followups/{id}");
            let body = director.get(&path).ok()["body"].clone();
            (path, body)
        }
        None => (one, ticket["description"].clone()),
    };
    let files = director.get(&format!("{owner}/attachments")).items().into_iter().map(|file| {
        let content = director.get(&format!("/attachments/{}/content", file["id"].as_str().unwrap()));
        (file["file_name"].as_str().unwrap().to_owned(), content.bytes.to_vec())
    });
    Became { files: files.collect(), body: body.as_str().unwrap().to_owned(), email, ticket }
}

/// What differs from the expected reading.
fn difference(name: &str, became: &Became, expected: &Value) -> Vec<String> {
    let refused = became.email["refused_files"].as_array().unwrap().iter().filter_map(Value::as_str);
    // A damaged winmail.dat is kept in the message only, and named.
    let refused = refused.filter(|refused| *refused == "winmail.dat");
    let names: Vec<&str> = became.files.iter().map(|(name, _)| name.as_str()).chain(refused).collect();
    let mut wrong = Vec::new();
    if became.email["status"] != "processed" {
        wrong.push(format!("it is {}", became.email));
    }
    for (key, wanted) in expected.as_object().unwrap() {
        let texts: Vec<&str> = wanted.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (found, is_right) = match key.as_str() {
            "subject" => (became.ticket["subject"].to_string(), became.ticket["subject"] == *wanted),
            // The account keeps the name of the first message, and takes only that of a person.
            "requester_name" if !name.contains("raw-latin1-from-name") => continue,
            "requester_name" => {
                let name = &became.ticket["requester"]["full_name"];
                (name.to_string(), name == wanted)
            }
            "from_address" => {
                (became.email["from_address"].to_string(), became.email["from_address"] == *wanted)
            }
            "body_equals" => (became.body.clone(), became.body == wanted.as_str().unwrap()),
            "body_contains" => (became.body.clone(), texts.iter().all(|text| became.body.contains(text))),
            "body_lacks" => (became.body.clone(), !texts.iter().any(|text| became.body.contains(text))),
            "reply_to" => {
                let address = &became.email["reply_to_address"];
                (address.to_string(), address == wanted)
            }
            "files" => (format!("{names:?}"), names == texts),
            "files_any" => (format!("{names:?}"), names.iter().any(|name| texts.contains(name))),
            "file_bytes" => {
                let there =
                    |(name, bytes): &(String, Vec<u8>)| name == texts[0] && bytes == texts[1].as_bytes();
                (format!("{:?}", became.files), became.files.iter().any(there))
            }
            "refused_files" => {
                (became.email["refused_files"].to_string(), became.email["refused_files"] == *wanted)
            }
            "kind" => (became.email.to_string(), became.email["followup_id"].is_null() && wanted == "ticket"),
            "followup_or_relation" => (became.email.to_string(), became.email["ticket_id"] == 1),
            other => panic!("unknown expectation {other}"),
        };
        if !is_right {
            wrong.push(format!("{key}: expected {wanted}, found {found}"));
        }
    }
    wrong
}

#[test]
fn every_message_is_read_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail-cases");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".eml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 46);
    let desk = desk();
    let director = desk.director();
    let mut wrong = Vec::new();
    for name in &names {
        let expected = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let found = became(&director, fs::read(folder.join(format!("{name}.eml"))).unwrap());
        let differences = difference(name, &found, &expected["expected"]);
        wrong.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}
