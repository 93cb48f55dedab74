//! The content of mail and its delivery.

use mesa::auth::policy::Role;
use mesa::mail::worker::Round;
use mesa::tickets::staff_calls;
use serde_json::{Value, json};

use crate::harness::Desk;
use crate::harness::smtp::{Answer, Mail, MailServer};

const REQUESTER: &str = "requester@mesa.test";
const TECHNICIAN: &str = "technician@mesa.test";

/// Queues a message about the first ticket directly in the database.
fn queue(desk: &Desk, kind: &str, to: &str, data: &Value) {
    desk.database.run(&format!(
        "INSERT INTO messages (id, ticket_id, kind, recipient_id, data, created_at) \
         SELECT gen_random_uuid(), 1, '{kind}', id, '{data}', now() FROM users WHERE email = '{to}'"
    ));
}

fn to<'a>(mail: &'a [Mail], address: &str) -> Vec<&'a Mail> {
    mail.iter().filter(|mail| mail.to == address).collect()
}

#[track_caller]
fn says(mail: &Mail, words: &[&str]) {
    let (text, html) = (mail.text(), mail.html());
    for words in words {
        assert!(text.contains(words), "{words:?} is not in the text: {text}");
        assert!(html.contains(words), "{words:?} is not in the HTML: {html}");
    }
}

/// The only message of this kind, as the director sees it.
fn message(desk: &Desk, kind: &str) -> Value {
    let items = desk.director().get(&format!("/messages?kind={kind}")).items();
    assert_eq!(items.len(), 1, "{items:?}");
    desk.director().get(&format!("/messages/{}", items[0]["id"].as_str().unwrap())).ok()
}

#[test]
fn each_step_is_mailed_to_the_requester_or_staff() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (requester, technician) = (desk.requester(), desk.technician());
    let one = desk.ticket_in("in_progress");
    let followup = |body: &str| json!({"visibility": "public", "body": body});
    technician
        .post(&format!("{one}/followups"), followup("Vamos a su oficina.\n\nLleve la clave."))
        .created();
    technician
        .post(&format!("{one}/followups"), json!({"visibility": "private", "body": "Es el switch."}))
        .created();
    requester.post(&format!("{one}/followups"), followup("Gracias, aquí espero.")).created();
    technician.post(&format!("{one}/hold"), json!({"reason": "Falta un repuesto."})).ok();
    technician.post(&format!("{one}/resumption"), json!({})).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Se cambió el rodillo."})).ok();
    desk.send_mail();
    requester.post(&format!("{one}/reopening"), json!({"reason": "Volvió a fallar."})).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Se cambió todo."})).ok();
    requester.post(&format!("{one}/closure"), json!({})).ok();
    desk.send_mail();

    let mail = server.mail();
    says(
        to(&mail, REQUESTER)[0],
        &["Hola, Rosa Pérez Gómez:", "Su solicitud: #1, La impresora no imprime", "Mesa de Servicios"],
    );
    // In the order of the steps.
    let told: Vec<String> = to(&mail, REQUESTER).iter().map(|mail| mail.text()).collect();
    let expected = [
        "quedó registrada con el número 1. Consérvelo para hacer seguimiento.\n\nA continuación la clasificaremos ",
        "Tomás Ríos Cano se hace cargo de su solicitud y la atenderá el ",
        "Tomás Ríos Cano escribió en su solicitud:\n\n> Vamos a su oficina.\n>\n> Lleve la clave.\n",
        "Su solicitud está en espera.\n\nMotivo:\n\n> Falta un repuesto.\n",
        "Su solicitud ya no está en espera",
        "Su solicitud fue solucionada.\n\n> Se cambió el rodillo.\n\nSi el problema persiste, responda este correo a más tardar el ",
        "Su solicitud fue reabierta",
        "Se cambió todo.",
        "Su solicitud fue cerrada. Si el problema vuelve a presentarse, registre una solicitud nueva y mencione el número 1.",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (text, words) in told.iter().zip(expected) {
        assert!(text.contains(words), "{words}: {told:#?}");
    }
    assert!(told.iter().all(|text| !text.contains("switch")), "a private followup was mailed");
    let staff: Vec<String> = to(&mail, TECHNICIAN).iter().map(|mail| mail.text()).collect();
    for words in [
        "Usted tiene un caso nuevo. Acéptelo e indique cuándo lo atenderá.\n\nCriticidad: media\nDebe aceptarlo a más tardar el ",
        "Rosa Pérez Gómez escribió en el caso:\n\n> Gracias, aquí espero.\n",
        "El solicitante reabrió el caso: la solución no resolvió el problema.\n\nMotivo:\n\n> Volvió a fallar.\n",
    ] {
        assert_eq!(staff.iter().filter(|text| text.contains(words)).count(), 1, "{words}: {staff:#?}");
    }
    assert_eq!(staff.len(), 3);
    let ends =
        "Solicitante: Rosa Pérez Gómez, Secretaría de Hacienda\n\nCordialmente,\n\nMesa de Servicios\n";
    assert!(staff.iter().all(|text| text.ends_with(ends)), "{staff:#?}");
}

#[test]
fn mail_about_an_archived_ticket_gives_the_reason_and_next_steps() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let category = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let body =
        json!({"subject": "Una cuenta", "description": "Para un contratista.", "category_id": category});
    desk.requester().post("/tickets", body).created();
    desk.send_mail();
    let mut texts: Vec<String> = server.mail().iter().map(Mail::text).collect();
    texts.sort();
    assert!(texts[1].contains("Su solicitud fue archivada."), "{texts:?}");
    assert!(
        texts[1]
            .contains("La solicitud se considera desistida. Solicite al jefe de su unidad administrativa"),
        "{texts:?}"
    );
    assert!(texts[0].contains("Consérvelo para hacer seguimiento.\n\nSu solicitud: #1"), "{texts:?}");

    let one = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    let archive = json!({"reason": "missing_information", "note": "No sabemos su piso."});
    desk.technician().post(&format!("{one}/archive"), archive).ok();
    desk.send_mail();
    let archived = server.mail().into_iter().find(|mail| mail.text().contains("su piso")).unwrap();
    says(
        &archived,
        &["No recibimos los siguientes datos", "No sabemos su piso.", "La solicitud se considera desistida."],
    );
}

#[test]
fn mail_is_in_the_language_of_its_recipient() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.requester().patch("/me", json!({"locale": "en"})).ok();
    desk.ticket_in("solved");
    desk.send_mail();
    let mail = server.mail();
    let english: Vec<String> = to(&mail, REQUESTER).iter().map(|mail| mail.text()).collect();
    for words in [
        "Hello, Rosa Pérez Gómez:\n\nWe received your request and registered it with the number 1.",
        "Tomás Ríos Cano has taken charge of your request and will attend to it on ",
        "Your request was solved.\n\n> Se cambió el cable.\n\nIf the problem persists, reply to this mail by ",
    ] {
        assert!(english.iter().any(|text| text.contains(words)), "{words}: {english:#?}");
    }
    assert!(to(&mail, REQUESTER).iter().all(|mail| mail.html().contains("<html lang=\"en\">")));
    assert!(to(&mail, TECHNICIAN)[0].text().starts_with("Hola, Tomás Ríos Cano:"));
}

#[test]
fn every_kind_of_message_has_a_template() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.ticket_in("assigned");
    let at = json!("2026-11-24T20:00:00Z");
    for (kind, address, data) in [
        ("due_soon", TECHNICIAN, json!({"due_at": at, "level": 1})),
        ("overdue", TECHNICIAN, json!({"due_at": at, "level": 2})),
        ("information_requested", REQUESTER, json!({"missing": "El piso", "deadline": at})),
        ("resumed", TECHNICIAN, json!({"answered_by": "followup"})),
        ("new_ticket", TECHNICIAN, json!({"to_level": 1, "nobody_reachable": true})),
        ("waiting_for_staff", TECHNICIAN, json!({"to_level": 1})),
        ("became_critical", TECHNICIAN, json!({"voids_acceptance": true})),
        ("became_critical", REQUESTER, json!({"scheduled_for": at})),
        ("appointment_voided", REQUESTER, json!({"scheduled_for": at})),
        (
            "escalated",
            REQUESTER,
            json!({"to_level": 1, "same_level": true, "third_party": "Redes", "promised_for": at}),
        ),
        ("escalated", TECHNICIAN, json!({"to_level": 2})),
        ("returned", REQUESTER, json!({"to_level": 1, "same_level": true})),
        ("returned", TECHNICIAN, json!({"to_level": 1, "same_level": true})),
        ("escalated", REQUESTER, json!({"to_level": 2})),
        ("escalated", REQUESTER, json!({"to_level": 3, "third_party": "Redes del Sur", "promised_for": at})),
        ("reopened", TECHNICIAN, json!({"reason": "No sirvió."})),
        ("returned", REQUESTER, json!({"to_level": 1})),
        ("returned", TECHNICIAN, json!({"to_level": 1})),
    ] {
        queue(&desk, kind, address, &data);
    }
    desk.send_mail();
    let texts: Vec<String> = server.mail().iter().map(Mail::text).collect();
    for words in [
        "El tiempo de atención de este caso está por vencer y nadie lo ha aceptado.\n\n\
         Vence el martes 24 de noviembre de 2026 a las 3:00 p. m.\nNivel de soporte: 1",
        "Venció el tiempo de atención de este caso y nadie lo ha aceptado.",
        "falta lo siguiente:\n\n> El piso\n\nResponda a este correo a más tardar el martes 24 de noviembre de 2026 a las 3:00 p. m.",
        "El solicitante envió la información pendiente",
        "fue escalada al nivel 2 de soporte",
        "fue escalada al proveedor Redes del Sur, que se comprometió para el martes 24 de noviembre de 2026 a las 3:00 p. m.",
        "El caso asignado a usted fue reabierto.\n\nMotivo:\n\n> No sirvió.",
        "Su solicitud fue devuelta al nivel 1 de soporte",
        "Este caso fue devuelto al nivel 1 de soporte y no tiene responsable.",
        "Llegó un caso nuevo al nivel 1 de soporte. Clasifíquelo y asígnelo.\n\nNadie de ese nivel está en turno ni disponible",
        "Este caso del nivel 1 de soporte no tiene responsable. Asígnelo.",
        "Este caso fue clasificado como crítico y debe atenderse de inmediato.\n\nLa cita que tenía queda sin efecto.",
        "Su solicitud fue clasificada como crítica y se atiende de inmediato.\n\n\
         La cita del martes 24 de noviembre de 2026 a las 3:00 p. m. queda sin efecto.",
        "Su solicitud será atendida por otra persona.\n\nLa cita del martes 24 de noviembre de 2026 a las 3:00 p. m. queda sin efecto.",
        "Su solicitud fue escalada al proveedor Redes, que se comprometió para el martes 24 de noviembre de 2026 a las \
         3:00 p. m.\n\nTomás Ríos Cano sigue a cargo de su solicitud",
        "Este caso fue escalado al nivel 2 de soporte y no tiene responsable.",
        "El proveedor terminó su trabajo en su solicitud",
        "El proveedor terminó su trabajo en este caso, que sigue a su cargo.",
    ] {
        assert!(texts.iter().any(|text| text.contains(words)), "{words}: {texts:#?}");
    }
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE status <> 'sent'"), 0);
}

#[test]
fn a_merged_request_gets_mail_without_data_of_the_other_requester() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let other = desk.another(Role::Requester);
    let own = other.post("/tickets", json!({"subject": "Sin impresora", "description": "No hay."})).created();
    let one = desk.ticket_in("classified");
    let (technician, id) = (desk.technician(), one.rsplit('/').next().unwrap().parse::<i64>().unwrap());
    technician
        .post(
            &format!("/tickets/{}/merge", own["id"]),
            json!({"into_ticket_id": id, "confirm_other_requester": true}),
        )
        .ok();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
    technician.post(&format!("{one}/acceptance"), crate::harness::states::soon()).ok();
    technician.post(&format!("{one}/solution"), json!({"description": "Se cambió el cable."})).ok();
    desk.send_mail();
    let mail = server.mail();
    let told = to(&mail, other.email());
    let texts: Vec<String> = told.iter().map(|mail| mail.text()).collect();
    for (text, words) in texts.iter().zip([
        "Recibimos su solicitud",
        "Su solicitud fue archivada.\n\nOtra solicitud trata de lo mismo.\n\n> Ya se atiende otra solicitud sobre el mismo asunto.",
        "Tomás Ríos Cano se hace cargo de la solicitud que trata de lo mismo que la suya y la atenderá el ",
        "La solicitud que trata de lo mismo que la suya fue solucionada.\n\n> Se cambió el cable.\n\nSi el problema persiste, registre una solicitud nueva.",
    ]) {
        assert!(text.contains(words), "{words}: {texts:#?}");
    }
    assert_eq!(told.len(), 4);
    for mail in &told {
        assert_eq!(mail.subject(), "[#1] Sin impresora");
        let raw = format!("{}{}", mail.text(), mail.html());
        for private in ["#2", "Rosa", "La impresora no imprime", "/s/"] {
            assert!(!raw.contains(private), "{private}: {raw}");
        }
    }
    let root = told[0].header("Message-ID");
    assert!(told[1..].iter().all(|mail| mail.header("References") == root));
}

#[test]
fn mail_of_a_ticket_is_one_thread_marked_as_automatic() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.ticket_in("closed");
    desk.send_mail();
    let root = format!("<{}@mesa.test>", message(&desk, "received")["id"].as_str().unwrap());
    let mail = server.mail();
    assert_eq!(mail.len(), 5);
    for mail in &mail {
        assert_eq!(mail.from, "mesa@mesa.test");
        assert_eq!(mail.subject(), "[#1] La impresora no imprime");
        assert_eq!(mail.header("From"), "\"Mesa de Servicios\" <mesa@mesa.test>");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(mailparse::dateparse(&mail.header("Date")).is_ok());
        let answers = if mail.header("Message-ID") == root { "" } else { &root };
        assert_eq!((mail.header("In-Reply-To"), mail.header("References")), (answers.into(), answers.into()));
        assert!(mail.raw.is_ascii(), "accents are not encoded");
        assert_eq!(mail.parsed().ctype.mimetype, "multipart/alternative");
        assert!(!mail.html().contains("<img") && !mail.html().contains("src="), "remote content");
    }
    let mut ids: Vec<String> = mail.iter().map(|mail| mail.header("Message-ID")).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert_eq!(to(&mail, REQUESTER)[0].header("To"), "Rosa Pérez Gómez <requester@mesa.test>");
}

#[test]
fn names_and_subjects_cannot_inject_headers_or_markup() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let director = desk.director();
    let evil = "Ana\r\nBcc: otra@mesa.test\r\n\r\n<b>\"Pérez\", </b>";
    director.patch(&format!("/users/{}", desk.requester().id()), json!({"full_name": evil})).ok();
    let subject = "Sin red\r\nX-Evil: 1\n\n<script>alert(1)</script> {{ 7 * 7 }} ñandú";
    let ticket = desk.requester().register(subject);
    desk.technician()
        .post(
            &format!("/tickets/{}/followups", ticket["id"]),
            json!({"visibility": "public", "body": "Vea:\r\n.\r\nQUIT\r\n<a href='https://evil.example'>aquí</a>"}),
        )
        .created();
    desk.send_mail();
    let mail = server.mail();
    assert_eq!(mail.len(), 2);
    for mail in &mail {
        let parsed = mail.parsed();
        let names: Vec<String> = parsed.headers.iter().map(|header| header.get_key()).collect();
        assert!(!names.iter().any(|name| name == "Bcc" || name == "X-Evil"), "{names:?}");
        assert_eq!(mail.subject(), "[#1] Sin red X-Evil: 1 <script>alert(1)</script> {{ 7 * 7 }} ñandú");
        assert_eq!(mail.to, REQUESTER);
        let html = mail.html();
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<a "), "{html}");
    }
    let followup = mail.iter().find(|mail| mail.text().contains("Vea:")).unwrap();
    assert!(followup.text().contains("> Vea:\n> .\n> QUIT\n> <a href"), "{}", followup.text());
}

#[test]
fn temporarily_refused_mail_is_retried_until_the_limit() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    server.answer(REQUESTER, &[Answer::NotNow; 12]);
    desk.requester().register("Sin red");
    let wait = "SELECT round(extract(epoch FROM next_attempt_at - now()) / 60) FROM messages";
    let mut waits = Vec::new();
    for _ in 0..11 {
        desk.send_mail();
        let message = message(&desk, "received");
        assert_eq!(message["status"], "waiting");
        assert!(message["last_error"].as_str().unwrap().contains("4.3.0 not now"), "{message}");
        waits.push(desk.database.count(wait));
        // It is not retried before its time.
        desk.send_mail();
        desk.database.run("UPDATE messages SET next_attempt_at = now()");
    }
    assert_eq!(waits, [1, 5, 15, 60, 240, 720, 720, 720, 720, 720, 720]);
    desk.send_mail();
    let failed = message(&desk, "received");
    assert_eq!((&failed["status"], &failed["attempt_count"]), (&json!("failed"), &json!(12)));
    assert_eq!(server.count(), 0);
    // On request it is retried with a new count of attempts.
    let path = format!("/messages/{}", failed["id"].as_str().unwrap());
    let stale = desk.professional().with("if-match", "\"1-000000000000\"");
    stale.post(&format!("{path}/retry"), json!({})).problem(412, "precondition_failed");
    let etag = desk.director().get(&path).header("etag").to_owned();
    let fresh = desk.professional().with("if-match", etag);
    let waiting = fresh.post(&format!("{path}/retry"), json!({})).ok();
    assert_eq!((&waiting["status"], &waiting["attempt_count"]), (&json!("waiting"), &json!(0)));
    desk.send_mail();
    assert_eq!(desk.director().get(&path).ok()["status"], "sent");
    assert_eq!(server.count(), 1);
    desk.director().post(&format!("{path}/retry"), json!({})).problem(409, "wrong_state");
}

#[test]
fn permanently_refused_mail_fails_at_once_without_blocking_other_mail() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    server.answer(REQUESTER, &[Answer::Never]);
    desk.ticket_in("assigned");
    desk.send_mail();
    let failed = message(&desk, "received");
    assert_eq!((&failed["status"], &failed["attempt_count"]), (&json!("failed"), &json!(1)));
    assert!(failed["last_error"].as_str().unwrap().contains("5.1.1 no such user"), "{failed}");
    assert_eq!(failed["next_attempt_at"], Value::Null);
    assert_eq!(message(&desk, "assigned")["status"], "sent");
    assert_eq!(desk.director().get("/messages?status=failed").items().len(), 1);
    let metrics = desk.nobody().get("//metrics").text();
    assert!(metrics.contains("mesa_messages{status=\"failed\"} 1"), "{metrics}");
    assert!(metrics.contains("mesa_messages{status=\"waiting\"} 0"), "{metrics}");
}

#[test]
fn a_lost_connection_causes_a_repeat_with_the_same_message_id() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    server.answer(REQUESTER, &[Answer::CutInTheMiddle, Answer::CutAtTheEnd]);
    desk.requester().register("Sin red");
    for taken in [0, 1, 2] {
        desk.send_mail();
        assert_eq!(server.count(), taken);
        desk.database.run("UPDATE messages SET next_attempt_at = now()");
    }
    assert_eq!(message(&desk, "received")["status"], "sent");
    let mail = server.mail();
    assert_eq!(mail[0].header("Message-ID"), mail[1].header("Message-ID"));
    desk.send_mail();
    assert_eq!(server.count(), 2);
}

#[test]
fn attempts_without_a_mail_server_are_shown_and_do_not_let_a_message_fail() {
    let gone = MailServer::start();
    let desk = Desk::mailing(&gone);
    drop(gone);
    desk.requester().register("Sin red");
    for _ in 0..20 {
        assert_eq!(desk.send_mail(), Round::Unreachable);
        desk.database.run("UPDATE messages SET next_attempt_at = now()");
    }
    let message = message(&desk, "received");
    assert_eq!((&message["status"], &message["attempt_count"]), (&json!("waiting"), &json!(20)));
    assert!(message["last_error"].as_str().unwrap().contains("onnection"), "{message}");
    // Twelve attempts that reach a server are left.
    assert_eq!(desk.database.count("SELECT max(attempts)::bigint FROM messages"), 0);
}

#[test]
fn copies_of_the_server_share_the_work() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.requester().register("Sin red");
    desk.database.run(
        "INSERT INTO messages (id, ticket_id, kind, recipient_id, data, created_at) \
         SELECT gen_random_uuid(), 1, 'resumed', requester_id, '{}', now() FROM tickets, generate_series(1, 99)",
    );
    let copies = [desk.copy(), desk.copy(), desk.copy()];
    std::thread::scope(|scope| {
        for copy in &copies {
            scope.spawn(|| copy.send_mail());
        }
    });
    let mut ids: Vec<String> = server.mail().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 100);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 100, "a message was sent twice");
}

#[test]
fn messages_of_a_dead_copy_are_sent_after_the_lease() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.requester().register("Sin red");
    desk.database.run("UPDATE messages SET locked_until = now() + interval '1 minute'");
    assert_eq!(desk.send_mail(), Round::Idle);
    assert_eq!(server.count(), 0);
    desk.database.run("UPDATE messages SET locked_until = now()");
    desk.send_mail();
    assert_eq!(server.count(), 1);
}

#[test]
fn staff_can_turn_off_mail_about_tickets_that_are_neither_theirs_nor_critical() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (technician, director) = (desk.technician(), desk.director());
    assert_eq!(technician.get("/me").ok()["staff_mail"], true);
    assert_eq!(technician.patch("/me", json!({"staff_mail": false})).ok()["staff_mail"], false);
    let path = format!("/users/{}", desk.requester().id());
    assert_eq!(director.patch(&path, json!({"staff_mail": false})).ok()["staff_mail"], false);
    let one = desk.ticket_in("classified");
    staff_calls::tell(&mut desk.database.connect(), &desk.shared().config).unwrap();
    desk.send_mail();
    assert_eq!(to(&server.mail(), TECHNICIAN).len(), 0, "a new ticket");
    // Mail about one's own tickets, critical ones and one's own requests is always sent.
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    technician.register("Mi teclado no escribe");
    let critical = format!("/tickets/{}", desk.requester().register("Sin red")["id"]);
    technician.post(&format!("{critical}/classification"), json!({"criticality": "critical"})).ok();
    staff_calls::tell(&mut desk.database.connect(), &desk.shared().config).unwrap();
    desk.send_mail();
    let mail = server.mail();
    // Two tasks queue them.
    let mut received = to(&mail, TECHNICIAN);
    received.sort_by_key(|mail| mail.subject());
    let subjects: Vec<String> = received.iter().map(|mail| mail.subject()).collect();
    assert_eq!(
        subjects,
        ["[#1] La impresora no imprime", "[#2] Mi teclado no escribe", "[#3] Sin red"],
        "{subjects:?}"
    );
    let told = |index: usize| received[index].text().contains("Puede desactivar en su cuenta");
    assert_eq!((told(0), told(2)), (false, false));
    assert_eq!(to(&mail, REQUESTER).len(), 2);
    // No mail is sent to deactivated users.
    let leaver = desk.another(Role::Requester);
    let one = format!("/tickets/{}", leaver.register("Sin red")["id"]);
    director.patch(&format!("/users/{}", leaver.id()), json!({"active": false})).ok();
    technician.post(&format!("{one}/archive"), json!({"reason": "withdrawn"})).ok();
    assert_eq!(desk.database.count("SELECT count(*) FROM messages WHERE kind = 'archived'"), 0);
}

#[test]
fn messages_can_be_read_without_the_link_of_the_survey() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.ticket_in("solved");
    let before = message(&desk, "solved");
    assert_eq!(
        (&before["to_address"], &before["subject"]),
        (&json!(REQUESTER), &json!("[#1] La impresora no imprime"))
    );
    assert!(
        before["text"]
            .as_str()
            .unwrap()
            .contains("Responder la Encuesta de Percepción: https://mesa.example/s/…\n")
    );
    assert_eq!(desk.database.count("SELECT count(*) FROM survey_tokens"), 0, "reading created a link");
    desk.send_mail();
    let after = message(&desk, "solved");
    assert_eq!((&after["text"], &after["status"]), (&before["text"], &json!("sent")));
    let token = server.last_with_link().survey_token();
    assert_eq!(token.len(), 43);
    // The sent text does not change afterwards.
    let moved = json!({"full_name": "Otra", "email": "otra@mesa.test"});
    desk.director().patch(&format!("/users/{}", desk.requester().id()), moved).ok();
    let later = message(&desk, "solved");
    assert_eq!((&later["text"], &later["to_address"]), (&after["text"], &after["to_address"]));
    // The token is only in the mail.
    for (table, column) in
        [("messages", "data::text"), ("messages", "sent_text"), ("survey_tokens", "token_hash::text")]
    {
        let found = format!("SELECT count(*) FROM {table} WHERE {column} LIKE '%{token}%'");
        assert_eq!(desk.database.count(&found), 0, "{table}.{column}");
    }
}

#[test]
fn messages_are_listed_by_status_ticket_and_kind() {
    let desk = Desk::open();
    desk.ticket_in("closed");
    desk.ticket_in("received");
    let director = desk.director();
    let list = |query: &str| director.get(&format!("/messages?{query}")).items();
    assert_eq!(list("").len(), 6);
    assert_eq!(list("status=waiting").len(), 6, "without a mail server messages wait");
    assert_eq!((list("status=sent").len(), list("status=failed").len()), (0, 0));
    assert_eq!((list("ticket_id=1").len(), list("ticket_id=2").len()), (5, 1));
    assert_eq!((list("kind=received").len(), list("kind=assigned&ticket_id=1").len()), (2, 1));
    let first = director.get("/messages?limit=4&sort=created_at").ok();
    let rest = director
        .get(&format!("/messages?limit=4&sort=created_at&cursor={}", first["next_cursor"].as_str().unwrap()));
    assert_eq!((first["items"].as_array().unwrap().len(), rest.items().len()), (4, 2));
    assert_eq!(first["items"][0]["kind"], "received");
    assert_eq!(director.get("/messages?with_total=true&limit=1").ok()["total"], 6);
}
