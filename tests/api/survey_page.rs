//! The page that the link to a survey opens, and the same operations as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::smtp::MailServer;
use crate::harness::{Answer, Desk};

const FORM: &str = "application/x-www-form-urlencoded";
const GOOD: &str = "rating-overall=5&rating-timeliness=4&rating-courtesy=5&rating-solution=3&comment=Muy+amables.%0D%0A%C2%A1Gracias%21";

/// An image of one point, in base64.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// A solved ticket, and the token of the survey link that was mailed to its requester.
fn mailed(desk: &Desk, server: &MailServer) -> (String, String) {
    let one = desk.ticket_in("solved");
    desk.send_mail();
    let token = server.last_with_link().survey_token();
    (one, token)
}

fn page(desk: &Desk, token: &str) -> Answer {
    desk.nobody().get(&format!("//s/{token}"))
}

fn send(desk: &Desk, token: &str, form: &str) -> Answer {
    desk.nobody().raw("POST", &format!("//s/{token}"), FORM, form.to_owned())
}

#[track_caller]
fn shows(answer: &Answer, status: u16, words: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert!(answer.header("content-type").starts_with("text/html"), "{:?}", answer.headers);
    for words in words {
        assert!(text.contains(words), "{words:?} is not on the page: {text}");
    }
}

fn ratings() -> Value {
    json!({"ratings": {"overall": 5, "timeliness": 4, "courtesy": 5, "solution": 3}})
}

#[test]
fn the_link_opens_a_page_that_accepts_one_answer() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (one, token) = mailed(&desk, &server);
    let asked = page(&desk, &token);
    shows(
        &asked,
        200,
        &["<html lang=\"es\">", "#1: <strong>La impresora no imprime</strong>", "Se cambió el cable."],
    );
    shows(
        &asked,
        200,
        &["<legend>¿Cómo califica el trato que recibió?</legend>", "name=\"rating-solution\"", "Muy bueno"],
    );
    shows(&send(&desk, &token, GOOD), 200, &["<h1>Gracias</h1>", "solicitud #1 quedó guardada el "]);
    let survey = desk.requester().get(&format!("{one}/survey")).ok();
    assert_eq!(survey["ratings"], ratings()["ratings"]);
    assert_eq!(survey["comment"], "Muy amables.\n¡Gracias!");
    assert_eq!(survey["answers"][0]["wording"]["es"], "¿Cómo califica el servicio en general?");
    // A second visit shows that the survey is answered, and a second answer changes nothing.
    shows(&page(&desk, &token), 200, &["quedó guardada"]);
    shows(&send(&desk, &token, &GOOD.replace("overall=5", "overall=1")), 409, &["ya fue respondida"]);
    assert_eq!(desk.requester().get(&format!("{one}/survey")).ok(), survey);
}

#[test]
fn the_page_has_the_name_and_the_logo_of_the_entity_and_a_name_for_each_grade() {
    let server = MailServer::start();
    let files = TempDir::new().unwrap();
    let logo = files.path().join("logo.png");
    std::fs::write(&logo, STANDARD.decode(PNG).unwrap()).unwrap();
    let desk = Desk::configured(&[
        ("MESA_SMTP_URL", &server.url()),
        ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@mesa.test>"),
        ("MESA_PUBLIC_URL", "https://mesa.example"),
        ("MESA_ENTITY_NAME", "Alcaldía de Itagüí"),
        ("MESA_ENTITY_LOGO", logo.to_str().unwrap()),
    ]);
    let (_, token) = mailed(&desk, &server);
    let image = format!("<img src=\"data:image/png;base64,{PNG}\" alt=\"\">");
    let asked = page(&desk, &token);
    shows(&asked, 200, &[&image, "<strong>Alcaldía de Itagüí</strong><br>Mesa de Servicios"]);
    assert!(asked.header("content-security-policy").contains("img-src data:;"), "{:?}", asked.headers);
    for (grade, words) in ["Muy malo", "Malo", "Regular", "Bueno", "Muy bueno"].iter().enumerate() {
        let named = format!(
            "value=\"{}\" required> <span>{}</span> <span>{words}</span></label>",
            grade + 1,
            grade + 1
        );
        assert_eq!(asked.text().matches(&named).count(), 4, "{words}: {}", asked.text());
    }
    for question in ["la oportunidad de la atención", "el trato que recibió", "la solución de su solicitud"]
    {
        shows(&asked, 200, &[&format!("<legend>¿Cómo califica {question}?</legend>")]);
    }
    // The same name signs the mail.
    let mail = server.last_with_link();
    assert!(
        mail.text().ends_with("\n\nCordialmente,\n\nMesa de Servicios\nAlcaldía de Itagüí\n"),
        "{}",
        mail.text()
    );
    assert!(mail.html().contains("<p>Mesa de Servicios<br>Alcaldía de Itagüí</p>"), "{}", mail.html());
    shows(&page(&desk, "none"), 404, &[&image, "<strong>Alcaldía de Itagüí</strong>"]);
}

#[test]
fn the_page_uses_the_requesters_language_unless_the_browser_sets_one() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    desk.requester().patch("/me", json!({"locale": "en"})).ok();
    let (_, token) = mailed(&desk, &server);
    shows(
        &page(&desk, &token),
        200,
        &["<html lang=\"en\">", "How do you rate the treatment that you received?", "Very good"],
    );
    let spanish = desk.nobody().with("accept-language", "es-CO");
    shows(&spanish.get(&format!("//s/{token}")), 200, &["<html lang=\"es\">", "Enviar"]);
    assert_eq!(spanish.get(&format!("//s/{token}")).header("content-language"), "es");
    let unknown = desk.nobody().with("accept-language", "en").get("//s/none");
    shows(&unknown, 404, &["This link does not belong to any survey"]);
}

#[test]
fn an_invalid_link_and_an_expired_link_show_an_error() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (_, token) = mailed(&desk, &server);
    for wrong in ["x", "0197c0de-0000-7000-8000-000000000000", &token[1..], &"a".repeat(5000)] {
        shows(&page(&desk, wrong), 404, &["no corresponde a ninguna encuesta"]);
        shows(&send(&desk, wrong, GOOD), 404, &["no corresponde a ninguna encuesta"]);
        desk.nobody().get(&format!("/survey-links/{wrong}")).problem(404, "not_found");
    }
    let days = "SELECT extract(epoch FROM expires_at - created_at) / 86400 FROM survey_tokens";
    assert_eq!(desk.database.count(days), 30);
    desk.database.run("UPDATE survey_tokens SET created_at = now() - interval '31 days', expires_at = now()");
    shows(&page(&desk, &token), 410, &["El enlace venció"]);
    shows(&send(&desk, &token, GOOD), 410, &["El enlace venció"]);
    desk.nobody().get(&format!("/survey-links/{token}")).problem(410, "survey_expired");
    desk.nobody().post(&format!("/survey-links/{token}"), ratings()).problem(410, "survey_expired");
    assert_eq!(desk.database.count("SELECT count(*) FROM surveys WHERE status = 'answered'"), 0);
}

#[test]
fn missing_answers_are_reported_and_the_input_is_kept() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (_, token) = mailed(&desk, &server);
    let before = desk.database.fingerprint();
    let partial = send(&desk, &token, "rating-overall=4&rating-courtesy=9&comment=%3C%2Ftextarea%3E%3Cb%3E");
    shows(
        &partial,
        422,
        &["<title>Revise sus respuestas", "role=\"alert\"", "href=\"#rating-timeliness-1\""],
    );
    shows(&partial, 422, &["id=\"rating-overall-4\" value=\"4\" checked", "id=\"rating-courtesy-fault\""]);
    let text = partial.text();
    assert!(!text.contains("<b>") && text.contains("&lt;b&gt;"), "{text}");
    assert!(!text.contains("id=\"rating-overall-fault\""), "{text}");
    let long = format!("{GOOD}{}", "x".repeat(2000));
    shows(&send(&desk, &token, &long), 422, &["Admite hasta 2000 caracteres", "value=\"3\" checked"]);
    shows(&send(&desk, &token, ""), 422, &["Revise lo siguiente"]);
    shows(&send(&desk, &token, "%00=%ff&rating-overall"), 422, &["Revise lo siguiente"]);
    desk.nobody()
        .raw("POST", &format!("//s/{token}"), "application/json", "{}")
        .problem(415, "unsupported_media_type");
    assert_eq!(desk.database.fingerprint(), before);
    shows(&send(&desk, &token, GOOD), 200, &["Gracias"]);
}

#[test]
fn the_page_allows_no_scripts_no_frames_no_referrer_and_no_caching() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (_, token) = mailed(&desk, &server);
    for answer in [page(&desk, &token), page(&desk, "none"), send(&desk, &token, "")] {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let text = answer.text();
        assert!(!text.contains("<script") && !text.contains("://") && !text.contains("style="), "{text}");
    }
}

#[test]
fn the_text_of_the_ticket_is_escaped_on_the_page() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (_, token) = mailed(&desk, &server);
    desk.database
        .run("UPDATE tickets SET subject = '<script>alert(1)</script>', solution = '</style>{{ 7 * 7 }}'");
    shows(&page(&desk, &token), 200, &["&lt;script&gt;", "{{ 7 * 7 }}"]);
    assert!(!page(&desk, &token).text().contains("<script>"));
}

#[test]
fn a_reopened_ticket_cannot_be_rated_until_it_is_solved() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (one, token) = mailed(&desk, &server);
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    let before = desk.database.fingerprint();
    shows(&page(&desk, &token), 200, &["Su solicitud fue reabierta"]);
    assert!(!page(&desk, &token).text().contains("<form"));
    shows(&send(&desk, &token, GOOD), 409, &["Su solicitud fue reabierta"]);
    let path = format!("/survey-links/{token}");
    assert_eq!(desk.nobody().get(&path).ok()["solution_text"], json!(null));
    desk.nobody().post(&path, ratings()).problem(409, "wrong_state");
    desk.requester().post(&format!("{one}/survey"), ratings()).problem(409, "wrong_state");
    assert_eq!(desk.database.fingerprint(), before);
    // A ticket may end without a solution.
    desk.technician().post(&format!("{one}/archive"), json!({"reason": "withdrawn", "note": "Ya no."})).ok();
    shows(&page(&desk, &token), 200, &["Su solicitud no fue solucionada"]);
    assert!(!page(&desk, &token).text().contains("reabierta"));

    let (one, token) = mailed(&desk, &server);
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    desk.technician().post(&format!("{one}/solution"), json!({"description": "Ahora sí."})).ok();
    shows(&send(&desk, &token, GOOD), 200, &["Gracias"]);
    // A given answer remains visible.
    desk.requester().post(&format!("{one}/reopening"), json!({})).ok();
    shows(&page(&desk, &token), 200, &["quedó guardada"]);
}

#[test]
fn a_link_works_only_for_its_survey_and_every_mail_has_a_new_link() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (first, one) = mailed(&desk, &server);
    let (second, two) = mailed(&desk, &server);
    assert_ne!(one, two);
    shows(&send(&desk, &two, GOOD), 200, &["#2"]);
    let status = |path: &str| desk.requester().get(&format!("{path}/survey")).ok()["status"].clone();
    assert_eq!((status(&first), status(&second)), (json!("pending"), json!("answered")));
    // Solved again: a new mail with a new link. The previous link still opens the same survey.
    desk.requester().post(&format!("{first}/reopening"), json!({})).ok();
    desk.technician().post(&format!("{first}/solution"), json!({"description": "Ahora sí."})).ok();
    desk.send_mail();
    let again = server.last_with_link().survey_token();
    assert!(again != one && again != two);
    shows(&send(&desk, &again, GOOD), 200, &["#1"]);
    shows(&page(&desk, &one), 200, &["quedó guardada"]);
}

#[test]
fn a_survey_is_answered_as_json_without_signing_in() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let (_, token) = mailed(&desk, &server);
    let (nobody, path) = (desk.nobody(), format!("/survey-links/{token}"));
    let linked = nobody.get(&path).ok();
    assert_eq!(
        (&linked["subject"], &linked["solution_text"]),
        (&json!("La impresora no imprime"), &json!("Se cambió el cable."))
    );
    assert_eq!((&linked["survey"]["status"], &linked["locale"]), (&json!("pending"), &json!("es")));
    let keys: Vec<&str> =
        linked["questions"].as_array().unwrap().iter().map(|q| q["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["overall", "timeliness", "courtesy", "solution"]);
    assert_eq!(nobody.post(&path, json!({"ratings": {"overall": 6}})).faults().len(), 4);
    assert_eq!(nobody.post(&path, ratings()).created()["status"], "answered");
    nobody.post(&path, ratings()).problem(409, "already_answered");
    assert_eq!(nobody.get(&path).ok()["survey"]["ratings"]["overall"], 5);
}

#[test]
fn the_reminder_is_sent_once_with_several_servers() {
    let server = MailServer::start();
    let desk = Desk::mailing(&server);
    let requester = desk.requester();
    let (waiting, _) = mailed(&desk, &server);
    let answered = desk.ticket_in("solved");
    requester.post(&format!("{answered}/survey"), ratings()).created();
    let reopened = desk.ticket_in("solved");
    requester.post(&format!("{reopened}/reopening"), json!({})).ok();
    let old = desk.ticket_in("closed");
    desk.send_mail();
    let reminders = || desk.database.count("SELECT count(*) FROM messages WHERE kind = 'survey_reminder'");
    let routine = |config: &mesa::config::Config| {
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| mesa::server::routine::once(&mut desk.database.connect(), config));
            }
        });
    };
    let config = desk.shared().config.clone();
    let days_ago = |days: u32, ticket: &str| {
        let id = ticket.rsplit('/').next().unwrap();
        desk.database.run(&format!(
            "UPDATE surveys SET offered_at = now() - interval '{days} days' WHERE ticket_id = {id} AND status = 'pending'"
        ));
    };
    for ticket in [&waiting, &answered, &reopened] {
        days_ago(2, ticket);
    }
    routine(&config);
    assert_eq!(reminders(), 0, "too early");
    for ticket in [&waiting, &answered, &reopened] {
        days_ago(3, ticket);
    }
    // No reminder is sent if the link would already have expired.
    days_ago(31, &old);
    routine(&mesa::config::Config { survey_reminder_days: 0, ..config.clone() });
    assert_eq!(reminders(), 0, "switched off");
    routine(&config);
    assert_eq!(reminders(), 1);
    desk.send_mail();
    let reminder = server.last_with_link();
    assert!(reminder.text().contains("No le enviaremos más recordatorios."), "{}", reminder.text());
    assert_eq!(reminder.subject(), "[#1] La impresora no imprime");
    routine(&config);
    assert_eq!(reminders(), 1);
    shows(&send(&desk, &reminder.survey_token(), GOOD), 200, &["Gracias"]);
}
