//! Scenes of a day in a municipality, judged by what each person receives and sees: the mail in the inbox of each, the
//! pages that they open, and the tickets that they can read.

use mesa::auth::policy::Role;
use mesa::tickets::staff_calls;
use serde_json::{Value, json};

use crate::harness::smtp::{Mail, MailServer};
use crate::harness::states::soon;
use crate::harness::{Client, Desk};
use crate::inbound::{became, message};
use crate::shifts::{shifts_of, works_only};

struct Municipality {
    desk: Desk,
    server: MailServer,
}

impl Municipality {
    fn open() -> Self {
        let server = MailServer::start();
        let desk = Desk::configured(&[
            ("MESA_SMTP_URL", &server.url()),
            ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@mesa.test>"),
            ("MESA_MAIL_AUTHSERV_ID", "mx.mesa.test"),
            ("MESA_PUBLIC_URL", "https://mesa.example"),
            ("MESA_ENTITY_NAME", "Municipio de Itagüí"),
        ]);
        Municipality { desk, server }
    }

    /// Time passes: the background work is done, and mail is sent.
    fn pass(&self) {
        staff_calls::tell(&mut self.desk.database.connect(), &self.desk.shared().config).unwrap();
        mesa::server::routine::once(&mut self.desk.database.connect(), &self.desk.shared().config);
        self.desk.send_mail();
    }

    /// The texts of all mail that this address received, after the background work.
    fn inbox(&self, address: &str) -> Vec<String> {
        self.pass();
        self.server.mail().iter().filter(|mail| mail.to == address).map(Mail::text).collect()
    }

    /// The last mail to this address.
    #[track_caller]
    fn last(&self, address: &str) -> String {
        self.inbox(address).pop().unwrap_or_else(|| panic!("{address} received nothing"))
    }

    #[track_caller]
    fn reads(&self, address: &str, words: &[&str]) {
        let text = self.last(address);
        for words in words {
            assert!(text.contains(words), "{address}: {words:?} is not in {text}");
        }
        assert!(text.ends_with("Cordialmente,\n\nMesa de Servicios\nMunicipio de Itagüí\n"), "{text}");
    }

    fn unit(&self) -> String {
        let unit = self.desk.director().get(&format!("/units/{}", self.desk.unit_id())).ok();
        unit["name"].as_str().unwrap().to_owned()
    }

    /// A member of staff takes the ticket as far as its acceptance.
    fn accept(&self, person: &Client, one: &str, criticality: &str) {
        person.post(&format!("{one}/classification"), json!({"criticality": criticality})).ok();
        person.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
        let appointment = if criticality == "critical" { json!({}) } else { soon() };
        person.post(&format!("{one}/acceptance"), appointment).ok();
    }
}

fn register(client: &Client, subject: &str) -> String {
    format!("/tickets/{}", client.register(subject)["id"])
}

/// Working hours or times on call around the clock.
fn is_always(desk: &Desk, person: &Client, on_call: bool) {
    let day = |weekday| {
        json!({
            "weekday": weekday, "start_time": "00:00", "end_time": "00:00", "on_public_holidays": true,
            "on_call": on_call,
        })
    };
    let week: Vec<Value> = (1..=7).map(day).collect();
    desk.director().put(&shifts_of(person), json!({"shifts": week})).ok();
}

#[test]
fn mail_without_data() {
    const ROSA: &str = "rosa.perez@itagui.example";
    let town = Municipality::open();
    let desk = &town.desk;
    became(desk, message(&format!("Rosa Pérez <{ROSA}>"), "Impresora", "", "No imprime desde ayer."));
    town.reads(
        ROSA,
        &[
            "Hola, Rosa Pérez:",
            "quedó registrada con el número 1. Consérvelo para hacer seguimiento.",
            "> Faltan: número del documento de identidad; teléfono fijo, extensión o celular; unidad administrativa.",
            "> Cédula:\n",
            &town.unit(),
            "Responda a este correo con esos datos a más tardar el ",
        ],
    );
    assert_eq!(town.inbox(ROSA).len(), 1);
    // She answers the mail, above its quotation.
    let reply = format!(
        "Cédula 43.111.222, cel. 300 123 4567\nDependencia: {}\n\nEl lun, 24 nov 2026, Mesa de Servicios escribió:\n> Faltan: …",
        town.unit().to_lowercase()
    );
    became(desk, message(ROSA, "Re: [#1] Impresora", "", &reply));
    let ticket = desk.technician().get("/tickets/1").ok();
    assert_eq!(
        (&ticket["status"], &ticket["requester"]["document_id"]),
        (&json!("received"), &json!("43111222"))
    );
    assert_eq!(desk.technician().get("/tickets?with_total=true").ok()["total"], 1);
    // The technician attends, and her thanks leave the ticket solved.
    town.accept(&desk.technician(), "/tickets/1", "low");
    town.reads(ROSA, &["se hace cargo de su solicitud y la atenderá el "]);
    desk.technician().post("/tickets/1/solution", json!({"description": "Se cambió el rodillo."})).ok();
    town.reads(ROSA, &["Su solicitud fue solucionada.", "https://mesa.example/s/"]);
    became(desk, message(ROSA, "Re: [#1] Impresora", "", "Muchas gracias, ya imprime.\n\nRosa Pérez"));
    assert_eq!(desk.technician().get("/tickets/1").ok()["status"], "solved");
    town.reads("technician@mesa.test", &["Rosa Pérez escribió en el caso:", "> Muchas gracias, ya imprime."]);
}

#[test]
fn ransomware_at_night() {
    let town = Municipality::open();
    let desk = &town.desk;
    let (guard, professional) = (desk.another(Role::Technician), desk.professional());
    works_only(desk, &desk.technician(), 3);
    works_only(desk, &professional, 3);
    is_always(desk, &guard, true);
    // The message has no data at all: it waits for them, and is told nevertheless.
    became(desk, message("luis@itagui.example", "Archivos cifrados", "", "Piden un rescate en bitcoins."));
    town.reads(
        guard.email(),
        &["Llegó un caso nuevo al nivel 1 de soporte.", "Si es crítico, clasifíquelo", "Archivos cifrados"],
    );
    for sleeping in ["technician@mesa.test", "professional@mesa.test"] {
        assert_eq!(town.inbox(sleeping), [] as [String; 0], "{sleeping}");
    }
    // The technician on call goes on at once.
    town.accept(&guard, "/tickets/1", "critical");
    town.reads("luis@itagui.example", &["se hace cargo de su solicitud"]);
    guard.post("/tickets/1/escalations", json!({"reason": "Afecta los servidores."})).created();
    town.reads("luis@itagui.example", &["fue escalada al nivel 2 de soporte"]);
    // Of level 2 nobody is on shift or on call: the director is told.
    town.reads(
        "director@mesa.test",
        &["escalado al nivel 2 de soporte", "Nadie de ese nivel está en turno ni disponible"],
    );
    assert_eq!(town.inbox("professional@mesa.test"), [] as [String; 0]);
    // In the morning the professional comes on.
    is_always(desk, &professional, false);
    town.reads("professional@mesa.test", &["escalado al nivel 2 de soporte y no tiene responsable"]);
    let before = town.inbox("professional@mesa.test").len();
    assert_eq!(town.inbox("professional@mesa.test").len(), before, "nobody is told twice");
}

#[test]
fn caller_at_the_counter() {
    let town = Municipality::open();
    let desk = &town.desk;
    let technician = desk.technician();
    let body = json!({
        "subject": "Sin internet", "description": "No navega.", "channel": "in_person",
        "requester": {
            "full_name": "Gloria Toro Ríos", "document_id": "43555111", "email": "gloria@itagui.example",
            "contact": {"extension": "1210"}, "unit_id": desk.unit_id(),
        },
    });
    let ticket = technician.post("/tickets", body).created();
    let one = format!("/tickets/{}", ticket["id"]);
    let receipt = technician.get(&format!("{one}/receipt")).text();
    for words in ["Gloria Toro Ríos", "Sin internet", "Municipio de Itagüí", "<html lang=\"es"] {
        assert!(receipt.contains(words), "{words}: {receipt}");
    }
    town.reads("gloria@itagui.example", &["Hola, Gloria Toro Ríos:", "quedó registrada con el número 1"]);
    town.accept(&technician, &one, "low");
    technician.post(&format!("{one}/solution"), json!({"description": "Se cambió el cable."})).ok();
    town.reads("gloria@itagui.example", &["Su solicitud fue solucionada.", "https://mesa.example/s/"]);
    let mail = town.inbox("technician@mesa.test");
    assert!(mail.iter().all(|text| !text.contains("/s/")), "{mail:#?}");
    technician.post(&format!("{one}/survey"), json!({"timeliness": 5})).expect_status(403);
}

#[test]
fn technician_on_leave() {
    let town = Municipality::open();
    let desk = &town.desk;
    let (technician, other) = (desk.technician(), desk.another(Role::Technician));
    let one = register(&desk.requester(), "Sin red");
    town.accept(&technician, &one, "low");
    town.reads("requester@mesa.test", &["Tomás Ríos Cano se hace cargo de su solicitud"]);
    let absence = json!({
        "kind": "holiday", "starts_at": chrono::Utc::now() - chrono::Duration::hours(1),
        "ends_at": chrono::Utc::now() + chrono::Duration::days(5),
    });
    desk.director().post(&format!("/users/{}/absences", technician.id()), absence).created();
    // A colleague takes over: the appointment is void, and the requester learns it.
    let taken = json!({"assignee_id": "me", "replaced_assignee_id": technician.id()});
    other.post(&format!("{one}/assignment"), taken).ok();
    town.reads("requester@mesa.test", &["Su solicitud será atendida por otra persona.", "queda sin efecto"]);
    // To give it back to the absent technician is possible, with a warning.
    let back = json!({"assignee_id": technician.id(), "replaced_assignee_id": other.id()});
    let answer = desk.professional().post(&format!("{one}/assignment"), back).ok();
    assert_eq!(answer["warnings"][0]["code"], "absent");
}

#[test]
fn supplier() {
    let town = Municipality::open();
    let desk = &town.desk;
    let technician = desk.technician();
    let one = register(&desk.requester(), "Sin internet en la sede");
    town.accept(&technician, &one, "medium");
    let body = json!({
        "reason": "Fibra cortada.", "third_party": "Redes del Sur", "promised_for": "2030-01-15T20:00:00Z",
        "to_level": 1,
    });
    technician.post(&format!("{one}/escalations"), body).created();
    town.reads(
        "requester@mesa.test",
        &[
            "fue escalada al proveedor Redes del Sur, que se comprometió para el martes 15 de enero de 2030 a las 3:00 p. m.",
            "Tomás Ríos Cano sigue a cargo de su solicitud",
        ],
    );
    technician.post(&format!("{one}/return"), json!({"reason": "Fibra reparada.", "to_level": 1})).ok();
    town.reads("requester@mesa.test", &["El proveedor terminó su trabajo en su solicitud"]);
    technician.post(&format!("{one}/solution"), json!({"description": "Fibra reparada."})).ok();
}

#[test]
fn demotion() {
    let town = Municipality::open();
    let desk = &town.desk;
    let (requester, technician) = (desk.requester(), desk.another(Role::Technician));
    is_always(desk, &desk.technician(), false);
    let one = register(&requester, "Clave del correo");
    town.accept(&technician, &one, "low");
    let before = town.inbox(technician.email()).len();
    desk.director().patch(&format!("/users/{}", technician.id()), json!({"role": "requester"})).ok();
    // The case returns to its level, which is told, and so is the requester.
    town.reads("technician@mesa.test", &["no tiene responsable"]);
    town.reads("requester@mesa.test", &["ya no puede atenderla"]);
    assert_eq!(desk.director().get(&one).ok()["assignee"], json!(null));
    // What the requester writes now does not reach the former technician.
    let secret = json!({"visibility": "public", "body": "Mi clave es 1234."});
    requester.post(&format!("{one}/followups"), secret).created();
    assert_eq!(town.inbox(technician.email()).len(), before);
    technician.get(&one).problem(404, "not_found");
}

#[test]
fn mistaken_merge() {
    let town = Municipality::open();
    let desk = &town.desk;
    let (requester, other) = (desk.requester(), desk.another(Role::Requester));
    let (target, duplicate) = (register(&requester, "Sin red"), register(&other, "Sin internet"));
    let number: i64 = target.rsplit('/').next().unwrap().parse().unwrap();
    let technician = desk.technician();
    technician
        .post(&format!("{duplicate}/merge"), json!({"into_ticket_id": number}))
        .problem(422, "invalid_body");
    let confirmed = json!({"into_ticket_id": number, "confirm_other_requester": true});
    technician.post(&format!("{duplicate}/merge"), confirmed).ok();
    town.reads(other.email(), &["duplicada"]);
    let relation = technician.get(&format!("{duplicate}/relations")).items()[0]["id"].clone();
    let path = format!("{duplicate}/relations/{}", relation.as_str().unwrap());
    technician.delete(&path).expect_status(204);
    let before = town.inbox(other.email()).len();
    let answer = json!({"visibility": "public", "body": "Su usuario es rperez."});
    technician.post(&format!("{target}/followups"), answer).created();
    town.reads("requester@mesa.test", &["Su usuario es rperez."]);
    assert_eq!(town.inbox(other.email()).len(), before, "the other requester reads nothing of it");
}

#[test]
fn access_request_of_a_head() {
    let town = Municipality::open();
    let desk = &town.desk;
    let (head, other, technician) = (desk.requester(), desk.another(Role::Requester), desk.technician());
    let unit = format!("/units/{}", desk.unit_id());
    desk.director().patch(&unit, json!({"head_id": head.id()})).ok();
    let category = desk.director().get("/categories?q=Cuentas").items()[0]["id"].clone();
    let path = format!("/categories/{}", category.as_str().unwrap());
    desk.director().patch(&path, json!({"records_access_grants": true})).ok();
    // Somebody who is not the head: the request is archived when its category is found.
    let one = register(&other, "Cuenta de SAP");
    let body = json!({"criticality": "low", "category_id": category});
    let archived = technician.post(&format!("{one}/classification"), body.clone()).ok();
    assert_eq!(archived["archive"]["reason"], "profile_not_authorized");
    town.reads(other.email(), &["jefe de la unidad administrativa"]);
    // The head.
    let one = register(&head, "Cuenta de SAP");
    technician.post(&format!("{one}/classification"), body).ok();
    technician.post(&format!("{one}/assignment"), json!({"assignee_id": "me"})).ok();
    technician.post(&format!("{one}/acceptance"), soon()).ok();
    let grant = json!({"beneficiary": "Luz Elena Toro", "system": "SAP", "profile": "Consulta"});
    let solution = json!({"description": "Se creó la cuenta.", "access_grants": [grant]});
    technician.post(&format!("{one}/solution"), solution).ok();
    // The technician who verifies sees it once the head leaves the unit.
    let unverified = "/audit/access-grants?finding=not_head&finding=no_longer_head";
    assert_eq!(technician.get(unverified).items().len(), 0);
    desk.director().patch(&unit, json!({"head_id": other.id()})).ok();
    let seen = technician.get(unverified).items();
    assert_eq!((seen.len(), &seen[0]["beneficiary"]), (1, &json!("Luz Elena Toro")));
}

#[test]
fn signature_of_the_quarter() {
    const REPORT: &str = "/reports/quarterly/2026/3";
    let town = Municipality::open();
    let desk = &town.desk;
    let (technician, director) = (desk.technician(), desk.director());
    let report = |format: &str| director.get(&format!("{REPORT}?format={format}"));
    // The technician writes, and the director reads one page that answers in words.
    let texts = json!({"analysis": "Faltó un turno los sábados.", "proposals": "Un turno los sábados."});
    technician.patch(&format!("{REPORT}/narrative"), texts).ok();
    let page = report("html").text();
    for words in [
        "Municipio de Itagüí",
        "III trimestre de 2026",
        "PR-RF-09",
        "¿Se cumplen las metas?",
        "¿Qué se propone?",
        "Un turno los sábados.",
        "Faltó un turno los sábados.",
        "Aprobó:",
    ] {
        assert!(page.contains(words), "{words}");
    }
    technician.post(&format!("{REPORT}/approval"), json!({})).problem(403, "forbidden");
    let etag = director.get(REPORT).header("etag").to_owned();
    director.with("if-match", etag).post(&format!("{REPORT}/approval"), json!({})).created();
    assert!(report("html").text().contains("Versión definitiva, aprobada por Diana Mejía Arango"));
    // The Comité Primario: the form of its minutes, and the director's signature.
    let minutes =
        director.post("/meeting-minutes", crate::harness::states::minutes(technician.id())).created();
    let one = format!("/meeting-minutes/{}", minutes["id"].as_str().unwrap());
    let form = director.get(&format!("{one}?format=html")).text();
    for words in ["FO-DE-01", "Luz Elena Toro", "Enlace MIPG", "Formular la acción de mejora."] {
        assert!(form.contains(words), "{words}");
    }
    let etag = director.get(&one).header("etag").to_owned();
    let signed = director.with("if-match", etag).post(&format!("{one}/signature"), json!({})).ok();
    assert_eq!(signed["status"], "signed");
    let scan = director.upload(&format!("{one}/attachments"), "acta-firmada.pdf", "%PDF-1.4\n%%EOF\n");
    assert_eq!(scan.created()["file_name"], "acta-firmada.pdf");
    for kind in ["application/pdf", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"] {
        let file = director.with("accept", kind).get(&one);
        assert_eq!((file.status, file.header("content-type")), (200, kind));
    }
}
