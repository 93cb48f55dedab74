//! Inbound mail: messages become tickets, followups or steps, with their files.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Desk, PASSWORD};

/// No mail is sent: these tests do not process the outbox.
pub const MAIL: &[(&str, &str)] = &[
    ("MESA_SMTP_URL", "smtp://127.0.0.1:1"),
    ("MESA_MAIL_FROM", "Mesa de Servicios <soporte@mesa.test>"),
    ("MESA_PUBLIC_URL", "https://mesa.example"),
    ("MESA_MAIL_AUTHSERV_ID", "mx.mesa.test"),
];

/// The result that the entity's mail server adds to a message that it verified.
pub const ALIGNED: &str = "Authentication-Results: mx.mesa.test; dmarc=pass header.from=mesa.test\n";

pub fn desk() -> Desk {
    Desk::configured(MAIL)
}

/// A message from this sender, with further header fields.
pub fn message(from: &str, subject: &str, fields: &str, body: &str) -> String {
    format!("From: {from}\nTo: soporte@mesa.test\nSubject: {subject}\n{fields}\n{body}\n")
}

pub fn hand_in(client: &Client, message: impl Into<Vec<u8>>) -> Answer {
    client.raw("POST", "/inbound-emails", "message/rfc822", message.into())
}

/// Submits a new message and returns the result.
#[track_caller]
pub fn became(desk: &Desk, message: impl Into<Vec<u8>>) -> Value {
    hand_in(&desk.director(), message).created()
}

#[track_caller]
pub fn ticket_of(desk: &Desk, email: &Value) -> Value {
    assert_eq!(email["status"], "processed", "{email}");
    desk.director().get(&format!("/tickets/{}", email["ticket_id"])).ok()
}

/// The Message-ID of the first message to this recipient about a ticket.
pub fn sent_id(desk: &Desk, ticket: &str, recipient: &Client) -> String {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = diesel::sql_types::Text)]
        id: String,
    }
    let number = ticket.rsplit('/').next().unwrap();
    let sql = format!(
        "SELECT id::text FROM messages WHERE ticket_id = {number} AND recipient_id = '{}' ORDER BY created_at LIMIT 1",
        recipient.id()
    );
    let Id { id } = diesel::sql_query(sql).get_result(&mut desk.database.connect()).unwrap();
    format!("{id}@mesa.test")
}

pub fn followups(desk: &Desk, ticket: &str) -> Vec<Value> {
    desk.director().get(&format!("{ticket}/followups")).items()
}

pub fn messages_to(desk: &Desk, address: &str) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM messages m JOIN users u ON u.id = m.recipient_id WHERE u.email = '{address}'"
    ))
}

#[test]
fn a_message_becomes_a_ticket_of_its_author() {
    let desk = desk();
    let mail = message(
        "Rosa <REQUESTER@Mesa.Test>",
        "Sin red",
        "Message-ID: <1@x>\n",
        "No hay red en el piso 3.\n\nRosa",
    );
    let email = became(&desk, mail.clone());
    assert_eq!((&email["source"], &email["from_address"]), (&json!("api"), &json!("requester@mesa.test")));
    let ticket = ticket_of(&desk, &email);
    assert_eq!(
        (&ticket["status"], &ticket["channel"], &ticket["subject"], &ticket["description"]),
        (&json!("received"), &json!("email"), &json!("Sin red"), &json!("No hay red en el piso 3.\n\nRosa"))
    );
    assert_eq!(ticket["requester"]["id"], desk.requester().id());
    assert_eq!(ticket["registered_by"]["id"], desk.requester().id());
    assert_eq!(messages_to(&desk, "requester@mesa.test"), 1);

    // The same message by another route.
    let again = format!("Received: from a by b\r\n{}", mail.replace('\n', "\r\n"));
    let repeat = hand_in(&desk.director(), again).ok();
    assert_eq!(repeat, email);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);

    let id = email["id"].as_str().unwrap();
    let one = format!("/inbound-emails/{id}");
    let read = desk.professional().get(&one);
    assert_eq!(read.ok(), email);
    desk.professional().with("if-none-match", read.header("etag")).get(&one).expect(304);
    let raw = desk.professional().get(&format!("{one}/raw"));
    assert_eq!((raw.status, raw.text()), (200, mail));
    assert!(raw.header("content-disposition").starts_with("attachment"));
    assert_eq!(
        desk.professional().get("/inbound-emails?status=processed&status=ignored&with_total=true").ok()["total"],
        1
    );
    assert!(desk.professional().get("/inbound-emails?status=set_aside").items().is_empty());
    desk.professional().post(&format!("{one}/processing"), json!({})).problem(409, "wrong_state");
}

#[test]
fn the_list_is_paged_newest_first() {
    let desk = desk();
    for number in 1..=5 {
        became(
            &desk,
            message("requester@mesa.test", &format!("{number}"), &format!("Message-ID: <{number}@x>\n"), "x"),
        );
    }
    let (mut path, mut seen) = ("/inbound-emails?limit=2".to_owned(), Vec::new());
    loop {
        let page = desk.professional().get(&path).ok();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|email| email["subject"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/inbound-emails?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
}

#[test]
fn a_reply_becomes_a_followup_without_the_quoted_text() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let number: i64 = one.rsplit('/').next().unwrap().parse().unwrap();
    let answered = sent_id(&desk, &one, &desk.requester());
    let before = messages_to(&desk, "technician@mesa.test");
    let reply = message(
        "requester@mesa.test",
        "Re: otra cosa",
        &format!("Message-ID: <r1@x>\nIn-Reply-To: <{answered}>\n"),
        "La placa es 10432.\n\nEl lun, 24 nov 2026 a las 10:00, Mesa (<soporte@mesa.test>) escribió:\n> ¿Cuál es?",
    );
    let email = became(&desk, reply);
    assert_eq!(email["ticket_id"], number);
    let entry = followups(&desk, &one).pop().unwrap();
    assert_eq!((&entry["id"], &entry["body"]), (&email["followup_id"], &json!("La placa es 10432.")));
    assert_eq!(
        (&entry["visibility"], &entry["author"]["id"]),
        (&json!("public"), &json!(desk.requester().id()))
    );
    // Only the assignee is notified.
    assert_eq!(messages_to(&desk, "technician@mesa.test"), before + 1);

    // Replies are matched by the number in the subject, and by references to earlier inbound messages.
    let by_subject = message(
        "requester@mesa.test",
        &format!("RV: [#{number}] Sin red"),
        "Message-ID: <r2@x>\n",
        "Sigue igual.",
    );
    assert_eq!(became(&desk, by_subject)["ticket_id"], number);
    // The text of a forwarded message is kept.
    let forwarded = "Vea lo que dice el proveedor.\n\nDe: Proveedor <p@x.co>\nEnviado: lunes 24 de noviembre de 2026 10:00\nPara: Rosa\nAsunto: Repuesto\n\nNo hay.";
    let email = became(&desk, message("requester@mesa.test", &format!("RV: [#{number}] x"), "", forwarded));
    let entry = followups(&desk, &one).pop().unwrap();
    assert_eq!((&entry["id"], &entry["body"]), (&email["followup_id"], &json!(forwarded)));
    let to_own =
        message("requester@mesa.test", "Re: x", "Message-ID: <r3@x>\nReferences: <r1@x>\n", "Y el teléfono.");
    assert_eq!(became(&desk, to_own)["ticket_id"], number);

    // A message by staff is mailed to the requester.
    let before = messages_to(&desk, "requester@mesa.test");
    let by_staff = message("professional@mesa.test", &format!("Re: [#{number}] x"), ALIGNED, "Vamos mañana.");
    assert_eq!(became(&desk, by_staff)["ticket_id"], number);
    assert_eq!(messages_to(&desk, "requester@mesa.test"), before + 1);

    // A message by anyone else who does not reply to the thread becomes a new ticket.
    let other = desk.another(Role::Requester);
    let stranger = message(other.email(), &format!("Re: [#{number}] Sin red"), "", "Yo también.");
    let email = became(&desk, stranger);
    let ticket = ticket_of(&desk, &email);
    assert_ne!(ticket["id"], number);
    assert_eq!((&ticket["subject"], &ticket["requester"]["id"]), (&json!("Sin red"), &json!(other.id())));
    // Including the followup of the acceptance.
    assert_eq!(followups(&desk, &one).len(), 6);
}

#[test]
fn a_reply_reopens_a_solved_ticket_or_continues_a_closed_one() {
    let desk = desk();
    let number = |one: &str| one.rsplit('/').next().unwrap().parse::<i64>().unwrap();
    let reply = |one: &str, id: &str| {
        let subject = format!("Re: [#{}] La impresora no imprime", number(one));
        became(
            &desk,
            message("requester@mesa.test", &subject, &format!("Message-ID: <{id}@x>\n"), "Volvió a fallar."),
        )
    };
    let solved = desk.ticket_in("solved");
    let email = reply(&solved, "s1");
    let ticket = ticket_of(&desk, &email);
    assert_eq!((&ticket["id"], &ticket["status"]), (&json!(number(&solved)), &json!("in_progress")));
    assert_eq!((&ticket["reopened_count"], &ticket["solution"]), (&json!(1), &json!(null)));
    assert_eq!(followups(&desk, &solved).pop().unwrap()["body"], "Volvió a fallar.");

    // A message by staff does not reopen a solved ticket.
    let solved = desk.ticket_in("solved");
    let subject = format!("Re: [#{}] x", number(&solved));
    became(&desk, message("technician@mesa.test", &subject, ALIGNED, "Quedó el informe."));
    assert_eq!(desk.director().get(&solved).ok()["status"], "solved");

    let closed = desk.ticket_in("closed");
    let email = reply(&closed, "c1");
    let ticket = ticket_of(&desk, &email);
    assert_eq!(
        (&ticket["status"], &ticket["subject"]),
        (&json!("received"), &json!("La impresora no imprime"))
    );
    let relations = desk.requester().get(&format!("/tickets/{}/relations", ticket["id"])).items();
    assert_eq!(relations[0]["kind"], "continues");
    assert_eq!(relations[0]["ticket"]["id"], number(&closed));

    let archived = desk.ticket_in("archived");
    let ticket = ticket_of(&desk, &reply(&archived, "a1"));
    assert_eq!(ticket["resubmission_of_id"], number(&archived));
    assert_eq!(desk.director().get(&archived).ok()["archive"]["resubmitted_as_id"], ticket["id"]);
    // Only the first reply resubmits; later ones become tickets that continue it.
    let ticket = ticket_of(&desk, &reply(&archived, "a2"));
    assert_eq!(ticket["resubmission_of_id"], json!(null));
    assert_eq!(
        desk.requester().get(&format!("/tickets/{}/relations", ticket["id"])).items()[0]["kind"],
        "continues"
    );
}

#[test]
fn a_reply_ends_the_wait_for_information() {
    let desk = desk();
    let one = desk.ticket_in("assigned");
    desk.technician()
        .post(&format!("{one}/information-request"), json!({"missing": "¿Cuál es la placa?"}))
        .ok();
    let subject = format!("Re: [#{}] x", one.rsplit('/').next().unwrap());
    became(&desk, message("requester@mesa.test", &subject, "", "La 10432."));
    assert_eq!(desk.director().get(&one).ok()["status"], "assigned");
}

#[test]
fn an_unknown_sender_is_asked_for_missing_data_and_cannot_sign_in() {
    let desk = desk();
    let email =
        became(&desk, message("Vecino Nuevo <vecino@barrio.example>", "Alumbrado", "", "No hay luz."));
    let ticket = ticket_of(&desk, &email);
    assert_eq!(
        (&ticket["status"], &ticket["information_request"]["missing_data"]),
        (&json!("on_hold"), &json!(["document_id", "contact", "unit"]))
    );
    let asked = ticket["information_request"]["missing"].as_str().unwrap();
    for missing in ["documento de identidad", "teléfono", "unidad administrativa"] {
        assert!(asked.contains(missing), "{asked}");
    }
    let requester = &ticket["requester"];
    assert_eq!(
        (&requester["full_name"], &requester["email"]),
        (&json!("Vecino Nuevo"), &json!("vecino@barrio.example"))
    );
    assert_eq!((&requester["document_id"], &requester["unit"]), (&json!(null), &json!(null)));
    assert_eq!(messages_to(&desk, "vecino@barrio.example"), 1);
    let user = desk.director().get(&format!("/users/{}", requester["id"].as_str().unwrap())).ok();
    assert_eq!((&user["can_sign_in"], &user["role"]), (&json!(false), &json!("requester")));
    for password in ["", "!", PASSWORD] {
        let login = json!({"email": "vecino@barrio.example", "password": password});
        let refused = desk.nobody().post("/auth/login", login).problem(401, "invalid_credentials");
        let wrong = json!({"email": "requester@mesa.test", "password": "otra-clave-larga"});
        let wrong = desk.nobody().post("/auth/login", wrong).problem(401, "invalid_credentials");
        assert_eq!((&refused["title"], &refused["detail"]), (&wrong["title"], &wrong["detail"]));
    }
    // Further mail from the same address uses the same account.
    let again = became(&desk, message("VECINO@barrio.example", "Sigue", "", "Sin luz."));
    assert_eq!(ticket_of(&desk, &again)["requester"]["id"], requester["id"]);

    // Staff fill in the missing data.
    let one = format!("/tickets/{}", ticket["id"]);
    let data = json!({"document_id": "1", "contact": {"mobile": "300"}, "unit_id": desk.unit_id()});
    let completed = desk.professional().patch(&one, json!({"requester": data})).ok();
    assert_eq!(completed["status"], "received");
    // The history contains all events and verifies.
    let kinds: Vec<Value> = desk
        .director()
        .get(&format!("/tickets/{}/events", ticket["id"]))
        .items()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["received", "information_requested", "changed", "resumed"]);
    assert_eq!(desk.director().get("/audit/verification").ok()["broken"], json!([]));
    // The sender can set a password by a link to the mailbox (see `password_links`).
    let request = json!({"email": "vecino@barrio.example"});
    assert_eq!(desk.nobody().post("/auth/password-reset", request).status, 202);
    let shared = desk.shared();
    mesa::server::routine::once(&mut shared.db.connection().unwrap(), &shared.config);
    let queued = format!(
        "SELECT count(*) FROM messages WHERE kind = 'password_reset' AND recipient_id = '{}'",
        user["id"].as_str().unwrap()
    );
    assert_eq!(desk.database.count(&queued), 1);
}

#[test]
fn a_known_sender_with_missing_data_is_asked_for_it() {
    let desk = desk();
    let other = desk.another(Role::Requester);
    desk.database.run(&format!("UPDATE users SET document_id = NULL WHERE id = '{}'", other.id()));
    let ticket = ticket_of(&desk, &became(&desk, message(other.email(), "Sin red", "", "x")));
    assert_eq!(ticket["information_request"]["missing_data"], json!(["document_id"]));
    assert_eq!(ticket["requester"]["unit"]["id"], json!(desk.unit_id()));
    // By the API such a request is rejected.
    other.post("/tickets", json!({"subject": "x", "description": "x"})).problem(422, "invalid_body");
    desk.database.run(&format!("UPDATE users SET active = false WHERE id = '{}'", other.id()));
    let email = became(&desk, message(other.email(), "Otra vez", "", "x"));
    assert_eq!((&email["status"], &email["reason"]), (&json!("set_aside"), &json!("sender_inactive")));
}

pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/api/messages/{name}.eml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn files_in_mail_have_the_same_limits_as_uploads() {
    let desk = Desk::configured(&[("MESA_ATTACHMENT_MAX_BYTES", "2000"), ("MESA_MAIL_TRUST", "all")]);
    let mail = format!(
        "From: requester@mesa.test\nSubject: Archivos\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nVea.\n--b\n\
         Content-Type: text/csv; name=\"../lista.csv\"\n\na,b\n1,2\n--b\nContent-Type: text/plain; name=grande.txt\n\n{}\n--b\n\
         Content-Type: image/png; name=foto.png\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAA==\n--b--\n",
        "x".repeat(3000)
    );
    let email = became(&desk, mail);
    assert_eq!(email["refused_files"], json!(["grande.txt", "foto.png"]));
    let ticket = ticket_of(&desk, &email);
    let description = ticket["description"].as_str().unwrap();
    assert!(
        description.starts_with("Vea.\n\n[No se adjuntó «grande.txt»: El archivo admite hasta 2000 bytes.]"),
        "{description}"
    );
    assert!(
        description.contains("[No se adjuntó «foto.png»: No se admiten archivos de tipo"),
        "{description}"
    );
    let one = format!("/tickets/{}", ticket["id"]);
    let files = desk.requester().get(&format!("{one}/attachments")).items();
    assert_eq!((files.len(), &files[0]["file_name"]), (1, &json!("lista.csv")));
    assert_eq!(files[0]["uploaded_by"]["id"], desk.requester().id());
    let content = desk.requester().get(&format!("/attachments/{}/content", files[0]["id"].as_str().unwrap()));
    assert_eq!(content.text(), "a,b\n1,2");

    // An empty file is mentioned as not attached.
    let empty =
        "From: professional@mesa.test\nSubject: Acta\nContent-Type: application/pdf; name=acta.pdf\n\n";
    let email = became(&desk, empty);
    assert_eq!(email["refused_files"], json!(["acta.pdf"]));
    let description = ticket_of(&desk, &email)["description"].clone();
    assert_eq!(description, "(sin texto)\n\n[No se adjuntó «acta.pdf»: El archivo está vacío.]");

    // Files of a reply belong to its followup; a reply without text says so.
    let reply =
        "From: requester@mesa.test\nSubject: Re: [#1] Archivos\nContent-Type: text/csv; name=b.csv\n\nc,d\n";
    let email = became(&desk, reply);
    let entry = followups(&desk, &one).pop().unwrap();
    assert_eq!((&entry["id"], &entry["body"]), (&email["followup_id"], &json!("(sin texto)")));
    let files = desk
        .requester()
        .get(&format!("{one}/followups/{}/attachments", entry["id"].as_str().unwrap()))
        .items();
    assert_eq!(files[0]["file_name"], "b.csv");
    let kinds: Vec<Value> = desk
        .director()
        .get(&format!("{one}/events"))
        .items()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["received", "file_attached", "followup_added", "file_attached"]);
    // A text that is too long for a description is also attached as a file.
    let long = became(&desk, message("technician@mesa.test", "Largo", "", &"palabra ".repeat(3000)));
    assert_eq!(ticket_of(&desk, &long)["description"].as_str().unwrap().chars().count(), 20_000);
    assert_eq!(long["refused_files"], json!(["message.txt"]));
}

#[test]
fn every_sample_message_is_accepted() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_SENDER_LIMIT", "1000"));
    let desk = Desk::configured(&variables);
    let folder = format!("{}/tests/api/messages", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let email = became(&desk, std::fs::read(&path).unwrap());
        let expected = match path.file_stem().unwrap().to_str().unwrap() {
            "auto-reply" | "bounce" | "own-mail" | "mailing-list" => "ignored",
            "spoofed" | "no-from" | "two-from-fields" => "set_aside",
            _ => "processed",
        };
        assert_eq!(email["status"], expected, "{}: {email}", path.display());
        count += 1;
    }
    assert_eq!(desk.professional().get("/inbound-emails?with_total=true&limit=1").ok()["total"], count);
    // A message that is too complex is stored and set aside.
    let many = format!(
        "From: requester@mesa.test\nContent-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\nx\n".repeat(5000)
    );
    let email = became(&desk, many.clone());
    assert_eq!((&email["status"], &email["reason"]), (&json!("set_aside"), &json!("not_understood")));
    let fields = format!("From: requester@mesa.test\n{}\nhola", "X: y\n".repeat(100_000));
    assert_eq!(became(&desk, fields)["reason"], "not_understood");
    let raw = desk.professional().get(&format!("/inbound-emails/{}/raw", email["id"].as_str().unwrap()));
    assert_eq!(raw.text(), many);
}

#[test]
fn a_message_of_twenty_megabytes_is_accepted_and_a_larger_one_rejected() {
    let desk = Desk::configured(&[("MESA_MAIL_MAX_BYTES", "28000000")]);
    use base64::Engine;
    let content: Vec<u8> =
        b"%PDF-1.4\n".iter().copied().chain((0..20_000_000_u32).map(|n| (n >> 3) as u8)).collect();
    let mut mail =
        b"From: requester@mesa.test\nSubject: Grande\nContent-Type: application/pdf; name=plano.pdf\n\
                     Content-Transfer-Encoding: base64\n\n"
            .to_vec();
    mail.extend(base64::engine::general_purpose::STANDARD.encode(&content).as_bytes());
    let email = became(&desk, mail.clone());
    let files = desk.requester().get(&format!("/tickets/{}/attachments", email["ticket_id"])).items();
    let got = desk.requester().get(&format!("/attachments/{}/content", files[0]["id"].as_str().unwrap()));
    assert!(got.bytes == content);
    mail.extend(vec![b'A'; 2_000_000]);
    hand_in(&desk.director(), mail).problem(413, "too_large");
}
