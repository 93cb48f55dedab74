//! PR-RF-09, *Procedimiento de Mesa de Servicios*, version 06, activities 1 to 11: each sentence in order, with the
//! test that verifies it.

use chrono::{Duration, Utc};
use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::soon;
use crate::harness::{Client, Desk, moment};

/// The number of messages of a kind to recipients with a role.
fn sent(desk: &Desk, kind: &str, role: &str) -> i64 {
    desk.database.count(&format!(
        "SELECT count(*) FROM messages m JOIN users u ON u.id = m.recipient_id WHERE m.kind = '{kind}' AND u.role = '{role}'"
    ))
}

/// The text of the only message of this kind.
fn text(desk: &Desk, kind: &str) -> String {
    let items = desk.director().get(&format!("/messages?kind={kind}")).items();
    assert_eq!(items.len(), 1, "{items:?}");
    let message = desk.director().get(&format!("/messages/{}", items[0]["id"].as_str().unwrap())).ok();
    message["text"].as_str().unwrap().to_owned()
}

fn classify(desk: &Desk, one: &str, criticality: &str) -> Value {
    desk.technician().post(&format!("{one}/classification"), json!({"criticality": criticality})).ok()
}

/// Activity 1: «Registrar la solicitud de atención».
mod activity_1 {
    use super::*;

    /// «El Servidor Público y/o el Contratista que requieran la solución de cualquier incidente, registran la solicitud
    /// en el software de la Mesa de Servicios».
    #[test]
    fn a_requester_registers_the_request() {
        let desk = Desk::open();
        let requester = desk.requester();
        let ticket = requester.register("La impresora no imprime");
        assert_eq!(
            (&ticket["status"], &ticket["requester"]["id"]),
            (&json!("received"), &json!(requester.id()))
        );
    }

    /// The same, with «Técnico Operativo o Administrativo de las TIC» as responsible: staff register the request of a
    /// person who calls, also of one without an account or an address.
    #[test]
    fn staff_register_the_request_of_a_caller() {
        let desk = Desk::open();
        let technician = desk.technician();
        let caller = json!({"full_name": "Gloria Toro Ríos", "document_id": "43555111",
            "contact": {"landline": "6043730000"}, "unit_id": desk.unit_id()});
        let body =
            json!({"subject": "Sin red", "description": "Llamó.", "channel": "phone", "requester": caller});
        let ticket = technician.post("/tickets", body).created();
        assert_eq!(
            [&ticket["requester"]["full_name"], &ticket["registered_by"]["id"], &ticket["channel"]],
            [&json!("Gloria Toro Ríos"), &json!(technician.id()), &json!("phone")]
        );
        let receipt = technician.get(&format!("/tickets/{}/receipt", ticket["id"])).text();
        assert!(receipt.contains("Constancia de registro"), "{receipt}");
    }

    /// «… mínimo con la siguiente información: Asunto de la solicitud. Descripción amplia de la solicitud, junto con sus
    /// respectivos soportes (en caso de tenerlos). Identificación del solicitante (nombres y apellidos completos, y
    /// número de documento de identidad). Información de contacto del solicitante (teléfono fijo, extensión y/o número de
    /// celular). Ubicación del solicitante (unidad administrativa).»
    #[test]
    fn a_request_has_the_minimum_data_and_attachments() {
        let desk = Desk::open();
        let requester = desk.requester();
        let ticket = requester.register("La impresora no imprime");
        for field in [
            "/subject",
            "/description",
            "/requester/full_name",
            "/requester/document_id",
            "/requester/unit/name",
        ] {
            assert!(
                ticket
                    .pointer(field)
                    .is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty())),
                "{field}"
            );
        }
        assert!(ticket["requester"]["contact"].as_object().unwrap().values().any(|way| way.is_string()));
        let file =
            requester.upload(&format!("/tickets/{}/attachments", ticket["id"]), "pantalla.txt", "Error 0x61");
        file.created();
    }

    /// «Nota: Toda solicitud que incumpla con los datos mínimos requeridos para la atención y verificación por parte
    /// del personal técnico de soporte …»: the response lists what is missing, and nothing is registered.
    #[test]
    fn a_request_without_the_minimum_data_is_rejected_with_every_field() {
        let desk = Desk::open();
        let refused = desk.requester().post("/tickets", json!({"subject": " "}));
        let named: Vec<String> = refused.faults().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(named, ["/description", "/subject"]);
        assert_eq!(desk.database.count("SELECT count(*) FROM tickets"), 0);
    }

    /// «… previa notificación al solicitante, será archivada, considerada desistida …»: the missing information is
    /// requested first, and without an answer the request is archived at the deadline.
    #[test]
    fn an_incomplete_request_is_archived_after_a_notification() {
        let desk = Desk::open();
        let one = desk.ticket_in("received");
        let request = json!({"missing": "La placa del equipo."});
        assert_eq!(
            desk.technician().post(&format!("{one}/information-request"), request).ok()["status"],
            "on_hold"
        );
        assert_eq!(sent(&desk, "information_requested", "requester"), 1);
        let asked = text(&desk, "information_requested");
        assert!(
            asked.contains("> La placa del equipo.\n\nResponda a este correo a más tardar el "),
            "{asked}"
        );
        assert!(asked.contains("la solicitud se considera desistida"), "{asked}");
        desk.database.run("UPDATE tickets SET information_deadline = now() - interval '1 minute'");
        mesa::server::routine::once(&mut desk.database.connect(), &desk.shared().config);
        let ticket = desk.requester().get(&one).ok();
        assert_eq!(
            (&ticket["status"], &ticket["archive"]["reason"]),
            (&json!("archived"), &json!("missing_information"))
        );
        assert_eq!(sent(&desk, "archived", "requester"), 1);
        let archived = text(&desk, "archived");
        assert!(
            archived.contains("> La placa del equipo.\n\nLa solicitud se considera desistida. "),
            "{archived}"
        );
    }

    /// «… o que el perfil del usuario no sea del nivel requerido según el asunto de la misma, previa notificación al
    /// solicitante, será archivada, considerada desistida …».
    #[test]
    fn a_request_without_the_required_profile_is_archived_and_notified() {
        let desk = Desk::open();
        let category = desk.director().get("/categories?q=cuentas").items()[0]["id"].clone();
        let body = json!({"subject": "Cuenta nueva", "description": "Para un contratista.", "category_id": category});
        let ticket = desk.requester().post("/tickets", body).created();
        assert_eq!(
            (&ticket["status"], &ticket["archive"]["reason"]),
            (&json!("archived"), &json!("profile_not_authorized"))
        );
        assert_eq!(sent(&desk, "archived", "requester"), 1);
    }

    /// «… y deberá presentarse nuevamente por el usuario autorizado.»
    #[test]
    fn an_archived_request_can_be_submitted_again() {
        let desk = Desk::open();
        let archived = desk.ticket_in("archived");
        let again = desk.requester().post(&format!("{archived}/resubmission"), json!({})).created();
        assert_eq!(again["status"], "received");
        assert_eq!(again["resubmission_of_id"].to_string(), archived.rsplit('/').next().unwrap());
        assert_eq!(desk.requester().get(&archived).ok()["archive"]["resubmitted_as_id"], again["id"]);
    }
}

/// Activity 2: «Recibir la solicitud de atención».
mod activity_2 {
    use super::*;

    /// «… reciben la solicitud mediante el software de la Mesa de Servicios, el cual genera automáticamente un Ticket
    /// asociado al requerimiento.» Ticket: «Número consecutivo (ID) generado automáticamente».
    #[test]
    fn every_request_gets_the_next_number() {
        let desk = Desk::open();
        let numbers: Vec<i64> =
            (0..3).map(|_| desk.requester().register("Sin red")["id"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(desk.technician().get("/tickets?status=received").items().len(), 3);
        assert_eq!(sent(&desk, "received", "requester"), 3);
    }

    /// «… reciben la solicitud …»: the staff on shift are told of it, and until the classification the strictest of the
    /// Niveles de Atención counts from the reception.
    #[test]
    fn the_staff_are_told_of_a_request_whose_time_counts_from_its_reception() {
        let desk = Desk::open();
        let ticket = desk.requester().register("Los archivos están cifrados");
        mesa::server::routine::once(&mut desk.database.connect(), &desk.shared().config);
        assert_eq!(sent(&desk, "new_ticket", "technician"), 1);
        assert_eq!(moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"]), Duration::hours(1));
    }
}

/// Activity 3: «Clasificar el incidente».
mod activity_3 {
    use super::*;

    /// «… clasifican el incidente o solicitud …, de acuerdo con el nivel de criticidad: crítico, alto, medio o bajo.»
    /// Niveles de Atención: «Hasta una (1) hora. Hasta dos (2) horas. Hasta cinco (5) horas. Hasta dieciocho (18) horas.»
    /// «… luego de la recepción de la solicitud.»
    #[test]
    fn staff_classify_and_the_attention_time_counts_from_reception() {
        for (criticality, hours) in [("critical", 1), ("high", 2), ("medium", 5), ("low", 18)] {
            let desk = Desk::open();
            let one = desk.ticket_in("received");
            desk.requester()
                .post(&format!("{one}/classification"), json!({"criticality": criticality}))
                .problem(403, "forbidden");
            let ticket = classify(&desk, &one, criticality);
            assert_eq!(
                moment(&ticket["attention_due_at"]) - moment(&ticket["received_at"]),
                Duration::hours(hours)
            );
        }
    }
}

/// Activity 4: «Asignar la solicitud».
mod activity_4 {
    use super::*;

    /// «… asignan la solicitud de acuerdo con la disponibilidad del personal».
    #[test]
    fn the_request_is_assigned_to_an_available_person() {
        let desk = Desk::open();
        let (absent, available) = (desk.technician(), desk.another(Role::Technician));
        let now = Utc::now();
        let absence = json!({"kind": "course", "starts_at": now - Duration::hours(1), "ends_at": now + Duration::hours(8)});
        desk.director().post(&format!("/users/{}/absences", absent.id()), absence).created();
        let one = desk.ticket_in("classified");
        let ticket = desk.professional().post(&format!("{one}/assignment"), json!({})).ok();
        assert_eq!(ticket["assignee"]["id"], available.id());
        assert_eq!(sent(&desk, "assigned", "technician"), 1);
    }
}

/// Activity 5: «Atender la solicitud».
mod activity_5 {
    use super::*;

    /// «… designado, se apropia del caso y se pone en contacto con el usuario, con el fin de informarle la fecha y hora
    /// para brindarle la atención de acuerdo con los turnos».
    #[test]
    fn the_assignee_accepts_with_an_appointment_within_their_shifts() {
        let desk = Desk::open();
        let technician = desk.technician();
        let path = format!("/users/{}/shifts", technician.id());
        let week: Vec<Value> =
            (1..=5).map(|day| json!({"weekday": day, "start_time": "08:00", "end_time": "17:00"})).collect();
        desk.director().put(&path, json!({"shifts": week})).ok();
        let one = desk.ticket_in("classified");
        technician.post(&format!("{one}/assignment"), json!({"assignee_id": technician.id()})).ok();
        let at =
            |moment: &str| technician.post(&format!("{one}/acceptance"), json!({"scheduled_for": moment}));
        // 2030-01-12 is a Saturday; 2030-01-07 a public holiday; 2030-01-15 a Tuesday.
        for closed in ["2030-01-12T10:00:00-05:00", "2030-01-07T10:00:00-05:00", "2030-01-15T07:59:00-05:00"]
        {
            assert_eq!(at(closed).faults(), [("/scheduled_for".into(), "outside_shift".into())], "{closed}");
        }
        at("2030-01-15T15:00:00-05:00").ok();
        assert_eq!(sent(&desk, "accepted", "requester"), 1);
        let followups = desk.requester().get(&format!("{one}/followups")).items();
        assert_eq!(
            followups[0]["body"],
            "Tomás Ríos Cano atenderá su solicitud el martes 15 de enero de 2030 a las 3:00 p. m."
        );
    }

    /// «(exceptuando las solicitudes con clasificación crítica, las cuales son analizadas y atendidas con prelación y de
    /// forma inmediata)».
    #[test]
    fn a_critical_request_comes_first_and_is_attended_immediately() {
        let desk = Desk::open();
        let technician = desk.technician();
        desk.ticket_in("classified");
        let critical = desk.ticket_in("classified");
        classify(&desk, &critical, "critical");
        let first = technician.get("/tickets?sort=queue").items()[0]["id"].to_string();
        assert_eq!(format!("/tickets/{first}"), critical);
        technician.post(&format!("{critical}/assignment"), json!({"assignee_id": technician.id()})).ok();
        let refused = technician.post(&format!("{critical}/acceptance"), soon());
        assert_eq!(refused.faults(), [("/scheduled_for".into(), "not_allowed".into())]);
        let ticket = technician.post(&format!("{critical}/acceptance"), json!({})).ok();
        assert_eq!((&ticket["status"], &ticket["scheduled_for"]), (&json!("in_progress"), &json!(null)));
    }

    /// «… atendidas con prelación y de forma inmediata»: also a request that turns out to be critical after its acceptance.
    #[test]
    fn a_request_that_becomes_critical_loses_its_appointment() {
        let desk = Desk::open();
        let one = desk.ticket_in("in_progress");
        let ticket = classify(&desk, &one, "critical");
        assert_eq!((&ticket["status"], &ticket["scheduled_for"]), (&json!("assigned"), &json!(null)));
        assert_eq!(sent(&desk, "became_critical", "requester"), 1);
        desk.technician().post(&format!("{one}/acceptance"), json!({})).ok();
    }

    /// «… atiende la solicitud o la escala a un nivel superior.»
    #[test]
    fn the_request_is_attended_or_escalated() {
        let desk = Desk::open();
        let attended = desk.ticket_in("in_progress");
        desk.technician()
            .post(&format!("{attended}/solution"), json!({"description": "Se cambió el cable."}))
            .ok();
        let escalated = desk.ticket_in("in_progress");
        let up = desk
            .technician()
            .post(&format!("{escalated}/escalations"), json!({"reason": "Es de la red."}))
            .created();
        assert_eq!((&up["from_level"], &up["to_level"]), (&json!(1), &json!(2)));
        desk.technician()
            .post(&format!("{attended}/escalations"), json!({"reason": "Tarde."}))
            .problem(409, "step_not_allowed");
    }

    /// «En caso de que la solicitud sea escalada al nivel superior, se realizarán las mismas actividades contempladas
    /// en este Procedimiento a partir del numeral anterior.» The previous item is activity 4: assign, accept, follow
    /// up, solve.
    #[test]
    fn an_escalated_request_is_assigned_accepted_and_solved_again() {
        let desk = Desk::open();
        let professional = desk.professional();
        let one = desk.ticket_in("escalated");
        // Without a body the person with the least work is chosen.
        let ticket = professional.raw("POST", &format!("{one}/assignment"), "application/json", "").ok();
        assert_eq!(
            (&ticket["status"], &ticket["assignee"]["id"]),
            (&json!("assigned"), &json!(professional.id()))
        );
        professional.post(&format!("{one}/acceptance"), soon()).ok();
        professional.post(&format!("{one}/solution"), json!({"description": "Se cambió el puerto."})).ok();
        let levels = professional.get(&format!("{one}/attention")).ok()["levels"].clone();
        assert_eq!(
            levels.as_array().unwrap().iter().map(|level| &level["in_time"]).collect::<Vec<_>>(),
            [true, true]
        );
    }
}

/// Activity 6: «Registrar el seguimiento del caso».
mod activity_6 {
    use super::*;

    fn follow(client: &Client, one: &str, visibility: &str) -> Value {
        let body = json!({"visibility": visibility, "body": format!("Seguimiento {visibility}.")});
        client.post(&format!("{one}/followups"), body).created()
    }

    /// «… puede ser público o privado, es decir, público si es necesario que el usuario conozca el avance de su
    /// requerimiento, o privado si el avance sólo será compartido internamente entre el personal de soporte.»
    #[test]
    fn a_followup_is_public_or_only_for_staff() {
        let desk = Desk::open();
        let one = desk.ticket_in("classified");
        follow(&desk.technician(), &one, "public");
        follow(&desk.technician(), &one, "private");
        let bodies = |client: &Client| -> Vec<Value> {
            client
                .get(&format!("{one}/followups"))
                .items()
                .iter()
                .map(|followup| followup["body"].clone())
                .collect()
        };
        assert_eq!(bodies(&desk.requester()), ["Seguimiento public."]);
        assert_eq!(bodies(&desk.professional()), ["Seguimiento public.", "Seguimiento private."]);
    }

    /// «Cuando el seguimiento es público, el software envía de manera automática al correo del solicitante el seguimiento
    /// adicionado.»
    #[test]
    fn a_public_followup_is_mailed_to_the_requester() {
        let desk = Desk::open();
        let one = desk.ticket_in("classified");
        follow(&desk.technician(), &one, "private");
        assert_eq!(sent(&desk, "followup", "requester"), 0);
        follow(&desk.technician(), &one, "public");
        assert_eq!(sent(&desk, "followup", "requester"), 1);
    }
}

/// Activity 7: «Informar la solución».
mod activity_7 {
    use super::*;

    /// «… registran la solución del incidente o solicitud en el software de la Mesa de Servicios».
    #[test]
    fn the_solution_is_recorded_and_the_requester_is_notified() {
        let desk = Desk::open();
        let one = desk.ticket_in("in_progress");
        let solution = json!({"description": "Se cambió el rodillo."});
        desk.professional()
            .post(&format!("{one}/solution"), solution.clone())
            .problem(403, "not_the_assignee");
        let ticket = desk.technician().post(&format!("{one}/solution"), solution).ok();
        assert_eq!(
            (&ticket["status"], &ticket["solution"]["description"]),
            (&json!("solved"), &json!("Se cambió el rodillo."))
        );
        assert_eq!(sent(&desk, "solved", "requester"), 1);
    }
}

/// Activity 8: «Ingresar a Base de Conocimiento».
mod activity_8 {
    use super::*;

    /// «… determinan si la solución del incidente aplica como elemento de consulta para futuros incidentes con
    /// características similares, y proceden a realizar el registro en la Base de Conocimiento, como mínimo con la
    /// siguiente información: Nombre de la solución. Descripción del incidente y cómo fue solucionado. Detalle de los
    /// pasos realizados para la solución. Documentos adjuntos, bibliografías, enlaces de referencia, entre otros (en caso
    /// de ser necesario).»
    #[test]
    fn an_article_is_written_and_suggested_for_the_next_incident() {
        let desk = Desk::open();
        let technician = desk.technician();
        desk.ticket_in("solved");
        let named: Vec<String> = technician
            .post("/kb/articles", json!({}))
            .faults()
            .into_iter()
            .map(|(pointer, _)| pointer)
            .collect();
        assert_eq!(named, ["/incident", "/resolution", "/title"]);
        let article = json!({
            "title": "Impresora atascada", "incident": "La impresora muestra atasco sin papel dentro.",
            "resolution": "El rodillo estaba gastado.", "steps": ["Abrir la tapa", "Cambiar el rodillo"],
            "references": [{"title": "Manual", "url": "https://example.com/manual"}],
            "bibliography": ["Manual de servicio, capítulo 3"], "status": "published", "ticket_id": 1,
        });
        let mut without_steps = article.clone();
        without_steps["steps"] = json!([]);
        let refused = technician.post("/kb/articles", without_steps);
        assert_eq!(refused.faults(), [("/steps".into(), "required".into())]);
        let article = technician.post("/kb/articles", article).created();
        let path = format!("/kb/articles/{}", article["id"].as_str().unwrap());
        technician.upload(&format!("{path}/attachments"), "diagrama.txt", "rodillo").created();
        let similar = desk.requester().register("La impresora tiene un atasco");
        let offered = technician.get(&format!("/tickets/{}/suggestions", similar["id"])).items();
        assert_eq!(offered[0]["id"], article["id"]);
    }
}

/// Activity 9: «Realizar el seguimiento y control a la solicitud (trazabilidad)».
mod activity_9 {
    use super::*;

    /// «… realizan seguimiento a la solicitud …, para verificar si fue atendida o aún está pendiente por solucionar.»
    #[test]
    fn staff_see_attended_and_pending_requests_and_their_history() {
        let desk = Desk::open();
        let technician = desk.technician();
        let (pending, attended) = (desk.ticket_in("classified"), desk.ticket_in("solved"));
        let number = |one: &str| one.rsplit('/').next().unwrap().to_owned();
        let listed = |query: &str| -> Vec<String> {
            technician
                .get(&format!("/tickets?{query}"))
                .items()
                .iter()
                .map(|ticket| ticket["id"].to_string())
                .collect()
        };
        assert_eq!(listed("sort=queue"), [number(&pending)]);
        assert_eq!(listed("status=solved&status=closed"), [number(&attended)]);
        let kinds: Vec<Value> = technician
            .get(&format!("{attended}/events"))
            .items()
            .iter()
            .map(|event| event["kind"].clone())
            .collect();
        assert_eq!(kinds, ["received", "classified", "assigned", "accepted", "solved"]);
        assert!(!technician.get(&format!("{attended}/timeline")).items().is_empty());
        assert_eq!(desk.professional().get("/audit/verification").ok()["whole"], true);
    }

    /// «Nota: También se verifica que los perfiles de usuario asignados a los servidores públicos o contratistas,
    /// corresponda a solicitudes realizadas por Jefes de unidades administrativas.»
    #[test]
    fn requests_of_requesters_who_were_not_head_of_unit_are_listed() {
        let desk = Desk::open();
        let category = desk.director().get("/categories?q=cuentas").items()[0]["id"].clone();
        let body = json!({"subject": "Cuenta nueva", "description": "Para un contratista.", "category_id": category});
        let ticket = desk.requester().post("/tickets", body).created();
        let today = Utc::now().date_naive();
        let period =
            format!("from_date={}&through_date={}", today - Duration::days(1), today + Duration::days(1));
        let found = desk.professional().get(&format!("/audit/profiles?{period}")).items();
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["ticket_id"], &found[0]["findings"]), (&ticket["id"], &json!(["not_head"])));
        assert_eq!(desk.technician().get(&format!("/audit/profiles?{period}")).items(), found);
    }

    /// The same sentence: what was assigned is recorded with the solution, with whether the head requested it.
    #[test]
    fn granted_access_that_no_head_requested_is_listed() {
        let desk = Desk::open();
        let technician = desk.technician();
        let one = desk.ticket_in("in_progress");
        let grant = json!({"beneficiary": "Luz Elena Toro", "system": "Impuestos", "profile": "Consulta"});
        let solution = json!({"description": "Se creó la cuenta.", "access_grants": [grant]});
        technician.post(&format!("{one}/solution"), solution).ok();
        let found = technician.get("/audit/access-grants?requested_by_head=false").items();
        assert_eq!((found.len(), &found[0]["findings"]), (1, &json!(["not_head"])));
        assert_eq!(found[0]["requester"]["id"], desk.requester().id());
    }
}

/// Activity 10: «Evaluar el servicio».
mod activity_10 {
    use super::*;

    /// «El Servidor Público y/o el Contratista, diligencian la encuesta de percepción a través del enlace dispuesto para
    /// tal fin.»
    #[test]
    fn the_requester_answers_the_survey_once() {
        let desk = Desk::open();
        let path = format!("{}/survey", desk.ticket_in("solved"));
        let answer = json!({"ratings": {"overall": 5, "timeliness": 4, "courtesy": 5, "solution": 5}});
        desk.technician().post(&path, answer.clone()).problem(403, "forbidden");
        assert_eq!(desk.requester().post(&path, answer.clone()).created()["status"], "answered");
        desk.requester().post(&path, answer).problem(409, "already_answered");
    }

    /// Section 7, «Encuesta de Percepción», «Técnico Operativo o Administrativo de las TIC» as responsible: technicians
    /// read the totals of the answers, and never a single one.
    #[test]
    fn technicians_read_totals_of_surveys_and_no_single_answer() {
        let desk = Desk::open();
        desk.database.five_quarters(400);
        let technician = desk.technician();
        let quarter = "/statistics?from_date=2025-10-01&through_date=2025-12-31";
        let (seen, whole) = (technician.get(quarter).ok(), desk.director().get(quarter).ok());
        assert!(seen["surveys"]["answered"].as_i64().unwrap() >= 5);
        assert_eq!(seen["surveys"]["mean_ratings"], whole["surveys"]["mean_ratings"]);
        assert!(seen["surveys"]["mean_ratings"]["overall"].is_number(), "{}", seen["surveys"]);
        technician.get("/surveys").problem(403, "forbidden");
        let survey = desk.director().get("/surveys?limit=1").items()[0]["id"].clone();
        technician.get(&format!("/surveys/{}", survey.as_str().unwrap())).problem(403, "forbidden");
        assert_eq!(technician.get("/retention-rules/surveys").ok()["retention_months"], 24);
    }
}

/// Activity 11: «Elaborar las estadísticas e informes».
mod activity_11 {
    use super::*;

    /// «… elaboran informes trimestrales con las estadísticas de los servicios prestados y toman las acciones
    /// respectivas, registrando los resultados … en el indicador de gestión diseñado para tal fin.»
    #[test]
    fn the_quarterly_report_has_the_analysis_the_actions_and_the_indicators() {
        let desk = Desk::open();
        desk.database.five_quarters(200);
        let report = "/reports/quarterly/2025/4";
        let text = json!({"analysis": "Se cumplió la meta.", "proposals": "Reforzar el turno."});
        desk.technician().patch(&format!("{report}/narrative"), text).ok();
        let indicator = desk.indicator("timely_attention");
        let measured =
            desk.technician().post(&format!("{indicator}/measurements"), json!({"year": 2025, "quarter": 4}));
        let measured = measured.created();
        let report = desk.director().get(report).ok();
        assert_eq!(report["narrative"]["proposals"], "Reforzar el turno.");
        let shown = report["indicators"].as_array().unwrap();
        let shown = shown.iter().find(|one| one["name"] == "Oportunidad en la atención").unwrap();
        assert_eq!((&shown["value"], &shown["light"]), (&measured["value"], &measured["light"]));
    }
}

/// Activities 11 to 13, «Registro», and «Control de registros»: the forms.
mod forms {
    use super::*;
    use crate::harness::states::{improvement_action, minutes, risk};

    /// «FO-DE-01 Acta», «FO-DE-15 Ficha de Indicadores», «FO-EM-15 Plan de Mejoramiento», «FO-DE-11 Matriz de Riesgos»; «…
    /// los registros de la información documentada asociados a este Procedimiento son digitales, exceptuando las Actas de
    /// Comité Primario»: each record is the form itself, and minutes keep the scan of their signed paper.
    #[test]
    fn the_records_are_the_forms_of_the_procedure() {
        let desk = Desk::open();
        let director = desk.director();
        let signed = director.post("/meeting-minutes", minutes(director.id())).created();
        director.post("/improvement-actions", improvement_action(director.id(), "open")).created();
        director.post("/risks", risk(director.id(), "active")).created();
        for (path, code, title) in [
            ("/meeting-minutes", "FO-DE-01", "Acta"),
            ("/indicators", "FO-DE-15", "Ficha de Indicadores"),
            ("/improvement-actions", "FO-EM-15", "Plan de Mejoramiento"),
            ("/risks", "FO-DE-11", "Matriz de Riesgos"),
        ] {
            let page = director.get(&format!("{path}?format=html")).text();
            assert!(page.contains(code) && page.contains(&format!("<h1>{title}</h1>")), "{page}");
            assert!(director.get(&format!("{path}?format=pdf")).bytes.starts_with(b"%PDF-"));
        }
        let files = format!("/meeting-minutes/{}/attachments", signed["id"].as_str().unwrap());
        director.upload(&files, "acta-firmada.pdf", "%PDF-1.7\n").created();
    }
}
