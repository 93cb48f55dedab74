//! Minutes of the Comité Primario, from the draft to the director's signature.

use diesel::RunQueryDsl;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::states::{improvement_action, minutes};

#[test]
fn minutes_are_drafted_and_signed_and_then_immutable() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let drafted = technician.post("/meeting-minutes", minutes(technician.id())).created();
    let one = format!("/meeting-minutes/{}", drafted["id"].as_str().unwrap());
    assert_eq!(
        (&drafted["year"], &drafted["number"], &drafted["status"]),
        (&json!(2026), &json!(1), &json!("draft"))
    );
    assert_eq!(
        (&drafted["attendees"][0]["full_name"], &drafted["attendees"][0]["attendance"]),
        (&json!("Tomás Ríos Cano"), &json!("present"))
    );
    assert_eq!(drafted["report"]["link"], "/api/v1/reports/quarterly/2026/3");
    assert_eq!(drafted["decisions"][0]["owner"]["id"], technician.id());

    let read = director.get(&one).header("etag").to_owned();
    technician.patch(&one, json!({"proceedings": null, "decisions": []})).ok();
    let sign = |etag: &str| director.with("if-match", etag).post(&format!("{one}/signature"), json!({}));
    let missing = sign(director.get(&one).header("etag")).problem(409, "incomplete");
    assert_eq!(missing["errors"][0]["pointer"], "/proceedings");
    let decision = json!([{"decision": "Comprar.", "owner_id": director.id(), "due_on": "2026-11-30"}]);
    technician.patch(&one, json!({"proceedings": "Se habló.", "decisions": decision})).ok();
    sign(&read).problem(412, "precondition_failed");
    desk.professional().post(&format!("{one}/signature"), json!({})).problem(403, "forbidden");
    let signed = sign(director.get(&one).header("etag")).ok();
    assert_eq!(
        (&signed["status"], &signed["signature"]["signed_by"]["id"]),
        (&json!("signed"), &json!(director.id()))
    );
    for refused in [
        director.patch(&one, json!({"place": "Otro"})),
        director.with("if-match", "*").post(&format!("{one}/signature"), json!({})),
    ] {
        assert_eq!(refused.problem(409, "wrong_state")["current_status"], "signed");
    }

    // Signed minutes cannot be changed in the database either, and the draft can.
    technician.post("/meeting-minutes", minutes(technician.id())).created();
    let of_signed = "(SELECT id FROM minutes WHERE number = 1)";
    for sql in [
        "UPDATE minutes SET place = 'Otro' WHERE number = 1".to_owned(),
        "UPDATE minutes SET status = 'draft', signed_at = NULL, signed_by = NULL WHERE number = 1".to_owned(),
        "DELETE FROM minutes WHERE number = 1".to_owned(),
        "DELETE FROM minutes WHERE number = 2".to_owned(),
        "UPDATE minutes SET number = 7 WHERE number = 2".to_owned(),
        "TRUNCATE minutes CASCADE".to_owned(),
        "TRUNCATE minutes_decisions".to_owned(),
        format!("UPDATE minutes_decisions SET due_on = '2030-01-01' WHERE minutes_id = {of_signed}"),
        format!("DELETE FROM minutes_decisions WHERE minutes_id = {of_signed}"),
        format!("UPDATE minutes_attendance SET full_name = 'Otra' WHERE minutes_id = {of_signed}"),
        format!("DELETE FROM minutes_attendance WHERE minutes_id = {of_signed}"),
        // Moving a part of a draft to signed minutes, and the other way round.
        format!("UPDATE minutes_attendance SET minutes_id = {of_signed}, position = position + 50"),
        format!(
            "INSERT INTO minutes_decisions SELECT minutes_id, 9, decision, owner_id, due_on FROM minutes_decisions \
             WHERE minutes_id = {of_signed}"
        ),
    ] {
        let result = diesel::sql_query(&sql).execute(&mut desk.database.connect());
        assert!(result.is_err(), "{sql} was accepted");
    }
    assert_eq!(director.get(&one).ok(), signed);

    // After the procedure's two years they can be deleted, with all their parts.
    desk.database.run(
        "SET session_replication_role = replica; \
         UPDATE minutes SET updated_at = now() - interval '2 years 1 day' WHERE number = 1; \
         SET session_replication_role = DEFAULT; DELETE FROM minutes WHERE number = 1",
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM minutes_decisions"), 1);
}

#[test]
fn minutes_are_numbered_by_the_year_of_their_meeting() {
    let desk = Desk::open();
    let technician = desk.technician();
    let held = |day: &str| {
        let mut body = minutes(technician.id());
        body["held_on"] = json!(day);
        let written = technician.post("/meeting-minutes", body).created();
        (written["year"].as_i64().unwrap(), written["number"].as_i64().unwrap(), written)
    };
    let (year, number, first) = held("2025-12-31");
    assert_eq!((year, number), (2025, 1));
    assert_eq!((held("2026-01-01").1, held("2026-02-01").1, held("2025-01-31").1), (1, 2, 2));
    let one = format!("/meeting-minutes/{}", first["id"].as_str().unwrap());
    assert_eq!(
        technician.patch(&one, json!({"held_on": "2026-01-02"})).faults(),
        [("/held_on".into(), "not_allowed".into())]
    );
    technician.patch(&one, json!({"held_on": "2025-12-30"})).ok();
    let days = |query: &str| -> Vec<String> {
        let items = technician.get(&format!("/meeting-minutes?{query}")).items();
        items.iter().map(|one| one["held_on"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(days("year=2025"), ["2025-12-30", "2025-01-31"]);
    assert_eq!(days("sort=held_on&limit=1"), ["2025-01-31"]);
    assert_eq!(days("status=signed"), Vec::<String>::new());
    assert_eq!(days(&format!("owner_id={}", technician.id())).len(), 4);
    assert_eq!(days(&format!("owner_id={}", desk.director().id())).len(), 0);
    let cursor = technician.get("/meeting-minutes?limit=3").ok()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(days(&format!("cursor={cursor}&limit=3")), ["2025-01-31"]);
}

#[test]
fn people_in_minutes_must_exist() {
    let desk = Desk::open();
    let technician = desk.technician();
    let nobody = "0197c0de-0000-7000-8000-000000000000";
    let mut body = minutes(technician.id());
    body["end_time"] = json!("07:59");
    body["attendees"] = json!([{"user_id": nobody}, {"job_title": "x"}, {"user_id": desk.requester().id()}]);
    body["decisions"] = json!([
        {"decision": "x", "owner_id": desk.requester().id(), "due_on": "2026-11-30"},
        {"decision": "x", "owner_id": nobody, "due_on": "2026-11-30"},
    ]);
    let fault = |at: &str, code: &str| (at.to_owned(), code.to_owned());
    assert_eq!(
        technician.post("/meeting-minutes", body).faults(),
        [
            fault("/end_time", "out_of_range"),
            fault("/attendees/0/user_id", "not_found"),
            fault("/attendees/1/full_name", "required"),
            fault("/decisions/0/owner_id", "not_found"),
            fault("/decisions/1/owner_id", "not_found"),
        ]
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM minutes_numbers"), 0);
    let mut body = minutes(technician.id());
    for (field, wrong) in
        [("start_time", json!("24:00")), ("agenda", json!([])), ("held_on", json!("1999-12-31"))]
    {
        let mut body = body.clone();
        body[field] = wrong;
        assert_eq!(technician.post("/meeting-minutes", body).faults()[0].0, format!("/{field}"));
    }
    // Minutes without anyone present cannot be signed.
    body["attendees"] = json!([{"full_name": "Luz Elena Toro", "attendance": "excused"}]);
    let one = technician.post("/meeting-minutes", body).created()["id"].as_str().unwrap().to_owned();
    let refused = desk
        .director()
        .with("if-match", "*")
        .post(&format!("/meeting-minutes/{one}/signature"), Value::Object(Default::default()));
    assert_eq!(refused.problem(409, "incomplete")["errors"][0]["pointer"], "/attendees");
    // An improvement action links back to the minutes.
    let mut action = improvement_action(technician.id(), "draft");
    action["origin"] = json!({"kind": "minutes", "minutes_id": one});
    let action = technician.post("/improvement-actions", action).created();
    assert_eq!(action["origin"]["link"], format!("/api/v1/meeting-minutes/{one}"));
    assert_eq!(technician.get(&format!("/improvement-actions?minutes_id={one}")).items().len(), 1);
}
