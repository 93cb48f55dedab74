//! Indicators: measurement of a quarter including its boundaries, and immutability of approved measurements.

use diesel::RunQueryDsl;
use serde_json::{Value, json};

use crate::harness::states::{improvement_action, indicator};
use crate::harness::{Answer, Client, Desk};

fn measure(client: &Client, indicator: &str, year: i32, quarter: i32) -> Answer {
    client.post(&format!("{indicator}/measurements"), json!({"year": year, "quarter": quarter}))
}

/// The value, how many met the goal, how many were counted, and the traffic light.
fn figures(answer: &Answer) -> (Value, Value, Value, Value) {
    let all = answer.json();
    (all["value"].clone(), all["numerator"].clone(), all["denominator"].clone(), all["light"].clone())
}

#[test]
fn a_quarter_begins_and_ends_in_the_time_zone_of_the_entity() {
    let desk = Desk::open();
    let director = desk.director();
    for _ in 0..2 {
        desk.ticket_in("solved");
    }
    // The last second of the third quarter, attended in time; the first moment of the fourth, too late.
    for (ticket, received, minutes) in
        [(1, "2026-09-30 23:59:59.999999-05", 30), (2, "2026-10-01 00:00:00-05", 400)]
    {
        desk.database.run(&format!(
            "UPDATE tickets SET received_at = '{received}', first_attention_due_at = '{received}'::timestamptz + '5 hours',
                attended_at = '{received}'::timestamptz + interval '{minutes} minutes', solved_at = '{received}',
                support_level = {ticket} WHERE id = {ticket}"
        ));
    }
    let ratings = |overall: i32| json!({"ratings": {"overall": overall, "timeliness": 3, "courtesy": 3, "solution": 3}});
    desk.requester().post("/tickets/1/survey", ratings(4)).created();
    desk.requester().post("/tickets/2/survey", ratings(3)).created();
    desk.database.run(
        "SET session_replication_role = replica; \
         UPDATE surveys SET answered_at = t.received_at FROM tickets t WHERE t.id = ticket_id; \
         SET session_replication_role = DEFAULT",
    );
    let good = (json!(100.0), json!(1), json!(1), json!("green"));
    let bad = (json!(0.0), json!(0), json!(1), json!("red"));
    for (name, third, fourth) in [
        ("timely_attention", &good, &bad),
        ("timely_solution", &good, &good),
        ("satisfaction", &good, &bad),
        ("first_level_resolution", &good, &bad),
    ] {
        let one = desk.indicator(name);
        assert_eq!(figures(&measure(&director, &one, 2026, 3)), *third, "{name}");
        let running = measure(&director, &one, 2026, 4);
        assert_eq!(figures(&running), *fourth, "{name}");
        // Without data the value is null, not zero.
        let nothing = (Value::Null, json!(0), json!(0), Value::Null);
        assert_eq!(figures(&measure(&director, &one, 2026, 2)), nothing, "{name}");
    }
}

#[test]
fn overdue_tickets_count_and_archived_ones_do_not() {
    let desk = Desk::open();
    let director = desk.director();
    for state in ["classified", "classified", "archived", "received"] {
        desk.ticket_in(state);
    }
    desk.database.run(
        "UPDATE tickets SET received_at = '2026-08-01 12:00Z', \
             first_attention_due_at = '2026-08-01 17:00Z' WHERE status <> 'received'; \
         UPDATE tickets SET received_at = '2026-08-01 12:00Z' WHERE status = 'received'; \
         UPDATE tickets SET attended_at = NULL WHERE status = 'archived'; \
         UPDATE tickets SET first_attention_due_at = now() + interval '1 hour' WHERE id = 2",
    );
    // One of two classified tickets is overdue; the other is not due yet, and the fourth has no due time.
    let one = measure(&director, &desk.indicator("timely_attention"), 2026, 3);
    assert_eq!(figures(&one), (json!(0.0), json!(0), json!(1), json!("red")));
    // None of the three is solved, and the five days are over.
    let one = measure(&director, &desk.indicator("timely_solution"), 2026, 3);
    assert_eq!(figures(&one), (json!(0.0), json!(0), json!(3), json!("red")));
}

#[test]
fn a_measurement_is_recomputed_until_it_is_approved() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let one = desk.indicator("first_level_resolution");
    let first = measure(&technician, &one, 2026, 3).created();
    let path = format!("/measurements/{}", first["id"].as_str().unwrap());
    assert_eq!(
        (&first["value"], &first["complete"], &first["status"]),
        (&Value::Null, &json!(true), &json!("draft"))
    );
    let action =
        technician.post("/improvement-actions", improvement_action(technician.id(), "draft")).created();
    let said = json!({"analysis": "Faltó personal.", "improvement_action_id": action["id"]});
    let incomplete = director
        .with("if-match", "*")
        .post(&format!("{path}/approval"), json!({}))
        .problem(409, "incomplete");
    assert_eq!(incomplete["errors"][0]["pointer"], "/analysis");
    technician.patch(&path, said.clone()).ok();
    let nobody = json!({"improvement_action_id": "0197c0de-0000-7000-8000-000000000000"});
    assert_eq!(technician.patch(&path, nobody).faults()[0].0, "/improvement_action_id");

    // Later data count while the measurement is a draft.
    desk.ticket_in("solved");
    desk.database.run("UPDATE tickets SET solved_at = '2026-09-30 12:00Z'");
    let again = measure(&technician, &one, 2026, 3).ok();
    assert_eq!(
        (&again["id"], &again["value"], &again["analysis"]),
        (&first["id"], &json!(100.0), &said["analysis"])
    );
    let read = director.get(&path).header("etag").to_owned();
    technician.patch(&path, json!({"analysis": "Se cumplió."})).ok();
    let approve = |etag: &str| director.with("if-match", etag).post(&format!("{path}/approval"), json!({}));
    approve(&read).problem(412, "precondition_failed");
    desk.professional().post(&format!("{path}/approval"), json!({})).problem(403, "forbidden");
    let approved = approve(director.get(&path).header("etag")).ok();
    assert_eq!(approved["approval"]["approved_by"]["id"], director.id());

    desk.database.run("UPDATE tickets SET support_level = 2");
    director.patch(&one, json!({"target": 100, "warning": 99})).ok();
    measure(&director, &one, 2026, 3).problem(409, "wrong_state");
    director.patch(&path, json!({"analysis": "x"})).problem(409, "wrong_state");
    director.with("if-match", "*").post(&format!("{path}/approval"), json!({})).problem(409, "wrong_state");
    assert_eq!(director.get(&path).ok(), approved);
    for sql in [
        "UPDATE measurements SET value = 1",
        "UPDATE measurements SET status = 'draft', approved_at = NULL, approved_by = NULL",
        "INSERT INTO measurements SELECT (m).* FROM (SELECT measurements AS m FROM measurements) AS one",
    ] {
        let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
    // An improvement action links back to the measurement.
    let mut from = improvement_action(technician.id(), "draft");
    from["origin"] = json!({"kind": "measurement", "measurement_id": first["id"]});
    let from = technician.post("/improvement-actions", from).created();
    assert_eq!(from["origin"]["link"], format!("/api/v1{path}"));
    let query = format!("/improvement-actions?measurement_id={}", first["id"].as_str().unwrap());
    assert_eq!(technician.get(&query).items().len(), 1);

    // The current quarter can be measured but not approved; a future one cannot be measured.
    let running = measure(&director, &one, 2026, 4).created();
    assert_eq!(running["complete"], false);
    let running = format!("/measurements/{}", running["id"].as_str().unwrap());
    director.patch(&running, json!({"analysis": "Va bien."})).ok();
    let refused = director
        .with("if-match", "*")
        .post(&format!("{running}/approval"), json!({}))
        .problem(409, "incomplete");
    assert_eq!(refused["errors"][0]["pointer"], "/complete");
    assert_eq!(measure(&director, &one, 2027, 1).faults(), [("/quarter".into(), "out_of_range".into())]);
    measure(&director, &one, 2025, 4).created();
    let quarters = |query: &str| -> Vec<(i64, i64)> {
        let items = director.get(&format!("{one}/measurements?{query}")).items();
        items.iter().map(|one| (one["year"].as_i64().unwrap(), one["quarter"].as_i64().unwrap())).collect()
    };
    assert_eq!(quarters(""), [(2026, 4), (2026, 3), (2025, 4)]);
    assert_eq!(quarters("year=2026&status=approved"), [(2026, 3)]);
    let first = director.get(&format!("{one}/measurements?limit=2&sort=quarter")).ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(quarters(&format!("limit=2&sort=quarter&cursor={cursor}")), [(2026, 4)]);
}

#[test]
fn an_indicator_is_proposed_defined_and_measured_by_hand() {
    let desk = Desk::open();
    let (technician, professional) = (desk.technician(), desk.professional());
    assert_eq!(technician.get("/indicators?with_total=true").ok()["total"], 4);
    let draft = technician.post("/indicators", indicator("draft")).created();
    let one = format!("/indicators/{}", draft["id"].as_str().unwrap());
    let by_hand = |value: Value| {
        technician.post(&format!("{one}/measurements"), json!({"year": 2026, "quarter": 3, "value": value}))
    };
    assert_eq!(by_hand(json!(99)).problem(409, "wrong_state")["current_status"], "draft");
    technician.patch(&one, json!({"status": "active"})).problem(403, "forbidden");
    assert_eq!(technician.patch(&one, json!({"measure": "timely_solution"})).faults()[0].0, "/within_hours");
    assert_eq!(technician.patch(&one, json!({"within_hours": 5})).faults()[0].0, "/within_hours");
    assert_eq!(technician.patch(&one, json!({"direction": "at_most"})).faults()[0].0, "/warning");
    let etag = technician.get(&one).header("etag").to_owned();
    professional.with("if-match", etag.clone()).patch(&one, json!({"status": "active"})).ok();
    professional.with("if-match", etag).patch(&one, json!({"aim": "x"})).problem(412, "precondition_failed");
    let fixed = professional.patch(&one, json!({"status": "draft", "measure": "satisfaction"})).faults();
    assert_eq!(fixed.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["/status", "/measure"]);
    assert_eq!(figures(&by_hand(json!(99))), (json!(99.0), Value::Null, Value::Null, json!("yellow")));
    let satisfaction = desk.indicator("satisfaction");
    let refused = technician
        .post(&format!("{satisfaction}/measurements"), json!({"year": 2026, "quarter": 3, "value": 100}));
    assert_eq!(refused.faults(), [("/value".into(), "not_allowed".into())]);
    for sql in [
        "UPDATE indicators SET warning = target + 1 WHERE direction = 'at_least'",
        "UPDATE indicators SET within_hours = NULL",
        "UPDATE measurements SET status = 'approved', approved_at = now(), approved_by = created_by",
        "UPDATE measurements SET met = 2, counted = 1",
    ] {
        let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
}

#[test]
fn a_measurement_belongs_to_a_period_of_the_frequency() {
    let desk = Desk::open();
    let director = desk.director();
    for _ in 0..4 {
        desk.ticket_in("solved");
    }
    // The last second of August, the first of September, the last of the half-year, and the year before.
    for (ticket, solved, level) in [
        (1, "2026-08-31 23:59:59-05", 1),
        (2, "2026-09-01 00:00:00-05", 2),
        (3, "2026-06-30 23:59:59-05", 1),
        (4, "2025-12-31 23:59:59-05", 1),
    ] {
        desk.database.run(&format!(
            "UPDATE tickets SET solved_at = '{solved}', support_level = {level} WHERE id = {ticket}"
        ));
    }
    let one = desk.indicator("first_level_resolution");
    let quarter = measure(&director, &one, 2026, 3).created();
    let days = |answer: &Value| (answer["from_date"].clone(), answer["through_date"].clone());
    assert_eq!((&quarter["frequency"], &quarter["period"]), (&json!("quarterly"), &json!(3)));
    assert_eq!(days(&quarter), (json!("2026-07-01"), json!("2026-09-30")));
    let by_period = |year: i32, period: i32| {
        director.post(&format!("{one}/measurements"), json!({"year": year, "period": period}))
    };
    // The number of a quarter may be given as either.
    assert_eq!(by_period(2026, 3).ok()["id"], quarter["id"]);
    let both = json!({"year": 2026, "quarter": 3, "period": 3});
    assert_eq!(director.post(&format!("{one}/measurements"), both).faults()[0].0, "/period");
    let neither = director.post(&format!("{one}/measurements"), json!({"year": 2026}));
    assert_eq!(neither.faults(), [("/quarter".into(), "required".into())]);

    for (frequency, period, from, through, ends_in, met, counted) in [
        ("monthly", 8, "2026-08-01", "2026-08-31", 3, 1, 1),
        ("monthly", 9, "2026-09-01", "2026-09-30", 3, 0, 1),
        ("bimonthly", 4, "2026-07-01", "2026-08-31", 3, 1, 1),
        ("semiannual", 1, "2026-01-01", "2026-06-30", 2, 1, 1),
        ("yearly", 1, "2026-01-01", "2026-12-31", 4, 2, 3),
    ] {
        director.patch(&one, json!({"frequency": frequency})).ok();
        let made = by_period(2026, period).created();
        assert_eq!(days(&made), (json!(from), json!(through)), "{frequency}");
        let seen = (&made["frequency"], &made["period"], &made["quarter"]);
        assert_eq!(seen, (&json!(frequency), &json!(period), &json!(ends_in)));
        assert_eq!((&made["numerator"], &made["denominator"]), (&json!(met), &json!(counted)), "{frequency}");
        // Again, it is the same measurement.
        assert_eq!(by_period(2026, period).ok()["id"], made["id"]);
        assert_eq!(made["complete"], json!(through < "2026-10-01"), "{frequency}");
    }
    assert_eq!(by_period(2026, 2).faults(), [("/period".into(), "out_of_range".into())]);
    assert_eq!(by_period(2027, 1).faults(), [("/period".into(), "out_of_range".into())]);
    assert_eq!(measure(&director, &one, 2026, 1).faults(), [("/quarter".into(), "not_allowed".into())]);
    // All of them, by the end of the period, on pages of two.
    let mut ends = Vec::new();
    let mut next = format!("{one}/measurements?limit=2&sort=quarter");
    loop {
        let page = director.get(&next).ok();
        ends.extend(page["items"].as_array().unwrap().iter().map(|one| one["through_date"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{one}/measurements?limit=2&sort=quarter&cursor={cursor}");
    }
    let expected = ["2026-06-30", "2026-08-31", "2026-08-31", "2026-09-30", "2026-09-30", "2026-12-31"];
    assert_eq!(ends, expected);
    // An approved quarter is not measured again, whatever the frequency is now.
    let path = format!("/measurements/{}", quarter["id"].as_str().unwrap());
    director.patch(&path, json!({"analysis": "Se cumplió."})).ok();
    director.with("if-match", "*").post(&format!("{path}/approval"), json!({})).ok();
    director.patch(&one, json!({"frequency": "quarterly"})).ok();
    by_period(2026, 3).problem(409, "wrong_state");
    for sql in [
        "UPDATE measurements SET period = 13 WHERE frequency = 'monthly'",
        "UPDATE measurements SET quarter = 1 WHERE frequency = 'monthly'",
        "UPDATE measurements SET period = 8 WHERE frequency = 'monthly'",
        "UPDATE indicators SET kind = 'other'",
    ] {
        let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
}

#[test]
fn an_indicator_has_a_type_and_a_baseline() {
    let desk = Desk::open();
    let director = desk.director();
    let built_in = director.get(&desk.indicator("satisfaction")).ok();
    assert_eq!((&built_in["kind"], &built_in["baseline_value"]), (&json!("effectiveness"), &Value::Null));
    let mut body = indicator("active");
    let plain = director.post("/indicators", body.clone()).created();
    assert_eq!((&plain["kind"], &plain["frequency"]), (&Value::Null, &json!("quarterly")));
    let own = json!({"kind": "efficiency", "baseline_value": 97.5, "baseline_note": "Promedio de 2025",
        "frequency": "monthly"});
    for (name, value) in own.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = director.post("/indicators", body).created();
    let path = format!("/indicators/{}", made["id"].as_str().unwrap());
    for (name, value) in own.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
    let changed = director.patch(&path, json!({"baseline_value": null, "kind": "efficacy"})).ok();
    assert_eq!(
        (&changed["baseline_value"], &changed["baseline_note"]),
        (&Value::Null, &own["baseline_note"])
    );
    let month = json!({"year": 2026, "period": 10, "value": 99.7});
    let measured = director.post(&format!("{path}/measurements"), month).created();
    assert_eq!((&measured["light"], &measured["quarter"]), (&json!("green"), &json!(4)));
    let without = json!({"year": 2026, "value": 99.7});
    let refused = director.post(&format!("{path}/measurements"), without);
    assert_eq!(refused.faults(), [("/period".into(), "required".into())]);
}
