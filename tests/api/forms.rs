//! The forms of the procedure as documents, and their signed scans.

use mesa::auth::policy::Role;
use serde_json::{Value, json};

use crate::harness::states::{improvement_action, indicator, minutes, risk};
use crate::harness::{Answer, Client, Desk};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FILES: [(&str, &str, &[u8]); 3] = [
    ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
    ("xlsx", XLSX, b"PK"),
    ("pdf", "application/pdf", b"%PDF-"),
];

fn id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

/// The path of one record of each kind, with a text that its form shows.
fn records(desk: &Desk) -> Vec<(String, &'static str)> {
    let (technician, professional) = (desk.technician(), desk.professional());
    let owner = technician.id();
    let acta = technician.post("/meeting-minutes", minutes(owner)).created();
    let action = professional.post("/improvement-actions", improvement_action(owner, "open")).created();
    let of_action = format!("/improvement-actions/{}", id(&action));
    technician
        .post(&format!("{of_action}/followups"), json!({"body": "Se acordó el turno.", "progress": 50}))
        .created();
    let hazard = professional.post("/risks", risk(owner, "active")).created();
    let measured = desk.indicator("first_level_resolution");
    let measurement =
        professional.post(&format!("{measured}/measurements"), json!({"year": 2026, "quarter": 3})).created();
    let analysis = json!({"analysis": "No hubo solicitudes. «Ñandú» 日本 😀"});
    professional.patch(&format!("/measurements/{}", id(&measurement)), analysis).ok();
    vec![
        (format!("/meeting-minutes/{}", id(&acta)), "Comité Primario"),
        (of_action, "Se acordó el turno."),
        (format!("/risks/{}", id(&hazard)), "Extremo"),
        (measured, "No hubo solicitudes. «Ñandú» 日本 😀"),
    ]
}

fn collection(path: &str) -> &str {
    path.rsplit_once('/').unwrap().0
}

fn file(client: &Client, path: &str, (format, media_type, begin): (&str, &str, &[u8])) -> Answer {
    let separator = if path.contains('?') { '&' } else { '?' };
    let answer = client.get(&format!("{path}{separator}format={format}"));
    answer.expect_status(200);
    assert_eq!(answer.header("content-type"), media_type, "{path}");
    assert!(answer.header("content-disposition").ends_with(&format!(".{format}\"")), "{path}");
    assert!(answer.bytes.starts_with(begin), "{path}");
    answer
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn each_form_is_a_document_in_every_format_for_one_record_and_for_a_list() {
    let desk = Desk::configured(&[
        ("MESA_ENTITY_NAME", "Alcaldía de <Prueba>"),
        ("MESA_FORM_MINUTES", "FO-DE-01; 07; 2024-05-03"),
        ("MESA_FORM_RISK_MATRIX", "FO-XX-11"),
    ]);
    let technician = desk.technician();
    let codes = ["FO-DE-01", "FO-EM-15", "FO-XX-11", "FO-DE-15"];
    for ((one, shown), code) in records(&desk).into_iter().zip(codes) {
        for path in [one.as_str(), collection(&one)] {
            for kind in FILES {
                let answer = file(&technician, path, kind);
                let text = answer.text();
                match kind.0 {
                    "html" => {
                        for part in [shown, code, "Alcaldía de &lt;Prueba&gt;", "lang=\"es\""] {
                            assert!(text.contains(part), "{path}: {part} is missing in {text}");
                        }
                        assert!(!text.contains("<script") && !text.contains("<Prueba>"));
                        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
                    }
                    "pdf" => {
                        for part in ["/MarkInfo", "/Lang(es)", "/DisplayDocTitle true", "/FontFile2"] {
                            assert!(contains(&answer.bytes, part), "{path}: {part} is missing");
                        }
                    }
                    _ => {}
                }
                // The same record gives the same bytes, so that a client need not load them again.
                if path == one {
                    let again = technician.with("if-none-match", answer.header("etag"));
                    again.get(&format!("{path}?format={}", kind.0)).expect_status(304);
                }
            }
            // JSON is the default, and depends on `Accept`.
            assert!(technician.get(path).ok().is_object());
            assert!(technician.get(path).header("vary").to_lowercase().contains("accept"));
            let accepted = technician.with("accept", "application/pdf").get(path);
            assert_eq!(accepted.header("content-type"), "application/pdf");
        }
    }
    let acta = file(&technician, "/meeting-minutes", FILES[0]).text();
    assert!(
        acta.contains("<dt>Versión:</dt> <dd>07</dd>") && acta.contains("<dd>03&#x2f;05&#x2f;2024</dd>"),
        "{acta}"
    );
}

#[test]
fn a_form_in_english_has_english_labels() {
    let desk = Desk::open();
    let technician = desk.technician();
    technician.post("/meeting-minutes", minutes(technician.id())).created();
    let page = technician.with("accept-language", "en").get("/meeting-minutes?format=html").text();
    assert!(
        page.contains("lang=\"en\"") && page.contains("Attendance") && !page.contains("Asistencia"),
        "{page}"
    );
}

#[test]
fn an_unknown_format_is_refused_and_so_are_readers_without_permission() {
    let desk = Desk::open();
    let (technician, requester) = (desk.technician(), desk.requester());
    for (one, _) in records(&desk) {
        for path in [one.as_str(), collection(&one)] {
            let answer = technician.get(&format!("{path}?format=docx"));
            assert_eq!(answer.problem(400, "invalid_query")["errors"][0]["pointer"], "/format", "{path}");
            for (format, ..) in FILES {
                requester.get(&format!("{path}?format={format}")).problem(403, "forbidden");
            }
        }
        let gone = format!("{}/{}?format=pdf", collection(&one), uuid::Uuid::now_v7());
        technician.get(&gone).problem(404, "not_found");
    }
}

#[test]
fn a_document_has_all_records_of_a_filter_up_to_a_limit() {
    let desk = Desk::open();
    let technician = desk.technician();
    desk.professional().post("/risks", risk(technician.id(), "active")).created();
    technician.post("/risks", risk(technician.id(), "draft")).created();
    let rows = |query: &str| {
        let page = file(&technician, &format!("/risks?{query}"), FILES[0]).text();
        page.matches("<th scope=\"row\">R").count()
    };
    assert_eq!((rows("limit=1"), rows("status=draft"), rows("status=closed")), (2, 1, 0));
    desk.database.run(
        "INSERT INTO risks (id, cause, risk, effect, probability, impact, treatment, owner_id, review_on, status, \
             origin_kind, created_by, created_at, updated_at) \
         SELECT gen_random_uuid(), cause, risk, effect, probability, impact, treatment, owner_id, review_on, status, \
             'audit', created_by, now(), now() FROM risks, generate_series(1, 199) WHERE status = 'draft'",
    );
    assert_eq!(rows("status=draft"), 200);
    technician.get("/risks?format=pdf").problem(400, "invalid_query");
    assert_eq!(technician.get("/risks?limit=200").items().len(), 200);
    file(&technician, "/risks?status=draft", FILES[2]);
}

/// What was exported is in the audit log, as are its files.
#[test]
fn a_signed_scan_is_attached_to_every_record() {
    let desk = Desk::open();
    let (technician, director, requester) = (desk.technician(), desk.director(), desk.requester());
    let acta = technician.post("/meeting-minutes", minutes(technician.id())).created();
    let draft = technician.post("/indicators", indicator("draft")).created();
    let hazard = director.post("/risks", risk(technician.id(), "active")).created();
    let records = [
        (format!("/meeting-minutes/{}", id(&acta)), "minutes_id"),
        (format!("/indicators/{}", id(&draft)), "indicator_id"),
        (format!("/risks/{}", id(&hazard)), "risk_id"),
    ];
    for (one, owner) in &records {
        let files = format!("{one}/attachments");
        let scan = technician.upload(&files, "firmada.txt", "firmas").created();
        assert_eq!(scan[owner], one.rsplit('/').next().unwrap());
        assert_eq!(director.get(&files).items(), std::slice::from_ref(&scan));
        let path = format!("/attachments/{}", id(&scan));
        assert_eq!(technician.get(&format!("{path}/content")).text(), "firmas");
        requester.get(&path).problem(404, "not_found");
        requester.get(&files).problem(403, "forbidden");
        requester.upload(&files, "x.txt", "x").problem(403, "forbidden");
        let gone = format!("{}/{}/attachments", collection(one), uuid::Uuid::now_v7());
        technician.get(&gone).problem(404, "not_found");
        technician.upload(&gone, "x.txt", "x").problem(404, "not_found");
        let log = director.get(&format!("/audit/log?resource=attachment&resource_id={}", id(&scan))).items();
        assert!(
            log[0]["changes"].as_array().unwrap().iter().any(|change| change["field"] == **owner),
            "{log:?}"
        );
    }
    // Once a record is final or active, a technician who is not responsible for it attaches nothing.
    let other = desk.another(Role::Technician);
    let (acta, hazard) = (&records[0].0, &records[2].0);
    other.upload(&format!("{hazard}/attachments"), "x.txt", "x").problem(403, "forbidden");
    technician.patch(acta, json!({"proceedings": "Se habló."})).ok();
    let etag = director.get(acta).header("etag").to_owned();
    director.with("if-match", etag).post(&format!("{acta}/signature"), json!({})).ok();
    technician.upload(&format!("{acta}/attachments"), "x.txt", "x").problem(403, "forbidden");
    desk.professional().upload(&format!("{acta}/attachments"), "firmada.pdf", "%PDF-1.7\n").created();
    assert_eq!(director.get(&format!("{acta}/attachments")).items().len(), 2);

    file(&director, acta, FILES[2]);
    let log = director.get("/audit/log?resource=minutes&kind=exported").items();
    assert_eq!((log.len(), &log[0]["details"]["format"]), (1, &json!("pdf")));
}
