//! The content of the quarterly report: its first page, the texts of its author, indicators, and comments.

use serde_json::{Value, json};

use crate::harness::states::improvement_action;
use crate::harness::{Client, Desk};

const REPORT: &str = "/reports/quarterly/2025/4";
const NARRATIVE: &str = "/reports/quarterly/2025/4/narrative";

fn page(client: &Client) -> String {
    client.get(&format!("{REPORT}?format=html")).text()
}

/// The marks and the Spanish sentences of a group of the first page.
fn said(report: &Value, group: &str) -> Vec<(String, String)> {
    let findings = report["first_page"][group].as_array().unwrap().iter();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    findings.map(|finding| (text(finding, "mark"), text(finding, "text_es"))).collect()
}

#[test]
fn the_first_page_answers_with_targets_what_got_worse_and_what_is_proposed() {
    let desk = Desk::open();
    desk.database.five_quarters(600);
    let (director, technician) = (desk.director(), desk.technician());
    let mut overdue = improvement_action(technician.id(), "open");
    overdue["action"] = json!("Revisar los turnos.");
    let overdue = director.post("/improvement-actions", overdue).created();
    desk.database.run(&format!(
        "UPDATE improvement_actions SET due_on = '2026-01-15' WHERE id = {}",
        overdue["id"].to_string().replace('"', "'")
    ));
    technician.post("/improvement-actions", improvement_action(technician.id(), "draft")).created();
    let report = director.get(REPORT).ok();

    // Each indicator has the value that measuring it has, its target and its light.
    let indicators = report["indicators"].as_array().unwrap();
    assert_eq!(indicators.len(), 4);
    let mut lights = Vec::new();
    for one in indicators {
        let path = format!("/indicators/{}", one["indicator_id"].as_str().unwrap());
        let definition = director.get(&path).ok();
        for field in ["name", "kind", "frequency", "target", "direction", "warning", "unit_of_measure"] {
            assert_eq!(one[field], definition[field], "{field}");
        }
        let quarter = |number: i32| {
            let body = json!({"year": 2025, "quarter": number});
            director.post(&format!("{path}/measurements"), body).created()
        };
        let measured = quarter(4);
        assert_eq!((&one["value"], &one["light"]), (&measured["value"], &measured["light"]));
        assert_eq!(one["previous_value"], quarter(3)["value"], "{}", one["name"]);
        assert_eq!(one["measurement_status"], Value::Null);
        lights.push(one["light"].as_str().unwrap().to_owned());
    }
    let compliance = said(&report, "compliance");
    assert_eq!(compliance.len(), 5);
    for ((mark, text), (light, one)) in compliance[1..].iter().zip(lights.iter().zip(indicators)) {
        let expected = match light.as_str() {
            "green" => "met",
            "yellow" => "warned",
            _ => "missed",
        };
        assert_eq!(mark, expected);
        assert!(
            text.starts_with(one["name"].as_str().unwrap()) && text.contains("la meta es al menos"),
            "{text}"
        );
    }
    // Now they are measured; the values stay.
    let again = director.get(REPORT).ok();
    assert_eq!(again["indicators"][0]["measurement_status"], "draft");
    assert_eq!(again["first_page"]["compliance"], report["first_page"]["compliance"]);

    for (mark, text) in said(&report, "worsened") {
        assert!(mark == "worse" || mark == "not_worse", "{mark} {text}");
    }
    let proposed = said(&report, "proposed");
    assert_eq!(
        proposed[0],
        ("overdue".into(), "Acciones de mejoramiento: 1 abierta (1 vencida), 1 propuesta.".into())
    );
    assert!(
        proposed[1].1.contains("Revisar los turnos. Responsable:") && proposed[1].1.contains("15/01/2026")
    );
    assert_eq!(proposed[2].0, "proposed");

    // In the page it comes before the key figures, which come before the charts. A mark is a word.
    let html = page(&director);
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is not in the page"));
    assert!(place("¿Se cumplen las metas?") < place("¿Qué se propone?"));
    assert!(place("¿Qué se propone?") < place("Cifras del trimestre y del anterior"));
    assert!(place("Cifras del trimestre y del anterior") < place("<svg"));
    assert!(place("</span> Vencida</span>") < place("<table"));
    for text in [
        "Procedimiento PR-RF-09, versión 06",
        "Corte de las cifras:",
        "Trimestre anterior",
        "III trim. 2025",
        "horas del calendario de atención",
        "sin archivadas, a la fecha de corte",
        "El signo – indica que no hay datos.",
    ] {
        place(text);
    }
}

#[test]
fn what_has_no_data_is_said_and_called_neither_better_nor_worse() {
    let desk = Desk::configured(&[("MESA_PROCEDURE_CODE", "PR-XX-01"), ("MESA_PROCEDURE_VERSION", "09")]);
    let report = desk.director().get("/reports/quarterly/2020/1").ok();
    assert_eq!(report["procedure"], json!({"code": "PR-XX-01", "version": "09"}));
    let compliance = said(&report, "compliance");
    assert_eq!(compliance[0], ("no_data".into(), "Ningún indicador tiene datos en este trimestre.".into()));
    assert!(
        compliance[1..]
            .iter()
            .all(|(mark, text)| mark == "no_data" && text.contains("sin datos en el período"))
    );
    let [(mark, text)] = &said(&report, "worsened")[..] else { panic!() };
    assert_eq!(
        (mark.as_str(), text.as_str()),
        ("no_data", "El trimestre anterior no tiene datos: no se puede comparar.")
    );
    assert_eq!(said(&report, "proposed")[0].1, "No hay acciones de mejoramiento abiertas ni propuestas.");
    let text = report["first_page"].to_string();
    assert!(!text.contains("mejoró") && !text.contains("improved"), "{text}");
    assert_eq!(report["comments"]["withheld_reason"], "few_answers");
}

#[test]
fn the_texts_of_the_author_are_part_of_the_report_until_it_is_approved() {
    let desk = Desk::open();
    let (technician, director) = (desk.technician(), desk.director());
    let nothing = technician.get(NARRATIVE).ok();
    assert_eq!((&nothing["analysis"], &nothing["author"]), (&Value::Null, &Value::Null));
    let read = director.get(REPORT).header("etag").to_owned();
    let written = json!({"analysis": "Faltó <personal>.\nLos sábados.", "proposals": "Un turno más.",
        "author_position": "Técnico Operativo"});
    let etag = technician.get(NARRATIVE).header("etag").to_owned();
    let text = technician.with("if-match", etag.clone()).patch(NARRATIVE, written.clone()).ok();
    assert_eq!(text["author"]["id"], technician.id());
    technician
        .with("if-match", etag)
        .patch(NARRATIVE, json!({"proposals": "x"}))
        .problem(412, "precondition_failed");
    // Another person corrects it; the author stays.
    let corrected = desk.professional().patch(NARRATIVE, json!({"proposals": "Un turno los sábados."})).ok();
    assert_eq!((&corrected["author"], &corrected["analysis"]), (&text["author"], &written["analysis"]));
    assert_eq!(director.get(REPORT).ok()["narrative"], corrected);
    let html = page(&technician);
    assert!(html.contains("Faltó &lt;personal&gt;.<br>\nLos sábados."), "{html}");
    assert!(html.contains("El autor propone: Un turno los sábados."));
    assert!(html.contains("Técnico Operativo") && html.contains("Elaboró:") && html.contains("Aprobó:"));

    for (body, pointer) in [
        (json!({"author_id": desk.requester().id()}), "/author_id"),
        (json!({"author_id": "0197c0de-0000-7000-8000-000000000000"}), "/author_id"),
        (json!({"analysis": " "}), "/analysis"),
        (json!({"actions": "x"}), "/actions"),
    ] {
        assert_eq!(technician.patch(NARRATIVE, body).faults()[0].0, pointer);
    }
    desk.requester().patch(NARRATIVE, json!({"analysis": "x"})).problem(403, "forbidden");
    desk.requester().get(NARRATIVE).problem(403, "forbidden");
    director.patch("/reports/quarterly/9998/4/narrative", json!({"analysis": "x"})).problem(404, "not_found");
    let other = json!({"author_id": desk.professional().id()});
    assert_eq!(
        technician.patch(NARRATIVE, other.clone()).faults(),
        [("/author_id".into(), "not_allowed".into())]
    );
    let by_other = desk.professional().patch(NARRATIVE, other).ok();
    assert_eq!(by_other["author"]["id"], desk.professional().id());

    // The director approves what they have read.
    let approve = |etag: &str| director.with("if-match", etag).post(&format!("{REPORT}/approval"), json!({}));
    approve(&read).problem(412, "precondition_failed");
    let events = director.get("/audit/log?resource=quarterly_report").items();
    assert!(events.iter().any(|event| event["resource_id"] == "2025/4" && event["kind"] == "created"));
    approve(director.get(REPORT).header("etag")).created();
    technician.patch(NARRATIVE, json!({"analysis": "Otra cosa."})).problem(409, "wrong_state");
    let approved = page(&director);
    assert!(approved.contains("Versión definitiva, aprobada por Diana Mejía Arango"));
    assert!(
        approved.contains("Director Administrativo de las TIC")
            && approved.contains("Faltó &lt;personal&gt;.")
    );
    for sql in [
        "UPDATE quarterly_report_texts SET analysis = 'x'",
        "DELETE FROM quarterly_report_texts",
        "INSERT INTO quarterly_report_texts (year, quarter, created_at, updated_at) VALUES (2025, 4, now(), now()) \
         ON CONFLICT (year, quarter) DO UPDATE SET analysis = 'x'",
    ] {
        let refused = desk.database.ask(|db| diesel::connection::SimpleConnection::batch_execute(db, sql));
        assert!(refused.is_err(), "{sql}");
    }
}

#[test]
fn comments_are_shown_without_names_and_only_with_five_answers() {
    let desk = Desk::open();
    desk.database.five_quarters(400);
    let (director, technician) = (desk.director(), desk.technician());
    assert!(director.get(REPORT).ok()["statistics"]["surveys"]["answered"].as_i64().unwrap() >= 5);
    assert_eq!(director.get(REPORT).ok()["comments"]["texts"], json!([]));
    desk.database.run(
        "SET session_replication_role = replica; \
         UPDATE surveys SET comment = 'Gracias a Funcionario; llamen al 300 123 4567 o a yo@itagui.gov.co' \
         WHERE id = (SELECT id FROM surveys WHERE answered_at >= '2025-10-05' AND answered_at < '2025-12-20' ORDER BY id LIMIT 1)",
    );
    let clean = json!(["Gracias a [nombre]; llamen al [número] o a [correo]"]);
    let report = director.get(REPORT).ok();
    assert_eq!(report["comments"]["texts"], clean);
    assert_eq!(
        (&report["comments"]["omitted_count"], &report["comments"]["withheld_reason"]),
        (&json!(0), &Value::Null)
    );
    // The quarter is over and has five answers: readers of totals get them too.
    assert_eq!(technician.get(REPORT).ok()["comments"]["texts"], clean);
    assert!(page(&technician).contains("Gracias a [nombre]"));
    // With four answers nobody gets them.
    desk.database.run(
        "SET session_replication_role = replica; \
         DELETE FROM surveys WHERE id IN (SELECT id FROM surveys WHERE answered_at >= '2025-10-01 00:00-05' \
             AND answered_at < '2026-01-01 00:00-05' ORDER BY comment IS NULL, id OFFSET 4)",
    );
    for reader in [&director, &technician] {
        let report = reader.get(REPORT).ok();
        assert_eq!(report["comments"]["texts"], json!([]));
        assert_eq!(report["comments"]["withheld_reason"], "few_answers");
        assert!(!page(reader).contains("Gracias a [nombre]"));
    }
}

#[test]
fn readers_of_totals_get_no_satisfaction_that_reveals_answers() {
    let desk = Desk::open();
    desk.database.five_quarters(400);
    desk.database.run(
        "SET session_replication_role = replica; \
         DELETE FROM surveys WHERE id IN (SELECT id FROM surveys WHERE answered_at >= '2025-10-01 00:00-05' \
             AND answered_at < '2026-01-01 00:00-05' ORDER BY id OFFSET 3)",
    );
    let satisfaction = |report: &Value| {
        let all = report["indicators"].as_array().unwrap();
        all.iter().find(|one| one["name"] == "Satisfacción de los usuarios").unwrap().clone()
    };
    let (whole, totals) = (desk.director().get(REPORT).ok(), desk.technician().get(REPORT).ok());
    assert!(satisfaction(&whole)["value"].is_number());
    let read = satisfaction(&totals);
    assert_eq!(
        (&read["value"], &read["light"], &read["withheld"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    let sentence = said(&totals, "compliance").into_iter().find(|(_, text)| text.starts_with("Satisfacción"));
    let (mark, text) = sentence.unwrap();
    assert!(mark == "no_data" && text.contains("se reserva"), "{text}");
    assert!(!said(&totals, "worsened").iter().any(|(_, text)| text.contains("satisfacción")));
}

#[test]
fn a_report_that_an_earlier_version_approved_keeps_its_bytes() {
    let desk = Desk::open();
    let old = json!({"entity": "Alcaldía", "year": 2025, "quarter": 4}).to_string();
    desk.database.run(&format!(
        "INSERT INTO quarterly_reports (year, quarter, approved_at, approved_by) \
             SELECT 2025, 4, now(), id FROM users WHERE role = 'director' LIMIT 1; \
         INSERT INTO quarterly_report_files (year, quarter, format, content) \
             SELECT 2025, 4, format, convert_to(CASE format WHEN 'json' THEN '{old}' ELSE '<' || format || '>' END, 'UTF8') \
             FROM unnest('{{json,html,xlsx,pdf}}'::text[]) AS format"
    ));
    for format in ["html", "xlsx", "pdf"] {
        let file = desk.director().get(&format!("{REPORT}?format={format}"));
        assert_eq!(file.bytes, format!("<{format}>").into_bytes());
    }
    desk.technician().patch(NARRATIVE, json!({"analysis": "Tarde."})).problem(409, "wrong_state");
}
