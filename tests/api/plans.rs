//! Query plans of PostgreSQL: no list and no step reads all tickets, events or followups.

use chrono::{SecondsFormat, TimeDelta, Utc};
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use mesa::seed::{self, Wanted};
use mesa::server::routine;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::states::ticket_of;
use crate::harness::{Client, Database, Desk};

/// Enough tickets for the same plans as with many more.
const TICKETS: u32 = 8000;

/// The logged plans of this database that contain `part`, each with its statement.
fn plans(desk: &Desk, part: &str) -> Vec<String> {
    let (log, database) = (desk.database.log(), format!("] {} ", desk.database.name));
    let mut found = Vec::new();
    let mut entry = String::new();
    for line in log.lines().chain([""]) {
        if line.starts_with('\t') {
            // Continuation lines of the entries of other databases are skipped.
            if !entry.is_empty() {
                entry.push_str(line);
                entry.push('\n');
            }
            continue;
        }
        if entry.contains(part) {
            found.push(std::mem::take(&mut entry));
        }
        entry.clear();
        if line.contains("plan:") && line.contains(&database) {
            entry.push_str(line);
            entry.push('\n');
        }
    }
    found
}

fn watched_desk() -> Desk {
    let database = Database::from_template();
    seed::fill(
        &database.url,
        chrono_tz::America::Bogota,
        Wanted { tickets: TICKETS, years: 2, articles: None, seed: 3 },
    )
    .unwrap();
    watched(database)
}

/// A desk on this database, with the plan of each statement in the log.
fn watched(database: Database) -> Desk {
    let name = database.name.clone();
    database.run(&format!(
        "ALTER DATABASE {name} SET session_preload_libraries = 'auto_explain';
         ALTER DATABASE {name} SET auto_explain.log_min_duration = 0;
         ALTER DATABASE {name} SET auto_explain.log_analyze = on;
         ALTER DATABASE {name} SET auto_explain.log_nested_statements = on"
    ));
    Desk::on(database, TempDir::new().unwrap(), &[])
}

/// The logged plans that scan a whole table of `GROWING`.
fn whole_scans(desk: &Desk) -> Vec<String> {
    assert!(!plans(desk, "Index").is_empty(), "no plans were logged");
    GROWING.iter().flat_map(|table| plans(desk, &format!("Seq Scan on {table}"))).collect()
}

const GROWING: [&str; 6] =
    ["tickets", "ticket_facts", "ticket_words", "events", "followups", "followup_words"];

/// The plans that discard many rows of these tables by a filter, even if they use an index.
fn wide_filters(desk: &Desk) -> Vec<String> {
    let far = |plan: &String| {
        let mut scanned = "";
        plan.lines().any(|line| match line.split_once("Rows Removed by Filter: ") {
            Some((_, count)) => {
                let growing = GROWING.iter().any(|table| scanned.contains(&format!(" on {table}")));
                growing && count.trim().parse::<u32>().is_ok_and(|count| count > TICKETS / 4)
            }
            None => {
                if line.contains(" Scan ") {
                    scanned = line;
                }
                false
            }
        })
    };
    let mut found = plans(desk, "Rows Removed by Filter");
    found.retain(far);
    found
}

#[test]
fn no_list_scans_a_whole_table() {
    let desk = watched_desk();
    let one = |sql: &str| desk.database.count(sql);
    let closed = one("SELECT max(id) FROM tickets WHERE status = 'closed'");
    let id = |table: &str| -> String {
        #[derive(diesel::QueryableByName)]
        struct Id {
            #[diesel(sql_type = diesel::sql_types::Text)]
            id: String,
        }
        let sql = format!("SELECT id::text AS id FROM {table} LIMIT 1");
        desk.database.ask(|db| diesel::sql_query(sql).get_result::<Id>(db)).unwrap().id
    };
    let (category, unit) =
        (id("categories WHERE name LIKE 'Red%'"), id("units WHERE name LIKE 'Oficina J%'"));
    let (requester, technician) = (
        id("users WHERE role = 'requester' AND email LIKE 'persona%'"),
        id("users WHERE email LIKE 'persona1@%'"),
    );
    let day = |ago| Utc::now() - TimeDelta::days(ago);
    let moment = |ago| day(ago).to_rfc3339_opts(SecondsFormat::Secs, true);
    let (from, to, long_ago) = (moment(107), moment(100), moment(700));
    let week = format!("from_date={}&through_date={}", day(107).date_naive(), day(100).date_naive());
    let mut lists: Vec<String> = [
        "-received_at",
        "received_at",
        "-updated_at",
        "updated_at",
        "attention_due_at",
        "-attention_due_at",
        "queue",
    ]
    .iter()
    .flat_map(|sort| {
        ["", "&status=closed", "&status=assigned&status=in_progress", "&assignee_id=me"]
            .map(|filter| format!("/tickets?sort={sort}{filter}"))
    })
    .collect();
    for filter in [
        "status=archived".to_owned(),
        "status=received&with_total=true".to_owned(),
        "criticality=critical".to_owned(),
        format!("category_id={category}"),
        format!("unit_id={unit}"),
        format!("requester_id={requester}"),
        format!("assignee_id={technician}"),
        "assignee_id=none&status=received".to_owned(),
        "overdue=true".to_owned(),
        "due_within=2h".to_owned(),
        format!("received_from={from}&received_before={to}"),
        format!("status=closed&received_from={from}&received_before={to}"),
        format!("status=closed&received_before={long_ago}"),
        format!("open_at={to}"),
        format!("closed_from={from}&closed_before={to}"),
        format!("survey_sent_from={from}&survey_sent_before={to}"),
        "attention=waiting_overdue".to_owned(),
        "attention=waiting&sort=received_at".to_owned(),
        "archive_reason=duplicate".to_owned(),
        "channel=api".to_owned(),
        format!("updated_from={from}&updated_before={to}&sort=updated_at"),
        format!("scheduled_for_from={from}&scheduled_for_before={to}"),
        format!("attention_due_from={from}&attention_due_before={to}&sort=attention_due_at"),
        "support_level=3".to_owned(),
        "imported=true".to_owned(),
        "imported=false".to_owned(),
        "external_source=glpi".to_owned(),
        "external_id=2024-000123&external_source=glpi".to_owned(),
        "q=inexistente".to_owned(),
        "q=impresora".to_owned(),
        "q=inpresora".to_owned(),
        format!("solved_from={from}&solved_before={to}"),
        format!("solved_from={from}&solved_before={to}&solved_by_id={technician}"),
        format!("reopened_from={from}&reopened_before={to}"),
        format!("accepted_from={from}&accepted_before={to}&accepted_by_id={technician}"),
        format!("escalated_from={from}&escalated_before={to}"),
        "expand=requester&expand=assignee&expand=followups".to_owned(),
    ] {
        lists.push(format!("/tickets?{filter}"));
    }
    for part in [
        "",
        "/events",
        "/followups",
        "/timeline",
        "/escalations",
        "/relations",
        "/watchers",
        "/attention",
        "/suggestions",
        "/attachments",
        "/survey",
    ] {
        lists.push(format!("/tickets/{closed}{part}"));
    }
    for list in [
        "/surveys",
        "/messages",
        "/messages?status=waiting",
        "/kb/articles",
        "/kb/articles?q=impresora",
        "/absences?ends_from=2026-01-01T00:00:00Z",
        "/availability",
        "/users",
        "/units",
        "/categories",
        "/me",
        "/inbound-emails",
        "/audit/access-grants",
        "/audit/access-grants?finding=not_head&finding=no_longer_head",
    ] {
        lists.push(list.to_owned());
    }
    for list in ["/audit/profiles?", "/statistics?"] {
        lists.push(format!("{list}{week}"));
    }
    lists.push(format!(
        "/statistics?from_date={}&through_date={}",
        day(200).date_naive(),
        day(110).date_naive()
    ));
    lists.push(format!("/messages?ticket_id={closed}"));
    let director = desk.director();
    for list in &lists {
        let page = director.get(list).ok();
        if let Some(cursor) = page["next_cursor"].as_str() {
            let and = if list.contains('?') { '&' } else { '?' };
            director.get(&format!("{list}{and}cursor={cursor}")).ok();
        }
    }
    desk.requester().get("/tickets").ok();
    desk.requester().get("/tickets?status=closed&sort=-updated_at").ok();
    // A requester searches only own tickets and public articles, without the index over the words of all of them.
    desk.requester().get("/tickets?q=impresora&with_total=true").ok();
    desk.requester().get("/tickets?q=inpresora&with_total=true").ok();
    desk.requester().get("/kb/articles?q=impresora&with_total=true").ok();
    desk.requester().get("/kb/articles?q=inpresora&with_total=true").ok();
    let own = plans(&desk, "own AS MATERIALIZED");
    assert!(!own.is_empty() && own.iter().all(|plan| !plan.contains("_words_idx")), "{own:?}");
    let public = plans(&desk, "visibility = 'public'");
    assert!(
        !public.is_empty() && public.iter().all(|plan| !plan.contains(" articles_search_idx")),
        "{public:?}"
    );
    let scans = whole_scans(&desk);
    assert!(scans.is_empty(), "{}", scans.join("\n"));
    let ways = wide_filters(&desk);
    assert!(ways.is_empty(), "{}", ways.join("\n"));

    // A filter for one value uses an index in the order of the list, and reads only one page.
    for index in ["status", "criticality"] {
        let index = format!("Index Scan Backward using tickets_{index}_idx on tickets");
        let ordered =
            |plan: &String| plan.contains("Limit") && !plan.contains("Sort") && !plan.contains("Filter:");
        assert!(plans(&desk, &index).iter().any(ordered), "{index}");
    }

    // A whole scan is detected.
    let mut connection = desk.shared().db.connection().unwrap();
    connection.batch_execute("SELECT count(*) FROM tickets WHERE solution = 'Listo.'").unwrap();
    assert_eq!(whole_scans(&desk).len(), 1);

    // A search that matches nearly all tickets is not evaluated beforehand.
    let frequent = director.get("/tickets?q=-inexistente&with_total=true").ok();
    assert_eq!(frequent["total"], TICKETS);
}

#[test]
fn what_was_open_at_a_moment_is_found_by_an_index() {
    let desk = watched_desk();
    let moments = "generate_series(now() - interval '2 years', now() + interval '1 day', '5 days 3 hours') AS moments (at)";
    let wrong = format!(
        "SELECT count(*) FROM {moments} WHERE \
         ARRAY(SELECT (o.ticket_id, o.opened_at)::text FROM openings_at(at) o ORDER BY 1) <> \
         ARRAY(SELECT (o.ticket_id, o.opened_at)::text FROM openings o \
               WHERE o.opened_at < at AND (o.ended_at >= at OR o.ended_at IS NULL) ORDER BY 1)"
    );
    assert_eq!(desk.database.count(&wrong), 0);
    assert!(desk.database.count(&format!("SELECT sum(n)::bigint AS count FROM {moments}, LATERAL (SELECT count(*) AS n FROM openings_at(at)) AS open")) > 1000);
    // Whatever PostgreSQL expects of them, a group is looked up by itself.
    desk.director().get("/statistics?from_date=2026-01-01&through_date=2026-03-31").ok();
    let backlogs = plans(&desk, "openings_at(moments.at)");
    assert!(
        !backlogs.is_empty() && backlogs.iter().all(|plan| plan.contains("openings_extent_idx")),
        "{backlogs:?}"
    );
}

#[test]
fn counts_read_at_most_ten_thousand_tickets_of_a_state() {
    let database = Database::from_template();
    let wanted = Wanted { tickets: 2000, years: 2, articles: None, seed: 3 };
    seed::fill(&database.url, chrono_tz::America::Bogota, wanted).unwrap();
    // Sixty times as many, without their histories.
    database.run(
        "SET session_replication_role = replica;
         DO $$ DECLARE columns text; BEGIN
             SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
             WHERE attrelid = 'tickets'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 AND attname NOT IN ('id', 'received_at');
             EXECUTE format('INSERT INTO tickets (received_at, %1$s) SELECT received_at - n * interval ''1 minute'', %1$s
                 FROM tickets, generate_series(1, 60) AS n WHERE status = ''closed''', columns);
         END $$",
    );
    database.run("VACUUM ANALYZE tickets");
    let desk = watched(database);
    let closed = desk.database.count("SELECT count(*) FROM tickets WHERE status = 'closed'");
    assert!(closed > 50_000, "{closed}");
    let director = desk.director();
    let all = "by=status,criticality,support_level,assignee,channel,category,unit,overdue,attention";
    for counted in ["by=status", all] {
        // A connection plans a statement again until it has seen five executions of it.
        for _ in 0..8 {
            let counts = director.get(&format!("/tickets/counts?{counted}")).ok();
            assert_eq!(counts["is_exact"], false);
        }
        for filter in [
            "status=closed",
            "sort=queue",
            "assignee_id=none",
            "assignee_id=me",
            "overdue=true",
            "q=impresora",
        ] {
            director.get(&format!("/tickets/counts?{counted}&{filter}")).ok();
        }
    }
    let counts = plans(&desk, "GROUPING SETS");
    assert!(counts.len() >= 28, "{}", counts.len());
    for plan in &counts {
        assert!(!plan.contains("Seq Scan on tickets"), "{plan}");
        for line in plan.lines().filter(|line| line.contains(" on tickets")) {
            let rows = line.split("actual time=").nth(1).and_then(|actual| actual.split("rows=").nth(1));
            let rows: u32 = rows.and_then(|rows| rows.split(' ').next()?.parse().ok()).unwrap_or_default();
            assert!(rows <= 10_000, "{plan}");
        }
    }
    // The states alone are counted in the index.
    let from_index =
        |plan: &&String| plan.matches("Index Only Scan Backward using tickets_status_idx").count() == 9;
    assert!(counts.iter().filter(from_index).count() >= 8, "{}", counts[0]);
}

#[test]
fn no_step_scans_a_whole_table() {
    let desk = watched_desk();
    let (requester, technician) = (desk.requester(), desk.technician());
    let take = |who: &Client, path: String, body: serde_json::Value| {
        let answer = who.post(&path, body);
        assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.request, answer.text());
    };
    let of = |state| ticket_of(&desk, &requester, &technician, state);
    let one = of("in_progress");
    take(&technician, format!("{one}/followups"), json!({"visibility": "private", "body": "Se revisó."}));
    take(&requester, format!("{one}/followups"), json!({"visibility": "public", "body": "Gracias."}));
    take(&technician, format!("{one}/hold"), json!({"reason": "Falta el repuesto."}));
    take(&technician, format!("{one}/resumption"), json!({}));
    take(&technician, format!("{one}/information-request"), json!({"missing": "La placa."}));
    take(&requester, format!("{one}/followups"), json!({"visibility": "public", "body": "Es la 40123."}));
    let later = Utc::now() + TimeDelta::hours(2);
    take(
        &technician,
        format!("{one}/rescheduling"),
        json!({"scheduled_for": later, "reason": "Otra visita."}),
    );
    take(&technician, format!("{one}/escalations"), json!({"reason": "Es de la red."}));
    take(&technician, format!("{}/solution", of("in_progress")), json!({"description": "Listo."}));
    take(&requester, format!("{}/reopening", of("solved")), json!({}));
    take(&requester, format!("{}/closure", of("solved")), json!({}));
    take(&technician, format!("{}/archive", of("received")), json!({"reason": "withdrawn"}));
    take(&requester, format!("{}/resubmission", of("archived")), json!({}));
    let other: i64 = of("received").trim_start_matches("/tickets/").parse().unwrap();
    take(
        &technician,
        format!("{}/relations", of("received")),
        json!({"kind": "caused_by", "ticket_id": other}),
    );
    take(&technician, format!("{}/merge", of("received")), json!({"into_ticket_id": other}));
    requester.patch(&of("received"), json!({"subject": "Otra cosa"})).ok();
    take(&technician, format!("{}/assignment", of("classified")), json!({}));
    routine::once(&mut desk.shared().db.connection().unwrap(), &desk.shared().config);
    let scans = whole_scans(&desk);
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

#[test]
fn a_ticket_is_read_in_one_statement_and_a_page_in_two() {
    let desk = watched_desk();
    let director = desk.director();
    let id = desk.database.count("SELECT max(id) FROM tickets WHERE status = 'closed'");
    for (path, statements) in [
        (format!("/tickets/{id}"), 1),
        ("/tickets?status=closed".to_owned(), 2),
        ("/tickets?sort=queue".to_owned(), 2),
    ] {
        // The account of the caller is read once a second.
        let counts = || {
            ["Query Text: SELECT t.id", "Query Text: SELECT \"", "sign_in_era"]
                .map(|part| plans(&desk, part).len())
        };
        let before = counts();
        for _ in 0..8 {
            director.get(&path).ok();
        }
        let after = counts();
        let [of_names, others, accounts] = [0, 1, 2].map(|at| after[at] - before[at]);
        assert_eq!(of_names + others - accounts, 8 * statements, "{path}");
        assert!(accounts < 8, "{path}: {accounts}");
    }
}

/// The words of a search are a constant of its plan. As a parameter they would be computed again for each row.
#[test]
fn a_search_is_planned_for_its_words() {
    let desk = watched_desk();
    for (client, path) in [
        (desk.technician(), "/tickets?q=impresora"),
        (desk.requester(), "/tickets?q=impresora"),
        (desk.technician(), "/kb/articles?q=impresora"),
    ] {
        for _ in 0..8 {
            client.get(path).ok();
        }
    }
    let searches = plans(&desk, "search_query(");
    assert!(searches.len() >= 24, "{}", searches.len());
    for plan in searches {
        let computed =
            plan.lines().find(|line| !line.contains("Query Text") && line.contains("search_query("));
        assert!(computed.is_none(), "{plan}");
    }
}

/// The names of a page are looked up by person: no page reads all accounts.
#[test]
fn the_names_of_a_page_are_looked_up() {
    let desk = watched_desk();
    for _ in 0..8 {
        desk.director().get("/tickets?status=closed&limit=50").ok();
    }
    let names = plans(&desk, "Query Text: SELECT t.id, r.id");
    assert_eq!(names.len(), 8);
    for plan in names {
        assert!(!plan.contains("Seq Scan on users"), "{plan}");
    }
}
