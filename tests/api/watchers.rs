//! Watchers that staff add and remove.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::{soon, ticket_of};
use crate::harness::{Client, Desk};

fn add(client: &Client, one: &str, user: &Client) -> crate::harness::Answer {
    client.post(&format!("{one}/watchers"), json!({"user_id": user.id()}))
}

fn watchers(client: &Client, one: &str) -> Vec<Value> {
    let told = |watcher: &Value| json!([watcher["user"]["id"], watcher["reason"]]);
    client.get(&format!("{one}/watchers")).items().iter().map(told).collect()
}

#[test]
fn a_watcher_is_added_read_and_removed_with_an_event_each() {
    let desk = Desk::open();
    let (technician, requester, other) = (desk.technician(), desk.requester(), desk.another(Role::Requester));
    let one = desk.ticket_in("in_progress");
    let (ticket, timeline) = (requester.get(&one), requester.get(&format!("{one}/timeline")).items());
    let made = add(&technician, &one, &other);
    let watcher = made.created();
    assert_eq!((&watcher["user"]["id"], &watcher["reason"]), (&json!(other.id()), &json!("added")));
    assert_eq!(watcher["added_by"]["id"], technician.id());
    let path = format!("{one}/watchers/{}", other.id());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    let read = technician.get(&path);
    assert_eq!((read.ok(), read.header("etag")), (watcher, made.header("etag")));
    add(&technician, &one, &other).problem(409, "already_exists");
    assert_eq!(watchers(&technician, &one), [json!([other.id(), "added"])]);

    technician.with("if-match", "\"2-abc\"").delete(&path).problem(412, "precondition_failed");
    assert_eq!(technician.with("if-match", read.header("etag")).delete(&path).status, 204);
    technician.get(&path).problem(404, "not_found");
    technician.delete(&path).problem(404, "not_found");
    let events = technician.get(&format!("{one}/events")).items();
    let told: Vec<Value> = events.iter().map(|e| json!([e["kind"], e["details"]["user_id"]])).collect();
    let expected = [json!(["watcher_added", other.id()]), json!(["watcher_removed", other.id()])];
    assert_eq!(told[told.len() - 2..], expected);

    // The requester sees no trace of it.
    let after = requester.get(&one);
    assert_eq!((after.ok(), after.header("etag")), (ticket.ok(), ticket.header("etag")));
    assert_eq!(requester.get(&format!("{one}/timeline")).items(), timeline);
    assert_eq!(desk.director().get("/audit/verification").ok()["broken"], json!([]));
}

#[test]
fn who_may_not_be_added_is_refused() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    let one = desk.ticket_in("in_progress");
    let fault = |answer: crate::harness::Answer| answer.faults();
    let refused = |code: &str| [("/user_id".to_owned(), code.to_owned())];
    assert_eq!(fault(add(&technician, &one, &requester)), refused("not_allowed"));
    let inactive = desk.another(Role::Requester);
    desk.database.run(&format!("UPDATE users SET active = false WHERE id = '{}'", inactive.id()));
    assert_eq!(fault(add(&technician, &one, &inactive)), refused("not_found"));
    let nobody = json!({"user_id": "0197c0de-0000-7000-8000-000000000000"});
    assert_eq!(fault(technician.post(&format!("{one}/watchers"), nobody)), refused("not_found"));
    add(&requester, &one, &desk.professional()).problem(403, "forbidden");
    add(&technician, "/tickets/999999", &desk.professional()).problem(404, "not_found");
    technician
        .with("if-match", "\"99-abc\"")
        .post(&format!("{one}/watchers"), json!({"user_id": desk.professional().id()}))
        .problem(412, "precondition_failed");
}

#[test]
fn a_watcher_receives_the_public_mail_and_cannot_read_the_ticket() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (technician, requester) = (desk.technician(), desk.requester());
    let (watcher, english) = (desk.another(Role::Requester), desk.another(Role::Requester));
    english.patch("/me", json!({"locale": "en"})).ok();
    let one = desk.ticket_in("assigned");
    for person in [&watcher, &english] {
        add(&technician, &one, person).created();
    }
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    let entry =
        |visibility: &str| json!({"visibility": visibility, "body": format!("Entrada {visibility}.")});
    technician.post(&format!("{one}/followups"), entry("public")).created();
    technician.post(&format!("{one}/followups"), entry("private")).created();
    technician.post(&format!("{one}/hold"), json!({"reason": "Falta el repuesto."})).ok();
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Listo."})).ok();
    desk.send_mail();
    requester.post(&format!("{one}/reopening"), json!({"reason": "Volvió."})).ok();
    // After the removal no more mail.
    assert_eq!(technician.delete(&format!("{one}/watchers/{}", english.id())).status, 204);
    technician.post(&format!("{one}/archive"), json!({"reason": "withdrawn", "note": "Por teléfono."})).ok();
    for path in [one.clone(), format!("{one}/timeline"), format!("{one}/followups")] {
        watcher.get(&path).problem(404, "not_found");
    }
    assert_eq!(watcher.get("/tickets").items(), Vec::<Value>::new());

    desk.send_mail();
    let number = one.rsplit('/').next().unwrap();
    let mail = server.mail();
    let to = |person: &Client| -> Vec<(String, String)> {
        let theirs = mail.iter().filter(|mail| mail.to == person.email());
        theirs.map(|mail| (mail.subject(), mail.text())).collect()
    };
    let told = to(&watcher);
    let words = [
        format!("se hace cargo de la solicitud {number} y la atenderá el "),
        format!("escribió en la solicitud {number}, que usted sigue:\n\n> Entrada public."),
        format!("La solicitud {number}, que usted sigue, fue solucionada.\n\n> Listo."),
        format!("La solicitud {number}, que usted sigue, fue reabierta y continúa en atención"),
        format!("La solicitud {number}, que usted sigue, fue archivada."),
    ];
    assert_eq!(told.len(), words.len(), "{told:#?}");
    for ((subject, text), words) in told.iter().zip(words) {
        assert!(text.contains(&words), "{words}: {text}");
        assert_eq!(*subject, format!("Novedades de la solicitud {number}, que usted sigue"));
        for hidden in ["Rosa", "impresora", "lo mismo que la suya", "Encuesta", "Por teléfono", "Volvió"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
    let told = to(&english);
    assert!(told[2].1.contains(&format!("Request {number}, which you watch, was solved.")), "{told:#?}");
    assert_eq!(told[2].0, format!("News of request {number}, which you watch"));
    // The message about the reopening had not been sent before the removal.
    assert_eq!(told.len(), 3);
}

#[test]
fn an_added_watcher_moves_with_a_merge_and_keeps_the_reason() {
    let desk = Desk::open();
    let (technician, other, watcher) =
        (desk.technician(), desk.another(Role::Requester), desk.another(Role::Requester));
    let target = desk.ticket_in("received");
    let duplicate = ticket_of(&desk, &other, &technician, "received");
    add(&technician, &duplicate, &watcher).created();
    let into = target.rsplit('/').next().unwrap().parse::<i64>().unwrap();
    technician
        .post(&format!("{duplicate}/merge"), json!({"into_ticket_id": into, "confirm_other_requester": true}))
        .ok();
    let mut found = watchers(&technician, &target);
    found.sort_by_key(Value::to_string);
    let mut expected = [json!([watcher.id(), "added"]), json!([other.id(), "duplicate_merged"])];
    expected.sort_by_key(Value::to_string);
    assert_eq!(found, expected);
    // Staff remove the requester of the duplicate too.
    assert_eq!(technician.delete(&format!("{target}/watchers/{}", other.id())).status, 204);
    assert_eq!(watchers(&technician, &target), [json!([watcher.id(), "added"])]);
}
