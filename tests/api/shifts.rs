//! The working hours of staff, and their effect on assignments, appointments and handovers.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::America::Bogota;
use diesel::RunQueryDsl;
use serde_json::{Value, json};

use crate::harness::{Client, Desk, moment};

/// The time in Bogotá at this hour, this many days after the day on which the tests started.
pub fn at(days: i64, hour: u32) -> DateTime<Utc> {
    static TODAY: LazyLock<NaiveDate> = LazyLock::new(|| Utc::now().with_timezone(&Bogota).date_naive());
    let day = *TODAY + Duration::days(days);
    let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    Bogota.from_local_datetime(&day.and_time(time)).unwrap().to_utc()
}

/// A shift from 8 to 17 o'clock, this many days from today.
fn office_day(days: i64) -> Value {
    let weekday = at(days, 8).with_timezone(&Bogota).weekday().number_from_monday();
    json!({"weekday": weekday, "start_time": "08:00", "end_time": "17:00", "on_public_holidays": true})
}

pub fn shifts_of(person: &Client) -> String {
    format!("/users/{}/shifts", person.id())
}

/// Gives the person only one shift, this many days from today.
pub fn works_only(desk: &Desk, person: &Client, days: i64) {
    desk.director().put(&shifts_of(person), json!({"shifts": [office_day(days)]})).ok();
}

pub fn absence(from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    json!({"kind": "holiday", "starts_at": from, "ends_at": to, "note": "Vacaciones"})
}

/// A classified ticket of this criticality.
pub fn classified(desk: &Desk, criticality: &str) -> String {
    let one = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    desk.technician().post(&format!("{one}/classification"), json!({"criticality": criticality})).ok();
    one
}

/// A ticket of this criticality that is assigned to this person and not yet accepted.
pub fn assigned(desk: &Desk, criticality: &str, person: &Client) -> String {
    let one = classified(desk, criticality);
    desk.director().post(&format!("{one}/assignment"), json!({"assignee_id": person.id()})).ok();
    one
}

/// The assignee that automatic assignment chooses for a new ticket.
pub fn chosen(desk: &Desk, criticality: &str) -> String {
    let one = classified(desk, criticality);
    let ticket = desk.technician().post(&format!("{one}/assignment"), json!({})).ok();
    ticket["assignee"]["id"].as_str().unwrap().to_owned()
}

pub fn last_event(desk: &Desk, one: &str) -> Value {
    desk.director().get(&format!("{one}/events")).items().pop().unwrap()
}

fn last_followup(desk: &Desk, one: &str) -> Value {
    desk.requester().get(&format!("{one}/followups")).items().pop().unwrap()
}

#[test]
fn a_week_is_read_changed_and_sent_back() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let path = shifts_of(&technician);
    let none = technician.get(&path);
    assert_eq!(none.ok(), json!({"shifts": []}));
    assert_eq!(none.version(), technician.get(&format!("/users/{}", technician.id())).version());

    let week = json!({"shifts": [
        {"weekday": 7, "start_time": "22:00", "end_time": "06:00", "on_public_holidays": true},
        {"weekday": 1, "start_time": "13:00", "end_time": "17:00"},
        {"weekday": 1, "start_time": "08:00", "end_time": "12:00"},
    ]});
    let set = director.with("if-match", none.header("etag")).put(&path, week.clone());
    let items = set.ok()["shifts"].as_array().unwrap().clone();
    let begins: Vec<&Value> = items.iter().map(|shift| &shift["start_time"]).collect();
    assert_eq!(begins, ["08:00", "13:00", "22:00"]);
    assert_eq!(
        (&items[0]["on_public_holidays"], &items[2]["on_public_holidays"]),
        (&json!(false), &json!(true))
    );
    director.with("if-match", none.header("etag")).put(&path, week).problem(412, "precondition_failed");
    assert_eq!(technician.get(&path).ok()["shifts"], json!(items));
    assert_eq!(technician.with("if-none-match", set.header("etag")).get(&path).status, 304);
    assert_eq!(director.put(&path, set.json()).ok()["shifts"], json!(items));
    assert_eq!(director.put(&path, json!({"shifts": []})).ok()["shifts"], json!([]));
}

#[test]
fn an_invalid_week_is_rejected_with_an_error_for_each_shift() {
    let desk = Desk::open();
    let director = desk.director();
    let path = shifts_of(&desk.technician());
    let shift = |weekday: i64, starts_at: &str, ends_at: &str| json!({"weekday": weekday, "start_time": starts_at, "end_time": ends_at});
    let refused = |items: Value| director.put(&path, json!({"shifts": items})).faults();
    let named = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let before = desk.database.fingerprint();
    assert_eq!(
        refused(json!([shift(1, "05:00", "12:00"), shift(1, "11:59", "13:00"), shift(7, "22:00", "06:00")])),
        [named("/shifts/1", "overlaps"), named("/shifts/2", "overlaps")]
    );
    assert_eq!(refused(json!([shift(0, "08:00", "12:00")])), [named("/shifts/0/weekday", "out_of_range")]);
    for time in ["24:00", "8:00", "08:00:00", "08:60", "x"] {
        assert_eq!(
            refused(json!([shift(1, time, "12:00")])),
            [named("/shifts/0/start_time", "wrong_format")],
            "{time}"
        );
    }
    let many: Vec<Value> = (0..51).map(|minute| shift(1, &format!("08:{:02}", minute), "08:59")).collect();
    assert_eq!(refused(json!(many))[0], named("/shifts", "too_long"));
    let week = json!({"shifts": [shift(1, "08:00", "12:00")]});
    let requester = shifts_of(&desk.requester());
    assert_eq!(director.put(&requester, week.clone()).faults(), [named("", "not_allowed")]);
    director.put("/users/0197c0de-0000-7000-8000-000000000000/shifts", week).problem(404, "not_found");
    assert_eq!(desk.database.fingerprint(), before);
}

#[test]
fn no_one_manages_the_time_of_a_role_above_their_own() {
    let desk = Desk::open();
    let (requester, technician, professional, director) =
        (desk.requester(), desk.technician(), desk.professional(), desk.director());
    let week = json!({"shifts": [office_day(1)]});
    let planned = |person: &Client| format!("/users/{}/absences", person.id());
    let handed = |person: &Client| format!("/users/{}/handover", person.id());
    let time = absence(at(1, 8), at(2, 8));
    let of_director = director.post(&planned(&director), time.clone()).created()["id"].clone();
    let of_director = format!("/absences/{}", of_director.as_str().unwrap());
    for (caller, person) in
        [(&professional, &director), (&technician, &technician), (&requester, &technician)]
    {
        caller.put(&shifts_of(person), week.clone()).problem(403, "forbidden");
        caller.post(&planned(person), time.clone()).problem(403, "forbidden");
        caller.post(&handed(person), json!({"reason": "Sale."})).problem(403, "forbidden");
        caller.patch(&of_director, json!({"note": "x"})).problem(403, "forbidden");
        caller.delete(&of_director).problem(403, "forbidden");
    }
    professional.put(&shifts_of(&technician), week).ok();
    professional.post(&planned(&professional), time).created();
    for path in [shifts_of(&director), planned(&director), of_director, "/availability".to_owned()] {
        technician.get(&path).ok();
        requester.get(&path).problem(403, "forbidden");
    }
}

#[test]
fn an_absence_is_planned_changed_and_removed() {
    let desk = Desk::open();
    let (director, technician) = (desk.director(), desk.technician());
    let path = format!("/users/{}/absences", technician.id());
    let low = assigned(&desk, "low", &technician);
    let critical = assigned(&desk, "critical", &technician);
    let made = director.post(&path, absence(at(10, 8), at(20, 8)));
    let recorded = made.created();
    let numbers: Vec<String> = recorded["open_tickets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| format!("/tickets/{}", t["id"]))
        .collect();
    assert_eq!(numbers, [critical, low]);
    assert_eq!(
        (&recorded["user"]["id"], &recorded["created_by"]["id"]),
        (&json!(technician.id()), &json!(director.id()))
    );
    let one = format!("/absences/{}", recorded["id"].as_str().unwrap());
    assert_eq!(made.header("location"), format!("/api/v1{one}"));
    assert_eq!(made.version(), technician.get(&one).version());

    let guarded = director.with("if-match", made.header("etag"));
    let earlier = guarded.patch(&one, json!({"ends_at": at(15, 8), "note": null}));
    assert_eq!((moment(&earlier.ok()["ends_at"]), &earlier.ok()["note"]), (at(15, 8), &json!(null)));
    guarded.patch(&one, json!({"kind": "course"})).problem(412, "precondition_failed");
    guarded.delete(&one).problem(412, "precondition_failed");
    let out_of_range = [("/ends_at".to_owned(), "out_of_range".to_owned())];
    assert_eq!(director.patch(&one, json!({"ends_at": at(10, 8)})).faults(), out_of_range);
    assert_eq!(director.post(&path, absence(at(2, 8), at(1, 8))).faults(), out_of_range);
    assert_eq!(
        director
            .post(&format!("/users/{}/absences", desk.requester().id()), absence(at(1, 8), at(2, 8)))
            .faults()[0]
            .1,
        "not_allowed"
    );

    let course = json!({"kind": "course", "starts_at": at(1, 8), "ends_at": at(2, 8)});
    director.post(&path, course).created();
    let kinds = |query: &str| -> Vec<String> {
        let items = technician.get(&format!("{path}{query}")).items();
        items.iter().map(|absence| absence["kind"].as_str().unwrap().to_owned()).collect()
    };
    let time = |moment: DateTime<Utc>| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!(kinds(""), ["course", "holiday"]);
    assert_eq!(kinds("?sort=-starts_at"), ["holiday", "course"]);
    assert_eq!(kinds("?kind=course"), ["course"]);
    assert_eq!(kinds(&format!("?ends_from={}", time(at(2, 9)))), ["holiday"]);
    assert_eq!(kinds(&format!("?starts_before={}", time(at(10, 8)))), ["course"]);
    let page = technician.get(&format!("{path}?limit=1&with_total=true")).ok();
    assert_eq!(page["total"], 2);
    assert_eq!(kinds(&format!("?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())), ["holiday"]);

    assert_eq!(director.delete(&one).status, 204);
    technician.get(&one).problem(404, "not_found");
    director.delete(&one).problem(404, "not_found");
    assert_eq!(kinds(""), ["course"]);
}

#[test]
fn acceptance_respects_shifts_and_tells_the_requester_who_comes_and_when() {
    let desk = Desk::open();
    let (director, technician, requester) = (desk.director(), desk.technician(), desk.requester());
    works_only(&desk, &technician, 3);
    let one = assigned(&desk, "high", &technician);
    let accept = |client: &Client, one: &str, when: DateTime<Utc>| {
        client.post(&format!("{one}/acceptance"), json!({"scheduled_for": when}))
    };
    let outside = [("/scheduled_for".to_owned(), "outside_shift".to_owned())];
    for when in [at(2, 10), at(3, 7), at(3, 17), at(4, 10)] {
        let refused = accept(&technician, &one, when);
        assert_eq!(refused.faults(), outside, "{when}");
        let detail = refused.json()["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("a las 8:00 a. m."), "{detail}");
    }
    let away = director
        .post(&format!("/users/{}/absences", technician.id()), absence(at(3, 9), at(3, 15)))
        .created();
    assert_eq!(accept(&technician, &one, at(3, 10)).faults(), outside);
    director
        .patch(&format!("/absences/{}", away["id"].as_str().unwrap()), json!({"ends_at": at(3, 10)}))
        .ok();

    let ticket = accept(&technician, &one, at(3, 10)).ok();
    assert_eq!((&ticket["status"], moment(&ticket["scheduled_for"])), (&json!("in_progress"), at(3, 10)));
    let followup = last_followup(&desk, &one);
    let day = at(3, 10).with_timezone(&Bogota).date_naive();
    let body = followup["body"].as_str().unwrap();
    assert!(body.starts_with("Tomás Ríos Cano atenderá su solicitud el "), "{body}");
    assert!(body.ends_with(&format!("de {} a las 10:00 a. m.", day.year())), "{body}");
    assert!(body.contains(&format!(" {} de ", day.day())), "{body}");
    assert_eq!(followup["author"]["id"], technician.id());
    let event = last_event(&desk, &one);
    assert_eq!((&event["kind"], &event["details"]["followup_id"]), (&json!("accepted"), &followup["id"]));
    // One message announces it, with the text of the followup.
    let sent =
        |kind: &str| desk.database.count(&format!("SELECT count(*) FROM messages WHERE kind = '{kind}'"));
    assert_eq!((sent("accepted"), sent("followup")), (1, 0));

    requester.patch("/me", json!({"locale": "en"})).ok();
    let critical = assigned(&desk, "critical", &technician);
    technician.post(&format!("{critical}/acceptance"), json!({})).ok();
    let expected = "Tomás Ríos Cano is attending to your request now.";
    assert_eq!(last_followup(&desk, &critical)["body"], expected);
}

#[test]
fn an_appointment_is_moved_with_a_reason_for_the_requester() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    works_only(&desk, &technician, 3);
    let one = assigned(&desk, "medium", &technician);
    technician.post(&format!("{one}/acceptance"), json!({"scheduled_for": at(3, 9)})).ok();
    let path = format!("{one}/rescheduling");
    let to = |when: DateTime<Utc>| json!({"scheduled_for": when, "reason": "El repuesto llega más tarde."});
    professional.post(&path, to(at(3, 11))).problem(403, "not_the_assignee");
    desk.requester().post(&path, to(at(3, 11))).problem(403, "forbidden");
    let fault = |body: Value| technician.post(&path, body).faults()[0].clone();
    assert_eq!(fault(to(at(4, 11))), ("/scheduled_for".into(), "outside_shift".into()));
    assert_eq!(fault(to(at(-1, 11))), ("/scheduled_for".into(), "not_in_future".into()));
    assert_eq!(fault(json!({"scheduled_for": at(3, 11)})), ("/reason".into(), "required".into()));

    let moved = technician.post(&path, to(at(3, 11)));
    assert_eq!(moment(&moved.ok()["scheduled_for"]), at(3, 11));
    assert_eq!(moved.ok()["status"], "in_progress");
    let event = last_event(&desk, &one);
    assert_eq!(
        (&event["kind"], &event["changes"][0]["field"]),
        (&json!("rescheduled"), &json!("scheduled_for"))
    );
    assert_eq!(event["details"]["reason"], "El repuesto llega más tarde.");
    let body = last_followup(&desk, &one)["body"].as_str().unwrap().to_owned();
    assert!(
        body.starts_with("Su cita fue reprogramada: Tomás Ríos Cano atenderá su solicitud el "),
        "{body}"
    );
    assert!(body.ends_with("a las 11:00 a. m. Motivo: El repuesto llega más tarde."), "{body}");
    let sent =
        |kind: &str| desk.database.count(&format!("SELECT count(*) FROM messages WHERE kind = '{kind}'"));
    assert_eq!((sent("rescheduled"), sent("followup")), (1, 0));

    // A critical ticket has no appointment. When it is no longer critical, it gets its first one.
    let critical = assigned(&desk, "critical", &technician);
    technician.post(&format!("{critical}/acceptance"), json!({})).ok();
    let refused = technician.post(&format!("{critical}/rescheduling"), to(at(3, 11)));
    assert_eq!(refused.faults(), [("/scheduled_for".into(), "not_allowed".into())]);
    technician.post(&format!("{critical}/classification"), json!({"criticality": "low"})).ok();
    let ticket = technician.post(&format!("{critical}/rescheduling"), to(at(3, 16))).ok();
    assert_eq!(moment(&ticket["scheduled_for"]), at(3, 16));
}

#[test]
fn the_last_day_of_a_contract_is_stored_with_the_person() {
    let desk = Desk::open();
    let director = desk.director();
    let new = json!({
        "email": "temporal@mesa.test", "password": "una-clave-larga", "role": "technician",
        "full_name": "Persona Temporal", "contract_ends_on": "2027-06-30",
    });
    let made = director.post("/users", new).created();
    assert_eq!(made["contract_ends_on"], "2027-06-30");
    let path = format!("/users/{}", made["id"].as_str().unwrap());
    assert_eq!(director.patch(&path, json!({"full_name": "Otro"})).ok()["contract_ends_on"], "2027-06-30");
    assert_eq!(
        director.patch(&path, json!({"contract_ends_on": null})).ok()["contract_ends_on"],
        Value::Null
    );
    let refused = director.patch(&path, json!({"contract_ends_on": "2027-02-30"}));
    assert_eq!(refused.faults(), [("/contract_ends_on".into(), "wrong_format".into())]);
}

#[test]
fn the_database_rejects_invalid_weeks_and_absences() {
    let desk = Desk::open();
    let technician = desk.technician();
    let week = json!({"shifts": [
        {"weekday": 7, "start_time": "22:00", "end_time": "06:00"}, {"weekday": 1, "start_time": "08:00", "end_time": "12:00"},
    ]});
    desk.director().put(&shifts_of(&technician), week).ok();
    desk.director()
        .post(&format!("/users/{}/absences", technician.id()), absence(at(1, 8), at(2, 8)))
        .created();
    let insert = |weekday: i16, starts_at: &str, ends_at: &str| {
        format!(
            "INSERT INTO shifts (id, user_id, weekday, starts_at, ends_at) \
             VALUES (gen_random_uuid(), '{}', {weekday}, '{starts_at}', '{ends_at}')",
            technician.id()
        )
    };
    for sql in [
        insert(1, "05:59", "07:00"),
        insert(1, "11:59", "13:00"),
        insert(1, "08:00", "09:00"),
        insert(6, "23:00", "22:30"),
        insert(8, "08:00", "09:00"),
        insert(2, "08:00", "24:00"),
        insert(2, "08:00:30", "09:00"),
        "UPDATE shifts SET ends_at = '08:01' WHERE weekday = 7".to_owned(),
        "UPDATE absences SET ends_at = starts_at".to_owned(),
        "UPDATE absences SET kind = 'strike'".to_owned(),
        "UPDATE absences SET note = ''".to_owned(),
    ] {
        let result = diesel::sql_query(&sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
    for sql in [insert(1, "06:00", "08:00"), insert(1, "12:00", "13:00"), insert(6, "22:00", "22:00")] {
        diesel::sql_query(&sql).execute(&mut desk.database.connect()).unwrap();
    }
}
