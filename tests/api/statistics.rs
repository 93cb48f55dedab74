//! The figures of a period, compared with values calculated by hand.

use serde_json::{Value, json};

use crate::harness::Desk;

/// Ten tickets of one day in March: reception, first acceptance and solution in minutes after noon.
const CASES: [(&str, Option<i64>, Option<i64>); 10] = [
    ("high", Some(30), Some(60)),
    ("high", Some(90), Some(150)),
    ("high", Some(120), Some(180)),
    ("high", Some(121), None),
    ("high", None, None),
    ("low", Some(100), Some(200)),
    ("low", None, None),
    ("critical", Some(61), Some(70)),
    ("critical", Some(60), Some(80)),
    ("critical", Some(10), Some(90)),
];

fn desk_with_a_past() -> Desk {
    let desk = Desk::open();
    let technician = desk.technician();
    for (index, (criticality, accepted, solved)) in CASES.iter().enumerate() {
        let state = match (accepted, solved) {
            (_, Some(_)) => "solved",
            (Some(_), None) => "in_progress",
            _ => "assigned",
        };
        let one = desk.ticket_in("classified");
        let id = index + 1;
        technician.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok();
        technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
        if state != "assigned" {
            let body = if *criticality == "critical" { json!({}) } else { crate::harness::states::soon() };
            technician.post(&format!("{one}/acceptance"), body).ok();
        }
        if state == "solved" {
            technician.post(&format!("{one}/solution"), json!({"description": "Listo."})).ok();
        }
        let at = |minutes: Option<i64>| {
            minutes.map_or("NULL".to_owned(), |m| {
                format!("'2026-03-10 12:00-05'::timestamptz + interval '{m} minutes'")
            })
        };
        let limit = match *criticality {
            "critical" => 60,
            "high" => 120,
            _ => 1080,
        };
        desk.database.run(&format!(
            "UPDATE tickets SET received_at = {}, first_attention_due_at = {}, attended_at = {}, solved_at = {} WHERE id = {id};
             UPDATE attentions SET due_at = {}, accepted_at = {} WHERE ticket_id = {id};
             UPDATE surveys SET created_at = {} WHERE ticket_id = {id};",
            at(Some(0)), at(Some(limit)), at(*accepted), at(*solved), at(Some(limit)), at(*accepted),
            at(solved.or(Some(0))),
        ));
    }
    desk
}

/// The parameters that ask for every breakdown.
pub const EVERY_BREAKDOWN: &str = "&by=criticality&by=channel&by=category&by=unit&by=person&by=level";

fn of(desk: &Desk, from: &str, to: &str) -> Value {
    desk.technician().get(&format!("/statistics?from_date={from}&through_date={to}{EVERY_BREAKDOWN}")).ok()
}

fn row<'a>(figures: &'a Value, list: &str, field: &str, value: &str) -> &'a Value {
    figures[list].as_array().unwrap().iter().find(|row| row[field] == value).unwrap()
}

#[test]
fn the_figures_of_a_day_match_values_calculated_by_hand() {
    let desk = desk_with_a_past();
    let figures = of(&desk, "2026-03-10", "2026-03-10");
    let tickets = &figures["tickets"];
    let counts =
        ["received", "solved", "closed", "archived", "open"].map(|name| tickets[name].as_i64().unwrap());
    assert_eq!(counts, [10, 7, 0, 0, 3]);

    let high = row(&figures, "by_criticality", "criticality", "high");
    assert_eq!(
        (&high["received"], &high["attended_in_time"], &high["attended_late"]),
        (&json!(5), &json!(3), &json!(1))
    );
    assert_eq!((&high["waiting"], &high["waiting_overdue"]), (&json!(1), &json!(1)));
    // 30, 90, 120, 121 minutes: the mean is 361 / 4. Nine tenths of the way from the first to the last of four values
    // is position 2.7, which is 120 + 0.7.
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-6;
    assert!(
        near(&high["attention_minutes_mean"], 90.25) && near(&high["attention_minutes_p90"], 120.7),
        "{high}"
    );
    // 60, 150, 180: 390 / 3; position 1.8, which is 150 + 0.8 * 30.
    assert!(
        near(&high["solution_minutes_mean"], 130.0) && near(&high["solution_minutes_p90"], 174.0),
        "{high}"
    );

    let critical = row(&figures, "by_criticality", "criticality", "critical");
    // Acceptance at exactly the due time is in time.
    assert_eq!((&critical["attended_in_time"], &critical["attended_late"]), (&json!(2), &json!(1)));
    let medium = row(&figures, "by_criticality", "criticality", "medium");
    assert_eq!((&medium["received"], &medium["attention_minutes_mean"]), (&json!(0), &json!(null)));

    let unit = row(&figures, "by_unit", "name", "Secretaría de Hacienda");
    assert_eq!((&unit["received"], &unit["solved"]), (&json!(10), &json!(7)));
    let category = &figures["by_category"][0];
    assert_eq!(
        (&category["id"], &category["received"], &category["solved"]),
        (&json!(null), &json!(10), &json!(7))
    );
    let channel = &figures["by_channel"][0];
    assert_eq!((&channel["channel"], &channel["received"]), (&json!("api"), &json!(10)));
    let person = &figures["by_person"][0];
    assert_eq!(
        (&person["accepted"], &person["accepted_in_time"], &person["solved"]),
        (&json!(8), &json!(6), &json!(7))
    );
    assert_eq!(figures["surveys"]["sent"], 7);
}

#[test]
fn a_day_begins_in_the_time_zone_of_the_entity() {
    let desk = Desk::open();
    desk.requester().register("De noche");
    // 23:30 in Bogotá is the next day in UTC.
    desk.database.run("UPDATE tickets SET received_at = '2026-03-11 04:30+00'");
    assert_eq!(of(&desk, "2026-03-10", "2026-03-10")["tickets"]["received"], 1);
    assert_eq!(of(&desk, "2026-03-11", "2026-03-11")["tickets"]["received"], 0);
    let utc = Desk::configured(&[("MESA_TIMEZONE", "UTC")]);
    utc.requester().register("De noche");
    utc.database.run("UPDATE tickets SET received_at = '2026-03-11 04:30+00'");
    assert_eq!(of(&utc, "2026-03-11", "2026-03-11")["tickets"]["received"], 1);
}

#[test]
fn a_quarter_ends_at_midnight_in_the_time_zone_of_the_entity() {
    let desk = Desk::open();
    for at in ["2025-09-30 23:59:59-05", "2025-09-30 23:59:59.999999-05", "2025-10-01 00:00:00-05"] {
        let id = desk.requester().register("A medianoche")["id"].clone();
        desk.database.run(&format!("UPDATE tickets SET received_at = '{at}' WHERE id = {id}"));
    }
    let (third, fourth) = (of(&desk, "2025-07-01", "2025-09-30"), of(&desk, "2025-10-01", "2025-12-31"));
    assert_eq!((&third["tickets"]["received"], &fourth["tickets"]["received"]), (&json!(2), &json!(1)));
    assert_eq!((&third["tickets"]["open"], &fourth["tickets"]["open"]), (&json!(2), &json!(3)));
    assert_eq!(fourth["previous"]["received"], 2);
    let year =
        desk.director().get("/statistics?from_date=2025-01-01&through_date=2025-12-31&interval=quarter").ok();
    let received: Vec<i64> =
        year["series"].as_array().unwrap().iter().map(|part| part["received"].as_i64().unwrap()).collect();
    assert_eq!(received, [0, 0, 2, 1]);
}

#[test]
fn later_events_do_not_change_past_solved_and_open_figures() {
    let desk = Desk::open();
    let one = desk.ticket_in("solved");
    desk.database.run(
        "UPDATE tickets SET received_at = '2025-03-03 09:00-05', attended_at = '2025-03-03 09:30-05', \
             solved_at = '2025-03-04 09:00-05'",
    );
    let march = || of(&desk, "2025-03-01", "2025-03-31")["tickets"].clone();
    let (before, second) = (march(), of(&desk, "2025-03-03", "2025-03-03")["tickets"].clone());
    assert_eq!((&before["solved"], &before["open"], &second["open"]), (&json!(1), &json!(0), &json!(1)));
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    // The ticket is no longer solved. Only these two figures refer to the current state.
    let told = |figures: &Value| {
        let mut figures = figures.clone();
        figures["received_solved"] = json!(null);
        figures["solution_rate"] = json!(null);
        figures
    };
    assert_eq!(told(&march()), told(&before));
    desk.technician().post(&format!("{one}/solution"), json!({"description": "Ahora sí."})).ok();
    assert_eq!(march(), before);
    let today = desk.database.ask(mesa::db::now).unwrap().date_naive();
    let (from, to) = ((today - chrono::Duration::days(1)).to_string(), today.to_string());
    let now = of(&desk, &from, &to);
    assert_eq!((&now["tickets"]["reopened"], &now["tickets"]["solved"]), (&json!(1), &json!(1)));
    let technician = row(&now, "by_person", "id", desk.technician().id());
    assert_eq!((&technician["solved"], &technician["reopened"]), (&json!(1), &json!(1)));
}

#[test]
fn working_time_follows_the_calendar_and_excludes_information_requests() {
    let desk = Desk::open();
    let hours = json!({"name": "Oficina", "opening_hours": "Mo-Fr 08:00-12:00,14:00-18:00; PH off"});
    let calendar = desk.director().post("/calendars", hours).created()["id"].clone();
    desk.director().patch("/attention-times/medium", json!({"calendar_id": calendar})).ok();
    desk.ticket_in("solved");
    let kept = "SELECT count(*) FROM tickets JOIN openings o ON o.ticket_id = id JOIN attentions a ON a.ticket_id = id \
        WHERE attended_working_minutes IS NOT NULL AND o.working_minutes IS NOT NULL AND a.working_minutes IS NOT NULL";
    assert_eq!(desk.database.count(kept), 1);
    // Received on Friday 14 November 2025 at 17:00, accepted on Tuesday at 09:00, and solved at 15:00. Monday is a
    // holiday, and an answer of the requester was pending from Friday 17:30 until Tuesday 08:15.
    desk.database.run(
        "UPDATE tickets SET received_at = '2025-11-14 17:00-05', attended_at = '2025-11-18 09:00-05', \
             solved_at = '2025-11-18 15:00-05', attended_working_minutes = NULL; \
         UPDATE attentions SET started_at = '2025-11-14 17:00-05', accepted_at = '2025-11-18 09:00-05', working_minutes = NULL; \
         UPDATE openings SET working_minutes = NULL; \
         INSERT INTO holds (id, ticket_id, kind, reason, started_at, started_by, ended_at) \
         SELECT gen_random_uuid(), 1, 'information', '¿Placa?', '2025-11-14 17:30-05', id, '2025-11-18 08:15-05' FROM users LIMIT 1",
    );
    let fill_in =
        || desk.database.ask(|db| mesa::tickets::attention::working::fill_in(db, chrono_tz::America::Bogota));
    assert_eq!((fill_in().unwrap(), fill_in().unwrap()), (3, 0));
    let figures = of(&desk, "2025-11-01", "2025-11-30");
    let tickets = &figures["tickets"];
    assert_eq!(tickets["attention_minutes"]["mean"], 88.0 * 60.0);
    // Half an hour on Friday, 45 minutes on Tuesday.
    assert_eq!(tickets["attention_working_minutes"], json!({"mean": 75.0, "median": 75.0, "p90": 75.0}));
    // In addition three hours until noon, and one from 14:00 to 15:00.
    assert_eq!(tickets["solution_working_minutes"]["mean"], 75.0 + 240.0);
    assert_eq!(figures["by_level"][0]["acceptance_working_minutes"]["mean"], 75.0);
}

#[test]
fn a_requester_cannot_filter_by_fields_that_only_staff_see() {
    let desk = Desk::open();
    for filter in [
        "open_at=2026-01-01T00:00:00Z",
        "solved_support_level=1",
        "has_article=true",
        "satisfied=true",
        "attention=late",
    ] {
        let name = format!("/{}", filter.split('=').next().unwrap());
        for list in ["/tickets", "/tickets/export"] {
            let refused = desk.requester().get(&format!("{list}?{filter}"));
            assert_eq!(
                (refused.status, refused.faults()),
                (400, vec![(name.clone(), "not_allowed".to_owned())])
            );
        }
    }
    desk.requester().get("/tickets?without=category").ok();
    // A user who may read only totals cannot find out the ratings of a ticket.
    desk.technician().get("/tickets?satisfied=false").problem(403, "forbidden");
    desk.technician().get("/tickets/export?satisfied=false").problem(403, "forbidden");
    desk.professional().get("/tickets?satisfied=false").ok();
}

#[test]
fn surveys_and_escalations_are_counted() {
    let desk = Desk::open();
    for overall in [5, 4, 3] {
        let one = desk.ticket_in("solved");
        let ratings = json!({"ratings": {"overall": overall, "timeliness": 5, "courtesy": 5, "solution": 1}});
        desk.requester().post(&format!("{one}/survey"), ratings).created();
    }
    desk.ticket_in("solved");
    let escalated = desk.ticket_in("escalated");
    // A return is not an escalation.
    desk.professional().post(&format!("{escalated}/return"), json!({"reason": "La red ya funciona."})).ok();
    let today = chrono::Utc::now().date_naive();
    let (from, to) = (today - chrono::Duration::days(1), today + chrono::Duration::days(1));
    let figures =
        desk.director().get(&format!("/statistics?from_date={from}&through_date={to}{EVERY_BREAKDOWN}")).ok();
    assert_eq!((&figures["surveys"]["sent"], &figures["surveys"]["answered"]), (&json!(4), &json!(3)));
    assert_eq!(
        figures["surveys"]["mean_ratings"],
        json!({"overall": 4.0, "timeliness": 5.0, "courtesy": 5.0, "solution": 1.0})
    );
    let escalations =
        ["count", "to_level_2", "to_level_3"].map(|name| figures["escalations"][name].as_i64().unwrap());
    assert_eq!(escalations, [1, 1, 0]);
    let by_level: Vec<&Value> =
        figures["by_level"].as_array().unwrap().iter().map(|level| &level["escalated"]).collect();
    assert_eq!(by_level, [0, 1, 0]);
    let by_person: i64 = figures["by_person"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["escalated"].as_i64().unwrap())
        .sum();
    assert_eq!(by_person, 1);
}

#[test]
fn a_period_must_be_ordered_and_has_a_maximum_length() {
    let desk = Desk::open();
    for (period, field) in [
        ("from_date=2026-03-02&through_date=2026-03-01", "/through_date"),
        ("from_date=1900-01-01&through_date=2026-03-01", "/through_date"),
        ("from_date=2026-02-30&through_date=2026-03-01", "/from_date"),
    ] {
        let answer = desk.director().get(&format!("/statistics?{period}"));
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (400, field));
    }
    assert_eq!(desk.director().get("/statistics").faults().len(), 2);
    for edge in
        ["from_date=0001-01-01&through_date=0001-03-31", "from_date=9999-01-01&through_date=9999-12-31"]
    {
        let figures = desk.director().get(&format!("/statistics?{edge}&interval=month")).ok();
        assert_eq!(figures["tickets"]["received"], 0, "{edge}");
    }
    let days = desk.director().get("/statistics?from_date=2020-01-01&through_date=2026-03-01&interval=day");
    assert_eq!(days.faults(), [("/interval".to_owned(), "not_allowed".to_owned())]);
}

#[test]
fn an_acceptance_counts_for_the_person_who_accepted() {
    let desk = Desk::open();
    let (first, second) = (desk.technician(), desk.another(mesa::auth::policy::Role::Technician));
    let one = desk.ticket_in("in_progress");
    first.post(&format!("{one}/assignment"), json!({"assignee_id": second.id()})).ok();
    second.post(&format!("{one}/acceptance"), crate::harness::states::soon()).ok();
    let today = chrono::Utc::now().date_naive();
    let (from, to) = (today - chrono::Duration::days(1), today + chrono::Duration::days(1));
    let figures = of(&desk, &from.to_string(), &to.to_string());
    let people = figures["by_person"].as_array().unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!((&people[0]["id"], &people[0]["accepted_in_time"]), (&json!(first.id()), &json!(1)));
    let level = first.get(&format!("{one}/attention")).ok()["levels"][0].clone();
    assert_eq!(
        (&level["accepted_by"]["id"], &level["assignee"]["id"]),
        (&json!(first.id()), &json!(second.id()))
    );
}

#[test]
fn breakdowns_and_links_are_returned_on_request_alone() {
    let desk = Desk::open();
    desk.database.five_quarters(400);
    let quarter = "/statistics?from_date=2025-10-01&through_date=2025-12-31";
    let all = ["by_criticality", "by_channel", "by_category", "by_unit", "by_person", "by_level"];
    let shown = |figures: &Value| all.map(|list| !figures[list].as_array().unwrap().is_empty());
    let director = desk.director();
    let usual = director.get(quarter);
    // Without links, and with the breakdowns that have few rows.
    assert!(usual.bytes.len() < 40_000, "{} bytes", usual.bytes.len());
    assert!(!usual.text().contains("/api/v1/tickets?"));
    let usual = usual.ok();
    assert_eq!(shown(&usual), [true, true, false, false, false, false]);
    let some = director.get(&format!("{quarter}&by=level&by=unit")).ok();
    assert_eq!(shown(&some), [false, false, false, true, false, true]);
    assert_eq!((&some["tickets"], &some["previous"]), (&usual["tickets"], &usual["previous"]));
    let every = director.get(&format!("{quarter}{EVERY_BREAKDOWN}&with_links=true")).ok();
    assert_eq!(shown(&every), [true; 6]);
    let with_links = [
        &every["tickets"],
        &every["previous"],
        &every["by_unit"][0],
        &every["by_person"][0],
        &every["by_level"][0],
        &every["escalations"],
        &every["knowledge"],
    ];
    assert!(with_links.iter().all(|figures| !figures["links"].as_object().unwrap().is_empty()));
    let unknown = director.get(&format!("{quarter}&by=assignee"));
    assert_eq!((unknown.status, unknown.faults()[0].0.as_str()), (400, "/by"));
}
