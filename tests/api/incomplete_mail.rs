//! Requests by mail without the minimum data: what is missing is asked for first, and the answer completes the same
//! ticket.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::inbound::{became, desk, followups, message, messages_to, ticket_of};

const ROSA: &str = "Rosa Pérez Gómez <rosa@itagui.example>";

fn unit_name(desk: &Desk) -> String {
    let unit = desk.director().get(&format!("/units/{}", desk.unit_id())).ok();
    unit["name"].as_str().unwrap().to_owned()
}

fn account(desk: &Desk, ticket: &Value) -> Value {
    desk.director().get(&format!("/users/{}", ticket["requester"]["id"].as_str().unwrap())).ok()
}

/// A reply by mail to the ticket.
fn reply(desk: &Desk, from: &str, ticket: &Value, body: &str) -> Value {
    let subject = format!("Re: [#{}] {}", ticket["id"], ticket["subject"].as_str().unwrap());
    became(desk, message(from, &subject, "", body))
}

fn kinds(desk: &Desk, ticket: &Value) -> Vec<Value> {
    let events = desk.director().get(&format!("/tickets/{}/events", ticket["id"])).items();
    events.iter().map(|event| event["kind"].clone()).collect()
}

#[test]
fn labelled_data_are_read_from_the_body_and_kept_in_the_account() {
    let desk = desk();
    let body = format!(
        "La impresora no imprime.\n\nCédula: 43.111.222\nCelular: 300 123 4567\nUnidad: {}",
        unit_name(&desk)
    );
    let ticket = ticket_of(&desk, &became(&desk, message(ROSA, "Impresora", "", &body)));
    assert_eq!((&ticket["status"], &ticket["information_request"]), (&json!("received"), &json!(null)));
    let requester = &ticket["requester"];
    assert_eq!(requester["full_name"], "Rosa Pérez Gómez");
    assert_eq!(
        (&requester["document_id"], &requester["contact"]["mobile"], &requester["unit"]["id"]),
        (&json!("43111222"), &json!("3001234567"), &json!(desk.unit_id()))
    );
    let account = account(&desk, &ticket);
    assert_eq!(
        (&account["document_id"], &account["unit"]["id"]),
        (&json!("43111222"), &json!(desk.unit_id()))
    );
    // The next request needs no data.
    let next = ticket_of(&desk, &became(&desk, message(ROSA, "Otra vez", "", "Tampoco escanea.")));
    assert_eq!(
        (&next["status"], &next["requester"]["document_id"]),
        (&json!("received"), &json!("43111222"))
    );
}

#[test]
fn what_is_missing_is_asked_for_and_the_answer_completes_the_same_ticket() {
    let desk = desk();
    let ticket =
        ticket_of(&desk, &became(&desk, message("rosa@itagui.example", "Sin red", "", "No tengo red.")));
    assert_eq!((&ticket["status"], &ticket["resumes_to"]), (&json!("on_hold"), &json!("received")));
    let asked = &ticket["information_request"];
    assert_eq!(asked["missing_data"], json!(["full_name", "document_id", "contact", "unit"]));
    assert_eq!(ticket["requester"]["full_name"], "(sin nombre)");
    let words = asked["missing"].as_str().unwrap();
    assert!(words.contains("Cédula:") && words.contains(&unit_name(&desk)), "{words}");
    assert_eq!(messages_to(&desk, "rosa@itagui.example"), 1);
    let outbox = desk.director().get("/messages?kind=information_requested").items();
    let sent = desk.director().get(&format!("/messages/{}", outbox[0]["id"].as_str().unwrap())).ok();
    let text = sent["text"].as_str().unwrap();
    assert!(text.starts_with("Hola:\n"), "{text}");
    for words in [
        "quedó registrada con el número",
        "Faltan: nombres y apellidos",
        "Responda a este correo con esos datos",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }

    // Half of an answer: the other half is asked for, and the deadline stays.
    reply(&desk, "rosa@itagui.example", &ticket, "Soy Rosa Pérez Gómez, C.C. 43.111.222");
    let one = format!("/tickets/{}", ticket["id"]);
    let half = desk.director().get(&one).ok();
    assert_eq!(half["status"], "on_hold");
    assert_eq!(half["information_request"]["missing_data"], json!(["contact", "unit"]));
    assert_eq!(half["information_request"]["deadline_at"], asked["deadline_at"]);
    assert_eq!(messages_to(&desk, "rosa@itagui.example"), 2);

    let rest = format!("ext. 1204, de la {}\n\nDependencia: {0}", unit_name(&desk));
    reply(&desk, "rosa@itagui.example", &ticket, &rest);
    let whole = desk.director().get(&one).ok();
    assert_eq!((&whole["status"], &whole["information_request"]), (&json!("received"), &json!(null)));
    let requester = &whole["requester"];
    assert_eq!(
        (&requester["full_name"], &requester["document_id"], &requester["contact"]["extension"]),
        (&json!("Rosa Pérez Gómez"), &json!("43111222"), &json!("1204"))
    );
    assert_eq!(account(&desk, &whole)["full_name"], "Rosa Pérez Gómez");
    assert_eq!(followups(&desk, &one).len(), 2);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
    assert_eq!(
        kinds(&desk, &whole),
        [
            "received",
            "information_requested",
            "changed",
            "followup_added",
            "information_requested",
            "changed",
            "followup_added",
            "resumed"
        ]
    );
    assert_eq!(desk.director().get("/audit/verification").ok()["broken"], json!([]));
}

#[test]
fn silence_archives_the_request_and_a_late_answer_presents_it_again_with_its_text() {
    let desk = desk();
    let ticket = ticket_of(&desk, &became(&desk, message(ROSA, "Sin red", "", "No tengo red.")));
    desk.database.run("UPDATE tickets SET information_deadline = now() - interval '1 minute'");
    mesa::server::routine::once(&mut desk.database.connect(), &desk.shared().config);
    let archived = desk.director().get(&format!("/tickets/{}", ticket["id"])).ok();
    assert_eq!(archived["archive"]["reason"], "missing_information");
    assert!(archived["archive"]["note"].as_str().unwrap().contains("número del documento de identidad"));

    let data = format!("Cédula 43111222, celular 3001234567\nUnidad: {}", unit_name(&desk));
    let again = ticket_of(&desk, &reply(&desk, ROSA, &ticket, &data));
    assert_eq!((&again["status"], &again["resubmission_of_id"]), (&json!("received"), &ticket["id"]));
    assert_eq!(again["subject"], "Sin red");
    let text = again["description"].as_str().unwrap();
    assert!(text.starts_with("No tengo red.") && text.contains("Cédula 43111222"), "{text}");
}

#[test]
fn what_staff_enter_is_kept_in_the_account() {
    let desk = desk();
    let data =
        json!({"document_id": "43111222", "contact": {"mobile": "3001234567"}, "unit_id": desk.unit_id()});
    let technician = desk.technician();

    // In the ticket that waits.
    let ticket = ticket_of(&desk, &became(&desk, message(ROSA, "Sin red", "", "No tengo red.")));
    let one = format!("/tickets/{}", ticket["id"]);
    let refused = technician.post(&format!("{one}/resumption"), json!({}));
    assert_eq!(refused.problem(409, "incomplete")["errors"][0]["pointer"], "/requester/document_id");
    let half = technician.patch(&one, json!({"requester": {"document_id": "43111222"}})).ok();
    assert_eq!(half["status"], "on_hold");
    let whole = technician.patch(&one, json!({"requester": data})).ok();
    assert_eq!(
        (&whole["status"], &whole["requester"]["document_id"]),
        (&json!("received"), &json!("43111222"))
    );
    let removed = technician.patch(&one, json!({"requester": {"document_id": null}}));
    assert_eq!(removed.faults(), [("/requester/document_id".into(), "required".into())]);
    assert_eq!(account(&desk, &whole)["contact"]["mobile"], "3001234567");
    let next = ticket_of(&desk, &became(&desk, message(ROSA, "Otra", "", "Tampoco escanea.")));
    assert_eq!(next["status"], "received");

    // At a resubmission.
    let luis = "Luis Díaz Mora <luis@itagui.example>";
    let ticket = ticket_of(&desk, &became(&desk, message(luis, "Sin red", "", "No tengo red.")));
    let one = format!("/tickets/{}", ticket["id"]);
    technician
        .post(&format!("{one}/archive"), json!({"reason": "missing_information", "note": "La placa."}))
        .ok();
    let again = technician.post(&format!("{one}/resubmission"), json!({"requester": data})).created();
    assert_eq!(account(&desk, &again)["unit"]["id"], json!(desk.unit_id()));
    let next = ticket_of(&desk, &became(&desk, message(luis, "Otra", "", "Tampoco escanea.")));
    assert_eq!(next["status"], "received");
}

#[test]
fn staff_complete_the_account_and_resume_the_ticket() {
    let desk = desk();
    let ticket = ticket_of(&desk, &became(&desk, message(ROSA, "Sin red", "", "No tengo red.")));
    let user = format!("/users/{}", ticket["requester"]["id"].as_str().unwrap());
    let data =
        json!({"document_id": "43111222", "contact": {"landline": "3737676"}, "unit_id": desk.unit_id()});
    desk.professional().patch(&user, data).ok();
    let resumed = desk.technician().post(&format!("/tickets/{}/resumption", ticket["id"]), json!({})).ok();
    assert_eq!(
        (&resumed["status"], &resumed["requester"]["document_id"]),
        (&json!("received"), &json!("43111222"))
    );
}

#[test]
fn a_critical_request_goes_on_at_once_and_no_other_without_the_data() {
    let desk = desk();
    let technician = desk.technician();
    let ticket =
        ticket_of(&desk, &became(&desk, message(ROSA, "Cifraron el servidor", "", "Piden un rescate.")));
    let one = format!("/tickets/{}", ticket["id"]);
    let critical = technician.post(&format!("{one}/classification"), json!({"criticality": "critical"})).ok();
    assert_eq!((&critical["status"], &critical["information_request"]), (&json!("classified"), &json!(null)));
    assert!(critical["attention_due_at"].is_string());
    let refused = technician.post(&format!("{one}/classification"), json!({"criticality": "low"}));
    refused.problem(409, "incomplete");
    // The answer still completes it.
    let data = format!("Cédula 43111222, celular 3001234567\nUnidad: {}", unit_name(&desk));
    reply(&desk, ROSA, &ticket, &data);
    let whole = technician.get(&one).ok();
    assert_eq!(
        (&whole["status"], &whole["requester"]["document_id"]),
        (&json!("classified"), &json!("43111222"))
    );
    technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();

    // A ticket that waits can be classified and assigned in the meantime.
    let ticket =
        ticket_of(&desk, &became(&desk, message("Luis Díaz <luis@itagui.example>", "Sin red", "", "x")));
    let one = format!("/tickets/{}", ticket["id"]);
    let low = technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    assert_eq!((&low["status"], &low["resumes_to"]), (&json!("on_hold"), &json!("classified")));
}

#[test]
fn an_account_that_can_sign_in_keeps_only_data_from_verified_mail() {
    let desk = desk();
    let other = desk.another(Role::Requester);
    desk.database.run(&format!("UPDATE users SET document_id = NULL WHERE id = '{}'", other.id()));
    let ticket =
        ticket_of(&desk, &became(&desk, message(other.email(), "Sin red", "", "Cédula: 99.999.999")));
    assert_eq!(
        (&ticket["status"], &ticket["requester"]["document_id"]),
        (&json!("received"), &json!("99999999"))
    );
    assert_eq!(account(&desk, &ticket)["document_id"], json!(null));
}

#[test]
fn a_name_that_is_no_full_name_is_asked_for() {
    let desk = desk();
    let unit = unit_name(&desk);
    let data = format!("Sin red.\nCédula: 43111222\nCelular: 3001234567\nUnidad: {unit}");
    for (place, from) in
        ["archivo", "Archivo <archivo@itagui.example>", "Secretaría de Hacienda"].iter().enumerate()
    {
        let from = match from.contains('<') {
            true => (*from).to_owned(),
            false => format!("{from} <buzon{place}@itagui.example>"),
        };
        let ticket = ticket_of(&desk, &became(&desk, message(&from, "Sin red", "", &data)));
        assert_eq!(ticket["information_request"]["missing_data"], json!(["full_name"]), "{from}");
    }
    let named = format!("{data}\nNombre: Ana María Restrepo");
    let ticket = ticket_of(&desk, &became(&desk, message("buzon@itagui.example", "Sin red", "", &named)));
    assert_eq!(
        (&ticket["status"], &ticket["requester"]["full_name"]),
        (&json!("received"), &json!("Ana María Restrepo"))
    );
}

#[test]
fn a_forwarded_message_does_not_give_the_data_of_its_author() {
    let desk = desk();
    let body = "Por favor ayuden a Juan.\n\nDe: Juan\nCédula: 43111222\nCelular: 3001234567";
    let ticket = ticket_of(&desk, &became(&desk, message(ROSA, "RV: Sin red", "", body)));
    assert_eq!(ticket["information_request"]["missing_data"], json!(["document_id", "contact", "unit"]));
}

#[test]
fn staff_who_archive_for_missing_information_state_what_is_missing() {
    let desk = Desk::open();
    let archive = format!("{}/archive", desk.ticket_in("received"));
    let technician = desk.technician();
    let refused = technician.post(&archive, json!({"reason": "missing_information"}));
    assert_eq!(refused.faults(), [("/missing_data".into(), "required".into())]);
    let refused = technician.post(&archive, json!({"reason": "withdrawn", "missing_data": ["unit"]}));
    assert_eq!(refused.faults(), [("/missing_data".into(), "not_allowed".into())]);
    let body = json!({"reason": "missing_information", "missing_data": ["description", "unit"], "note": "Le llamamos."});
    let archived = technician.post(&archive, body).ok();
    let note = "Faltan: descripción amplia de la solicitud; unidad administrativa. Le llamamos.";
    assert_eq!(archived["archive"]["note"], note);
    let outbox = desk.director().get("/messages?kind=archived").items();
    let sent = desk.director().get(&format!("/messages/{}", outbox[0]["id"].as_str().unwrap())).ok();
    let text = sent["text"].as_str().unwrap().replace("\n> ", " ");
    assert!(text.contains(note), "{text}");
}

#[test]
fn a_reply_of_thanks_does_not_reopen_and_one_in_doubt_does() {
    let desk = desk();
    let requester = desk.requester();
    let reply = |one: &str, body: &str| {
        let subject = format!("Re: [#{}] x", one.rsplit('/').next().unwrap());
        became(&desk, message(requester.email(), &subject, "", body))
    };
    for (body, status) in [
        ("Muchas gracias, ya funciona. Feliz día.", "solved"),
        ("Gracias, pero sigue igual.", "in_progress"),
        ("Gracias, ¿y el escáner?", "in_progress"),
    ] {
        let one = desk.ticket_in("solved");
        assert!(reply(&one, body)["followup_id"].is_string());
        assert_eq!(desk.director().get(&one).ok()["status"], status, "{body}");
        assert_eq!(followups(&desk, &one).last().unwrap()["body"], body);
    }
    // Of a closed ticket it makes no new one.
    let one = desk.ticket_in("closed");
    let before = desk.database.count("SELECT count(*) FROM tickets");
    let email = reply(&one, "Muchas gracias.");
    assert_eq!((&email["status"], &email["reason"]), (&json!("ignored"), &json!("thanks")));
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), before);
    assert!(reply(&one, "Gracias, pero volvió a fallar.")["ticket_id"].is_i64());
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), before + 1);
}

#[test]
fn a_request_that_waits_for_data_can_be_archived_for_any_reason() {
    let desk = desk();
    let technician = desk.technician();
    let waiting = |number: usize| {
        let from = format!("Ana Ruiz <ana{number}@itagui.example>");
        let ticket = ticket_of(&desk, &became(&desk, message(&from, "Sin red", "", "No tengo red.")));
        assert_eq!(ticket["status"], "on_hold");
        format!("/tickets/{}", ticket["id"])
    };
    for (number, reason) in ["withdrawn", "duplicate", "profile_not_authorized"].iter().enumerate() {
        let archived =
            technician.post(&format!("{}/archive", waiting(number)), json!({"reason": reason})).ok();
        assert_eq!(archived["archive"]["reason"], *reason);
    }
    let (one, target) = (waiting(7), desk.ticket_in("received"));
    let into: i64 = target.rsplit('/').next().unwrap().parse().unwrap();
    let body = json!({"into_ticket_id": into, "confirm_other_requester": true});
    assert_eq!(technician.post(&format!("{one}/merge"), body).ok()["status"], "archived");
    let heads = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let body = json!({"criticality": "low", "category_id": heads});
    let archived = technician.post(&format!("{}/classification", waiting(8)), body).ok();
    assert_eq!(archived["archive"]["reason"], "profile_not_authorized");
}

#[test]
fn a_document_from_mail_does_not_identify_a_person_at_the_counter() {
    let desk = desk();
    let technician = desk.technician();
    let data = format!("Cédula: 55667788\nCelular: 3001234567\nUnidad: {}", unit_name(&desk));
    let mailed =
        ticket_of(&desk, &became(&desk, message("Víctima Real <otro@evil.example>", "x", "", &data)));
    let claimed = mailed["requester"]["id"].as_str().unwrap().to_owned();
    let body = |email: Value| {
        json!({
            "subject": "Clave nueva", "description": "x", "channel": "in_person",
            "requester": {
                "full_name": "Víctima Real", "document_id": "55667788", "email": email,
                "contact": {"mobile": "3007776655"}, "unit_id": desk.unit_id(),
            },
        })
    };
    for email in [json!(null), json!("victima@itagui.example")] {
        let refused = technician.post("/tickets", body(email)).problem(409, "person_conflict");
        assert_eq!(refused["user_ids"], json!([claimed]));
    }
    // Once staff have confirmed the account, the document identifies it, but not with another address.
    desk.professional().patch(&format!("/users/{claimed}"), json!({"contact": {"extension": "12"}})).ok();
    assert_eq!(technician.post("/tickets", body(json!(null))).created()["requester"]["id"], claimed);
    technician.post("/tickets", body(json!("victima@itagui.example"))).problem(409, "person_conflict");
}

#[test]
fn a_name_that_says_that_it_is_not_known_is_none() {
    let desk = Desk::open();
    for name in ["(sin nombre)", "(sin  nombre)", "(sin\u{200b} nombre)", "Sin Nombre"] {
        let body = json!({"subject": "x", "description": "x", "requester": {"full_name": name}});
        let refused = desk.requester().post("/tickets", body).faults();
        assert_eq!(refused, [("/requester/full_name".into(), "required".into())], "{name:?}");
    }
}
