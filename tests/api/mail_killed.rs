//! A server that is killed repeatedly while it sends mail: no message is lost, and repeats have the same Message-ID.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use mesa::people::demo;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::harness::binary::{Running, mesa};
use crate::harness::smtp::MailServer;
use crate::harness::{Database, PASSWORD};

/// A number from the environment, so that the same test can run for longer.
fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn a_server_killed_while_it_sends_loses_no_message() {
    let (kills, messages) = (number("MESA_TEST_KILLS", 3), number("MESA_TEST_MESSAGES", 100));
    let server = MailServer::start().slow(Duration::from_millis(10));
    let database = Database::from_template();
    demo::prepare(&mut database.connect(), PASSWORD).unwrap();
    // One recipient per message, so that each mail identifies its message.
    database.run(&format!(
        "INSERT INTO users (id, email, password_hash, role, full_name) \
         SELECT gen_random_uuid(), 'lector' || n || '@mesa.test', '', 'technician', 'Lector ' || n \
         FROM generate_series(1, {messages}) n; \
         INSERT INTO tickets (subject, description, channel, requester_id, requester_full_name, \
             requester_document_id, requester_email, requester_mobile, requester_unit_id, requester_unit_name, \
             registered_by_id, received_at, updated_at) \
         SELECT 'Sin red', 'No hay red.', 'api', u.id, u.full_name, '1', u.email, '1', n.id, n.name, u.id, now(), now() \
         FROM units n, users u WHERE u.email = 'lector1@mesa.test' LIMIT 1; \
         INSERT INTO messages (id, ticket_id, kind, recipient_id, data, created_at) \
         SELECT gen_random_uuid(), 1, 'resumed', u.id, '{{}}', now() FROM users u WHERE u.email LIKE 'lector%'"
    ));
    let data = TempDir::new().unwrap();
    let start = || {
        Running::start(mesa(&[
            ("DATABASE_URL", database.url.as_str()),
            ("MESA_JWT_SECRET", "a secret of thirty-two bytes or more"),
            ("MESA_LISTEN", "127.0.0.1:0"),
            ("MESA_DATA_DIR", data.path().to_str().unwrap()),
            ("MESA_SMTP_URL", &server.url()),
            ("MESA_MAIL_FROM", "mesa@mesa.test"),
            ("MESA_PUBLIC_URL", "https://mesa.example"),
            // Short leases, so the next server soon sends the messages of the killed one.
            ("MESA_MAIL_LEASE_SECONDS", "1"),
            ("MESA_MAIL_RETRY_SECONDS", "1"),
        ]))
    };
    let wait_for = |pause: u64, enough: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !enough() {
            assert!(Instant::now() < deadline, "{} of {messages} mails after a minute", server.count());
            std::thread::sleep(Duration::from_millis(pause));
        }
    };
    let began = Instant::now();
    for kill in 1..=kills {
        let mut running = start();
        // Each server sends its share and is killed at a varying moment afterwards.
        let share = server.count() + messages / (kills + 1);
        wait_for(1, &|| server.count() >= share || server.count() >= messages);
        std::thread::sleep(Duration::from_millis(u64::try_from(kill * 7 % 13).unwrap()));
        running.signal(Signal::SIGKILL);
    }
    let mut running = start();
    wait_for(50, &|| database.count("SELECT count(*) FROM messages WHERE status = 'waiting'") == 0);
    assert!(running.signal(Signal::SIGTERM).success());

    let mut arrived: HashMap<String, HashSet<String>> = HashMap::new();
    let mail = server.mail();
    for mail in &mail {
        arrived.entry(mail.to.clone()).or_default().insert(mail.header("Message-ID"));
    }
    assert_eq!(arrived.len(), messages, "not every message arrived");
    assert!(arrived.values().all(|ids| ids.len() == 1), "a repeat has another Message-ID");
    assert_eq!(
        database.count("SELECT count(*) FROM messages WHERE status = 'sent'"),
        i64::try_from(messages).unwrap()
    );
    let seconds = began.elapsed().as_secs();
    println!("{kills} kills, {messages} messages, {} of them twice, {seconds} s", mail.len() - messages);
}
