//! Checks the logs of all servers under test for secrets and personal data. Stopping a server panics if something was
//! found, at any log level down to `debug`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::JoinHandle;

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::Value;

use super::{PASSWORD, SECRET};

/// Secret words, in addition to those recognized by their form: access tokens, password hashes, and 32 random bytes as
/// text (a refresh token, the token of a survey).
static SECRETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Lines of the access log for requests whose id begins with `kept-`.
static ACCESS: Mutex<Vec<String>> = Mutex::new(Vec::new());
const KEPT_REQUEST: &str = "request_id=kept-";

/// The line of the access log for the request with this id, which must begin with `kept-`.
pub fn access_line(request_id: &str) -> Option<String> {
    let end = format!("request_id={request_id}");
    ACCESS.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|line| line.ends_with(&end)).cloned()
}

/// The length of 32 random bytes as text.
const TOKEN: usize = 43;
/// The minimum length of a secret word, equal to the minimum length of a password: shorter words occur in other text
/// by chance.
const SHORTEST: usize = 10;

struct Logs {
    /// Prints the records that `RUST_LOG` selects.
    shown: env_logger::Logger,
}

impl Log for Logs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if self.shown.matches(record) {
            self.shown.log(record);
        }
        let text = format!("{} {}", record.target(), record.args());
        look_through(&text);
        if record.target().starts_with("mesa") && names_an_address(&text) {
            found(format!("an e-mail address is in the log: {text}"));
        }
        if text.contains(KEPT_REQUEST) {
            ACCESS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    fn flush(&self) {}
}

/// Installs the logger that checks every record of this process.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        keep_secret(SECRET);
        keep_secret(PASSWORD);
        let shown = env_logger::builder().is_test(true).build();
        log::set_max_level(shown.filter().max(LevelFilter::Debug));
        log::set_boxed_logger(Box::new(Logs { shown })).unwrap();
    });
}

/// Registers a word that must not be logged.
pub fn keep_secret(word: &str) {
    if word.len() >= SHORTEST {
        SECRETS.lock().unwrap_or_else(PoisonError::into_inner).insert(word.to_owned());
    }
}

/// Registers the secrets in these configuration variables.
pub fn keep_secrets_of(variables: &[(&str, String)]) {
    for (name, value) in variables {
        if name.contains("SECRET") || name.contains("PASSWORD") {
            keep_secret(value);
        }
        let user = value.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        if let Some((_, password)) = user.and_then(|(user, _)| user.split_once(':')) {
            keep_secret(password);
            keep_secret(&percent_encoding::percent_decode_str(password).decode_utf8_lossy());
        }
    }
}

/// Registers the passwords in this request body.
pub fn keep_secrets_sent(body: &Value) {
    for field in ["password", "current_password", "new_password"] {
        if let Some(password) = body[field].as_str() {
            keep_secret(password);
        }
    }
}

/// Reads the log of a process, checks each line and keeps the text. The thread ends when the process ends.
pub fn follow(from: impl Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let kept = Arc::new(Mutex::new(String::new()));
    let shared = kept.clone();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            look_through(&line);
            shared.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    (kept, reader)
}

pub fn look_through(text: &str) {
    if let Some(secret) = secret_in(text) {
        let text = text.chars().take(2000).collect::<String>();
        found(format!("{secret:?} is in the log: {text}"));
    }
}

fn found(what: String) {
    let mut all = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    // A few lines are enough to find the cause.
    if all.len() < 5 {
        all.push(what);
    }
}

/// Whether the text contains an email address: personal data in a log could not be erased on request.
fn names_an_address(text: &str) -> bool {
    let is_of_address = |c: char| c.is_alphanumeric() || "@.-_+".contains(c);
    text.split(|c| !is_of_address(c)).any(|word| {
        word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    })
}

/// # Panics
/// If any server has logged a secret so far.
#[track_caller]
pub fn hold() {
    if !std::thread::panicking() {
        let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

fn secret_in(text: &str) -> Option<String> {
    for beginning in ["eyJ0eXAiOi", "eyJhbGciOi", "$argon2id$"] {
        if text.contains(beginning) {
            return Some(beginning.to_owned());
        }
    }
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let token = text.split(|c| !is_of_token(c)).find(|word| {
        let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
        word.len() >= TOKEN
            && has(char::is_ascii_uppercase)
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_digit)
    });
    if let Some(token) = token {
        return Some(token.to_owned());
    }
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    secrets.iter().find(|secret| text.contains(secret.as_str())).cloned()
}

#[test]
fn an_email_address_is_found_anywhere_in_a_log_line() {
    assert!(names_an_address("550 5.1.1 <rosa@mesa.test>: no such user"));
    assert!(names_an_address("no account for rosa@mesa.test"));
    assert!(!names_an_address("mesa::mail at src/mail.rs:12 @ 10.5 ms, mesa@localhost"));
}

#[test]
fn secrets_are_found_by_their_form_and_by_registered_words() {
    keep_secrets_of(&[
        ("MESA_SMTP_URL", "smtp://mesa:del-correo-7@mail.test".to_owned()),
        ("MESA_TEST_SECRET", "de-la-nube-77".to_owned()),
    ]);
    keep_secrets_sent(&serde_json::json!({"email": "rosa@mesa.test", "new_password": "clave-que-se-envía"}));
    for secret in [
        SECRET,
        PASSWORD,
        "del-correo-7",
        "de-la-nube-77",
        "clave-que-se-envía",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0$x",
        "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E",
    ] {
        watch();
        assert!(secret_in(&format!("mesa::access GET /s/{secret} 200")).is_some(), "{secret}");
    }
    for words in [
        "GET /api/v1/tickets/1 200 3.1ms 01a20f26-0000-7000-8000-000000000000",
        "tickets_information_request_of_one_ticket_2_key is violated by rosa@mesa.test",
    ] {
        assert_eq!(secret_in(words), None);
    }
}
