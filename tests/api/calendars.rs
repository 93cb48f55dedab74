//! Calendars: valid opening hours, and computations with them.

use serde_json::{Value, json};

use crate::harness::Desk;

pub const OFFICE: &str = "Mo-Fr 08:00-12:00,14:00-18:00; PH off";

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The id of a new calendar.
pub fn calendar(desk: &Desk, opening_hours: &str) -> String {
    let body = json!({"name": format!("Horario {opening_hours}"), "opening_hours": opening_hours});
    text(&desk.director().post("/calendars", body).created()["id"])
}

#[test]
fn a_calendar_is_created_found_and_changed() {
    let desk = Desk::open();
    let director = desk.director();
    let known = director.get("/calendars").items();
    assert_eq!(
        (known.len(), &known[0]["name"], &known[0]["opening_hours"]),
        (1, &json!("24/7"), &json!("24/7"))
    );

    let made = director.post("/calendars", json!({"name": "Horario de oficina", "opening_hours": OFFICE}));
    let calendar = made.created();
    let one = format!("/calendars/{}", text(&calendar["id"]));
    assert_eq!(made.header("location"), format!("/api/v1{one}"));
    assert_eq!((&calendar["opening_hours"], &calendar["active"]), (&json!(OFFICE), &json!(true)));
    let again = director.post("/calendars", json!({"name": "HORARIO de Oficina", "opening_hours": "24/7"}));
    again.problem(409, "already_exists");
    assert_eq!(again.json()["errors"][0]["pointer"], "/name");

    let changed = director.patch(&one, json!({"opening_hours": "Mo-Fr 07:00-17:00", "active": false})).ok();
    assert_eq!(
        (&changed["opening_hours"], &changed["name"]),
        (&json!("Mo-Fr 07:00-17:00"), &json!("Horario de oficina"))
    );
    assert_eq!(desk.requester().get(&one).ok(), changed);
    assert_eq!(director.get("/calendars?active=false&q=oficina").items(), [changed]);
    let names: Vec<Value> = director
        .get("/calendars?sort=-name")
        .items()
        .iter()
        .map(|calendar| calendar["name"].clone())
        .collect();
    assert_eq!(names, ["Horario de oficina", "24/7"]);
    let page = director.get("/calendars?limit=1&with_total=true").ok();
    assert_eq!(page["total"], 2);
    let next = director.get(&format!("/calendars?limit=1&cursor={}", text(&page["next_cursor"]))).ok();
    assert_eq!(
        (&next["items"][0]["name"], &next["next_cursor"]),
        (&json!("Horario de oficina"), &json!(null))
    );
}

#[test]
fn unsupported_opening_hours_are_rejected_with_an_explanation() {
    let desk = Desk::open();
    let director = desk.director();
    let one = format!("/calendars/{}", calendar(&desk, OFFICE));
    let long = "Mo,".repeat(167);
    let fault = [("/opening_hours".to_owned(), "wrong_format".to_owned())];
    for hours in ["lunes a viernes", "Mo-Fr 08:00-", "25:99", "off", "2020 Mo-Fr 08:00-17:00"] {
        let body = json!({"name": "x", "opening_hours": hours});
        assert_eq!(director.post("/calendars", body.clone()).faults(), fault, "{hours}");
        assert_eq!(director.patch(&one, json!({"opening_hours": hours})).faults(), fault, "{hours}");
        let english = director.with("accept-language", "en").post("/calendars", body).json();
        let detail = text(&english["errors"][0]["detail"]);
        assert!(detail.starts_with("It ") || detail.starts_with("The calendar "), "{english}");
    }
    let fault = [("/opening_hours".to_owned(), "not_supported".to_owned())];
    for (hours, part) in [
        ("sunrise-sunset", "sunrise-sunset"),
        ("Mo-Fr 08:00+; PH off", "08:00+"),
        ("Mo-Fr 08:00-18:00; PH Mo-Fr off", "PH Mo"),
        ("Mo-Fr 08:00-18:00 || 09:00-10:00", "|| 09:00-10:00"),
        ("Mo-Fr 08:00-18:00; Sa \"previa cita\"", "\"previa cita\""),
    ] {
        let body = json!({"name": "x", "opening_hours": hours});
        let refused = director.post("/calendars", body);
        assert_eq!(refused.faults(), fault, "{hours}");
        assert!(text(&refused.json()["errors"][0]["detail"]).contains(&format!("`{part}`")), "{hours}");
        assert_eq!(director.patch(&one, json!({"opening_hours": hours})).faults(), fault, "{hours}");
        let reckoned =
            json!({"starts_at": "2026-11-23T15:00:00Z", "within_minutes": 60, "opening_hours": hours});
        assert_eq!(director.post("/attention-reckonings", reckoned).faults(), fault, "{hours}");
    }
    let spanish = director.post("/calendars", json!({"name": "x", "opening_hours": "Mo-Fr 8"})).json();
    assert!(text(&spanish["errors"][0]["detail"]).contains("(1:"), "{spanish}");
    let too_long = director.post("/calendars", json!({"name": "x", "opening_hours": long})).faults();
    assert_eq!(too_long, [("/opening_hours".to_owned(), "too_long".to_owned())]);
    assert_eq!(director.get(&one).ok()["opening_hours"], OFFICE);
}

#[test]
fn hours_after_midnight_belong_to_the_day_they_begin_on() {
    let desk = Desk::open();
    let one = calendar(&desk, "Mo-Fr 06:00-22:00; Sa-Su 08:00-02:00");
    // Sunday 29 November 2026, 23:00 in Bogotá.
    let tried = desk
        .requester()
        .get(&format!("/calendars/{one}/due?starts_at=2026-11-30T04:00:00Z&within_minutes=120"))
        .ok();
    assert_eq!(tried["due_at"], "2026-11-30T06:00:00Z");
}

#[test]
fn a_due_time_can_be_computed_on_a_calendar() {
    let desk = Desk::open();
    let requester = desk.requester();
    let one = format!("/calendars/{}/due", calendar(&desk, OFFICE));
    // Friday 13 November 2026, 16:00 in Bogotá; Monday is a holiday (Independence of Cartagena).
    let tried = requester.get(&format!("{one}?starts_at=2026-11-13T21:00:00Z&within_minutes=300")).ok();
    assert_eq!(tried["due_at"], "2026-11-17T16:00:00Z");
    assert_eq!((&tried["timezone"], &tried["complete"]), (&json!("America/Bogota"), &json!(true)));
    let counted: Vec<(Value, Value)> = tried["stretches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stretch| (stretch["starts_at"].clone(), stretch["duration_minutes"].clone()))
        .collect();
    assert_eq!(
        counted,
        [(json!("2026-11-13T21:00:00Z"), json!(120.0)), (json!("2026-11-17T13:00:00Z"), json!(180.0))]
    );
    // `starts_at` defaults to now.
    requester.get(&format!("{one}?within_minutes=1")).ok();
    for (query, parameter) in [
        ("within_minutes=0", "/within_minutes"),
        ("within_minutes=525601", "/within_minutes"),
        ("starts_at=x&within_minutes=1", "/starts_at"),
    ] {
        assert_eq!(requester.get(&format!("{one}?{query}")).faults()[0].0, parameter, "{query}");
    }
    requester.get(&one).problem(400, "invalid_query");
    let rare = format!("/calendars/{}/due?within_minutes=525600", calendar(&desk, "Jan 01 00:00-00:01"));
    assert_eq!(requester.get(&rare).faults()[0].0, "/within_minutes");
    assert_eq!(
        requester.get(&format!("{rare}&starts_at=9999-12-31T23:59:59Z")).faults()[0].0,
        "/within_minutes"
    );
}

#[test]
fn a_due_time_can_be_computed_without_a_ticket() {
    let desk = Desk::open();
    let reckon = |body: Value| desk.requester().post("/attention-reckonings", body);
    let plain = reckon(json!({"starts_at": "2026-11-23T15:00:30Z", "within_minutes": 60})).ok();
    assert_eq!((&plain["due_at"], &plain["opening_hours"]), (&json!("2026-11-23T16:00:30Z"), &json!("24/7")));
    // Monday 23 November 2026, 11:30 in Bogotá: 30 min, lunch, a pause until 15:00, 90 min.
    let paused = reckon(json!({
        "starts_at": "2026-11-23T16:30:00Z", "within_minutes": 120, "opening_hours": OFFICE,
        "pauses": [{"starts_at": "2026-11-23T18:30:00Z", "ends_at": "2026-11-23T20:00:00Z"}],
    }))
    .ok();
    assert_eq!(paused["due_at"], "2026-11-23T21:30:00Z");
    let reasons: Vec<Value> =
        paused["stretches"].as_array().unwrap().iter().map(|stretch| stretch["reason"].clone()).collect();
    assert_eq!(reasons, ["open", "closed", "paused", "open"]);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 0);

    let backwards = reckon(json!({
        "starts_at": "2026-11-23T16:30:00Z", "within_minutes": 120,
        "pauses": [{"starts_at": "2026-11-23T18:30:00Z", "ends_at": "2026-11-23T18:30:00Z"}],
    }));
    assert_eq!(backwards.faults(), [("/pauses/0/ends_at".into(), "out_of_range".into())]);
    let never = reckon(
        json!({"starts_at": "2026-11-23T16:30:00Z", "within_minutes": 1, "opening_hours": "2020 Mo-Fr"}),
    );
    assert_eq!(never.faults(), [("/within_minutes".into(), "out_of_range".into())]);
    for from in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        assert_eq!(reckon(json!({"starts_at": from, "within_minutes": 525_600})).status, 422, "{from}");
    }
    // Many stretches: the first thousand are returned.
    let many = reckon(
        json!({"starts_at": "2026-01-01T05:00:00Z", "within_minutes": 525_600, "opening_hours": OFFICE}),
    )
    .ok();
    assert_eq!((many["stretches"].as_array().unwrap().len(), &many["complete"]), (1000, &json!(false)));
    desk.nobody().post("/attention-reckonings", json!({})).problem(401, "unauthenticated");
}
