//! Public holidays: the shipped ones, the entity's own, and their effect on due times and shifts.

use chrono::{Days, NaiveDate, Utc};
use chrono_tz::America::Bogota;
use diesel::RunQueryDsl;
use mesa::holidays::colombia;
use serde_json::{Value, json};

use crate::calendars::calendar;
use crate::harness::{Client, Desk, moment};

/// The id of the shipped holiday of Ley 2578 of 2026.
const CHIQUINQUIRA: &str = "/holidays/019dadef-0000-7000-8000-000000000910";

fn dates(client: &Client, year: i32) -> Vec<String> {
    let items = client.get(&format!("/holiday-dates?year={year}")).items();
    items.iter().map(|item| item["date"].as_str().unwrap().to_owned()).collect()
}

/// The date in the entity's time zone, this many days from now.
fn in_days(days: u64) -> NaiveDate {
    Utc::now().with_timezone(&Bogota).date_naive() + Days::new(days)
}

fn holiday_on(date: NaiveDate) -> Value {
    json!({"name": "Día cívico", "kind": "date", "date": date})
}

fn path(holiday: &Value) -> String {
    format!("/holidays/{}", holiday["id"].as_str().unwrap())
}

#[test]
fn the_holidays_of_colombia_are_shipped() {
    let desk = Desk::open();
    let requester = desk.requester();
    let listed = requester.get("/holidays?limit=200&shipped=true").items();
    let mut expected: Vec<Value> =
        colombia::rules().iter().map(|rule| serde_json::to_value(rule).unwrap()).collect();
    expected.sort_by_key(|rule| rule["name"].to_string());
    let mut rules: Vec<Value> = listed
        .iter()
        .map(|holiday| {
            let fields = expected[0].as_object().unwrap().keys();
            fields.map(|field| (field.clone(), holiday[field].clone())).collect()
        })
        .collect();
    rules.sort_by_key(|rule: &Value| rule["name"].to_string());
    assert_eq!(rules, expected);

    // Ley 2578 of 2026, article 6.
    for (year, date) in [(2026, "2026-07-13"), (2027, "2027-07-12"), (2029, "2029-07-09")] {
        assert!(dates(&requester, year).contains(&date.to_owned()), "{year}");
    }
    assert_eq!(dates(&requester, 2025).len(), 18);
    assert!(!dates(&requester, 2025).contains(&"2025-07-14".to_owned()));
    assert_eq!(dates(&requester, 2026).len(), 19);
    let this_year = requester.get("/holiday-dates").items();
    let year = chrono::Datelike::year(&in_days(0)).to_string();
    assert!(this_year.iter().all(|one| one["date"].as_str().unwrap().starts_with(&year)));
    for year in ["1899", "10000", "x"] {
        requester.get(&format!("/holiday-dates?year={year}")).problem(400, "invalid_query");
    }
}

#[test]
fn a_shipped_holiday_can_only_be_ended() {
    let desk = Desk::open();
    let director = desk.director();
    director.delete(CHIQUINQUIRA).problem(409, "shipped_holiday");
    let removed = desk.database.ask(|db| diesel::sql_query("DELETE FROM holidays WHERE shipped").execute(db));
    assert!(removed.unwrap_err().to_string().contains("cannot be removed"));
    let changed = director.patch(CHIQUINQUIRA, json!({"name": "Otro", "day": 10, "first_year": 2027}));
    let faults: Vec<String> = changed.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(faults, ["/name", "/day", "/first_year"]);
    let read = director.get(CHIQUINQUIRA);
    let stale = director.with("if-match", "\"0\"");
    stale.patch(CHIQUINQUIRA, json!({"last_year": 2027})).problem(412, "precondition_failed");
    let current = director.with("if-match", read.header("etag"));
    let ended = current.patch(CHIQUINQUIRA, json!({"last_year": 2027})).ok();
    assert_eq!((&ended["last_year"], &ended["shipped"]), (&json!(2027), &json!(true)));
    assert!(dates(&director, 2027).contains(&"2027-07-12".to_owned()));
    assert!(!dates(&director, 2028).contains(&"2028-07-10".to_owned()));
    // The end can be removed again.
    director.patch(CHIQUINQUIRA, json!({"last_year": null})).ok();
    assert!(dates(&director, 2028).contains(&"2028-07-10".to_owned()));
}

#[test]
fn the_entity_can_add_its_own_holidays() {
    let desk = Desk::open();
    let (director, professional) = (desk.director(), desk.professional());
    let body = json!({"name": "Fundación de la ciudad", "kind": "following_monday", "month": 8, "day": 6, "first_year": 2027});
    let keyed = professional.with("idempotency-key", "una vez");
    let made = keyed.post("/holidays", body.clone());
    let holiday = made.created();
    assert_eq!(made.header("location"), format!("/api/v1{}", path(&holiday)));
    assert_eq!(keyed.post("/holidays", body.clone()).created(), holiday);
    director.post("/holidays", body).problem(409, "already_exists");
    // 6 August 2027 is a Friday.
    assert!(dates(&director, 2027).contains(&"2027-08-09".to_owned()));
    assert!(!dates(&director, 2026).contains(&"2026-08-10".to_owned()));
    let easter = json!({"name": "Lunes Santo", "kind": "easter", "days_from_easter": -6, "last_year": 2027});
    let easter = director.post("/holidays", easter).created();
    assert!(dates(&director, 2027).contains(&"2027-03-22".to_owned()));
    assert!(!dates(&director, 2028).contains(&"2028-04-10".to_owned()));
    let moved = director.patch(&path(&easter), json!({"days_from_easter": -5})).ok();
    assert_eq!((&moved["days_from_easter"], &moved["name"]), (&json!(-5), &json!("Lunes Santo")));
    assert!(dates(&director, 2027).contains(&"2027-03-23".to_owned()));

    let names = |query: &str| -> Vec<Value> {
        director.get(&format!("/holidays?{query}")).items().iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names("shipped=false"), ["Fundación de la ciudad", "Lunes Santo"]);
    assert_eq!(names("shipped=false&sort=-name&year=2027"), ["Lunes Santo", "Fundación de la ciudad"]);
    assert_eq!(names("shipped=false&year=2028"), ["Fundación de la ciudad"]);
    assert_eq!(names("q=FUNDACION"), ["Fundación de la ciudad"]);
    let page = director.get("/holidays?kind=easter&limit=4&with_total=true").ok();
    assert_eq!(page["total"], 6);
    let next = director
        .get(&format!("/holidays?kind=easter&limit=4&cursor={}", page["next_cursor"].as_str().unwrap()))
        .items();
    assert_eq!(next.len(), 2);

    assert_eq!(director.delete(&path(&easter)).status, 204);
    director.get(&path(&easter)).problem(404, "not_found");
    for client in [desk.requester(), desk.technician()] {
        client.get(&path(&holiday)).ok();
        client.post("/holidays", holiday_on(in_days(3))).problem(403, "forbidden");
        client.patch(&path(&holiday), json!({"last_year": 2030})).problem(403, "forbidden");
        client.delete(&path(&holiday)).problem(403, "forbidden");
    }
}

#[test]
fn an_invalid_holiday_gets_an_error_for_each_field() {
    let desk = Desk::open();
    let director = desk.director();
    let sets = "SELECT count(*) FROM holiday_sets";
    let before = desk.database.count(sets);
    let create = |fields: Value| {
        let mut body = json!({"name": "Día cívico"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        director.post("/holidays", body).faults()
    };
    let fault = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    for (fields, expected) in [
        (json!({"kind": "fixed"}), vec![fault("/month", "required"), fault("/day", "required")]),
        (json!({"kind": "fixed", "month": 4, "day": 31}), vec![fault("/day", "out_of_range")]),
        (json!({"kind": "fixed", "month": 13, "day": 1}), vec![fault("/month", "out_of_range")]),
        (
            json!({"kind": "easter", "month": 4}),
            vec![fault("/days_from_easter", "required"), fault("/month", "not_allowed")],
        ),
        (
            json!({"kind": "easter", "days_from_easter": 251}),
            vec![fault("/days_from_easter", "out_of_range")],
        ),
        (
            json!({"kind": "date", "date": "2027-02-03", "first_year": 2027}),
            vec![fault("/first_year", "not_allowed")],
        ),
        (json!({"kind": "date", "date": "1899-12-31"}), vec![fault("/date", "out_of_range")]),
        (json!({"kind": "date", "date": "2027-02-29"}), vec![fault("/date", "wrong_format")]),
        (
            json!({"kind": "fixed", "month": 4, "day": 3, "first_year": 2027, "last_year": 2026}),
            vec![fault("/last_year", "out_of_range")],
        ),
        (json!({"kind": "weekly"}), vec![fault("/kind", "not_allowed")]),
        (
            json!({"kind": "fixed", "month": 4, "day": 3, "shipped": true}),
            vec![fault("/shipped", "unknown_field")],
        ),
    ] {
        assert_eq!(create(fields.clone()), expected, "{fields}");
    }
    let own = director.post("/holidays", holiday_on(in_days(9))).created();
    let change = |patch: Value| director.patch(&path(&own), patch).faults();
    assert_eq!(change(json!({"date": null})), [fault("/date", "required")]);
    assert_eq!(change(json!({"month": 3})), [fault("/month", "not_allowed")]);
    assert_eq!(change(json!({"kind": "fixed"})), [fault("/kind", "unknown_field")]);
    assert_eq!(desk.database.count(sets), before + 1);
    // A change without effect creates no new version.
    let unchanged = director.patch(&path(&own), json!({"name": "Día cívico"})).ok();
    assert_eq!(unchanged, own);
    assert_eq!(desk.database.count(sets), before + 1);
}

#[test]
fn changed_holidays_apply_to_new_tickets_and_on_request_to_open_ones() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let calendar = calendar(&desk, "24/7; PH off");
    // Five days, so that the period includes the day after tomorrow.
    director.patch("/attention-times/low", json!({"calendar_id": calendar, "within_minutes": 7200})).ok();
    let classified = || {
        let one = desk.ticket_in("received");
        technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
        one
    };
    let due = |one: &str| moment(&technician.get(one).ok()["attention_due_at"]);
    let told = |one: &str| -> Vec<(String, Value)> {
        let level = technician.get(&format!("{one}/attention")).ok()["levels"][0].clone();
        let stretches = level["stretches"].as_array().unwrap().clone();
        let named = stretches.into_iter().filter(|stretch| stretch["holiday"] == "Día cívico");
        named
            .map(|stretch| {
                (stretch["reason"].as_str().unwrap().to_owned(), stretch["duration_minutes"].clone())
            })
            .collect()
    };
    let early = classified();
    let due_before = due(&early);

    let holiday = director.post("/holidays", holiday_on(in_days(2))).created();
    assert_eq!(due(&early), due_before);
    // The policy at reception applies when the ticket is classified again.
    technician.post(&format!("{early}/classification"), json!({"criticality": "high"})).ok();
    technician.post(&format!("{early}/classification"), json!({"criticality": "low"})).ok();
    assert_eq!(due(&early), due_before);
    assert!(told(&early).is_empty());
    let late = classified();
    let day = [("public_holiday".to_owned(), json!(1440.0))];
    assert_eq!(told(&late), day);

    assert_eq!(
        director.post("/attention-times/application", json!({})).ok(),
        json!({"examined_count": 2, "changed_count": 1})
    );
    assert_eq!((due(&early) - due_before).num_minutes(), 1440);
    assert_eq!(told(&early), day);

    // Computed due times keep the holidays they were computed with, even after these are deleted.
    let late_before = due(&late);
    assert_eq!(director.delete(&path(&holiday)).status, 204);
    assert_eq!((due(&late), told(&late)), (late_before, day.to_vec()));
    assert_eq!(
        director.post("/attention-times/application", json!({})).ok(),
        json!({"examined_count": 2, "changed_count": 2})
    );
    assert_eq!(due(&early), due_before);
    assert!(told(&late).is_empty());
}

#[test]
fn changed_holidays_apply_to_shifts_at_once() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let items: Vec<Value> = (1..=7)
        .map(|weekday| json!({"weekday": weekday, "start_time": "08:00", "end_time": "17:00"}))
        .collect();
    director.put(&format!("/users/{}/shifts", technician.id()), json!({"shifts": items})).ok();
    let date = (3..20)
        .map(in_days)
        .find(|date| !dates(&director, chrono::Datelike::year(date)).contains(&date.to_string()));
    let date = date.unwrap();
    let on_shift = || {
        let staff =
            director.get(&format!("/availability?support_level=1&available_at={date}T15:00:00Z")).items();
        staff.iter().find(|one| one["user"]["id"] == technician.id()).unwrap()["on_shift"].clone()
    };
    assert_eq!(on_shift(), true);
    director.post("/holidays", holiday_on(date)).created();
    assert_eq!(on_shift(), false);
}

#[test]
fn deleting_a_holiday_that_a_due_time_needs_gets_409() {
    let desk = Desk::open();
    let director = desk.director();
    let own = director
        .post("/holidays", json!({"name": "Aniversario", "kind": "fixed", "month": 2, "day": 2}))
        .created();
    // No other holiday falls on that date.
    let calendar = calendar(&desk, "PH 00:00-24:00; Jan 01-Feb 01,Feb 03-Dec 31 off");
    director.patch("/attention-times/low", json!({"calendar_id": calendar, "within_minutes": 60})).ok();
    director.delete(&path(&own)).problem(409, "no_due_time");
    director.get(&path(&own)).ok();
    director.patch("/attention-times/low", json!({"within_minutes": 61})).ok();
}
