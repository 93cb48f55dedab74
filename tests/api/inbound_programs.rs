//! Mail of programs that report on their own, and of lists.

use mesa::auth::policy::Role;
use serde_json::json;

use crate::harness::Desk;
use crate::inbound::{ALIGNED, MAIL, became, desk, followups, message, messages_to, ticket_of};

const GENERATED: &str = "Auto-Submitted: auto-generated\n";

fn alert(number: usize, subject: &str) -> String {
    let fields = format!("Message-ID: <{number}@monitor>\n{GENERATED}");
    message("Monitor <monitor@mesa.test>", subject, &fields, "Sin respuesta.")
}

#[test]
fn a_message_of_a_program_is_a_ticket_that_is_never_answered() {
    let desk = desk();
    let email = became(&desk, alert(1, "PROBLEMA: srv-01 no responde"));
    let ticket = ticket_of(&desk, &email);
    assert_eq!(
        [&ticket["status"], &ticket["automatic"], &ticket["requester"]["full_name"]],
        [&json!("received"), &json!(true), &json!("Monitor")]
    );
    // Staff attend to it without the minimum data, and nothing is mailed to the program.
    let technician = desk.technician();
    let one = format!("/tickets/{}", ticket["id"]);
    for (step, body) in [
        ("classification", json!({"criticality": "high"})),
        ("assignment", json!({"assignee_id": "me"})),
        ("acceptance", crate::harness::states::soon()),
        ("hold", json!({"reason": "Falta el repuesto."})),
        ("resumption", json!({})),
        ("followups", json!({"visibility": "public", "body": "Se reinicia."})),
        ("solution", json!({"description": "Se reinició."})),
        ("closure", json!({})),
    ] {
        let answer = technician.post(&format!("{one}/{step}"), body);
        assert!(answer.status < 300, "{step}: {}", answer.status);
    }
    assert_eq!(messages_to(&desk, "monitor@mesa.test"), 0);
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys"), 0);
}

#[test]
fn repeated_messages_become_followups_of_the_open_ticket() {
    let desk = desk();
    let first = became(&desk, alert(1, "Backup 2026-11-28 02:00 fallido"));
    let again = became(&desk, alert(2, "Backup 2026-11-29 02:00 fallido"));
    assert_eq!(again["ticket_id"], first["ticket_id"]);
    assert_eq!(followups(&desk, &format!("/tickets/{}", first["ticket_id"])).len(), 1);
    let other = became(&desk, alert(3, "Backup de otro servidor fallido"));
    assert_ne!(other["ticket_id"], first["ticket_id"]);
    // Of another sender it is another ticket.
    let mail = message("ups@mesa.test", "Backup 2026-11-29 02:00 fallido", GENERATED, "x");
    assert_ne!(became(&desk, mail)["ticket_id"], first["ticket_id"]);
    // After the time, counted from the last repetition, and after the ticket has ended.
    desk.database.run("UPDATE tickets SET received_at = received_at - interval '25 hours' WHERE id = 1");
    let still = became(&desk, alert(4, "Backup 2026-11-29 03:00 fallido"));
    assert_eq!(still["ticket_id"], first["ticket_id"]);
    desk.technician().post("/tickets/1/archive", json!({"reason": "withdrawn"})).ok();
    let new = became(&desk, alert(5, "Backup 2026-11-29 04:00 fallido"));
    assert_ne!(new["ticket_id"], first["ticket_id"]);
    // Repetitions go on beyond the limit of a sender.
    for number in 6..30 {
        let repeated = became(&desk, alert(number, "Backup fallido"));
        assert_eq!(repeated["status"], "processed", "{number}");
    }
    // They do not use up the limit of new tickets.
    assert_eq!(became(&desk, alert(40, "Algo nuevo"))["status"], "processed");
    for number in 41..60 {
        became(&desk, alert(number, &format!("Servidor {number}")));
    }
    assert_eq!(became(&desk, alert(60, "Servidor 60"))["reason"], "sender_limit");
}

#[test]
fn numbers_and_threads_of_the_program_itself_are_not_those_of_the_desk() {
    let desk = desk();
    desk.requester().register("Sin red");
    let first = became(&desk, alert(1, "Pipeline failed (#4512)"));
    assert_eq!(ticket_of(&desk, &first)["subject"], "Pipeline failed (#4512)");
    // The number of a ticket of the desk, by coincidence.
    ticket_of(&desk, &became(&desk, alert(2, "Build [#1] failed")));
    let threaded = message(
        "monitor@mesa.test",
        "RECUPERADO: Pipeline",
        &format!("References: <1@monitor>\nMessage-ID: <3@monitor>\n{GENERATED}"),
        "Ya.",
    );
    assert_ne!(became(&desk, threaded)["ticket_id"], first["ticket_id"]);
    let untitled = |number: usize| {
        let fields = format!("Message-ID: <{number}@monitor>\n{GENERATED}");
        became(&desk, message("monitor@mesa.test", "", &fields, "Sin respuesta."))
    };
    assert_eq!(untitled(10)["ticket_id"], untitled(11)["ticket_id"]);
}

#[test]
fn a_program_is_not_asked_and_does_not_watch() {
    let desk = desk();
    let technician = desk.technician();
    let one = format!("/tickets/{}", became(&desk, alert(1, "Disco lleno"))["ticket_id"]);
    technician.post(&format!("{one}/classification"), json!({"criticality": "low"})).ok();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    technician.post(&format!("{one}/acceptance"), crate::harness::states::soon()).ok();
    let refused = technician.post(&format!("{one}/information-request"), json!({"missing": "¿Cuál disco?"}));
    let allowed = refused.problem(409, "step_not_allowed")["allowed_steps"].to_string();
    assert!(!allowed.contains("request_information") && allowed.contains("hold"), "{allowed}");
    let target = desk.requester().register("Sin espacio")["id"].clone();
    let body = json!({"into_ticket_id": target, "confirm_other_requester": true});
    technician.post(&format!("{one}/merge"), body).ok();
    let target = format!("/tickets/{target}");
    assert_eq!(technician.get(&format!("{target}/watchers")).items().len(), 0);
    technician
        .post(&format!("{target}/followups"), json!({"visibility": "public", "body": "Vamos."}))
        .created();
    assert_eq!(messages_to(&desk, "monitor@mesa.test"), 0);
}

#[test]
fn a_request_in_the_name_of_a_person_is_told_to_them() {
    let desk = desk();
    let told = messages_to(&desk, "requester@mesa.test");
    let forged = message("requester@mesa.test", "Restablecer mi clave", GENERATED, "Por favor.");
    let ticket = ticket_of(&desk, &became(&desk, forged));
    assert_eq!(ticket["automatic"], false);
    assert_eq!(messages_to(&desk, "requester@mesa.test"), told + 1);
    let by_list = message("requester@mesa.test", "Otra", "List-Id: <x.y>\nMessage-ID: <2@x>\n", "Por favor.");
    became(&desk, by_list);
    assert_eq!(messages_to(&desk, "requester@mesa.test"), told + 2);
    // A message that is not verified is not added to the ticket of a verified one.
    let verified = |number: usize, fields: &str| {
        let fields = format!("Message-ID: <{number}@ups>\n{GENERATED}{fields}");
        became(&desk, message("ups@mesa.test", "UPS en batería", &fields, "x"))["ticket_id"].clone()
    };
    let first = verified(10, ALIGNED);
    assert_ne!(verified(11, ""), first);
    assert_eq!(verified(12, ALIGNED), first);
}

#[test]
fn a_released_message_of_a_program_is_not_answered_either() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_TRUST", "aligned"));
    let desk = Desk::configured(&variables);
    let email = became(&desk, alert(1, "UPS en batería"));
    assert_eq!(email["reason"], "sender_unverified");
    let path = format!("/inbound-emails/{}/processing", email["id"].as_str().unwrap());
    let released = desk.professional().post(&path, json!({"release": true})).ok();
    assert_eq!(ticket_of(&desk, &released)["automatic"], true);
    assert_eq!(messages_to(&desk, "monitor@mesa.test"), 0);
}

#[test]
fn without_a_time_each_message_is_a_ticket() {
    let mut variables = MAIL.to_vec();
    variables.push(("MESA_MAIL_REPEAT_HOURS", "0"));
    let desk = Desk::configured(&variables);
    let first = became(&desk, alert(1, "Disco lleno"));
    assert_ne!(became(&desk, alert(2, "Disco lleno"))["ticket_id"], first["ticket_id"]);
}

#[test]
fn a_program_that_answers_the_desk_is_ignored() {
    let desk = desk();
    let one = desk.ticket_in("in_progress");
    let number = one.rsplit('/').next().unwrap();
    let sent = crate::inbound::sent_id(&desk, &one, &desk.requester());
    for fields in [
        format!("In-Reply-To: <{sent}>\n{GENERATED}"),
        format!("{GENERATED}X-Auto-Response-Suppress: All\nIn-Reply-To: <1@x>\n"),
        format!("{GENERATED}X-Autoresponder: yes\n"),
    ] {
        let mail = message(
            "otra.mesa@proveedor.example",
            &format!("Recibimos su caso {}", fields.len()),
            &fields,
            "Gracias.",
        );
        assert_eq!(became(&desk, mail)["reason"], "auto_reply", "{fields}");
    }
    let mail = message(
        "otra.mesa@proveedor.example",
        &format!("Re: [#{number}] {}", desk.director().get(&one).ok()["subject"].as_str().unwrap()),
        GENERATED,
        "Gracias.",
    );
    assert_eq!(became(&desk, mail)["reason"], "auto_reply");
    // Staff must be verified, as for every message.
    let forged = message("technician@mesa.test", "Alerta", GENERATED, "x");
    assert_eq!(became(&desk, forged)["reason"], "sender_unverified");
    let verified = message("technician@mesa.test", "Otra alerta", &format!("{GENERATED}{ALIGNED}"), "x");
    assert_eq!(ticket_of(&desk, &became(&desk, verified))["automatic"], true);
}

#[test]
fn list_mail_of_a_known_person_is_taken_and_not_answered() {
    let desk = desk();
    let list = "List-Id: <todos.mesa.test>\nPrecedence: list\n";
    let known = desk.another(Role::Requester);
    let mail = message(known.email(), "[todos] Sin red", &format!("{list}{ALIGNED}"), "No hay red.");
    let email = became(&desk, mail);
    let ticket = ticket_of(&desk, &email);
    assert_eq!((&ticket["automatic"], &ticket["status"]), (&json!(false), &json!("received")));
    assert_eq!(messages_to(&desk, known.email()), 0);
    // What staff say later reaches the person.
    let body = json!({"visibility": "public", "body": "Vamos."});
    desk.technician().post(&format!("/tickets/{}/followups", ticket["id"]), body).created();
    assert_eq!(messages_to(&desk, known.email()), 1);
    let stranger = message("alguien@fuera.example", "[todos] Oferta", list, "Compre.");
    assert_eq!(became(&desk, stranger)["reason"], "mailing_list");
}
