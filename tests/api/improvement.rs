//! Improvement actions, from the finding to the verification of effectiveness.

use chrono::{Duration, Utc};
use diesel::RunQueryDsl;
use mesa::auth::policy::Role;
use mesa::improvement::actions::overdue;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::{improvement_action, risk};
use crate::harness::{Client, Desk};
use crate::inbound::ALIGNED;

const BOGOTA: chrono_tz::Tz = chrono_tz::America::Bogota;

/// The path of a new action created by `by`.
fn written(by: &Client, owner: &Client, status: &str) -> String {
    let action = by.post("/improvement-actions", improvement_action(owner.id(), status)).created();
    format!("/improvement-actions/{}", action["id"].as_str().unwrap())
}

#[track_caller]
fn refused(desk: &Desk, sql: &str) {
    let result = diesel::sql_query(sql).execute(&mut desk.database.connect());
    assert!(result.is_err(), "{sql} was accepted");
}

#[test]
fn an_action_is_proposed_opened_followed_completed_and_verified_by_another() {
    let desk = Desk::open();
    let (technician, professional, director) = (desk.technician(), desk.professional(), desk.director());
    let one = written(&technician, &technician, "draft");
    technician.patch(&one, json!({"status": "open"})).problem(403, "forbidden");
    let etag = technician.get(&one).header("etag").to_owned();
    let opened = professional.with("if-match", etag.clone()).patch(&one, json!({"status": "open"})).ok();
    assert_eq!(
        (&opened["status"], &opened["overdue"], &opened["number"]),
        (&json!("open"), &json!(false), &json!(1))
    );
    professional
        .with("if-match", etag)
        .patch(&one, json!({"cause": "x"}))
        .problem(412, "precondition_failed");
    assert_eq!(professional.patch(&one, json!({"status": "draft"})).faults()[0].0, "/status");
    technician.patch(&one, json!({"cause": "Otra causa."})).problem(403, "forbidden");

    // The owner carries it out, regardless of role; others with the same role cannot.
    let other = desk.another(Role::Technician);
    let entry = json!({"body": "Se acordó el turno.", "progress": 50});
    other.post(&format!("{one}/followups"), entry.clone()).problem(403, "forbidden");
    other.upload(&format!("{one}/attachments"), "acta.txt", "acta").problem(403, "forbidden");
    let keyed = technician.with("idempotency-key", "seguimiento-1");
    let first = keyed.post(&format!("{one}/followups"), entry.clone()).created();
    assert_eq!(keyed.post(&format!("{one}/followups"), entry).created(), first);
    let evidence = technician.upload(&format!("{one}/attachments"), "acta.txt", "acta").created();
    assert_eq!(evidence["improvement_action_id"], opened["id"]);
    professional.post(&format!("{one}/verification"), verdict(true)).problem(409, "wrong_state");
    other.post(&format!("{one}/completion"), json!({"note": "x"})).problem(403, "forbidden");
    let completed = technician.post(&format!("{one}/completion"), json!({"note": "Hay turno."})).ok();
    assert_eq!(completed["completion"]["completed_by"]["id"], technician.id());
    professional.patch(&one, json!({"cause": "x"})).problem(409, "wrong_state");

    technician.post(&format!("{one}/verification"), verdict(true)).problem(403, "forbidden");
    let verified = director.post(&format!("{one}/verification"), verdict(true)).ok();
    assert_eq!(
        (&verified["status"], &verified["verification"]["effective"]),
        (&json!("effective"), &json!(true))
    );
    let again = director.post(&format!("{one}/verification"), verdict(false)).problem(409, "wrong_state");
    assert_eq!(again["current_status"], "effective");
    director.post(&format!("{one}/followups"), json!({"body": "x"})).problem(409, "wrong_state");
    director.upload(&format!("{one}/attachments"), "b.txt", "b").problem(409, "wrong_state");
    assert_eq!(director.get(&format!("{one}/followups")).items(), [first]);
    assert_eq!(director.get(&format!("{one}/attachments?with_total=true")).ok()["total"], 1);

    let file = format!("/attachments/{}", evidence["id"].as_str().unwrap());
    assert_eq!(director.get(&format!("{file}/content")).text(), "acta");
    desk.requester().get(&file).problem(404, "not_found");
    desk.requester().get(&format!("{file}/content")).problem(404, "not_found");

    for sql in [
        "UPDATE improvement_actions SET finding = 'otra cosa'",
        "UPDATE improvement_actions SET status = 'completed', verified_at = NULL, verified_by = NULL, \
         verification_note = NULL",
        "UPDATE improvement_followups SET body = 'otra cosa'",
    ] {
        refused(&desk, sql);
    }
}

fn verdict(effective: bool) -> Value {
    json!({"effective": effective, "note": "Los casos críticos se atienden en una hora."})
}

#[test]
fn an_owner_cannot_verify_regardless_of_role() {
    let desk = Desk::open();
    let (professional, director) = (desk.professional(), desk.director());
    let one = written(&director, &director, "open");
    director.post(&format!("{one}/completion"), json!({"note": "Hecho."})).ok();
    director.post(&format!("{one}/verification"), verdict(true)).problem(403, "owner_cannot_verify");
    refused(
        &desk,
        "UPDATE improvement_actions SET status = 'effective', verified_at = now(), verified_by = owner_id, \
         verification_note = 'x'",
    );
    let verified = professional.post(&format!("{one}/verification"), verdict(false)).ok();
    assert_eq!(verified["status"], "ineffective");
}

#[test]
fn an_action_links_to_its_origin() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let known = director.post("/risks", risk(technician.id(), "active")).created()["id"].clone();
    let from = |origin: Value| {
        let mut body = improvement_action(technician.id(), "draft");
        body["origin"] = origin;
        technician.post("/improvement-actions", body)
    };
    let link = |origin: Value| from(origin).created()["origin"]["link"].clone();
    assert_eq!(
        link(json!({"kind": "figure", "path": "/api/v1/tickets?status=solved"})),
        "/api/v1/tickets?status=solved"
    );
    assert_eq!(
        link(json!({"kind": "report", "year": 2026, "quarter": 3, "note": "Página 2"})),
        "/api/v1/reports/quarterly/2026/3"
    );
    let of_risk = link(json!({"kind": "risk", "risk_id": known}));
    assert_eq!(of_risk, format!("/api/v1/risks/{}", known.as_str().unwrap()));
    assert_eq!(link(json!({"kind": "audit"})), Value::Null);
    let faults = |origin: Value| from(origin).faults();
    let fault = |at: &str, code: &str| (format!("/origin/{at}"), code.to_owned());
    assert_eq!(faults(json!({"kind": "other"})), [fault("note", "required")]);
    assert_eq!(
        faults(json!({"kind": "report", "year": 2026, "path": "/api/v1/tickets"})),
        [fault("path", "not_allowed"), fault("quarter", "required")]
    );
    assert_eq!(
        faults(json!({"kind": "figure", "path": "https://mesa.example/api/v1/tickets"})),
        [fault("path", "wrong_format")]
    );
    let nobody = "0197c0de-0000-7000-8000-000000000000";
    assert_eq!(faults(json!({"kind": "risk", "risk_id": nobody})), [fault("risk_id", "not_found")]);
    let mut body = improvement_action(desk.requester().id(), "draft");
    assert_eq!(
        technician.post("/improvement-actions", body.clone()).faults(),
        [("/owner_id".into(), "not_found".into())]
    );
    body["owner_id"] = json!(nobody);
    assert_eq!(technician.post("/improvement-actions", body).faults()[0].0, "/owner_id");

    let list = |query: &str| director.get(&format!("/improvement-actions?{query}")).items().len();
    assert_eq!(
        (list(""), list(&format!("risk_id={}", known.as_str().unwrap())), list("status=open")),
        (4, 1, 0)
    );
    assert_eq!(
        (list("overdue=true"), list("overdue=false"), list("kind=preventive&kind=corrective")),
        (0, 4, 4)
    );
    assert_eq!(list(&format!("owner_id={}", director.id())), 0);
    // The pages contain each action once, in every order.
    for sort in ["-created_at", "created_at", "due_on", "-due_on"] {
        let first = director.get(&format!("/improvement-actions?limit=3&sort={sort}")).ok();
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = director.get(&format!("/improvement-actions?limit=3&sort={sort}&cursor={cursor}")).items();
        let mut numbers: Vec<i64> = first["items"]
            .as_array()
            .unwrap()
            .iter()
            .chain(&rest)
            .map(|action| action["number"].as_i64().unwrap())
            .collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 4, "{sort}");
    }
}

#[test]
fn an_overdue_action_is_mailed_once_to_its_owner_and_the_director() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (technician, director) = (desk.technician(), desk.director());
    let yesterday = Utc::now().with_timezone(&BOGOTA).date_naive() - Duration::days(1);
    let tell = || {
        let mut db = desk.database.connect();
        let now = mesa::db::now(&mut db).unwrap();
        overdue::notify(&mut db, BOGOTA, now).unwrap()
    };
    let one = written(&director, &technician, "open");
    written(&director, &technician, "draft");
    let own = written(&director, &director, "open");
    // An action is in time until the end of its last day.
    director.patch(&own, json!({"due_on": yesterday + Duration::days(1)})).ok();
    assert_eq!(tell(), 0);
    desk.database.run(&format!("UPDATE improvement_actions SET due_on = '{yesterday}' WHERE number <> 3"));
    assert_eq!((tell(), tell()), (1, 0));
    let late = director.get("/improvement-actions?overdue=true").items();
    assert_eq!((late.len(), &late[0]["overdue"]), (1, &json!(true)));
    assert!(one.ends_with(late[0]["id"].as_str().unwrap()));

    desk.send_mail();
    let mail = server.mail();
    let mut readers: Vec<&str> = mail.iter().map(|mail| mail.to.as_str()).collect();
    readers.sort();
    assert_eq!(readers, ["director@mesa.test", "technician@mesa.test"]);
    for words in [
        "Venció el plazo de la siguiente acción de mejora",
        "> Establecer un turno los sábados.",
        "Responsable: Tomás Ríos Cano\n",
        "Plan de Mejoramiento: acción de mejora No. 1\n",
    ] {
        assert!(mail[0].text().contains(words), "{words}: {}", mail[0].text());
    }
    assert!(!mail[0].text().contains('#'), "{}", mail[0].text());
    let message = director.get("/messages?kind=action_overdue").items()[0].clone();
    assert_eq!((&message["ticket_id"], &message["improvement_action_id"]), (&Value::Null, &late[0]["id"]));
    let read = director.get(&format!("/messages/{}", message["id"].as_str().unwrap())).ok();
    assert_eq!(read["subject"], "Venció la acción de mejora No. 1");
    // A reply to this mail refers to no ticket.
    let reply = format!(
        "{ALIGNED}From: technician@mesa.test\nSubject: Re: x\nIn-Reply-To: <{}@mesa.test>\n\nYa casi.",
        message["id"].as_str().unwrap()
    );
    let reply = director.raw("POST", "/inbound-emails", "message/rfc822", reply).created();
    assert_eq!((&reply["status"], &reply["followup_id"]), (&json!("processed"), &Value::Null));

    // A new date causes a new mail, except to users who turned staff mail off.
    director.patch("/me", json!({"staff_mail": false, "locale": "en"})).ok();
    director.patch(&one, json!({"due_on": yesterday - Duration::days(1)})).ok();
    assert_eq!(tell(), 1);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'action_overdue'"), 3);
    // A completed action is not overdue.
    technician.post(&format!("{one}/completion"), json!({"note": "Hecho."})).ok();
    director.patch(&own, json!({"due_on": yesterday})).ok();
    desk.database.run("UPDATE users SET staff_mail = true");
    assert_eq!((tell(), tell()), (1, 0));
    desk.send_mail();
    let last = server.mail().into_iter().rfind(|mail| mail.to == "director@mesa.test").unwrap();
    assert!(last.text().contains("Improvement plan: improvement action No. 3"), "{}", last.text());
}

#[test]
fn copies_of_the_server_notify_of_an_overdue_action_once() {
    let desk = Desk::open();
    for _ in 0..3 {
        written(&desk.director(), &desk.technician(), "open");
    }
    desk.database.run("UPDATE improvement_actions SET due_on = '2026-01-01'");
    let told: usize = std::thread::scope(|scope| {
        let rounds: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| overdue::notify(&mut desk.database.connect(), BOGOTA, Utc::now()).unwrap())
            })
            .collect();
        rounds.into_iter().map(|round| round.join().unwrap()).sum()
    });
    assert_eq!(told, 3);
    assert_eq!(desk.database.count("SELECT count(*) FROM messages"), 6);
}
