//! Mail of people who take part in a ticket without being its requester or staff, where answers go, and the whole text of
//! a reply.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::smtp::MailServer;
use crate::harness::{Client, Desk};
use crate::inbound::{ALIGNED, became, desk, followups, hand_in, message, messages_to, sent_id};

/// A ticket by mail of the requester, whose message was sent to these people too.
fn ticket_with_copy(desk: &Desk, copy: &str) -> String {
    let mail = format!(
        "From: Rosa Pérez <requester@mesa.test>\nTo: soporte@mesa.test\nCc: {copy}\nSubject: Sin red\n\
         Message-ID: <root@mesa.test>\n\nNo hay red.\n"
    );
    format!("/tickets/{}", became(desk, mail)["ticket_id"])
}

fn reply(from: &str, fields: &str, body: &str) -> String {
    message(from, "Re: Sin red", &format!("In-Reply-To: <root@mesa.test>\n{fields}"), body)
}

fn entries(client: &Client, one: &str) -> Vec<Value> {
    client.get(&format!("{one}/followups")).items()
}

#[test]
fn a_colleague_in_copy_who_replies_is_shown_to_staff_until_somebody_publishes_it() {
    let desk = desk();
    let one = ticket_with_copy(&desk, "Colega <colega@otra.example>, jefe@otra.example");
    let technician = desk.technician();
    technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    let seen = desk.requester().get(&one);
    let told = messages_to(&desk, "technician@mesa.test");

    // A reply to the desk alone: its requester sees no trace of it.
    let email = became(&desk, reply("Colega <Colega@Otra.example>", "", "Yo estuve ahí: es el cable."));
    assert_eq!((&email["status"], &format!("/tickets/{}", email["ticket_id"])), (&json!("processed"), &one));
    let entry = entries(&technician, &one).pop().unwrap();
    assert_eq!(
        [&entry["body"], &entry["visibility"], &entry["from_copy"], &entry["unverified"]],
        [&json!("Yo estuve ahí: es el cable."), &json!("private"), &json!(true), &json!(true)]
    );
    let path = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
    assert_eq!(messages_to(&desk, "technician@mesa.test"), told + 1);
    assert_eq!(messages_to(&desk, "colega@otra.example"), 0);
    assert_eq!(entries(&desk.requester(), &one), [] as [Value; 0]);
    desk.requester().get(&path).problem(404, "not_found");
    desk.requester().post(&format!("{path}/publication"), json!({})).problem(404, "not_found");
    let now = desk.requester().get(&one);
    assert_eq!((now.header("etag"), now.ok()), (seen.header("etag"), seen.ok()));
    assert_eq!(desk.director().get(&one).ok()["status"], "assigned");

    // Staff publish it: the requester is told.
    let before = messages_to(&desk, "requester@mesa.test");
    let public = technician.post(&format!("{path}/publication"), json!({})).created();
    assert_eq!((&public["visibility"], &public["from_copy"]), (&json!("public"), &json!(false)));
    assert_eq!(public["author"], entry["author"]);
    assert_eq!(messages_to(&desk, "requester@mesa.test"), before + 1);
    assert_eq!(entries(&desk.requester(), &one).len(), 1);

    // A reply that the requester received too: they see it, and publish it.
    let to_both = "Cc: Rosa <Requester@mesa.test>\n";
    became(&desk, reply("jefe@otra.example", to_both, "Es urgente."));
    let entry = entries(&desk.requester(), &one).pop().unwrap();
    assert_eq!((&entry["body"], &entry["from_copy"]), (&json!("Es urgente."), &json!(true)));
    let path = format!("{one}/followups/{}", entry["id"].as_str().unwrap());
    desk.another(Role::Requester).post(&format!("{path}/publication"), json!({})).problem(404, "not_found");
    let told = messages_to(&desk, "technician@mesa.test");
    desk.requester().post(&format!("{path}/publication"), json!({})).created();
    assert_eq!(
        messages_to(&desk, "technician@mesa.test"),
        told + 1,
        "the assignee is told, as of a followup of the requester"
    );
    desk.requester().post(&format!("{path}/publication"), json!({})).problem(409, "already_exists");
    // The published copy stands for it.
    assert_eq!(entries(&desk.requester(), &one).len(), 2);
    assert_eq!(entries(&technician, &one).len(), 4);
}

#[test]
fn nothing_is_added_to_what_a_person_in_copy_wrote() {
    let desk = desk();
    let one = ticket_with_copy(&desk, "colega@otra.example");
    became(&desk, reply("colega@otra.example", "Cc: requester@mesa.test\n", "Es el cable."));
    let entry = entries(&desk.technician(), &one).pop().unwrap();
    assert_eq!((&entry["visibility"], &entry["visible_to_requester"]), (&json!("private"), &json!(true)));
    let path = format!("{one}/followups/{}/attachments", entry["id"].as_str().unwrap());
    for client in [desk.technician(), desk.requester()] {
        client.upload(&path, "interno.txt", "clave").problem(409, "wrong_state");
    }
    assert_eq!(desk.requester().get(&path).items().len(), 0);
}

#[test]
fn a_reply_from_the_address_for_answers_is_the_requesters() {
    let desk = desk();
    let fields = format!("Reply-To: caja@mesa.test\nMessage-ID: <root@mesa.test>\n{ALIGNED}");
    let email = became(&desk, message("requester@mesa.test", "Sin red", &fields, "No hay red."));
    let one = format!("/tickets/{}", email["ticket_id"]);
    let technician = desk.technician();
    for (step, body) in [
        ("classification", json!({"criticality": "low"})),
        ("assignment", json!({"assignee_id": "me"})),
        ("acceptance", crate::harness::states::soon()),
        ("information-request", json!({"missing": "¿Cuál es la placa?"})),
    ] {
        technician.post(&format!("{one}/{step}"), body).ok();
    }
    // Unverified it is a person of the same domain.
    became(&desk, reply("caja@mesa.test", "", "La 1."));
    assert_eq!(technician.get(&one).ok()["status"], "on_hold");
    became(&desk, reply("caja@mesa.test", ALIGNED, "La 10432."));
    assert_eq!(technician.get(&one).ok()["status"], "in_progress");
    let entry = entries(&desk.requester(), &one).pop().unwrap();
    assert_eq!(
        (&entry["body"], &entry["author"]["id"]),
        (&json!("La 10432."), &json!(desk.requester().id()))
    );
}

#[test]
fn a_reply_is_compared_only_with_mail_to_its_author() {
    let desk = desk();
    let one = ticket_with_copy(&desk, "colega@otra.example");
    desk.technician().post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    desk.technician().post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    let secret = "Vendió el portátil institucional a un particular en agosto pasado.";
    became(&desk, reply("colega@otra.example", "", secret));
    // As if it had been sent to the assignee.
    desk.database.run(&format!(
        "UPDATE messages SET status = 'sent', sent_at = now(), sent_to = 'technician@mesa.test', sent_subject = 'x', \
         sent_text = 'Un seguimiento:\n\n> {secret}\n' WHERE data ->> 'private' = 'true'"
    ));
    let guess = format!("Mire:\n> {secret}\nY responda.");
    became(&desk, message("requester@mesa.test", "Re: [#1] Sin red", "", &guess));
    let entry = entries(&desk.requester(), &one).pop().unwrap();
    assert!(entry["body"].as_str().unwrap().contains(secret), "{entry}");
}

#[test]
fn the_person_in_copy_is_exported_and_forgotten() {
    let desk = desk();
    let one = ticket_with_copy(&desk, "Colega <colega@otra.example>");
    became(
        &desk,
        reply(
            "Colega Pérez <colega@otra.example>",
            "",
            "Yo lo vi.\n\n-- \nColega Pérez, colega@otra.example",
        ),
    );
    let entry = entries(&desk.technician(), &one).pop().unwrap();
    let colleague = format!("/users/{}", entry["author"]["id"].as_str().unwrap());
    let export = desk.director().get(&format!("{colleague}/personal-data")).ok();
    assert_eq!(export["inbound_emails"].as_array().unwrap().len(), 1, "{export}");
    assert_eq!(export["followups"].as_array().unwrap().len(), 1);
    let count = "SELECT count(*) FROM inbound_emails WHERE 'colega@otra.example' = ANY (recipients) OR from_address = 'colega@otra.example'";
    assert_eq!(desk.database.count(count), 2);
    desk.director().post(&format!("{colleague}/anonymization"), json!({"reason": "Ley 1581 de 2012"})).ok();
    assert_eq!(desk.database.count(count), 0);
}

#[test]
fn others_do_not_take_part_by_the_number_alone() {
    let desk = desk();
    let one = ticket_with_copy(&desk, "colega@otra.example");
    // A user of the same public provider is nobody's colleague.
    let fields = "Message-ID: <public@gmail.com>\n";
    let public = became(&desk, message("rosa@gmail.com", "Sin luz", fields, "x"));
    let mail = message("otro@gmail.com", "Re: Sin luz", "In-Reply-To: <public@gmail.com>\n", "y");
    assert_ne!(became(&desk, mail)["ticket_id"], public["ticket_id"]);
    // Of the domain of the requester, and with the thread: somebody to whom the mail was passed on.
    let other = desk.another(Role::Requester);
    became(&desk, reply(other.email(), "", "Aquí tampoco hay."));
    assert_eq!(followups(&desk, &one).pop().unwrap()["from_copy"], true);
    let count = followups(&desk, &one).len();
    for mail in [
        // Of another domain, with the thread, but not in copy.
        reply("extrano@fuera.example", "", "Hola."),
        // In copy, but only with the number.
        message("colega@otra.example", "Re: [#1] Sin red", "", "Hola."),
    ] {
        let email = became(&desk, mail);
        assert_eq!(email["status"], "processed");
        assert_ne!(format!("/tickets/{}", email["ticket_id"]), one);
    }
    assert_eq!(followups(&desk, &one).len(), count);
    // After the ticket has ended, a reply in copy is a request of its own that refers to it.
    desk.technician().post(&format!("{one}/archive"), json!({"reason": "withdrawn"})).ok();
    assert_eq!(became(&desk, reply("colega@otra.example", "", "Muchas gracias."))["reason"], "thanks");
    let email = became(&desk, reply("colega@otra.example", "Message-ID: <later@x>\n", "Volvió a fallar."));
    let new = format!("/tickets/{}", email["ticket_id"]);
    assert_ne!(new, one);
    let relations = desk.technician().get(&format!("{new}/relations")).items();
    assert_eq!(relations[0]["kind"], "continues");
}

#[test]
fn answers_go_to_another_address_of_the_same_domain_if_the_author_is_verified() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let requester = "requester@mesa.test";
    for (number, (reply_to, fields, expected)) in [
        ("caja@mesa.test", ALIGNED, "caja@mesa.test"),
        ("caja@mesa.test", "", requester),
        ("caja@otra.example", ALIGNED, requester),
        ("caja@mesa.test, otra@mesa.test", ALIGNED, requester),
        ("mesa@mesa.test", ALIGNED, requester),
        ("technician@mesa.test", ALIGNED, requester),
        ("requester@mesa.test", ALIGNED, requester),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = format!("Reply-To: {reply_to}\nMessage-ID: <{number}@x>\n{fields}");
        let email =
            hand_in(&desk.director(), message(requester, "Sin red", &fields, "No hay red.")).created();
        let named = if reply_to.contains(',') { json!(null) } else { json!(reply_to) };
        assert_eq!(email["reply_to_address"], named);
        assert_eq!(email["recipient_addresses"], json!(["soporte@mesa.test"]));
        desk.send_mail();
        let told = server.mail().into_iter().rfind(|mail| mail.subject().contains("Sin red")).unwrap();
        assert_eq!(told.to, expected, "{reply_to}");
    }
    // Only mail to the requester about that ticket.
    let one = "/tickets/1";
    desk.technician()
        .post(&format!("{one}/followups"), json!({"visibility": "public", "body": "Vamos."}))
        .created();
    desk.send_mail();
    assert_eq!(server.mail().pop().unwrap().to, "caja@mesa.test");
}

/// The token of a link to a survey.
const TOKEN: &str = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E";

#[test]
fn the_whole_message_of_a_followup_is_served_to_staff_and_its_author() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let thread = format!("In-Reply-To: <{}>\n", sent_id(&desk, &one, &desk.requester()));
    let text = "Ya quedó.\n\nEl lun, 24 nov 2026 a las 10:00, Mesa de Servicios <soporte@mesa.test> escribió:\n\n> ¿Puede volver a probar?\n> https://mesa.example/s/kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E\n";
    let email = became(&desk, message("requester@mesa.test", "Re: Sin red", &thread, text));
    let path = format!("{one}/followups/{}", email["followup_id"].as_str().unwrap());
    let entry = desk.requester().get(&path).ok();
    assert_eq!((&entry["body"], &entry["shortened"]), (&json!("Ya quedó."), &json!(true)));
    for client in [desk.technician(), desk.requester()] {
        let original = client.get(&format!("{path}/original")).ok();
        assert!(!original["text"].as_str().unwrap().contains(TOKEN), "{original}");
        assert_eq!(original["from_address"], "requester@mesa.test");
        assert!(original["text"].as_str().unwrap().contains("> ¿Puede volver a probar?"), "{original}");
    }
    desk.another(Role::Requester).get(&format!("{path}/original")).problem(404, "not_found");

    // A message of staff may quote what the requester must not see.
    let email =
        became(&desk, message("technician@mesa.test", "Re: x", &format!("{thread}{ALIGNED}"), "Vamos."));
    let path = format!("{one}/followups/{}", email["followup_id"].as_str().unwrap());
    assert_eq!(desk.requester().get(&path).ok()["shortened"], false);
    desk.requester().get(&format!("{path}/original")).problem(404, "not_found");
    desk.professional().get(&format!("{path}/original")).ok();

    // What did not come by mail has none.
    let body = json!({"visibility": "public", "body": "Por teléfono."});
    let entry = desk.technician().post(&format!("{one}/followups"), body).created();
    let path = format!("{one}/followups/{}/original", entry["id"].as_str().unwrap());
    desk.technician().get(&path).problem(404, "not_found");
}
