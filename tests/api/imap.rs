//! Reading the mailbox of a real IMAP server: `.ci/imap` starts one and sets `MESA_TEST_IMAP`. Without it these tests
//! are skipped.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::web::Data;
use futures_util::TryStreamExt;
use mesa::config::{Config, ImapConfig};
use mesa::inbound::imap;
use mesa::people::demo;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::harness::binary::{Running, mesa};
use crate::harness::{Database, Desk, PASSWORD};

/// The server of these tests does not authenticate senders.
const TRUST: (&str, &str) = ("MESA_MAIL_TRUST", "all");

/// A mailbox for one test.
struct Mailbox {
    user: String,
    url: String,
    config: ImapConfig,
}

impl Mailbox {
    /// `None` if there is no server.
    fn open() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let Ok(server) = std::env::var("MESA_TEST_IMAP") else {
            eprintln!("skipped: MESA_TEST_IMAP is not set; `.ci/imap` starts a server and sets it");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let user = format!("mesa{number}-{}", std::process::id());
        let url = format!("imaps://{user}:clave@{server}/INBOX");
        let variables = [("MESA_IMAP_URL", url.as_str()), TRUST];
        let value =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let config = Config::read(&|name| value(name).map(str::to_owned)).unwrap();
        Some(Mailbox { config: config.imap.unwrap(), url, user })
    }

    fn desk(&self, seconds: &str) -> Desk {
        self.desk_by(&self.url, seconds)
    }

    /// A desk that reads the mailbox at this URL.
    fn desk_by(&self, url: &str, seconds: &str) -> Desk {
        Desk::configured(&[
            ("MESA_IMAP_URL", url),
            TRUST,
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

    /// The number of messages in a folder.
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

/// A copy of the server that reads the mailbox until this is dropped.
struct Looking {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Looking {
    fn start(shared: Data<mesa::http::desk::Desk>) -> Self {
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
fn existing_and_new_messages_are_processed_and_moved() {
    let Some(mailbox) = Mailbox::open() else { return };
    // Polling is every five minutes, so new messages are found by IDLE.
    let desk = mailbox.desk("300");
    let large = message("grande", &"x".repeat(200_000));
    let known = message("conocido", "Ya llegó por otra puerta.");
    let by_api = desk.director().raw("POST", "/inbound-emails", "message/rfc822", known.clone());
    assert_eq!(by_api.created()["status"], "processed");
    mailbox.put(&[message("uno", "Uno."), known, message("dos", "Dos."), large]);
    let looking = Looking::start(desk.copy().shared_data());
    wait_for("existing messages are moved", 30, || mailbox.count("Processed") == 3);
    wait_for("existing messages are processed", 10, || processed(&desk) == 3);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 3);
    assert_eq!((mailbox.count("INBOX"), mailbox.flagged()), (1, 1), "a message that is too large stays");
    let newest: Value = desk.director().get("/inbound-emails").items()[0].clone();
    assert_eq!((&newest["source"], &newest["internet_message_id"]), (&json!("imap"), &json!("dos@x")));

    thread::sleep(Duration::from_secs(1));
    mailbox.put(&[message("tres", "Tres.")]);
    wait_for("the new message is processed", 10, || processed(&desk) == 4);
    drop(looking);
}

#[test]
fn the_desk_reconnects_after_the_imap_server_restarts() {
    let Some(mailbox) = Mailbox::open() else { return };
    let desk = mailbox.desk("2");
    let looking = Looking::start(desk.copy().shared_data());
    mailbox.put(&[message("antes", "Antes.")]);
    wait_for("the first message", 30, || processed(&desk) == 1);
    let restart = std::env::var("MESA_TEST_IMAP_RESTART").unwrap();
    // A clean stop and a kill.
    for (signal, expected) in [("TERM", 2), ("KILL", 3)] {
        assert!(Command::new(&restart).args([signal, "3"]).status().unwrap().success());
        mailbox.put(&[message(signal, "Después.")]);
        wait_for("the message after the restart", 60, || processed(&desk) == expected);
    }
    drop(looking);
    assert_eq!((mailbox.count("INBOX"), mailbox.count("Processed")), (0, 3));
}

#[test]
fn one_copy_reads_the_mailbox_and_another_takes_over() {
    let Some(mailbox) = Mailbox::open() else { return };
    let desk = mailbox.desk("1");
    let copy = desk.copy();
    let first = Looking::start(desk.copy().shared_data());
    let second = Looking::start(copy.shared_data());
    let messages = |from: u32| (from..from + 20).map(|n| message(&format!("{n}"), "x")).collect::<Vec<_>>();
    mailbox.put(&messages(0));
    wait_for("twenty messages", 60, || processed(&desk) == 20);
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

/// A proxy without TLS between the desk and the server, which handles one line of text at a time.
struct Tap {
    address: String,
}

/// Returns the line to forward, changed or not, or `None` to close the connection.
type Watch = dyn Fn(String) -> Option<String> + Send + Sync;

impl Tap {
    fn open(to_server: Arc<Watch>, to_desk: Arc<Watch>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for desk in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(std::env::var("MESA_TEST_IMAP_PLAIN").unwrap()).unwrap();
                let ways = [(&desk, &server, &to_server), (&server, &desk, &to_desk)];
                for (from, to, watch) in ways {
                    let (from, to, watch) =
                        (from.try_clone().unwrap(), to.try_clone().unwrap(), watch.clone());
                    thread::spawn(move || carry(&from, to, &*watch));
                }
            }
        });
        Tap { address }
    }

    fn url(&self, mailbox: &Mailbox) -> String {
        format!("imap://{}:clave@{}/INBOX", mailbox.user, self.address)
    }
}

fn carry(from: &TcpStream, mut to: TcpStream, watch: &Watch) {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
        let Some(text) = watch(text) else { break };
        if to.write_all(text.as_bytes()).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
}

#[test]
fn a_server_without_extensions_is_polled() {
    let Some(mailbox) = Mailbox::open() else { return };
    let commands = Arc::new(Mutex::new(Vec::new()));
    let heard = commands.clone();
    let tap = Tap::open(
        Arc::new(move |line: String| {
            heard.lock().unwrap().push(line.split_once(' ').map_or("", |(_, command)| command).to_owned());
            Some(line)
        }),
        Arc::new(|line| {
            let is_capabilities = line.contains("CAPABILITY");
            let poor = |line: String| {
                ["IDLE", "MOVE", "UIDPLUS"]
                    .iter()
                    .fold(line, |line, one| line.replace(&format!(" {one}"), ""))
            };
            Some(if is_capabilities { poor(line) } else { line })
        }),
    );
    let desk = mailbox.desk_by(&tap.url(&mailbox), "1");
    mailbox.put(&[message("uno", "Uno."), message("dos", "Dos.")]);
    let looking = Looking::start(desk.copy().shared_data());
    wait_for("the existing messages", 30, || processed(&desk) == 2);
    mailbox.put(&[message("tres", "Tres.")]);
    wait_for("the new message", 30, || processed(&desk) == 3);
    drop(looking);
    assert_eq!((mailbox.count("INBOX"), mailbox.count("Processed")), (0, 3));
    let commands = commands.lock().unwrap();
    let is_used = |name: &str| commands.iter().any(|command| command.starts_with(name));
    assert!(is_used("UID COPY") && is_used("EXPUNGE") && is_used("NOOP"));
    assert!(!is_used("UID MOVE") && !is_used("IDLE") && !is_used("UID EXPUNGE"));
}

/// The moment when the desk is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// The message is stored, and the command to move it has not reached the server.
    Stored,
    /// After this many further messages: one is moved, and the desk has neither got the answer nor processed the
    /// message.
    Moved(u32),
    /// This many milliseconds after the first fetch.
    Any(u64),
}

#[test]
fn a_kill_while_reading_mail_neither_loses_nor_duplicates_messages() {
    let Some(mailbox) = Mailbox::open() else { return };
    let kills: usize = std::env::var("MESA_TEST_KILLS").map_or(9, |text| text.parse().unwrap());
    let database = Database::from_template();
    demo::prepare(&mut database.connect(), PASSWORD).unwrap();
    let moment = Arc::new(Mutex::new(None));
    let (kill, killed) = mpsc::channel();
    let (sending, receiving) = (moment.clone(), moment.clone());
    let (kill_at_once, kill_later) = (kill.clone(), kill);
    let tap = Tap::open(
        Arc::new(move |line: String| {
            let mut moment = sending.lock().unwrap();
            match *moment {
                Some(Moment::Stored) if line.contains("UID MOVE") => {
                    let _ = kill_at_once.send(());
                    None
                }
                Some(Moment::Any(millis)) if line.contains("UID FETCH") => {
                    *moment = None;
                    let kill = kill_at_once.clone();
                    thread::spawn(move || {
                        thread::sleep(Duration::from_millis(millis));
                        let _ = kill.send(());
                    });
                    Some(line)
                }
                _ => Some(line),
            }
        }),
        Arc::new(move |line: String| {
            let mut moment = receiving.lock().unwrap();
            match *moment {
                Some(Moment::Moved(more)) if line.contains("OK Move completed") => {
                    *moment = Some(Moment::Moved(more.saturating_sub(1)));
                    if more == 0 {
                        let _ = kill_later.send(());
                        return None;
                    }
                }
                _ => {}
            }
            Some(line)
        }),
    );
    let data = TempDir::new().unwrap();
    let url = tap.url(&mailbox);
    let start = || {
        Running::start(mesa(&[
            ("DATABASE_URL", database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", data.path().to_str().unwrap()),
            ("MESA_MAIL_SENDER_LIMIT", "10000"),
            ("MESA_IMAP_URL", &url),
            TRUST,
            ("MESA_IMAP_SECONDS", "1"),
        ]))
    };
    let each = 4;
    let known = |sql: &str| database.count(&format!("SELECT count(*) FROM inbound_emails {sql}"));
    let (mut stored_and_not_moved, mut moved_and_not_processed) = (0, 0);
    for number in 0..kills {
        let messages: Vec<String> =
            (0..each).map(|one| message(&format!("{number}-{one}"), "Sin red.")).collect();
        mailbox.put(&messages);
        let next = [Moment::Stored, Moment::Moved(1), Moment::Any(number as u64 * 37 % 150)][number % 3];
        *moment.lock().unwrap() = Some(next);
        let mut running = start();
        killed.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("not killed at {next:?}"));
        running.signal(Signal::SIGKILL);
        *moment.lock().unwrap() = None;
        while killed.try_recv().is_ok() {}
        let there = i64::from(mailbox.count("INBOX")) + i64::from(mailbox.count("Processed"));
        assert_eq!(there, (number as i64 + 1) * each, "a message is missing from the mailbox");
        let moved = i64::from(mailbox.count("Processed"));
        assert!(known("") >= moved, "a message was moved and not stored");
        stored_and_not_moved += known("") - moved;
        let is_moved = matches!(next, Moment::Moved(_)) && known("WHERE status = 'waiting'") > 0;
        moved_and_not_processed += i64::from(is_moved);
        // Ends the lease of the killed process, which would otherwise last two minutes.
        database.run("UPDATE inbound_emails SET next_attempt_at = now() WHERE status = 'waiting'");
    }
    let all = kills as i64 * each;
    let mut running = start();
    wait_for("all messages are processed", 60, || {
        database.run("UPDATE inbound_emails SET next_attempt_at = now() WHERE status = 'waiting'");
        known("WHERE status = 'processed'") == all
    });
    wait_for("all messages are moved", 30, || mailbox.count("INBOX") == 0);
    assert!(running.signal(Signal::SIGTERM).success());
    assert_eq!(i64::from(mailbox.count("Processed")), all);
    assert_eq!((known(""), database.count("SELECT count(*) FROM tickets")), (all, all));
    println!(
        "{kills} kills, {all} messages; {stored_and_not_moved} stored and not moved, \
        {moved_and_not_processed} times moved and not processed"
    );
    assert!(stored_and_not_moved > 0 && moved_and_not_processed > 0);
}
