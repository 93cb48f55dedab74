//! The figures of a period, reckoned by hand.

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

fn of(desk: &Desk, from: &str, to: &str) -> Value {
    desk.technician().get(&format!("/statistics?from={from}&to={to}")).ok()
}

fn row<'a>(figures: &'a Value, list: &str, field: &str, value: &str) -> &'a Value {
    figures[list].as_array().unwrap().iter().find(|row| row[field] == value).unwrap()
}

#[test]
fn the_figures_of_a_day() {
    let desk = desk_with_a_past();
    let figures = of(&desk, "2026-03-10", "2026-03-10");
    assert_eq!(
        figures["tickets"],
        json!({"received": 10, "solved": 7, "closed": 0, "archived": 0, "open": 3})
    );

    let high = row(&figures, "by_criticality", "criticality", "high");
    assert_eq!(
        (&high["received"], &high["attended_in_time"], &high["attended_late"]),
        (&json!(5), &json!(3), &json!(1))
    );
    assert_eq!((&high["waiting"], &high["waiting_overdue"]), (&json!(1), &json!(1)));
    // 30, 90, 120, 121 minutes: the mean is 361 / 4; nine tenths of the way from the first to the last of four is at
    // place 2.7, so 120 + 0.7.
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-6;
    assert!(
        near(&high["attention_minutes_mean"], 90.25) && near(&high["attention_minutes_p90"], 120.7),
        "{high}"
    );
    // 60, 150, 180: 390 / 3; place 1.8, so 150 + 0.8 * 30.
    assert!(
        near(&high["solution_minutes_mean"], 130.0) && near(&high["solution_minutes_p90"], 174.0),
        "{high}"
    );

    let critical = row(&figures, "by_criticality", "criticality", "critical");
    // At the due moment itself is in time.
    assert_eq!((&critical["attended_in_time"], &critical["attended_late"]), (&json!(2), &json!(1)));
    let medium = row(&figures, "by_criticality", "criticality", "medium");
    assert_eq!((&medium["received"], &medium["attention_minutes_mean"]), (&json!(0), &json!(null)));

    let unit = row(&figures, "by_unit", "name", "Secretaría de Hacienda");
    assert_eq!((&unit["received"], &unit["solved"]), (&json!(10), &json!(7)));
    assert_eq!(figures["by_category"], json!([{"id": null, "name": null, "received": 10, "solved": 7}]));
    assert_eq!(figures["by_channel"], json!([{"channel": "api", "received": 10, "solved": 7}]));
    let person = &figures["by_person"][0];
    assert_eq!(
        (&person["accepted"], &person["accepted_in_time"], &person["solved"]),
        (&json!(8), &json!(6), &json!(7))
    );
    assert_eq!(figures["surveys"]["sent"], 7);
}

#[test]
fn a_day_is_the_entitys() {
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
fn surveys_and_escalations_are_counted() {
    let desk = Desk::open();
    for overall in [5, 4, 3] {
        let one = desk.ticket_in("solved");
        let ratings = json!({"ratings": {"overall": overall, "timeliness": 5, "courtesy": 5, "solution": 1}});
        desk.requester().post(&format!("{one}/survey"), ratings).created();
    }
    desk.ticket_in("solved");
    desk.ticket_in("escalated");
    let today = chrono::Utc::now().date_naive();
    let (from, to) = (today - chrono::Duration::days(1), today + chrono::Duration::days(1));
    let figures = of(&desk, &from.to_string(), &to.to_string());
    assert_eq!((&figures["surveys"]["sent"], &figures["surveys"]["answered"]), (&json!(4), &json!(3)));
    assert_eq!(
        figures["surveys"]["mean"],
        json!({"overall": 4.0, "timeliness": 5.0, "courtesy": 5.0, "solution": 1.0})
    );
    assert_eq!(figures["escalations"], json!({"count": 1, "to_level_2": 1, "to_level_3": 0}));
}

#[test]
fn a_period_is_in_order_and_not_endless() {
    let desk = Desk::open();
    for (period, field) in [
        ("from=2026-03-02&to=2026-03-01", "/to"),
        ("from=1900-01-01&to=2026-03-01", "/to"),
        ("from=2026-02-30&to=2026-03-01", "/from"),
    ] {
        let answer = desk.director().get(&format!("/statistics?{period}"));
        assert_eq!((answer.status, answer.faults()[0].0.as_str()), (400, field));
    }
    assert_eq!(desk.director().get("/statistics").faults().len(), 2);
}

#[test]
fn an_acceptance_stays_with_whoever_accepted() {
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
