//! Inbound mail is stored once, by any route, and processing is retried until it has a result.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use mesa::inbound::process;
use serde_json::json;

use crate::harness::binary::program;
use crate::harness::{Answer, Client, Desk};
use crate::inbound::{MAIL, became, desk, hand_in, message, sample};

#[test]
fn invalid_messages_are_rejected() {
    let desk = desk();
    for nothing in ["", "\n", "hola\nadiós", "{}"] {
        hand_in(&desk.director(), nothing).problem(422, "invalid_body");
    }
    let typed = desk.director().raw("POST", "/inbound-emails", "text/plain", "From: a@x.co\n\nx");
    typed.problem(415, "unsupported_media_type");
    hand_in(&desk.professional(), "From: a@x.co\n\nx").problem(403, "forbidden");
    assert_eq!(desk.database.count("SELECT count(*) FROM inbound_emails"), 0);
    desk.director().get("/inbound-emails/0197c0de-0000-7000-8000-000000000000").problem(404, "not_found");
    let again = "/inbound-emails/0197c0de-0000-7000-8000-000000000000/processing";
    desk.director().post(again, json!({})).problem(404, "not_found");
}

#[test]
fn a_repeated_submission_with_the_same_key_gets_the_first_answer() {
    let desk = desk();
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <k@x>\n", "x");
    let client = desk.director().with("idempotency-key", "correo-1");
    let first = hand_in(&client, mail.clone()).created();
    assert_eq!(hand_in(&client, mail).created(), first);
    hand_in(&client, message("requester@mesa.test", "Otra", "", "x")).problem(422, "idempotency_key_reused");
    assert_eq!(desk.database.count("SELECT count(*) FROM inbound_emails"), 1);
}

#[test]
fn messages_with_a_reused_message_id_are_kept() {
    let desk = desk();
    let mail =
        |body: &str| message("requester@mesa.test", "Escáner", "Message-ID: <siempre-el-mismo@x>\n", body);
    let first = became(&desk, mail("uno"));
    let second = became(&desk, mail("dos"));
    assert_eq!((&second["status"], &second["reason"]), (&json!("set_aside"), &json!("message_id_reused")));
    assert_eq!(hand_in(&desk.director(), mail("uno")).ok()["id"], first["id"]);
    assert_eq!(hand_in(&desk.director(), mail("dos")).ok()["id"], second["id"]);
    let again = format!("/inbound-emails/{}/processing", second["id"].as_str().unwrap());
    assert_eq!(desk.director().post(&again, json!({})).ok()["status"], "processed");
}

/// Runs `mesa mail ingest` on the desk's database and files.
fn ingest(desk: &Desk, mail: &[u8], variables: &[(&str, &str)]) -> Output {
    let config = &desk.shared().config;
    let mut command = Command::new(program());
    command.args(["mail", "ingest"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command
        .env("DATABASE_URL", config.database_url.as_ref().unwrap())
        .env("MESA_JWT_SECRET", config.jwt_secret.as_ref().unwrap())
        .env("MESA_DATA_DIR", &config.data_dir)
        .envs(MAIL.iter().copied())
        .envs(variables.iter().copied());
    run(command, mail)
}

fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that rejects its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn the_exit_status_of_the_command_tells_the_mail_server_the_result() {
    let desk = desk();
    let code =
        |mail: &[u8], variables: &[(&str, &str)]| ingest(&desk, mail, variables).status.code().unwrap();
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <c@x>\n", "No hay red.");
    assert_eq!(code(mail.as_bytes(), &[]), 0);
    assert_eq!(code(mail.as_bytes(), &[]), 0, "a repeated message is already stored");
    let email = &desk.director().get("/inbound-emails").items()[0];
    assert_eq!((&email["source"], &email["status"]), (&json!("command"), &json!("processed")));
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
    // A message that is stored but set aside is a success.
    assert_eq!(code(&sample("no-from"), &[]), 0);
    assert_eq!(code(b"", &[]), 65);
    assert_eq!(code(b"hola", &[]), 65);
    assert_eq!(code(&vec![b'x'; 5000], &[("MESA_MAIL_MAX_BYTES", "2000")]), 65);
    assert_eq!(code(mail.as_bytes(), &[("DATABASE_URL", "postgresql://mesa@127.0.0.1:1/mesa")]), 75);
    assert_eq!(code(mail.as_bytes(), &[("MESA_MAIL_MAX_BYTES", "many")]), 75);
    let mut unknown = Command::new(program());
    unknown.args(["mail", "ingest", "--fast"]);
    assert_eq!(run(unknown, b"").status.code(), Some(64));
}

#[test]
fn the_same_message_by_several_routes_at_once_becomes_one_ticket() {
    let desk = desk();
    let copy = desk.copy();
    let mail = message("nuevo@barrio.example", "Sin red", "Message-ID: <todas@x>\n", "No hay red.");
    let answers: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|number| {
                let client = desk.director();
                let client = if number % 2 == 0 { client } else { copy.client(&client) };
                let mail = format!("Received: by {number}\n{mail}");
                scope.spawn(move || hand_in(&client, mail).status)
            })
            .collect();
        let commands: Vec<_> = (0..3).map(|_| scope.spawn(|| ingest(&desk, mail.as_bytes(), &[]))).collect();
        for command in commands {
            let Output { status, stderr, .. } = command.join().unwrap();
            assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
        }
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|status| matches!(status, 200 | 201)), "{answers:?}");
    for table in ["inbound_emails", "tickets", "users WHERE email = 'nuevo@barrio.example'"] {
        assert_eq!(desk.database.count(&format!("SELECT count(*) FROM {table}")), 1, "{table}");
    }
    assert_eq!(desk.director().get("/inbound-emails").items()[0]["status"], "processed");
}

/// Processes waiting messages, as the desk does periodically. Returns how many.
fn work(desk: &mesa::http::desk::Desk) -> usize {
    actix_web::rt::System::new().block_on(process::waiting(desk)).unwrap()
}

#[test]
fn messages_of_a_killed_copy_are_processed_once_by_another() {
    let desk = desk();
    let copy = desk.copy();
    // The state of the rows after the copy that stored the messages died, during its lease.
    for number in 0..10 {
        let mail =
            message(&format!("uno{number}@barrio.example"), "x", &format!("Message-ID: <{number}@x>\n"), "x");
        became(&desk, mail);
    }
    desk.database.run(
        "DELETE FROM messages; ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE histories DISABLE TRIGGER ALL;
         DELETE FROM events; DELETE FROM histories;
         ALTER TABLE events ENABLE TRIGGER ALL; ALTER TABLE histories ENABLE TRIGGER ALL;
         UPDATE inbound_emails SET status = 'waiting', ticket_id = NULL, processed_at = NULL;
         DELETE FROM holds; DELETE FROM attentions; DELETE FROM tickets; DELETE FROM users WHERE email LIKE '%@barrio.example'",
    );
    assert_eq!(work(desk.shared()), 0, "the lease still runs");
    desk.database.run("UPDATE inbound_emails SET next_attempt_at = now()");
    thread::scope(|scope| {
        for shared in [desk.shared(), copy.shared()] {
            scope.spawn(move || while work(shared) > 0 {});
        }
    });
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 10);
    assert_eq!(desk.database.count("SELECT count(*) FROM inbound_emails WHERE status = 'processed'"), 10);
}

#[test]
fn a_message_that_keeps_failing_is_retried_and_then_set_aside() {
    let desk = desk();
    // The content is missing in the object store.
    desk.database.run(
        "INSERT INTO inbound_emails (id, source, received_at, size, sha256, storage_key, identity, author_hash, subject,
             status, next_attempt_at)
         VALUES (gen_random_uuid(), 'imap', now(), 1, repeat('0', 64), 'mail/00/none', 'id:x', repeat('0', 64), '',
             'waiting', now())",
    );
    for attempts in 1..=6 {
        assert_eq!(work(desk.shared()), 1);
        assert_eq!(work(desk.shared()), 0, "retried before its time");
        let email = desk.director().get("/inbound-emails").items().pop().unwrap();
        assert_eq!((&email["status"], &email["attempt_count"]), (&json!("waiting"), &json!(attempts)));
        desk.database.run("UPDATE inbound_emails SET next_attempt_at = now()");
    }
    assert_eq!(work(desk.shared()), 1);
    let email = desk.director().get("/inbound-emails?status=set_aside").items().pop().unwrap();
    assert_eq!((&email["reason"], &email["attempt_count"]), (&json!("failed"), &json!(7)));
}

/// The status, reason and ticket of a stored message.
fn state(desk: &Desk, id: &str) -> serde_json::Value {
    let email = desk.director().get(&format!("/inbound-emails/{id}")).ok();
    json!([email["status"], email["reason"], email["ticket_id"]])
}

#[test]
fn a_late_failure_does_not_undo_a_success() {
    let desk = desk();
    let email = became(&desk, message("requester@mesa.test", "Sin red", "Message-ID: <tarde@x>\n", "x"));
    let id = email["id"].as_str().unwrap();
    // A copy hung in its last attempt and fails after another copy has processed the message.
    desk.database.run("UPDATE inbound_emails SET attempts = 7");
    use object_store::ObjectStoreExt;
    let sha256 = email["sha256"].as_str().unwrap();
    let path = object_store::path::Path::from(format!("mail/{}/{sha256}", &sha256[..2]));
    actix_web::rt::System::new().block_on(desk.shared().files.delete(&path)).unwrap();
    actix_web::rt::System::new().block_on(process::process(desk.shared(), id.parse().unwrap()));
    assert_eq!(state(&desk, id), json!(["processed", null, 1]));
}

#[test]
fn a_message_that_crashes_the_server_is_set_aside() {
    let desk = desk();
    let email = became(&desk, message("requester@mesa.test", "Sin red", "Message-ID: <mortal@x>\n", "x"));
    let id = email["id"].as_str().unwrap();
    // The state of the row if no attempt could record its result.
    desk.database.run(
        "UPDATE inbound_emails SET status = 'waiting', ticket_id = NULL, processed_at = NULL, attempts = 7,
             next_attempt_at = now()",
    );
    assert_eq!(work(desk.shared()), 1);
    assert_eq!(state(&desk, id), json!(["set_aside", "failed", null]));
}

#[test]
fn a_stale_if_match_prevents_processing() {
    let desk = desk();
    let email = became(&desk, sample("spoofed"));
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    let read = desk.director().get(&format!("/inbound-emails/{}", email["id"].as_str().unwrap()));
    let changed = desk.director().with("if-match", "\"999\"");
    changed.post(&again, json!({"release": true})).problem(412, "precondition_failed");
    assert_eq!(
        state(&desk, email["id"].as_str().unwrap()),
        json!(["set_aside", "authentication_failed", null])
    );
    let current = desk.director().with("if-match", read.header("etag"));
    assert_eq!(current.post(&again, json!({"release": true})).ok()["status"], "processed");
}

#[test]
fn concurrent_retries_are_processed_once_and_get_the_same_answer() {
    let desk = desk();
    let copy = desk.copy();
    let at_once = |key: &str, call: &(dyn Fn(&Client) -> Answer + Sync)| {
        let client = desk.director().with("idempotency-key", key);
        let clients = [client.clone(), copy.client(&client), client.clone(), copy.client(&client)];
        let insist = |client: &Client| loop {
            let answer = call(client);
            if answer.status != 409 {
                return answer;
            }
            answer.problem(409, "request_in_progress");
            thread::sleep(Duration::from_millis(5));
        };
        thread::scope(|scope| {
            let insist = &insist;
            let calls = clients.map(|client| scope.spawn(move || insist(&client)));
            calls.map(|call| call.join().unwrap())
        })
    };
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <a-la-vez@x>\n", "x");
    for answer in at_once("k-1", &|client| hand_in(client, mail.clone())) {
        assert_eq!(answer.created()["status"], "processed");
    }
    let spoofed = became(&desk, sample("spoofed"));
    let again = format!("/inbound-emails/{}/processing", spoofed["id"].as_str().unwrap());
    for answer in at_once("k-2", &|client| client.post(&again, json!({"release": true}))) {
        assert_eq!(answer.ok()["status"], "processed");
    }
    // A rejected request releases its key.
    let client = desk.director().with("idempotency-key", "k-3");
    hand_in(&client, "hola").problem(422, "invalid_body");
    assert_eq!(hand_in(&client, mail).ok()["status"], "processed");
}

#[test]
fn a_key_of_a_killed_server_can_be_retried() {
    let desk = desk();
    let email = became(&desk, sample("spoofed"));
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    let client = desk.director().with("idempotency-key", "k-1");
    client.post(&again, json!({"release": true})).ok();
    // The state of the row if the server died after processing the message and before answering.
    let left = |until: &str| {
        desk.database.run(&format!(
            "UPDATE idempotency_keys SET claimed_until = now() + interval '{until}', status = NULL, body = ''"
        ));
    };
    left("1 minute");
    client.post(&again, json!({"release": true})).problem(409, "request_in_progress");
    client.post(&again, json!({})).problem(422, "idempotency_key_reused");
    left("-1 second");
    assert_eq!(client.post(&again, json!({"release": true})).ok()["status"], "processed");
    assert_eq!(desk.database.count("SELECT count(*) FROM idempotency_keys WHERE claimed_until IS NULL"), 1);
}

#[test]
fn the_answer_for_a_waiting_message_is_not_stored_for_retries() {
    let desk = desk();
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <espera@x>\n", "x");
    let email = became(&desk, mail.clone());
    desk.database.run("UPDATE inbound_emails SET status = 'waiting', ticket_id = NULL, processed_at = NULL");
    let client = desk.director().with("idempotency-key", "k-1");
    assert_eq!(hand_in(&client, mail.clone()).ok()["status"], "waiting");
    desk.database.run("UPDATE inbound_emails SET next_attempt_at = now()");
    assert_eq!(work(desk.shared()), 1);
    let settled = hand_in(&client, mail).ok();
    assert_eq!((&settled["id"], &settled["status"]), (&email["id"], &json!("processed")));
}
