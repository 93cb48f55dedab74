//! Links to set a password: for a forgotten password, for an invitation, or sent by staff; used on the page and as
//! JSON.

use std::thread;

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::{Mail, MailServer};
use crate::harness::{Answer, Client, Desk, PASSWORD};

const FORM: &str = "application/x-www-form-urlencoded";
const NEW: &str = "otra-clave-larga";

fn login(desk: &Desk, email: &str, password: &str) -> Answer {
    desk.nobody().post("/auth/login", json!({"email": email, "password": password}))
}

fn forgot(desk: &Desk, email: &str) {
    let answer = desk.nobody().post("/auth/password-reset", json!({"email": email}));
    assert_eq!((answer.status, answer.text()), (202, String::new()));
    desk.send_mail();
}

fn confirm(desk: &Desk, token: &str, new: &str) -> Answer {
    let body = json!({"token": token, "new_password": new});
    desk.nobody().post("/auth/password-reset/confirmation", body)
}

/// The token of the last link that was mailed.
#[track_caller]
fn token(server: &MailServer) -> String {
    let text = server.mail().last().expect("no mail").text();
    let (_, rest) = text.split_once("https://mesa.example/p/").unwrap_or_else(|| panic!("no link in {text}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

fn events(desk: &Desk, kind: &str, person: &Client) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM audit_events WHERE kind = '{kind}' AND resource = 'user' AND resource_id = '{}'",
        person.id()
    ))
}

#[test]
fn a_reset_link_works_once_and_ends_all_sign_ins() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Technician);
    // The link is sent even if the person has turned off work mail.
    desk.database.run(&format!("UPDATE users SET staff_mail = false WHERE id = '{}'", person.id()));
    let session = login(&desk, person.email(), PASSWORD).ok();
    forgot(&desk, &person.email().to_uppercase());
    let token = token(&server);
    let mail: Mail = server.mail().pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject().as_str()), (person.email(), "Cambio de contraseña"));
    assert!(mail.text().contains("60 minutos") && mail.html().contains(&token), "{}", mail.text());
    assert_eq!(token.len(), 43);
    // The database contains only the hash of the token, and the stored text of the message does not contain the token.
    let kept = "SELECT count(*) FROM password_links WHERE length(token_hash) = 32
        AND expires_at - created_at = interval '60 minutes'";
    assert_eq!(desk.database.count(kept), 1);
    let sent = format!("SELECT count(*) FROM messages WHERE sent_text LIKE '%{token}%'");
    assert_eq!(desk.database.count(&sent), 0);
    let message = desk.director().get("/messages?kind=password_reset").items()[0]["id"].clone();
    let shown = desk.director().get(&format!("/messages/{}", message.as_str().unwrap())).ok();
    assert!(shown["text"].as_str().unwrap().contains("/p/…"), "{shown}");
    assert_eq!(shown["ticket_id"], Value::Null);

    // A rejected password does not use up the link.
    assert_eq!(
        confirm(&desk, &token, "1234567890").faults(),
        [("/new_password".into(), "too_guessable".into())]
    );
    assert_eq!(confirm(&desk, &token, "corta").faults(), [("/new_password".into(), "too_short".into())]);
    assert_eq!(confirm(&desk, &token, NEW).status, 204);
    confirm(&desk, &token, "una-tercera-clave").problem(410, "password_link_invalid");
    login(&desk, person.email(), PASSWORD).problem(401, "invalid_credentials");
    login(&desk, person.email(), NEW).ok();
    person.get("/me").problem(401, "unauthenticated");
    let refresh = json!({"refresh_token": session["refresh_token"]});
    desk.nobody().post("/auth/refresh", refresh).problem(401, "invalid_refresh_token");
    assert_eq!(events(&desk, "password_reset_requested", &person), 1);
    assert_eq!(events(&desk, "password_reset", &person), 1);
    assert_eq!(events(&desk, "signed_in", &person), 2);
}

#[test]
fn a_link_ends_when_replaced_or_expired_or_when_the_account_changes() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Technician);
    forgot(&desk, person.email());
    let first = token(&server);
    forgot(&desk, person.email());
    let second = token(&server);
    confirm(&desk, &first, NEW).problem(410, "password_link_invalid");
    for wrong in ["x", &second[1..], &"a".repeat(200)] {
        confirm(&desk, wrong, NEW).problem(410, "password_link_invalid");
    }
    let shift = |minutes: i32| {
        desk.database.run(&format!(
            "UPDATE password_links SET created_at = created_at - interval '{minutes} minutes',
                 expires_at = expires_at - interval '{minutes} minutes'"
        ));
    };
    shift(61);
    confirm(&desk, &second, NEW).problem(410, "password_link_invalid");
    shift(-61);
    // A change of address or a deactivation revokes the link.
    let account = format!("/users/{}", person.id());
    desk.director().patch(&account, json!({"email": "otra@mesa.test"})).ok();
    confirm(&desk, &second, NEW).problem(410, "password_link_invalid");
    forgot(&desk, "otra@mesa.test");
    let third = token(&server);
    desk.director().patch(&account, json!({"active": false})).ok();
    desk.director().patch(&account, json!({"active": true})).ok();
    confirm(&desk, &third, NEW).problem(410, "password_link_invalid");
    desk.director().patch(&account, json!({"active": false})).ok();
    let count = server.count();
    forgot(&desk, "otra@mesa.test");
    forgot(&desk, "nobody@mesa.test");
    assert_eq!(server.count(), count);
    desk.director().post(&format!("{account}/password-reset"), json!({})).problem(409, "wrong_state");
}

#[test]
fn one_of_ten_simultaneous_uses_of_a_link_sets_the_password() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Requester);
    forgot(&desk, person.email());
    let token = token(&server);
    let copy = desk.copy();
    let other = copy.client(&desk.nobody());
    let statuses: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (0..10)
            .map(|n| {
                let caller = if n % 2 == 0 { desk.nobody() } else { other.clone() };
                let body = json!({"token": token, "new_password": format!("otra-clave-larga-{n}")});
                scope.spawn(move || caller.post("/auth/password-reset/confirmation", body).status)
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 204 | 410 | 429 | 503)), "{statuses:?}");
}

#[test]
fn an_account_without_a_password_is_invited() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let new =
        json!({"email": "ana@mesa.test", "role": "technician", "full_name": "Ana Restrepo", "locale": "en"});
    let user = desk.director().post("/users", new).created();
    assert_eq!(user["can_sign_in"], false);
    desk.send_mail();
    let mail = server.mail().pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject().as_str()), ("ana@mesa.test", "Your service desk account"));
    let first = token(&server);
    // Sending the invitation again replaces the first link; a reset request by someone else does not.
    let again = format!("/users/{}/password-reset", user["id"].as_str().unwrap());
    assert_eq!(desk.professional().post(&again, json!({})).status, 202);
    desk.send_mail();
    let second = token(&server);
    assert_eq!(server.mail().pop().unwrap().subject(), "Your service desk account");
    forgot(&desk, "ana@mesa.test");
    confirm(&desk, &first, NEW).problem(410, "password_link_invalid");
    let days = "SELECT extract(epoch FROM expires_at - created_at)::bigint / 86400 FROM password_links
        WHERE purpose = 'invitation'";
    assert_eq!(desk.database.count(days), 7);
    assert_eq!(confirm(&desk, &second, NEW).status, 204);
    assert_eq!(desk.database.count("SELECT count(*) FROM password_links"), 0);
    login(&desk, "ana@mesa.test", NEW).ok();
    let invited = "SELECT count(*) FROM audit_events WHERE kind = 'invited' AND actor_id IS NOT NULL";
    assert_eq!(desk.database.count(invited), 2);
}

#[test]
fn staff_can_send_a_link_but_cannot_set_a_password() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (peer, director) = (desk.another(Role::Professional), desk.director());
    let (account, above) = (format!("/users/{}", peer.id()), format!("/users/{}", director.id()));
    for caller in [desk.professional(), desk.director()] {
        let refused = caller.patch(&account, json!({"password": NEW}));
        assert_eq!(refused.faults(), [("/password".into(), "unknown_field".into())]);
    }
    login(&desk, peer.email(), PASSWORD).ok();
    let reset = |caller: &Client, account: &str| caller.post(&format!("{account}/password-reset"), json!({}));
    reset(&desk.technician(), &account).problem(403, "forbidden");
    reset(&desk.requester(), &account).problem(403, "forbidden");
    reset(&desk.nobody(), &account).problem(401, "unauthenticated");
    reset(&desk.professional(), &above).problem(403, "forbidden");
    reset(&director, "/users/0197c0de-0000-7000-8000-000000000000").problem(404, "not_found");
    let answer = reset(&desk.professional(), &account);
    assert_eq!((answer.status, answer.text()), (202, String::new()));
    desk.send_mail();
    assert_eq!(server.mail().pop().unwrap().to, peer.email());
    // Nothing changes until the link is used.
    peer.get("/me").ok();
    assert_eq!(confirm(&desk, &token(&server), NEW).status, 204);
    login(&desk, peer.email(), NEW).ok();
    let by = desk.professional();
    let named = format!(
        "SELECT count(*) FROM audit_events WHERE kind = 'password_reset_requested' AND actor_id = '{}'",
        by.id()
    );
    assert_eq!(desk.database.count(&named), 1);
}

#[track_caller]
fn shows(answer: &Answer, status: u16, words: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert!(words.iter().all(|words| text.contains(words)), "{words:?}: {text}");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!text.contains("<script") && !text.contains("://"), "{text}");
}

#[test]
fn the_page_sets_the_password_without_scripts() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Requester);
    forgot(&desk, person.email());
    let path = format!("//p/{}", token(&server));
    let send = |form: &str| desk.nobody().raw("POST", &path, FORM, form.to_owned());
    // Opening the page does not use up the link.
    shows(&desk.nobody().get(&path), 200, &["<html lang=\"es\">", "Cambie su contraseña", person.email()]);
    let english = desk.nobody().with("accept-language", "en");
    shows(&english.get(&path), 200, &["<html lang=\"en\">", "Set a new password"]);
    shows(&send("password=otra-clave-larga&repeated=otra"), 422, &["no coinciden", "role=\"alert\""]);
    shows(&send("password=corta&repeated=corta"), 422, &["entre 10 y 200"]);
    shows(&send(""), 422, &["entre 10 y 200"]);
    shows(&send("password=1234567890&repeated=1234567890"), 422, &["use varias palabras"]);
    desk.nobody().raw("POST", &path, "application/json", "{}").problem(415, "unsupported_media_type");
    shows(&send("password=otra-clave-larga&repeated=otra-clave-larga"), 200, &["quedó guardada"]);
    login(&desk, person.email(), NEW).ok();
    shows(&send("password=una-tercera-clave&repeated=una-tercera-clave"), 410, &["no es válido"]);
    shows(&desk.nobody().get(&path), 410, &["no es válido"]);
    shows(&english.get("//p/x"), 410, &["not valid"]);
    assert_eq!(desk.nobody().raw("DELETE", &path, FORM, "").header("allow"), "GET, HEAD, POST");
}

#[test]
fn a_second_request_sends_the_waiting_message_and_adds_none() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Requester);
    server.answer(person.email(), &[crate::harness::smtp::Answer::NotNow]);
    forgot(&desk, person.email());
    assert_eq!(server.count(), 0);
    forgot(&desk, person.email());
    assert_eq!(server.count(), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'password_reset'"), 1);
    assert_eq!(confirm(&desk, &token(&server), NEW).status, 204);
}

#[test]
fn the_command_line_creates_a_link_without_mail() {
    let desk = Desk::open();
    let person = desk.another(Role::Director);
    let link = |email: &str| {
        let config = &desk.shared().config;
        mesa::people::accounts::password_link(&mut desk.database.connect(), config, email)
    };
    let made = link(&person.email().to_uppercase()).unwrap();
    assert_eq!(confirm(&desk, made.rsplit('/').next().unwrap(), NEW).status, 204);
    login(&desk, person.email(), NEW).ok();
    assert!(link("nobody@mesa.test").unwrap_err().to_string().contains("no active account"));
    assert_eq!(events(&desk, "password_reset_requested", &person), 1);
}

#[test]
fn a_link_that_a_reply_quotes_is_revoked_and_not_shown() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let person = desk.another(Role::Requester);
    forgot(&desk, person.email());
    let quoted = token(&server);
    let mail = format!(
        "From: {}\nSubject: Re: contrasena\n\nNo pedi esto. https://mesa.example/p/{quoted}\n",
        person.email()
    );
    let kept = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    let ticket = desk.technician().get(&format!("/tickets/{}", kept["ticket_id"])).ok();
    let description = ticket["description"].as_str().unwrap();
    assert!(description.contains("/p/…") && !description.contains(&quoted), "{description}");
    assert_eq!(confirm(&desk, &quoted, NEW).status, 410);
}
