//! The numbers of an inbox agree with the lists that they stand beside.

use chrono::{Duration, SecondsFormat, Utc};
use mesa::auth::policy::Role;
use mesa::seed::{self, Wanted};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Client, Database, Desk};

/// Everything that staff can count by.
const ALL: &str = "by=status&by=criticality&by=support_level&by=assignee&by=channel&by=category&by=unit&by=overdue\
    &by=attention";

fn filled_desk() -> Desk {
    let database = Database::from_template();
    let wanted = Wanted { tickets: 300, years: 1, articles: None, seed: 11 };
    seed::fill(&database.url, chrono_tz::America::Bogota, wanted).unwrap();
    Desk::on(database, TempDir::new().unwrap(), &[])
}

fn total(client: &Client, filters: &str) -> Value {
    client.get(&format!("/tickets?limit=1&with_total=true&{filters}")).ok()["total"].clone()
}

/// The filters of the list that each row stands beside, with the number of the row.
fn rows(counts: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (list, rows) in counts.as_object().unwrap() {
        let Some(name) = list.strip_prefix("by_") else { continue };
        for row in rows.as_array().unwrap() {
            assert_eq!(row["is_exact"], true, "{list}: {row}");
            let value = match &row[name] {
                Value::Object(named) => named["id"].as_str().unwrap().to_owned(),
                value => value.to_string().trim_matches('"').to_owned(),
            };
            let filter = match (name, value.as_str()) {
                ("assignee", "null") => "assignee_id=none".to_owned(),
                (_, "null") => format!("without={name}"),
                ("assignee" | "category" | "unit", id) => format!("{name}_id={id}"),
                _ => format!("{name}={value}"),
            };
            found.push((filter, row["count"].clone()));
        }
    }
    found
}

#[test]
fn each_count_is_the_total_of_the_list_with_its_filter() {
    let desk = filled_desk();
    let director = desk.director();
    let counts = director.get(&format!("/tickets/counts?{ALL}")).ok();
    assert_eq!((&counts["total"], &counts["is_exact"]), (&total(&director, ""), &json!(true)));
    let rows = rows(&counts);
    for (filter, count) in &rows {
        assert_eq!(&total(&director, filter), count, "{filter}");
    }
    for (name, positive) in [
        ("status", 5),
        ("criticality", 4),
        ("assignee_id", 3),
        ("channel", 2),
        ("category_id", 3),
        ("unit_id", 3),
    ] {
        let found = rows.iter().filter(|(filter, count)| filter.starts_with(name) && *count != 0).count();
        assert!(found >= positive, "{name}: {found}");
    }
    // Values without tickets are there; people, categories and units only if they have tickets.
    for (list, length) in [
        ("status", 9),
        ("criticality", 5),
        ("support_level", 3),
        ("channel", 5),
        ("overdue", 2),
        ("attention", 4),
    ] {
        assert_eq!(counts[format!("by_{list}")].as_array().unwrap().len(), length, "{list}");
    }
    for name in ["assignee", "category", "unit"] {
        let rows = counts[format!("by_{name}")].as_array().unwrap();
        assert!(rows[0][name].is_null() && rows[1..].iter().all(|row| row["count"] != 0), "{name}");
        let counts: Vec<i64> = rows[1..].iter().map(|row| row["count"].as_i64().unwrap()).collect();
        assert!(counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
    }
    assert!(counts["by_assignee"][1]["assignee"]["full_name"].as_str().is_some_and(|name| !name.is_empty()));
}

#[test]
fn every_filter_of_the_list_counts_the_same_tickets() {
    let desk = filled_desk();
    let director = desk.director();
    let moment = |days| (Utc::now() - Duration::days(days)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let id = |name: &str| {
        let counts = director.get(&format!("/tickets/counts?by={name}")).ok();
        counts[format!("by_{name}")][1][name]["id"].as_str().unwrap().to_owned()
    };
    let (assignee, category, unit) = (id("assignee"), id("category"), id("unit"));
    let requester = director.get("/tickets").items()[0]["requester"]["id"].as_str().unwrap().to_owned();
    let mut found = 0;
    for filters in [
        String::new(),
        "status=closed".to_owned(),
        "status=received&status=assigned&status=received".to_owned(),
        "criticality=high&criticality=critical".to_owned(),
        "channel=email&status=closed".to_owned(),
        format!("category_id={category}"),
        format!("unit_id={unit}&assignee_id={assignee}"),
        format!("assignee_id=none&assignee_id={assignee}"),
        format!("requester_id={requester}"),
        "support_level=1&support_level=3".to_owned(),
        "overdue=true".to_owned(),
        "overdue=false&status=in_progress".to_owned(),
        "overdue=true&status=in_progress".to_owned(),
        "assignee_id=none".to_owned(),
        "without=assignee&without=category".to_owned(),
        "without=unit".to_owned(),
        "archive_reason=duplicate&status=closed".to_owned(),
        "due_within=5d".to_owned(),
        format!("received_from={}&received_before={}", moment(90), moment(30)),
        format!("updated_from={}", moment(60)),
        format!("scheduled_for_from={}", moment(300)),
        format!("attention_due_before={}", moment(10)),
        "without=criticality".to_owned(),
        "attention=late".to_owned(),
        "attention=waiting".to_owned(),
        format!("open_at={}", moment(40)),
        format!("solved_from={}&solved_before={}", moment(200), moment(100)),
        format!("solved_by_id={assignee}&solved_support_level=1"),
        format!("reopened_from={}", moment(300)),
        "acceptance=late&accepted_support_level=1".to_owned(),
        "escalated_to_level=2".to_owned(),
        format!("closed_from={}", moment(100)),
        format!("archived_from={}&archive_reason=duplicate", moment(300)),
        "survey_status=answered".to_owned(),
        "satisfied=true".to_owned(),
        "has_article=true".to_owned(),
        "q=impresora".to_owned(),
        "q=-impresora".to_owned(),
        "q=inpresora".to_owned(),
        "sort=queue".to_owned(),
        "sort=queue&status=closed".to_owned(),
        "sort=-updated_at".to_owned(),
    ] {
        let (counts, total) =
            (director.get(&format!("/tickets/counts?{ALL}&{filters}")).ok(), total(&director, &filters));
        assert_eq!(counts["total"], total, "{filters}");
        for list in
            ["status", "criticality", "support_level", "assignee", "channel", "category", "unit", "overdue"]
        {
            let rows = counts[format!("by_{list}")].as_array().unwrap();
            let sum: i64 = rows.iter().map(|row| row["count"].as_i64().unwrap()).sum();
            assert_eq!(sum, total.as_i64().unwrap(), "{list} of {filters}");
        }
        found += i32::from(total != 0);
    }
    assert!(found > 25, "{found}");
}

#[test]
fn a_requester_counts_what_they_may_list() {
    let desk = filled_desk();
    let (requester, technician) = (desk.requester(), desk.technician());
    for state in ["received", "in_progress", "solved", "archived"] {
        desk.ticket_in(state);
    }
    let by =
        "by=status&by=criticality&by=support_level&by=assignee&by=channel&by=category&by=unit&by=overdue";
    let counts = requester.get(&format!("/tickets/counts?{by}")).ok();
    assert_eq!(counts["total"], total(&requester, ""));
    assert!(counts["total"].as_i64() < technician.get("/tickets/counts").ok()["total"].as_i64());
    for (filter, count) in rows(&counts) {
        assert_eq!(total(&requester, &filter), count, "{filter}");
    }
    // Somebody without tickets sees nobody who works on those of others.
    let nothing = desk.another(Role::Requester).get(&format!("/tickets/counts?{by}")).ok();
    assert_eq!((&nothing["total"], nothing["by_assignee"].as_array().unwrap().len()), (&json!(0), 1));

    let refused = requester.get("/tickets/counts?by=attention");
    assert_eq!((refused.status, refused.faults()), (400, vec![("/by".to_owned(), "not_allowed".to_owned())]));
    let refused = requester.get("/tickets/counts?open_at=2026-01-01T00:00:00Z");
    assert_eq!(
        (refused.status, refused.faults()),
        (400, vec![("/open_at".to_owned(), "not_allowed".to_owned())])
    );
    technician.get("/tickets/counts?satisfied=true").problem(403, "forbidden");
    desk.nobody().get("/tickets/counts").problem(401, "unauthenticated");
}

#[test]
fn values_of_by_are_repeated_or_separated_by_commas() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.ticket_in("received");
    let repeated = technician.get("/tickets/counts?by=status&by=assignee&by=status");
    let separated = technician.get("/tickets/counts?by=assignee,status");
    assert_eq!(repeated.ok(), separated.ok());
    assert_eq!(technician.get("/tickets/counts?by=status%2Cassignee").ok(), repeated.ok());
    let names: Vec<String> = repeated.ok().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["by_assignee", "by_status", "is_exact", "total"]);
    assert_eq!(technician.get("/tickets/counts").ok(), json!({"total": 1, "is_exact": true}));
    for by in ["by=", "by=status,", "by=requester", "by=status,requester"] {
        let refused = technician.get(&format!("/tickets/counts?{by}"));
        assert_eq!((refused.status, refused.faults()[0].0.as_str()), (400, "/by"), "{by}");
    }
    for other in ["limit=1", "with_total=true", "cursor=x", "expand=requester"] {
        technician.get(&format!("/tickets/counts?{other}")).problem(400, "invalid_query");
    }
}

#[test]
fn polling_gets_a_304_until_a_number_changes() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.ticket_in("received");
    let path = "/tickets/counts?by=status,assignee";
    let first = technician.get(path);
    let known = technician.with("if-none-match", first.header("etag"));
    let same = known.get(path);
    assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, first.header("etag")));
    desk.ticket_in("received");
    let other = known.get(path);
    assert_eq!((other.status, &other.json()["total"]), (200, &json!(2)));
}

#[test]
fn more_than_ten_thousand_tickets_of_a_state_are_not_all_counted() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.ticket_in("closed");
    desk.database.copies_of_the_first_ticket(9_999);
    let path = "/tickets/counts?by=status,overdue";
    let counts = technician.get(path).ok();
    assert_eq!((&counts["total"], &counts["is_exact"]), (&total(&technician, ""), &json!(true)));
    assert_eq!(counts["total"], 10_000);
    assert_eq!(counts["by_status"][0], json!({"status": "received", "count": 9_999, "is_exact": true}));
    desk.database.copies_of_the_first_ticket(100);
    let counts = technician.get(path).ok();
    assert_eq!((&counts["total"], &counts["is_exact"]), (&json!(10_001), &json!(false)));
    for row in counts["by_status"].as_array().unwrap() {
        let expected = match row["status"].as_str().unwrap() {
            "received" => (json!(10_000), json!(false)),
            "closed" => (json!(1), json!(true)),
            _ => (json!(0), json!(true)),
        };
        assert_eq!((row["count"].clone(), row["is_exact"].clone()), expected, "{row}");
    }
    assert!(counts["by_overdue"].as_array().unwrap().iter().all(|row| row["is_exact"] == false));
    // With a filter, only the tickets that match count.
    let closed = technician.get(&format!("{path}&status=closed")).ok();
    assert_eq!((&closed["total"], &closed["is_exact"]), (&json!(1), &json!(true)));
}
