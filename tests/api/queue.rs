//! The order of the work queue.

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::harness::Desk;

/// A classified ticket whose attention is due in this many minutes; negative if it is overdue.
fn due_in(desk: &Desk, criticality: &str, minutes: i64) -> String {
    let one = desk.requester().register("Sin red")["id"].to_string();
    desk.technician()
        .post(&format!("/tickets/{one}/classification"), json!({"criticality": criticality}))
        .ok();
    let due = (Utc::now() + Duration::minutes(minutes)).to_rfc3339();
    desk.database.run(&format!(
        "UPDATE tickets SET attention_due_at = '{due}', attention_due_soon_at = '{due}' WHERE id = {one}"
    ));
    one
}

fn ids(desk: &Desk, query: &str) -> Vec<String> {
    let items = desk.technician().get(&format!("/tickets?{query}")).items();
    items.iter().map(|ticket| ticket["id"].to_string()).collect()
}

#[test]
fn critical_tickets_come_first_then_those_with_the_least_time_left() {
    let desk = Desk::open();
    let high_soon = due_in(&desk, "high", 30);
    let low_late = due_in(&desk, "low", 600);
    let high_overdue = due_in(&desk, "high", -45);
    let medium_overdue = due_in(&desk, "medium", -5);
    let critical_new = due_in(&desk, "critical", 55);
    let critical_overdue = due_in(&desk, "critical", -1);
    let expected = [critical_overdue, critical_new, high_overdue, medium_overdue, high_soon, low_late];
    assert_eq!(ids(&desk, "sort=queue"), expected);
    // Pagination keeps the order.
    let first = desk.technician().get("/tickets?sort=queue&limit=4");
    let cursor = first.ok()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(ids(&desk, &format!("sort=queue&limit=4&cursor={cursor}")), expected[4..]);
}

#[test]
fn new_tickets_precede_later_due_ones_and_accepted_ones_keep_their_time() {
    let desk = Desk::open();
    let later = due_in(&desk, "low", 600);
    let accepted = desk.ticket_in("in_progress").rsplit('/').next().unwrap().to_owned();
    let received = desk.requester().register("¿Qué será?")["id"].to_string();
    let held = desk.ticket_in("on_hold").rsplit('/').next().unwrap().to_owned();
    desk.database.run(&format!("UPDATE tickets SET scheduled_for = NULL WHERE id = {held}"));
    for state in ["solved", "closed", "archived"] {
        desk.ticket_in(state);
    }
    // The appointment is one hour from now.
    assert_eq!(ids(&desk, "sort=queue"), [received, accepted, later, held]);
    assert_eq!(desk.technician().get("/tickets?sort=queue&with_total=true").ok()["total"], 4);
}

#[test]
fn filters_find_overdue_tickets_and_those_due_soon() {
    let desk = Desk::open();
    let overdue = due_in(&desk, "high", -10);
    let soon = due_in(&desk, "low", 20);
    let later = due_in(&desk, "low", 90);
    desk.ticket_in("in_progress");
    desk.database.run("UPDATE tickets SET attention_due_at = now() - interval '1 hour', attention_due_soon_at = now() - interval '2 hours' WHERE id = 4");
    assert_eq!(
        ids(&desk, "overdue=true"),
        std::slice::from_ref(&overdue),
        "an accepted ticket is no longer overdue"
    );
    assert_eq!(ids(&desk, "due_within=30m"), std::slice::from_ref(&soon));
    assert_eq!(ids(&desk, "due_within=2h&sort=queue"), [soon.clone(), later.clone()]);
    assert_eq!(ids(&desk, "overdue=false&sort=queue&status=classified"), [soon, later]);
    assert_eq!(ids(&desk, "assignee_id=none&sort=queue").len(), 3);
    for wrong in ["30", "30s", "0m", "-5m", "1000000d", "m"] {
        let answer = desk.technician().get(&format!("/tickets?due_within={wrong}"));
        assert_eq!(answer.faults()[0].0, "/due_within");
    }
}

#[test]
fn the_work_queue_is_read_with_an_index_scan() {
    let desk = Desk::open();
    desk.ticket_in("classified");
    let explain = |sql: &str| -> String {
        use diesel::prelude::*;
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
            line: String,
        }
        let mut connection = desk.database.connect();
        // PostgreSQL would otherwise scan the whole table, because it is small.
        for way in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
            diesel::sql_query(format!("SET {way} = off")).execute(&mut connection).unwrap();
        }
        let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN {sql}")).load(&mut connection).unwrap();
        lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n")
    };
    let open = "SELECT * FROM tickets WHERE status NOT IN ('solved', 'closed', 'archived')";
    let first = explain(&format!("{open} ORDER BY queue_rank, queue_at, id LIMIT 51"));
    assert!(first.contains("tickets_queue_idx") && !first.contains("Sort"), "{first}");
    let deep = explain(&format!(
        "{open} AND (queue_rank, queue_at, id) > (1, now(), 7) ORDER BY queue_rank, queue_at, id LIMIT 51"
    ));
    assert!(deep.contains("Index Cond: (ROW(queue_rank, queue_at, id) > "), "{deep}");
    let told: Value = desk.technician().get("/tickets?sort=queue").ok();
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
}
