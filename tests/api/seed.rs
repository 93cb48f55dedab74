//! A database that `mesa seed` filled behaves like any other.

use mesa::audit::verification;
use mesa::seed::{self, Seeded, Wanted};
use mesa::server::routine;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::states::STATES;
use crate::harness::{Database, Desk};

fn fill(database: &Database, tickets: u32, seed: u32) -> Result<Seeded, String> {
    let wanted = Wanted { tickets, years: 2, articles: None, seed };
    seed::fill(&database.url, chrono_tz::America::Bogota, wanted).map_err(|error| error.to_string())
}

#[test]
fn seed_data_follows_every_rule_and_is_created_once() {
    let database = Database::from_template();
    let made = fill(&database, 300, 1).unwrap();
    assert_eq!((made.tickets, made.articles), (300, 15));
    let whole = verification::whole(&mut database.connect()).unwrap();
    assert_eq!((whole.tickets, whole.events, whole.broken), (300, made.events, 0));
    let twice = fill(&database, 300, 1).unwrap_err();
    assert!(twice.contains("seed a new desk"), "{twice}");

    // No background work is left: no ticket to close or to notify about, and no working time to compute.
    let desk = Desk::on(database, TempDir::new().unwrap(), &[]);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), 0);
    let prints = || {
        let mut prints = desk.database.fingerprint();
        // Tasks store their last run, rules the day on which they were last applied; the log is numbered and its first head is signed.
        const BOOKKEEPING: [&str; 6] = [
            "background_tasks",
            "retention_rules",
            "log_entries",
            "log_entries_placed",
            "log_entries_waiting",
            "tree_heads",
        ];
        prints.retain(|(table, _)| !BOOKKEEPING.contains(&table.as_str()));
        prints
    };
    let before = prints();
    routine::once(&mut desk.database.connect(), &desk.shared().config);
    assert!(prints() == before, "the routine changed data");

    // Working times are equal to those that the routine computes.
    desk.database.run(
        "CREATE TABLE known AS SELECT ticket_id, number, working_minutes FROM openings;
         CREATE TABLE known_tickets AS SELECT id, attended_working_minutes FROM tickets;
         CREATE TABLE known_attentions AS SELECT ticket_id, level, working_minutes FROM attentions;
         UPDATE openings SET working_minutes = NULL; UPDATE tickets SET attended_working_minutes = NULL;
         UPDATE attentions SET working_minutes = NULL",
    );
    for _ in 0..10 {
        routine::once(&mut desk.database.connect(), &desk.shared().config);
    }
    let other = "is distinct from";
    assert_eq!(
        desk.database.count(&format!(
            "SELECT (SELECT count(*) FROM openings o JOIN known k USING (ticket_id, number)
                     WHERE round(o.working_minutes::numeric, 3) {other} round(k.working_minutes::numeric, 3))
                 + (SELECT count(*) FROM tickets t JOIN known_tickets k USING (id)
                     WHERE round(t.attended_working_minutes::numeric, 3) {other} round(k.attended_working_minutes::numeric, 3))
                 + (SELECT count(*) FROM attentions a JOIN known_attentions k USING (ticket_id, level)
                     WHERE round(a.working_minutes::numeric, 3) {other} round(k.working_minutes::numeric, 3))"
        )),
        0
    );

    // Every step has its event.
    for (kind, rows) in [
        ("received", "SELECT count(*) FROM tickets"),
        ("accepted", "SELECT count(*) FROM attentions WHERE accepted_at IS NOT NULL"),
        ("escalated", "SELECT count(*) FROM escalations"),
        ("solved", "SELECT count(*) FROM openings WHERE outcome = 'solved'"),
        ("reopened", "SELECT sum(reopened_count) FROM tickets"),
        ("closed", "SELECT count(*) FROM tickets WHERE status = 'closed'"),
        ("archived", "SELECT count(*) FROM tickets WHERE status = 'archived'"),
        ("information_requested", "SELECT count(*) FROM holds WHERE kind = 'information'"),
    ] {
        let events = desk.database.count(&format!("SELECT count(*) FROM events WHERE kind = '{kind}'"));
        assert_eq!(events, desk.database.count(rows), "{kind}");
        assert!(events > 0, "{kind}");
    }
}

#[test]
fn seed_data_can_be_read_through_the_api() {
    let database = Database::from_template();
    fill(&database, 300, 2).unwrap();
    let desk = Desk::on(database, TempDir::new().unwrap(), &[]);
    let director = desk.director();
    let states: Vec<Value> = STATES
        .into_iter()
        .map(|status| {
            let page = director.get(&format!("/tickets?status={status}&with_total=true")).ok();
            let rows = format!("SELECT count(*) FROM tickets WHERE status = '{status}'");
            assert_eq!(page["total"], desk.database.count(&rows), "{status}");
            page["items"][0]["id"].clone()
        })
        .collect();
    for id in &states {
        for part in ["", "/events", "/followups", "/timeline", "/attention", "/escalations", "/suggestions"] {
            director.get(&format!("/tickets/{id}{part}")).ok();
        }
    }
    for list in [
        "/tickets?sort=queue",
        "/users",
        "/units",
        "/categories",
        "/surveys",
        "/kb/articles",
        "/kb/articles?q=impresora",
        "/availability",
        "/audit/profiles?from_date=2024-01-01&through_date=2030-01-01",
    ] {
        assert!(director.get(list).ok()["items"].is_array(), "{list}");
    }
    assert!(!director.get("/kb/articles?q=la%20impresora").items().is_empty());

    let years = director.get("/statistics?from_date=2020-01-01&through_date=2027-12-31").ok();
    let figures = &years["tickets"];
    for (figure, rows) in [
        ("received", "SELECT count(*) FROM tickets"),
        ("solved", "SELECT count(DISTINCT ticket_id) FROM events WHERE kind = 'solved'"),
        ("reopened", "SELECT count(*) FROM events WHERE kind = 'reopened'"),
    ] {
        assert_eq!(figures[figure], desk.database.count(rows), "{figure} of {figures}");
    }
}
