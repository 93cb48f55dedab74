//! Trust in senders, by the authentication results of the entity's mail server and by the configuration.

use std::io::Write;
use std::process::{Command, Stdio};

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::binary::program;
use crate::harness::{Client, Desk};
use crate::inbound::{ALIGNED, MAIL, became, desk, followups, hand_in, message, messages_to, ticket_of};

/// The results of the entity's mail server, as a header field.
fn results(of: &str) -> String {
    format!("Authentication-Results: mx.mesa.test; {of}\n")
}

fn trusting(trust: &'static str) -> Desk {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_TRUST", trust));
    Desk::configured(&variables)
}

fn reply_to(ticket: &str) -> String {
    format!("Re: [#{}] x", ticket.rsplit('/').next().unwrap())
}

fn process(client: &Client, email: &Value, body: Value) -> Value {
    client.post(&format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap()), body).ok()
}

fn outcome(email: &Value) -> (&str, &str) {
    (email["status"].as_str().unwrap(), email["reason"].as_str().unwrap_or("-"))
}

fn last_event(desk: &Desk, ticket: &str) -> Value {
    desk.director().get(&format!("{ticket}/events?limit=200")).items().pop().unwrap()
}

#[test]
fn a_message_acts_as_staff_only_if_our_mail_server_verified_it() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let before = (followups(&desk, &one).len(), messages_to(&desk, "requester@mesa.test"));
    let unverified = [
        "",
        "Authentication-Results: mx.elsewhere.test; dmarc=pass header.from=mesa.test\n",
        &results("none"),
        &results("spf=softfail smtp.mailfrom=director@mesa.test; dmarc=none"),
        &results("spf=permerror; dkim=temperror; dmarc=permerror"),
        &results("spf=pass smtp.mailfrom=x@evil.test; dmarc=none"),
        &results("spf=pass smtp.mailfrom=\"a@mesa.test\"@evil.test; dkim=pass header.d=mesa.test.evil.test"),
        &format!("{}{ALIGNED}", results("spf=pass smtp.mailfrom=x@evil.test; dmarc=none")),
        &format!("{}Received: from x by mx\n{ALIGNED}", results("none")),
        &results("dmarc=pass header.from=evil.test"),
    ];
    for role in [Role::Technician, Role::Professional, Role::Director] {
        for fields in unverified {
            let from = format!("{}@mesa.test", role.as_str());
            let email = became(&desk, message(&from, &reply_to(&one), fields, &format!("{role:?} {fields}")));
            assert_eq!(outcome(&email), ("set_aside", "sender_unverified"), "{fields}");
            assert_eq!(email["authentication"], "unverified");
        }
    }
    for fields in [results("dmarc=fail header.from=mesa.test"), results("spf=fail; dkim=none")] {
        let email = became(&desk, message("director@mesa.test", &reply_to(&one), &fields, &fields));
        assert_eq!(outcome(&email), ("set_aside", "authentication_failed"));
        assert_eq!(email["authentication"], "failed");
    }
    assert_eq!((followups(&desk, &one).len(), messages_to(&desk, "requester@mesa.test")), before);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);

    for fields in [
        ALIGNED.to_owned(),
        results("dkim=pass header.d=mesa.test; dmarc=none"),
        results("spf=pass smtp.mailfrom=rebotes@correo.mesa.test"),
    ] {
        let email = became(&desk, message("director@mesa.test", &reply_to(&one), &fields, &fields));
        assert_eq!((&email["status"], &email["authentication"]), (&json!("processed"), &json!("aligned")));
        let entry = followups(&desk, &one).pop().unwrap();
        assert_eq!((&entry["author"]["role"], &entry["unverified"]), (&json!("director"), &json!(false)));
    }
}

#[test]
fn without_verification_mail_acts_as_staff_only_if_all_are_trusted() {
    for trust in [None, Some("not_failed")] {
        let variables: Vec<_> = trust.map(|trust| ("MESA_MAIL_TRUST", trust)).into_iter().collect();
        let desk = Desk::configured(&variables);
        let by_staff = message("technician@mesa.test", "Sin red", ALIGNED, "x");
        assert_eq!(outcome(&became(&desk, by_staff)), ("set_aside", "sender_unverified"));
        let email = became(&desk, message("requester@mesa.test", "Sin red", ALIGNED, "x"));
        assert_eq!((outcome(&email), &email["authentication"]), (("processed", "-"), &json!("unverified")));
    }
    let desk = Desk::configured(&[("MESA_MAIL_TRUST", "all")]);
    let email = became(&desk, message("technician@mesa.test", "Sin red", "", "x"));
    assert_eq!(outcome(&email), ("processed", "-"));
    let ticket = format!("/tickets/{}", ticket_of(&desk, &email)["id"]);
    assert_eq!(desk.director().get(&format!("{ticket}/events")).items()[0]["details"]["unverified"], true);
}

#[test]
fn trust_in_requesters_follows_the_configuration() {
    let by_requester = |fields: &str| message("requester@mesa.test", "Sin red", fields, fields);
    let fail = results("dmarc=fail header.from=mesa.test");
    let other = results("spf=pass smtp.mailfrom=x@evil.test; dmarc=none");
    for (trust, without, with_other, with_fail) in [
        ("not_failed", ("processed", "-"), ("processed", "-"), ("set_aside", "authentication_failed")),
        (
            "aligned",
            ("set_aside", "sender_unverified"),
            ("set_aside", "sender_unverified"),
            ("set_aside", "authentication_failed"),
        ),
        ("all", ("processed", "-"), ("processed", "-"), ("processed", "-")),
    ] {
        let desk = trusting(trust);
        assert_eq!(outcome(&became(&desk, by_requester(""))), without, "{trust}");
        assert_eq!(outcome(&became(&desk, by_requester(&other))), with_other, "{trust}");
        assert_eq!(outcome(&became(&desk, by_requester(&fail))), with_fail, "{trust}");
        assert_eq!(outcome(&became(&desk, by_requester(ALIGNED))), ("processed", "-"), "{trust}");
        // A sender without an account.
        let stranger = became(&desk, message("vecino@barrio.example", "Alumbrado", "", "No hay luz."));
        assert_eq!(outcome(&stranger), without, "{trust}");
    }
}

/// Runs `mesa mail ingest` on the desk's database and files.
fn ingest(desk: &Desk, mail: &str, variables: &[(&str, &str)]) {
    let config = &desk.shared().config;
    let mut command = Command::new(program());
    command.args(["mail", "ingest"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
        .env("DATABASE_URL", config.database_url.as_ref().unwrap())
        .env("MESA_JWT_SECRET", config.jwt_secret.as_ref().unwrap())
        .env("MESA_DATA_DIR", &config.data_dir)
        .envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn the_command_applies_the_same_trust() {
    let desk = desk();
    let aligned = ("MESA_MAIL_TRUST", "aligned");
    let server = ("MESA_MAIL_AUTHSERV_ID", "mx.mesa.test");
    let newest = || desk.director().get("/inbound-emails?limit=1").items().pop().unwrap();
    ingest(&desk, &message("director@mesa.test", "Uno", "", "uno"), &[]);
    assert_eq!(outcome(&newest()), ("set_aside", "sender_unverified"));
    ingest(&desk, &message("requester@mesa.test", "Dos", "", "dos"), &[server, aligned]);
    assert_eq!(outcome(&newest()), ("set_aside", "sender_unverified"));
    ingest(&desk, &message("director@mesa.test", "Tres", ALIGNED, "tres"), &[server, aligned]);
    let email = newest();
    assert_eq!(outcome(&email), ("processed", "-"));
    let event = last_event(&desk, &format!("/tickets/{}", email["ticket_id"]));
    assert_eq!(
        event["details"],
        json!({"channel": "email", "inbound_email_id": email["id"], "submitted_by_id": null, "unverified": false})
    );
    assert_eq!(email["submitted_by"], Value::Null);
}

#[test]
fn unverified_mail_is_marked_and_events_name_the_mail_and_its_submitter() {
    let desk = desk();
    let waiting = desk.ticket_in("assigned");
    let asked = json!({"missing": "¿Cuál es la placa?"});
    desk.technician().post(&format!("{waiting}/information-request"), asked).ok();
    let mail = format!(
        "From: requester@mesa.test\nSubject: {}\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nLa 10432.\n--b\n\
         Content-Type: text/csv; name=a.csv\n\na,b\n--b--\n",
        reply_to(&waiting)
    );
    let email = became(&desk, mail);
    let origin = |email: &Value, unverified: bool| json!({"inbound_email_id": email["id"], "submitted_by_id": desk.director().id(), "unverified": unverified});
    assert_eq!(email["submitted_by"]["id"], desk.director().id());
    let is_marked = |ticket: &str, kind: &str, email: &Value, unverified: bool| {
        let events = desk.director().get(&format!("{ticket}/events?limit=200")).items();
        let event = events.iter().rfind(|event| event["kind"] == kind).unwrap();
        for (name, value) in origin(email, unverified).as_object().unwrap() {
            assert_eq!(&event["details"][name], value, "{kind} {name}: {event}");
        }
    };
    for kind in ["followup_added", "resumed", "file_attached"] {
        is_marked(&waiting, kind, &email, true);
    }
    let entry = followups(&desk, &waiting).pop().unwrap();
    assert_eq!((&entry["id"], &entry["unverified"]), (&email["followup_id"], &json!(true)));
    // The requester sees the mark too, in the list and in the timeline.
    let requester = desk.requester();
    let one = format!("{waiting}/followups/{}", entry["id"].as_str().unwrap());
    assert_eq!(requester.get(&one).ok()["unverified"], true);
    let timeline = requester.get(&format!("{waiting}/timeline?limit=200")).items();
    let shown =
        |kind: &str| timeline.iter().rfind(|entry| entry["type"] == kind || entry["kind"] == kind).unwrap();
    assert_eq!(shown("followup")["unverified"], true);
    assert_eq!(shown("resumed")["details"], json!({"unverified": true}));
    // A followup by the API has neither.
    let said = json!({"visibility": "public", "body": "Por la API."});
    assert_eq!(requester.post(&format!("{waiting}/followups"), said).created()["unverified"], Value::Null);
    let details = last_event(&desk, &waiting)["details"].clone();
    assert!(details.get("unverified").is_none() && details.get("inbound_email_id").is_none(), "{details}");

    // A new ticket, a reopening, a resubmission, and a ticket that continues another.
    let email = became(&desk, message("vecino@barrio.example", "Alumbrado", "", "No hay luz."));
    let new = format!("/tickets/{}", email["ticket_id"]);
    is_marked(&new, "received", &email, true);
    is_marked(&new, "information_requested", &email, true);
    let solved = desk.ticket_in("solved");
    let email = became(&desk, message("requester@mesa.test", &reply_to(&solved), ALIGNED, "No."));
    is_marked(&solved, "reopened", &email, false);
    let archive = json!({"reason": "missing_information", "missing_data": ["document_id"]});
    desk.technician().post(&format!("{new}/archive"), archive).ok();
    let email = became(&desk, message("vecino@barrio.example", &reply_to(&new), "", "Soy yo."));
    is_marked(&new, "resubmitted", &email, true);
    let closed = desk.ticket_in("closed");
    let email = became(&desk, message("requester@mesa.test", &reply_to(&closed), "", "Volvió a fallar."));
    is_marked(&closed, "related", &email, true);
    is_marked(&format!("/tickets/{}", email["ticket_id"]), "related", &email, true);
    assert_eq!(desk.director().get("/audit/verification").ok()["whole"], true);
    // The database does not allow a change of the mark.
    let change = "UPDATE followups SET unverified = false";
    let kept = diesel::connection::SimpleConnection::batch_execute(&mut desk.database.connect(), change);
    assert!(kept.is_err());
}

#[test]
fn a_released_message_acts_as_its_author_and_never_as_staff() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let fail = results("dmarc=fail header.from=mesa.test");
    let before = followups(&desk, &one).len();
    for (fields, reason) in [("", "sender_unverified"), (fail.as_str(), "authentication_failed")] {
        let email =
            became(&desk, message("director@mesa.test", &reply_to(&one), fields, &format!("x{fields}")));
        for releasing in [desk.professional(), desk.director()] {
            let released = process(&releasing, &email, json!({"release": true}));
            assert_eq!(outcome(&released), ("set_aside", reason));
        }
    }
    assert_eq!(followups(&desk, &one).len(), before);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);

    let email = became(&desk, message("requester@mesa.test", &reply_to(&one), &fail, "La 10432."));
    assert_eq!(outcome(&email), ("set_aside", "authentication_failed"));
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    desk.technician().post(&again, json!({"release": true})).problem(403, "forbidden");
    let released = process(&desk.professional(), &email, json!({"release": true}));
    assert_eq!(outcome(&released), ("processed", "-"));
    let entry = followups(&desk, &one).pop().unwrap();
    assert_eq!((&entry["id"], &entry["unverified"]), (&released["followup_id"], &json!(true)));
    let details = last_event(&desk, &one)["details"].clone();
    assert_eq!(details["released_by_id"], desk.professional().id());
    assert_eq!(details["submitted_by_id"], desk.director().id());

    // The requester became staff while their message was set aside.
    let other = desk.another(Role::Requester);
    let email = became(&desk, message(other.email(), &reply_to(&one), &fail, "Otra."));
    desk.director().patch(&format!("/users/{}", other.id()), json!({"role": "technician"})).ok();
    let released = process(&desk.director(), &email, json!({"release": true}));
    assert_eq!(outcome(&released), ("set_aside", "authentication_failed"));
    assert_eq!(followups(&desk, &one).len(), before + 1);
}

#[test]
fn mail_stored_by_an_earlier_version_follows_the_same_rules() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let stored = |from: &str| became(&desk, message(from, &reply_to(&one), "", from));
    let (by_staff, by_requester) = (stored("director@mesa.test"), stored("requester@mesa.test"));
    assert_eq!(outcome(&by_staff), ("set_aside", "sender_unverified"));
    let before = followups(&desk, &one).len();
    // The state of rows that the previous version left waiting, and released.
    desk.database.run(&format!(
        "UPDATE inbound_emails SET status = 'waiting', reason = NULL, authentication = NULL, processed_at = NULL, \
         next_attempt_at = now(), released_by = '{}' WHERE from_address = 'director@mesa.test'",
        desk.technician().id()
    ));
    let work = actix_web::rt::System::new().block_on(mesa::inbound::process::waiting(desk.shared()));
    assert_eq!(work.unwrap(), 1);
    let read = |email: &Value| {
        desk.director().get(&format!("/inbound-emails/{}", email["id"].as_str().unwrap())).ok()
    };
    assert_eq!(outcome(&read(&by_staff)), ("set_aside", "sender_unverified"));
    assert_eq!(followups(&desk, &one).len(), before);
    // Mail that was processed by that version was not verified.
    desk.database.run("UPDATE inbound_emails SET authentication = NULL WHERE status = 'processed'");
    assert_eq!(read(&by_requester)["authentication"], Value::Null);
}

#[test]
fn the_limit_of_a_sender_counts_verified_and_unverified_mail_separately() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_SENDER_LIMIT", "2"));
    let desk = Desk::configured(&variables);
    let write = |number: u32, fields: &str| {
        outcome(&became(
            &desk,
            message("requester@mesa.test", &format!("{number}"), fields, &format!("{number}")),
        ))
        .1
        .to_owned()
    };
    let forged: Vec<String> = (1..=3).map(|number| write(number, "")).collect();
    assert_eq!(forged, ["-", "-", "sender_limit"]);
    let genuine: Vec<String> = (4..=6).map(|number| write(number, ALIGNED)).collect();
    assert_eq!(genuine, ["-", "-", "sender_limit"]);

    // The limit of notifications about one ticket also counts them separately.
    let one = desk.ticket_in("in_progress");
    let told = || messages_to(&desk, "technician@mesa.test");
    let before = told();
    for number in 1..=4 {
        became(&desk, message("requester@mesa.test", &reply_to(&one), "", &format!("Falso {number}.")));
    }
    assert_eq!(told(), before + 2);
    became(&desk, message("requester@mesa.test", &reply_to(&one), ALIGNED, "Soy yo."));
    assert_eq!(told(), before + 3);
}

#[test]
fn headers_that_name_another_person_do_not_change_the_author() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let number: i64 = one.rsplit('/').next().unwrap().parse().unwrap();
    let before = followups(&desk, &one).len();
    let evil = results(
        "spf=pass smtp.mailfrom=x@evil.test; dkim=pass header.d=evil.test; dmarc=pass header.from=evil.test",
    );
    for (index, author) in [
        "From: \"director@mesa.test\" <x@evil.test>\n",
        "From: director@mesa.test <x@evil.test>\n",
        "From: x@evil.test\nSender: director@mesa.test\nReply-To: director@mesa.test\n",
        "From: x@evil.test\nResent-From: director@mesa.test\nResent-Sender: director@mesa.test\n",
        "From: director@mesa.test, x@evil.test\n",
        "From: x@evil.test, director@mesa.test\nSender: director@mesa.test\n",
        "From: Equipo: director@mesa.test;\n",
        "From: x@evil.test\nFrom: director@mesa.test\n",
        "From: director@mesa.test\nFROM : x@evil.test\n",
        "From: =?utf-8?q?director=40mesa=2Etest?= <x@evil.test>\n",
        "From: =?utf-8?q?=3Cdirector=40mesa=2Etest=3E?= <x@evil.test>\n",
        "From: <director@mesa.test> <x@evil.test>\n",
        "From: director@mesa.test (x@evil.test)\n",
        "From: director@mesa.test\u{200b}\n",
        "From: director@mesa.test.evil.test\n",
        "X: y\rFrom: director@mesa.test\nFrom: x@evil.test\n",
    ]
    .iter()
    .enumerate()
    {
        let mail = format!(
            "{evil}{author}Subject: {}\nMessage-ID: <{index}@evil.test>\n\nEngaño.\n",
            reply_to(&one)
        );
        let email = became(&desk, mail);
        assert!(email["followup_id"].is_null() && email["ticket_id"] != number, "{author}: {email}");
        if email["status"] == "processed" {
            let requester = ticket_of(&desk, &email)["requester"]["email"].clone();
            assert!(requester.as_str().unwrap().ends_with("evil.test"), "{author}: {requester}");
        }
    }
    assert_eq!(followups(&desk, &one).len(), before);
    let by_director = format!("SELECT count(*) FROM events WHERE actor_id = '{}'", desk.director().id());
    assert_eq!(desk.database.count(&by_director), 0);
}

#[test]
fn only_the_director_can_submit_mail() {
    let desk = desk();
    for client in [desk.requester(), desk.technician(), desk.professional()] {
        hand_in(&client, message("requester@mesa.test", "x", "", "x")).problem(403, "forbidden");
        assert!(client.get("/me").ok()["permissions"].get("submit_inbound_emails").is_none());
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM inbound_emails"), 0);
    assert_eq!(desk.director().get("/me").ok()["permissions"]["submit_inbound_emails"], "any");
    let email = became(&desk, message("requester@mesa.test", "x", "", "x"));
    let one = format!("/inbound-emails/{}", email["id"].as_str().unwrap());
    desk.professional().get(&one).ok();
    desk.technician().get(&one).problem(403, "forbidden");
}
