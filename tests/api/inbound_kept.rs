//! Mail that comes in is kept once, by whichever door, and tried until it has become something.

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
fn what_cannot_be_a_message_is_refused() {
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
fn a_key_gives_the_first_answer_again() {
    let desk = desk();
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <k@x>\n", "x");
    let client = desk.director().with("idempotency-key", "correo-1");
    let first = hand_in(&client, mail.clone()).created();
    assert_eq!(hand_in(&client, mail).created(), first);
    hand_in(&client, message("requester@mesa.test", "Otra", "", "x")).problem(422, "idempotency_key_reused");
    assert_eq!(desk.database.count("SELECT count(*) FROM inbound_emails"), 1);
}

#[test]
fn an_id_that_another_message_had_loses_none() {
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

/// The command, on the desk's database and files.
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
    // A command that refuses what it is called with does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[test]
fn the_command_tells_a_mail_server_what_became_of_it() {
    let desk = desk();
    let code =
        |mail: &[u8], variables: &[(&str, &str)]| ingest(&desk, mail, variables).status.code().unwrap();
    let mail = message("requester@mesa.test", "Sin red", "Message-ID: <c@x>\n", "No hay red.");
    assert_eq!(code(mail.as_bytes(), &[]), 0);
    assert_eq!(code(mail.as_bytes(), &[]), 0, "a repeat is kept already");
    let email = &desk.director().get("/inbound-emails").items()[0];
    assert_eq!((&email["source"], &email["status"]), (&json!("command"), &json!("processed")));
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
    // Kept and not understood is kept.
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
fn the_same_message_by_every_door_at_once_is_one_ticket() {
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

/// Processes what waits, as the desk does by itself.
fn work(desk: &mesa::http::desk::Desk) -> usize {
    actix_web::rt::System::new().block_on(process::waiting(desk)).unwrap()
}

#[test]
fn what_a_killed_copy_leaves_behind_is_taken_once_by_another() {
    let desk = desk();
    let copy = desk.copy();
    // Kept, and then the copy that kept it died: as the row is while the lease runs.
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
         DELETE FROM tickets; DELETE FROM users WHERE email LIKE '%@barrio.example'",
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
fn what_goes_wrong_is_tried_again_and_in_the_end_set_aside() {
    let desk = desk();
    // The object store has lost it.
    desk.database.run(
        "INSERT INTO inbound_emails (id, source, received_at, size, sha256, storage_key, identity, author_hash, subject,
             status, next_attempt_at)
         VALUES (gen_random_uuid(), 'imap', now(), 1, repeat('0', 64), 'mail/00/none', 'id:x', repeat('0', 64), '',
             'waiting', now())",
    );
    for attempts in 1..=6 {
        assert_eq!(work(desk.shared()), 1);
        assert_eq!(work(desk.shared()), 0, "not before its turn");
        let email = desk.director().get("/inbound-emails").items().pop().unwrap();
        assert_eq!((&email["status"], &email["attempts"]), (&json!("waiting"), &json!(attempts)));
        desk.database.run("UPDATE inbound_emails SET next_attempt_at = now()");
    }
    assert_eq!(work(desk.shared()), 1);
    let email = desk.director().get("/inbound-emails?status=set_aside").items().pop().unwrap();
    assert_eq!((&email["reason"], &email["attempts"]), (&json!("failed"), &json!(7)));
}

/// What became of a message that is there, whoever tries it now.
fn state(desk: &Desk, id: &str) -> serde_json::Value {
    let email = desk.director().get(&format!("/inbound-emails/{id}")).ok();
    json!([email["status"], email["reason"], email["ticket_id"]])
}

#[test]
fn who_comes_late_undoes_nothing() {
    let desk = desk();
    let email = became(&desk, message("requester@mesa.test", "Sin red", "Message-ID: <tarde@x>\n", "x"));
    let id = email["id"].as_str().unwrap();
    // A copy had it for the last time, hung, and fails after another one was done with it.
    desk.database.run("UPDATE inbound_emails SET attempts = 7");
    use object_store::ObjectStoreExt;
    let sha256 = email["sha256"].as_str().unwrap();
    let path = object_store::path::Path::from(format!("mail/{}/{sha256}", &sha256[..2]));
    actix_web::rt::System::new().block_on(desk.shared().files.delete(&path)).unwrap();
    actix_web::rt::System::new().block_on(process::process(desk.shared(), id.parse().unwrap()));
    assert_eq!(state(&desk, id), json!(["processed", null, 1]));
}

#[test]
fn a_message_that_takes_the_server_with_it_is_not_tried_for_ever() {
    let desk = desk();
    let email = became(&desk, message("requester@mesa.test", "Sin red", "Message-ID: <mortal@x>\n", "x"));
    let id = email["id"].as_str().unwrap();
    // As the row is where no copy of the server came to say how its try went.
    desk.database.run(
        "UPDATE inbound_emails SET status = 'waiting', ticket_id = NULL, processed_at = NULL, attempts = 7,
             next_attempt_at = now()",
    );
    assert_eq!(work(desk.shared()), 1);
    assert_eq!(state(&desk, id), json!(["set_aside", "failed", null]));
}

#[test]
fn what_has_changed_since_it_was_read_is_not_run_again() {
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
fn of_retries_that_meet_one_is_carried_out_and_all_get_its_answer() {
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
    // What cannot be done frees its key.
    let client = desk.director().with("idempotency-key", "k-3");
    hand_in(&client, "hola").problem(422, "invalid_body");
    assert_eq!(hand_in(&client, mail).ok()["status"], "processed");
}

#[test]
fn a_key_whose_server_died_in_the_middle_is_taken_up_again() {
    let desk = desk();
    let email = became(&desk, sample("spoofed"));
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    let client = desk.director().with("idempotency-key", "k-1");
    client.post(&again, json!({"release": true})).ok();
    // As the row is where the message was processed and the server died before it could answer.
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
fn an_answer_that_is_not_the_last_word_is_not_kept() {
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
