//! The mailbox, on a real server: `.ci/imap` starts one and names it in `MESA_TEST_IMAP`. Without it these tests are
//! skipped.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use futures_util::TryStreamExt;
use mesa::config::{Config, ImapConfig};
use mesa::inbound::imap;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::harness::Desk;

/// A mailbox of a test's own.
struct Mailbox {
    url: String,
    config: ImapConfig,
}

impl Mailbox {
    /// None where there is no server.
    fn open() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let Ok(server) = std::env::var("MESA_TEST_IMAP") else {
            eprintln!("skipped: MESA_TEST_IMAP names no server; `.ci/imap` starts one");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let url = format!("imaps://mesa{number}-{}:clave@{server}/INBOX", std::process::id());
        let config = Config::read(&|name| (name == "MESA_IMAP_URL").then(|| url.clone())).unwrap();
        Some(Mailbox { config: config.imap.unwrap(), url })
    }

    fn desk(&self, seconds: &str) -> Desk {
        Desk::configured(&[
            ("MESA_IMAP_URL", &self.url),
            ("MESA_IMAP_SECONDS", seconds),
            ("MESA_MAIL_MAX_BYTES", "100000"),
            ("MESA_MAIL_SENDER_LIMIT", "1000"),
        ])
    }

    fn block_on<T>(act: impl Future<Output = T>) -> T {
        actix_web::rt::System::new().block_on(act)
    }

    fn put(&self, messages: &[String]) {
        Self::block_on(async {
            let (mut session, _) = imap::connect(&self.config).await.unwrap();
            for message in messages {
                session.append("INBOX", None, None, message.replace('\n', "\r\n")).await.unwrap();
            }
            session.logout().await.unwrap();
        });
    }

    /// How many messages are in a folder.
    fn count(&self, folder: &str) -> u32 {
        Self::block_on(async {
            let (mut session, _) = imap::connect(&self.config).await.unwrap();
            let count = session.examine(folder).await.map_or(0, |folder| folder.exists);
            session.logout().await.unwrap();
            count
        })
    }

    fn flagged(&self) -> usize {
        Self::block_on(async {
            let (mut session, _) = imap::connect(&self.config).await.unwrap();
            session.examine("INBOX").await.unwrap();
            let found: Vec<_> =
                session.uid_fetch("1:*", "(UID FLAGS)").await.unwrap().try_collect().await.unwrap();
            found
                .iter()
                .filter(|one| one.flags().any(|flag| flag == async_imap::types::Flag::Flagged))
                .count()
        })
    }
}

/// A copy of the server that looks into the mailbox until the test is over.
struct Looking {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Looking {
    fn start(shared: Data<mesa::desk::Desk>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let looking = actix_web::rt::spawn(imap::run(shared));
                let _ = stopped.await;
                looking.abort();
            });
        });
        Looking { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn message(id: &str, body: &str) -> String {
    format!("From: Rosa <requester@mesa.test>\nSubject: Sin red\nMessage-ID: <{id}@x>\n\n{body}\n")
}

#[track_caller]
fn wait_for(what: &str, seconds: u64, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while !there() {
        assert!(Instant::now() < until, "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn processed(desk: &Desk) -> i64 {
    desk.database.count("SELECT count(*) FROM inbound_emails WHERE status = 'processed'")
}

#[test]
fn what_is_in_the_mailbox_is_taken_and_moved_and_what_comes_is_told_by_the_server() {
    let Some(mailbox) = Mailbox::open() else { return };
    // It would look again after five minutes by itself.
    let desk = mailbox.desk("300");
    let large = message("grande", &"x".repeat(200_000));
    let known = message("conocido", "Ya llegó por otra puerta.");
    let by_api = desk.technician().raw("POST", "/inbound-emails", "message/rfc822", known.clone());
    assert_eq!(by_api.created()["status"], "processed");
    mailbox.put(&[message("uno", "Uno."), known, message("dos", "Dos."), large]);
    let looking = Looking::start(desk.shared_data());
    wait_for("what was there is moved", 30, || mailbox.count("Processed") == 3);
    wait_for("it is processed", 10, || processed(&desk) == 3);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 3);
    assert_eq!((mailbox.count("INBOX"), mailbox.flagged()), (1, 1), "what is too large stays");
    let newest: Value = desk.technician().get("/inbound-emails").items()[0].clone();
    assert_eq!((&newest["source"], &newest["message_id"]), (&json!("imap"), &json!("dos@x")));

    thread::sleep(Duration::from_secs(1));
    mailbox.put(&[message("tres", "Tres.")]);
    wait_for("what the server told of", 10, || processed(&desk) == 4);
    drop(looking);
}

#[test]
fn a_server_that_goes_away_is_waited_for() {
    let Some(mailbox) = Mailbox::open() else { return };
    let desk = mailbox.desk("2");
    let looking = Looking::start(desk.shared_data());
    mailbox.put(&[message("antes", "Antes.")]);
    wait_for("the first", 30, || processed(&desk) == 1);
    let restart = std::env::var("MESA_TEST_IMAP_RESTART").unwrap();
    assert!(Command::new(restart).arg("3").status().unwrap().success());
    mailbox.put(&[message("después", "Después.")]);
    wait_for("the one after", 60, || processed(&desk) == 2);
    drop(looking);
}

#[test]
fn of_two_copies_one_is_in_the_mailbox_and_the_other_where_it_is_gone() {
    let Some(mailbox) = Mailbox::open() else { return };
    let desk = mailbox.desk("1");
    let copy = desk.copy();
    let first = Looking::start(desk.shared_data());
    let second = Looking::start(copy.shared_data());
    let messages = |from: u32| (from..from + 20).map(|n| message(&format!("{n}"), "x")).collect::<Vec<_>>();
    mailbox.put(&messages(0));
    wait_for("twenty", 60, || processed(&desk) == 20);
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(desk.database.count(locks), 1);
    drop(first);
    mailbox.put(&messages(20));
    wait_for("twenty more", 60, || processed(&desk) == 40);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 40);
    assert_eq!((mailbox.count("INBOX"), mailbox.count("Processed")), (0, 40));
    drop(second);
}
