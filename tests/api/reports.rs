//! The quarterly report in its formats, and its approval.

use mesa::auth::policy::Role;
use serde_json::json;

use crate::harness::binary::mesa;
use crate::harness::{Client, Desk};
use crate::statistics::EVERY_BREAKDOWN;

const FORMATS: [(&str, &str, &[u8]); 4] = [
    ("json", "application/json", b"{"),
    ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
    ("pdf", "application/pdf", b"%PDF-"),
];

/// The bytes of a report in every format.
fn files(client: &Client, quarter: &str) -> Vec<Vec<u8>> {
    let file = |(format, media_type, begin): (&str, &str, &[u8])| {
        let answer = client.get(&format!("/reports/quarterly/{quarter}?format={format}"));
        answer.expect_status(200);
        assert_eq!(answer.header("content-type"), media_type);
        assert!(answer.header("content-disposition").ends_with(&format!(".{format}\"")));
        assert!(answer.bytes.starts_with(begin), "{format}");
        answer.bytes
    };
    FORMATS.map(file).to_vec()
}

#[test]
fn a_report_has_the_figures_of_the_statistics_in_every_format() {
    let desk = Desk::configured(&[("MESA_ENTITY_NAME", "Alcaldía de <Prueba> & Cía.")]);
    desk.database.five_quarters(300);
    let technician = desk.technician();
    let report = technician.get("/reports/quarterly/2025/4").ok();
    let months = "/statistics?from_date=2025-10-01&through_date=2025-12-31&interval=month";
    let statistics = technician.get(&format!("{months}{EVERY_BREAKDOWN}")).ok();
    assert_eq!(report["statistics"], statistics);
    assert_eq!(report["entity"], "Alcaldía de <Prueba> & Cía.");
    assert_eq!((&report["over"], &report["approval"]), (&json!(true), &json!(null)));
    let trend = report["trend"].as_array().unwrap();
    let firsts: Vec<&str> = trend.iter().map(|part| part["from_date"].as_str().unwrap()).collect();
    assert_eq!(firsts, ["2024-10-01", "2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01"]);
    assert_eq!(trend[4]["received"], statistics["tickets"]["received"]);
    assert_eq!(trend[3]["open"], statistics["previous"]["open"]);

    let page = technician.with("accept", "text/html,*/*;q=0.5").get("/reports/quarterly/2025/4");
    let html = page.text();
    assert!(html.contains("Alcaldía de &lt;Prueba&gt; &amp; Cía.") && !html.contains("<Prueba>"));
    assert!(html.contains("IV trimestre de 2025") && html.contains("<svg") && !html.contains("<script"));
    let received = statistics["tickets"]["received"].to_string();
    assert!(html.contains(&format!("Solicitudes recibidas</th><td class=\"number\">{received}</td>")));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    files(&technician, "2025/4");

    // A draft has an ETag, and is generated at the time of the request.
    let etag = page.header("etag").to_owned();
    assert!(!etag.is_empty());
}

#[test]
fn an_empty_quarter_has_a_report_and_a_future_quarter_has_none() {
    let desk = Desk::open();
    let report = desk.director().get("/reports/quarterly/2020/1").ok();
    let tickets = &report["statistics"]["tickets"];
    for share in ["attention_compliance", "first_level_rate", "solution_rate"] {
        assert_eq!(tickets[share], json!(null), "{share}");
    }
    assert_eq!(tickets["attention_minutes"], json!({"mean": null, "median": null, "p90": null}));
    let page = String::from_utf8(files(&desk.director(), "2020/1").swap_remove(1)).unwrap();
    assert!(page.contains("En este trimestre no hubo solicitudes.") && !page.contains("NaN"));
    desk.director().get("/reports/quarterly/9998/4").problem(404, "not_found");
    for nowhere in ["2026/5", "2026/0", "1999/4", "x/1", "2026/x"] {
        desk.director().get(&format!("/reports/quarterly/{nowhere}")).problem(404, "not_found");
    }
    desk.requester().get("/reports/quarterly/2020/1").problem(403, "forbidden");
}

#[test]
fn an_approved_report_is_always_returned_with_the_same_bytes() {
    let desk = Desk::open();
    desk.database.five_quarters(100);
    let (director, approval) = (desk.director(), "/reports/quarterly/2025/3/approval");
    for other in [desk.professional(), desk.technician(), desk.requester()] {
        other.post(approval, json!({})).problem(403, "forbidden");
    }
    let today = desk.database.ask(mesa::db::now).unwrap().date_naive().to_string();
    let (year, month): (&str, u32) = (&today[..4], today[5..7].parse().unwrap());
    let now = format!("/reports/quarterly/{year}/{}", (month - 1) / 3 + 1);
    director.post(&format!("{now}/approval"), json!({})).problem(409, "quarter_not_over");
    assert_eq!(director.get(&now).ok()["over"], false);

    let approved = director.post(approval, json!({}));
    let first = approved.created();
    assert_eq!(approved.header("location"), "/api/v1/reports/quarterly/2025/3");
    assert_eq!(first["approved_by"]["id"], director.id());
    let frozen = files(&director, "2025/3");
    let report: serde_json::Value = serde_json::from_slice(&frozen[0]).unwrap();
    assert_eq!(report["approval"]["approved_at"], first["approved_at"]);
    assert!(
        String::from_utf8_lossy(&frozen[1]).contains("Versión definitiva, aprobada por Diana Mejía Arango")
    );

    // Again, by another director, from another copy of the server, after the data has changed.
    desk.database.run("UPDATE tickets SET criticality = 'low', reopened_count = 7 WHERE criticality = 'high'; DELETE FROM openings");
    let again = desk.another(Role::Director).post(approval, json!({}));
    assert_eq!(again.ok(), first);
    assert_eq!(files(&desk.copy().client(&desk.professional()), "2025/3"), frozen);
    let known = director.get("/reports/quarterly/2025/3?format=pdf").header("etag").to_owned();
    director.with("if-none-match", known).get("/reports/quarterly/2025/3?format=pdf").expect_status(304);
    let output = mesa(&[
        ("DATABASE_URL", desk.database.url.as_str()),
        ("MESA_JWT_SECRET", "a secret of the tests, 32 bytes or more"),
    ])
    .args(["report", "--quarter", "2025-3", "--format", "xlsx"])
    .output()
    .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, frozen[2]);

    for sql in [
        "UPDATE quarterly_report_files SET content = 'x'",
        "DELETE FROM quarterly_report_files",
        "TRUNCATE quarterly_reports CASCADE",
        "UPDATE quarterly_reports SET approved_at = now()",
    ] {
        let refused = desk.database.ask(|db| diesel::connection::SimpleConnection::batch_execute(db, sql));
        assert!(refused.is_err(), "{sql}");
    }
    // The report of a quarter without approval changes with the data.
    assert_eq!(director.get("/reports/quarterly/2025/2").ok()["statistics"]["tickets"]["solved"], 0);
}

#[test]
fn two_simultaneous_approvals_keep_one_report() {
    let desk = Desk::open();
    desk.ticket_in("solved");
    let director = desk.director();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let one = || scope.spawn(|| director.post("/reports/quarterly/2025/1/approval", json!({})));
        [one(), one(), one()].map(|thread| thread.join().unwrap()).into_iter().collect()
    });
    let statuses = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(statuses, 1);
    let bodies: Vec<_> = answers.iter().map(|answer| answer.json()).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
    assert_eq!(desk.database.count("SELECT count(*) FROM quarterly_report_files"), 4);
}
