//! Requests by telephone and at the counter, which staff register for a person.

use chrono::{Duration, Utc};
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::states::soon;
use crate::harness::{Client, Desk};

/// A request of this person, by the channel.
fn request(channel: &str, requester: Value) -> Value {
    json!({
        "subject": "La impresora no imprime", "description": "Muestra atasco.", "channel": channel,
        "requester": requester,
    })
}

fn caller(desk: &Desk, email: Option<&str>) -> Value {
    json!({
        "full_name": "Gloria Inés Toro Ríos", "document_id": " 43.555.111 ", "email": email,
        "contact": {"landline": "6043730000", "extension": "1210"}, "unit_id": desk.unit_id(),
    })
}

/// Takes the ticket to its solution, as this member of staff.
fn solve(desk: &Desk, one: &str, technician: &Client) {
    for (step, body) in [
        ("classification", json!({"criticality": "low"})),
        ("assignment", json!({"assignee_id": technician.id()})),
        ("acceptance", soon()),
        ("solution", json!({"description": "Se cambió el rodillo."})),
    ] {
        technician.post(&format!("{one}/{step}"), body).ok();
    }
    assert_eq!(desk.director().get(one).ok()["status"], "solved");
}

fn accounts(desk: &Desk) -> i64 {
    desk.database.count("SELECT count(*) FROM users")
}

#[test]
fn a_caller_without_account_is_the_requester_and_gets_the_mail_and_the_survey() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let technician = desk.technician();
    let body = request("phone", caller(&desk, Some("gloria.toro@mesa.test")));
    let ticket = technician.post("/tickets", body).created();
    let requester = &ticket["requester"];
    assert_ne!(requester["id"], technician.id());
    assert_eq!(
        [&requester["full_name"], &requester["document_id"], &requester["email"], &requester["has_email"]],
        [
            &json!("Gloria Inés Toro Ríos"),
            &json!("43.555.111"),
            &json!("gloria.toro@mesa.test"),
            &json!(true)
        ]
    );
    assert_eq!(
        (&ticket["channel"], &ticket["registered_by"]["id"]),
        (&json!("phone"), &json!(technician.id()))
    );
    let account = desk.director().get(&format!("/users/{}", requester["id"].as_str().unwrap())).ok();
    assert_eq!(
        [&account["role"], &account["can_sign_in"], &account["active"], &account["unit"]["id"]],
        [&json!("requester"), &json!(false), &json!(true), &json!(desk.unit_id())]
    );
    // The history names who registered it.
    let one = format!("/tickets/{}", ticket["id"]);
    let first = technician.get(&format!("{one}/events")).items()[0].clone();
    assert_eq!(
        (&first["kind"], &first["actor"]["id"], &first["details"]["channel"]),
        (&json!("received"), &json!(technician.id()), &json!("phone"))
    );
    solve(&desk, &one, &technician);
    desk.send_mail();
    let mine = |mail: &crate::harness::smtp::Mail| mail.header("to").contains("gloria.toro@mesa.test");
    let mails: Vec<_> =
        server.mail().into_iter().filter(|mail| mail.text().contains("impresora") || mine(mail)).collect();
    assert!(mails.iter().any(|mail| mine(mail) && mail.text().contains("quedó registrada")));
    let token = mails.iter().rfind(|mail| mail.text().contains("/s/")).unwrap();
    assert!(mine(token), "the survey is the caller's");
    let ratings = json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}});
    let link = format!("/survey-links/{}", token.survey_token());
    assert_eq!(desk.nobody().post(&link, ratings).created()["status"], "answered");
}

#[test]
fn a_caller_without_address_gets_no_mail_and_no_survey() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let technician = desk.technician();
    let ticket = technician.post("/tickets", request("in_person", caller(&desk, None))).created();
    let id = ticket["requester"]["id"].as_str().unwrap();
    assert_eq!(ticket["requester"]["has_email"], false);
    let account = desk.director().get(&format!("/users/{id}")).ok();
    assert_eq!((&account["has_email"], &account["can_sign_in"]), (&json!(false), &json!(false)));
    let one = format!("/tickets/{}", ticket["id"]);
    solve(&desk, &one, &technician);
    let told = format!("SELECT count(*) FROM messages WHERE recipient_id = '{id}'");
    assert_eq!(desk.database.count(&told), 0);
    desk.director().get(&format!("{one}/survey")).problem(404, "not_found");
    let refused = desk.director().post(&format!("/users/{id}/password-reset"), json!({}));
    refused.problem(409, "no_email_address");
    let sheet = desk.director().get("/tickets/export").text();
    assert!(!sheet.contains("no-address.invalid"), "{sheet}");

    // The address is not for other accounts, and neither mail from it nor a password is accepted.
    let other = json!({"email": "x@no-address.invalid", "role": "requester", "full_name": "X"});
    assert_eq!(desk.director().post("/users", other).faults(), [("/email".into(), "not_allowed".into())]);
    let mail = format!("From: {id}@no-address.invalid\nMessage-ID: <x@y>\nSubject: Hola\n\nHola.");
    let email = desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created();
    assert_eq!(email["reason"], "sender_unclear");
    let password = format!("UPDATE users SET password_hash = 'x' WHERE id = '{id}'");
    assert!(diesel::RunQueryDsl::execute(diesel::sql_query(password), &mut desk.database.connect()).is_err());

    // Once there is an address, mail is sent.
    let known = desk.director().patch(&format!("/users/{id}"), json!({"email": "gloria@mesa.test"})).ok();
    assert_eq!(known["has_email"], true);
    desk.director().post(&format!("/users/{id}/password-reset"), json!({})).expect_status(202);
}

#[test]
fn a_caller_is_found_by_document_or_address() {
    let desk = Desk::open();
    let technician = desk.technician();
    let known = desk.another(Role::Requester);
    let document = "1.036.222.333";
    desk.director().patch(&format!("/users/{}", known.id()), json!({"document_id": document})).ok();
    let before = accounts(&desk);
    for requester in [
        json!({"document_id": format!("  {document}")}),
        json!({"document_id": "1036222333"}),
        json!({"document_id": "C.C. 1 036 222 333"}),
        json!({"document_id": "cc. No. 1036\u{200b}222333"}),
        json!({"email": known.email().to_uppercase()}),
        json!({"document_id": document, "email": known.email()}),
    ] {
        let ticket = technician.post("/tickets", request("phone", requester.clone())).created();
        assert_eq!(ticket["requester"]["id"], known.id(), "{requester}");
        assert_eq!(ticket["requester"]["email"], known.email());
    }
    assert_eq!(accounts(&desk), before, "nobody is created twice");
    assert_eq!(desk.director().get(&format!("/users/{}", known.id())).ok()["email"], known.email());

    // The same person once more, this time new: the second request finds the account of the first.
    let new = |email| technician.post("/tickets", request("phone", caller(&desk, email))).created();
    let first = new(None)["requester"]["id"].clone();
    assert_eq!(new(None)["requester"]["id"], first);
    // An account without an address gets the one that is given later.
    assert_eq!(new(Some("gloria@mesa.test"))["requester"]["id"], first);
    let found = desk.director().get(&format!("/users/{}", first.as_str().unwrap())).ok();
    assert_eq!((&found["email"], &found["has_email"]), (&json!("gloria@mesa.test"), &json!(true)));
    assert_eq!(accounts(&desk), before + 1);
}

#[test]
fn staff_without_a_document_in_their_account_register_for_themselves_with_it() {
    let desk = Desk::open();
    let technician = desk.another(Role::Technician);
    desk.database.run(&format!("UPDATE users SET document_id = NULL WHERE id = '{}'", technician.id()));
    let before = accounts(&desk);
    let mut own = caller(&desk, None);
    own["full_name"] = desk.director().get(&format!("/users/{}", technician.id())).ok()["full_name"].clone();
    let ticket = technician.post("/tickets", request("web", own)).created();
    assert_eq!(ticket["requester"]["id"], technician.id());
    assert_eq!(accounts(&desk), before);
    // Without a name it is another person, whose data are incomplete.
    let mut unnamed = caller(&desk, None);
    unnamed.as_object_mut().unwrap().remove("full_name");
    let refused = technician.post("/tickets", request("phone", unnamed));
    assert_eq!(refused.faults(), [("/requester/full_name".into(), "required".into())]);
}

#[test]
fn data_of_two_people_are_refused() {
    let desk = Desk::open();
    let technician = desk.technician();
    let (one, other) = (desk.another(Role::Requester), desk.another(Role::Requester));
    for (person, document) in [(&one, "111"), (&other, "222")] {
        desk.director().patch(&format!("/users/{}", person.id()), json!({"document_id": document})).ok();
    }
    let ask = |requester: Value| technician.post("/tickets", request("phone", requester));
    let refused = ask(json!({"document_id": "111", "email": other.email()})).problem(409, "person_conflict");
    assert_eq!(refused["user_ids"], json!([one.id(), other.id()]));
    // The address of somebody with another document.
    let refused = ask(json!({"document_id": "333", "email": other.email()})).problem(409, "person_conflict");
    assert_eq!(refused["user_ids"], json!([other.id()]));
    // Two accounts with one document.
    desk.director().patch(&format!("/users/{}", other.id()), json!({"document_id": "111 "})).ok();
    let refused = ask(json!({"document_id": "111"})).problem(409, "person_conflict");
    assert_eq!(refused["user_ids"], json!([one.id(), other.id()]));
    assert_eq!(
        ask(json!({"document_id": "111", "email": one.email()})).created()["requester"]["id"],
        one.id()
    );

    desk.director()
        .patch(&format!("/users/{}", other.id()), json!({"document_id": "222", "active": false}))
        .ok();
    let refused = ask(json!({"document_id": "222"}));
    assert_eq!(refused.faults(), [("/requester/document_id".into(), "not_allowed".into())]);
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);
}

#[test]
fn the_minimum_data_of_a_new_person_are_required_and_requesters_register_for_themselves() {
    let desk = Desk::open();
    let technician = desk.technician();
    let before = accounts(&desk);
    let refused = technician.post("/tickets", request("phone", json!({"full_name": "Gloria Toro"})));
    let mut named: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
    named.sort();
    assert_eq!(named, ["/requester/contact", "/requester/document_id", "/requester/unit_id"]);
    let mut of_nowhere = caller(&desk, None);
    of_nowhere["unit_id"] = json!("0197c0de-0000-7000-8000-000000000000");
    let refused = technician.post("/tickets", request("phone", of_nowhere));
    assert_eq!(refused.faults(), [("/requester/unit_id".into(), "not_found".into())]);
    assert_eq!(accounts(&desk), before);

    // The caller's own request, with another telephone.
    let own = json!({"contact": {"mobile": "3110001122"}});
    assert_eq!(
        technician.post("/tickets", request("web", own)).created()["requester"]["id"],
        technician.id()
    );

    // The desk's own address and one without deliveries are nobody's, also for a known person.
    let mut own = caller(&desk, Some("x@no-address.invalid"));
    let refused = technician.post("/tickets", request("phone", own.clone()));
    assert_eq!(refused.faults(), [("/requester/email".into(), "not_allowed".into())]);
    own["email"] = json!(null);
    technician.post("/tickets", request("phone", own.clone())).created();
    own["email"] = json!("x@anonymous.invalid");
    let refused = technician.post("/tickets", request("phone", own));
    assert_eq!(refused.faults(), [("/requester/email".into(), "not_allowed".into())]);

    let requester = desk.requester();
    let archived = desk.ticket_in("archived");
    let again = requester.post(&format!("{archived}/resubmission"), json!({"channel": "phone"}));
    assert_eq!(again.faults(), [("/channel".into(), "not_allowed".into())]);
    for (body, pointer) in [
        (request("phone", json!({})), "/channel"),
        (request("in_person", json!({})), "/channel"),
        (request("web", json!({"email": "gloria@mesa.test"})), "/requester/email"),
    ] {
        assert_eq!(requester.post("/tickets", body).faults(), [(pointer.into(), "not_allowed".into())]);
    }
    // A requester's other data are for the ticket, as before.
    let other = requester.post("/tickets", request("web", json!({"full_name": "Rosa P. Gómez"}))).created();
    assert_eq!(other["requester"]["id"], requester.id());
    let known = json!({"subject": "x", "description": "y", "requester_id": requester.id(), "requester": {"email": "a@b.co"}});
    let refused = technician.post("/tickets", known);
    assert_eq!(refused.faults(), [("/requester/email".into(), "not_allowed".into())]);
}

#[test]
fn data_that_an_account_lacks_are_kept() {
    let desk = Desk::open();
    let technician = desk.technician();
    let person = desk.another(Role::Requester);
    desk.database.run(&format!(
        "UPDATE users SET document_id = NULL, unit_id = NULL, landline = NULL, extension = NULL, mobile = NULL WHERE id = '{}'",
        person.id()
    ));
    let data =
        json!({"document_id": "79.555", "contact": {"mobile": "3001110000"}, "unit_id": desk.unit_id()});
    let body = json!({"subject": "x", "description": "y", "requester_id": person.id(), "requester": data});
    technician.post("/tickets", body).created();
    let account = || desk.director().get(&format!("/users/{}", person.id())).ok();
    assert_eq!(
        [&account()["document_id"], &account()["contact"]["mobile"], &account()["unit"]["id"]],
        [&json!("79.555"), &json!("3001110000"), &json!(desk.unit_id())]
    );
    // The next request needs no data, and other data do not replace those of the account.
    let again = json!({"subject": "x", "description": "y", "requester_id": person.id(), "requester": {"contact": {"mobile": "1"}}});
    assert_eq!(technician.post("/tickets", again).created()["requester"]["contact"]["mobile"], "1");
    assert_eq!(account()["contact"]["mobile"], "3001110000");
}

#[test]
fn technicians_complete_the_data_of_requesters_and_nothing_else() {
    let desk = Desk::open();
    let technician = desk.technician();
    let person = desk.another(Role::Requester);
    let one = format!("/users/{}", person.id());
    let data = json!({
        "full_name": "Rosa María Pérez", "document_id": "43.111", "contact": {"mobile": "3001110000"},
        "unit_id": desk.unit_id(),
    });
    assert_eq!(technician.patch(&one, data).ok()["full_name"], "Rosa María Pérez");
    for change in [
        json!({"role": "technician"}),
        json!({"email": "otra@mesa.test"}),
        json!({"active": false}),
        json!({"contract_ends_on": "2030-01-01"}),
        json!({"locale": "en"}),
        json!({"staff_mail": false}),
    ] {
        technician.patch(&one, change.clone()).problem(403, "forbidden");
    }
    let colleague = format!("/users/{}", desk.another(Role::Technician).id());
    technician.patch(&colleague, json!({"full_name": "Otro"})).problem(403, "forbidden");
    technician
        .patch(&format!("/users/{}", technician.id()), json!({"full_name": "Otro"}))
        .problem(403, "forbidden");
    desk.requester().patch(&one, json!({"full_name": "Otro"})).problem(403, "forbidden");
    let seen = desk.director().get(&one).ok();
    assert_eq!(
        (&seen["role"], &seen["email"], &seen["active"]),
        (&json!("requester"), &json!(person.email()), &json!(true))
    );
}

#[test]
fn the_receipt_is_a_page_for_the_requester_and_staff() {
    let desk = Desk::configured(&[("MESA_ENTITY_NAME", "Alcaldía de Itagüí")]);
    let technician = desk.technician();
    let mut body = request("in_person", caller(&desk, None));
    body["subject"] = json!("<b>Impresora</b> & papel");
    let ticket = technician.post("/tickets", body).created();
    let path = format!("/tickets/{}/receipt", ticket["id"]);
    let receipt = technician.get(&path);
    let page = receipt.text();
    assert_eq!(receipt.status, 200, "{page}");
    assert!(receipt.header("content-type").starts_with("text/html"));
    for words in [
        "<html lang=\"es\">",
        "Alcaldía de Itagüí",
        "Constancia de registro de la solicitud",
        &format!("<strong>{}</strong>", ticket["id"]),
        "&lt;b&gt;Impresora&lt;",
        "&amp; papel",
        "Gloria Inés Toro Ríos",
        "43.555.111",
        "extensión 1210",
        "En persona",
        "Qué sigue",
        "No tenemos un correo electrónico suyo",
    ] {
        assert!(page.contains(words), "{words:?} is not on the page: {page}");
    }
    assert!(!page.contains("no-address.invalid"));
    let registered_by = ticket["registered_by"]["full_name"].as_str().unwrap();
    assert!(page.contains(registered_by));
    let english = technician.with("accept-language", "en").get(&path).text();
    assert!(english.contains("<html lang=\"en\">") && english.contains("What happens next"), "{english}");

    let requester = desk.requester();
    requester.get(&path).problem(404, "not_found");
    let own = requester.register("Sin red");
    let own = requester.get(&format!("/tickets/{}/receipt", own["id"]));
    assert!(own.status == 200 && own.text().contains(requester.email()), "{}", own.text());
    let archived = desk.ticket_in("archived");
    assert!(requester.get(&format!("{archived}/receipt")).text().contains("La solicitud fue archivada."));
}

#[test]
fn nobody_answers_the_survey_of_a_ticket_that_they_attended() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let technician = desk.technician();
    let one = format!("/tickets/{}", technician.register("Mi impresora no imprime")["id"]);
    solve(&desk, &one, &technician);
    desk.send_mail();
    assert!(server.mail().iter().all(|mail| !mail.text().contains("/s/")));
    desk.director().get(&format!("{one}/survey")).problem(404, "not_found");

    // Solved by a colleague, the link is sent; then they take it themselves.
    let colleague = desk.another(Role::Technician);
    let one = format!("/tickets/{}", technician.register("Mi pantalla no enciende")["id"]);
    solve(&desk, &one, &colleague);
    desk.send_mail();
    let token = server.last_with_link().survey_token();
    let ratings = json!({"ratings": {"overall": 5, "timeliness": 5, "courtesy": 5, "solution": 5}});
    technician.post(&format!("{one}/reopening"), json!({})).ok();
    let assignee = json!({"assignee_id": technician.id(), "replaced_assignee_id": colleague.id()});
    technician.post(&format!("{one}/assignment"), assignee).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Otra vez."})).ok();
    let link = format!("/survey-links/{token}");
    desk.nobody().post(&link, ratings.clone()).problem(403, "attended_by_requester");
    let page = desk.nobody().get(&format!("//s/{token}"));
    assert!(page.status == 200 && page.text().contains("Usted atendió esta solicitud"), "{}", page.text());
    let form = "rating-overall=5&rating-timeliness=4&rating-courtesy=5&rating-solution=3";
    let sent = desk.nobody().raw("POST", &format!("//s/{token}"), "application/x-www-form-urlencoded", form);
    assert!(sent.status == 403 && sent.text().contains("Usted atendió esta solicitud"), "{}", sent.text());
    let count = server.count();
    desk.send_mail();
    assert!(server.mail()[count..].iter().all(|mail| !mail.text().contains("/s/")), "no new link");

    // The same for a person who is a requester now, and in the database.
    desk.director().patch(&format!("/users/{}", technician.id()), json!({"role": "requester"})).ok();
    technician.post(&format!("{one}/survey"), ratings).problem(403, "attended_by_requester");
    let number = one.rsplit('/').next().unwrap();
    let answer = format!(
        "UPDATE surveys SET status = 'answered', overall = 5, timeliness = 5, courtesy = 5, solution = 5, answered_at = now() \
         WHERE ticket_id = {number}"
    );
    let refused = diesel::RunQueryDsl::execute(diesel::sql_query(answer), &mut desk.database.connect());
    assert!(
        refused.unwrap_err().to_string().contains("nobody answers the survey of a ticket that they attended")
    );
}

#[test]
fn an_ended_contract_registers_no_ticket() {
    let desk = Desk::open();
    let person = desk.another(Role::Requester);
    let one = format!("/users/{}", person.id());
    let today = Utc::now().with_timezone(&desk.shared().config.timezone).date_naive();
    let ends = |day: chrono::NaiveDate| desk.director().patch(&one, json!({"contract_ends_on": day})).ok();
    ends(today);
    let archived = format!("/tickets/{}", person.register("El último día")["id"]);
    person.post(&format!("{archived}/archive"), json!({"reason": "withdrawn"})).ok();
    let yesterday = today - Duration::days(1);
    ends(yesterday);
    let refused =
        person.post("/tickets", json!({"subject": "x", "description": "y"})).problem(409, "contract_ended");
    assert_eq!(refused["contract_ends_on"], json!(yesterday));
    assert!(
        refused["detail"].as_str().unwrap().starts_with("El contrato del solicitante terminó el "),
        "{refused}"
    );
    let technician = desk.technician();
    for body in [
        json!({"subject": "x", "description": "y", "requester_id": person.id()}),
        request("phone", json!({"email": person.email()})),
    ] {
        technician.post("/tickets", body).problem(409, "contract_ended");
    }
    technician.post(&format!("{archived}/resubmission"), json!({})).problem(409, "contract_ended");
    let mail = |id: &str| {
        let mail = format!("From: {}\nMessage-ID: <{id}@x>\nSubject: Sin red\n\nNo hay red.", person.email());
        desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created()
    };
    let email = mail("a");
    assert_eq!((&email["status"], &email["reason"]), (&json!("set_aside"), &json!("contract_ended")));
    let again = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    assert_eq!(desk.professional().post(&again, json!({"release": true})).ok()["reason"], "contract_ended");
    assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 1);

    ends(today + Duration::days(30));
    assert_eq!(desk.professional().post(&again, json!({"release": true})).ok()["status"], "processed");
    person.register("Otra vez");
}

#[test]
fn callers_do_not_count_as_unknown_senders_of_mail() {
    let desk = Desk::configured(&[("MESA_MAIL_STRANGER_LIMIT", "1")]);
    desk.technician().post("/tickets", request("phone", caller(&desk, Some("gloria@mesa.test")))).created();
    let mail = |who: &str| {
        let mail = format!("From: {who}@example.com\nMessage-ID: <{who}@x>\nSubject: Sin red\n\nNo hay red.");
        desk.director().raw("POST", "/inbound-emails", "message/rfc822", mail).created()
    };
    assert_eq!(mail("una")["status"], "processed");
    assert_eq!(mail("otra")["reason"], "too_many_strangers");
}
