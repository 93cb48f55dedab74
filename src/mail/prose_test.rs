//! The form of every message in both languages, for each kind of recipient, with and without optional data: greeting,
//! paragraphs, labelled lines and signature.

use serde_json::{Value, json};

use super::templates::render;
use crate::language::locale::Locale;
use crate::outbox::MessageKind;

const ENTITY: &str = "Alcaldía de Itagüí";
const AT: &str = "2026-12-03T22:00:00Z";
const LINK: &str = "https://mesa.example/s/abc";

/// The recipients: the requester, staff, a watcher with a request about the same matter, and a watcher whom staff added.
fn recipients() -> [Value; 4] {
    [
        json!({"to_requester": true, "watcher": false, "followed": null}),
        json!({"to_requester": false, "watcher": false, "followed": null}),
        json!({"to_requester": false, "watcher": true, "followed": null}),
        json!({"to_requester": false, "watcher": true, "followed": 7}),
    ]
}

/// Contexts of a message: with all optional data and with none.
fn contexts() -> Vec<Value> {
    let at = AT;
    let full = json!({
        "reader": "Rosa Pérez Gómez",
        "ticket": {
            "id": 1, "subject": "La impresora no imprime", "status": "received", "criticality": "medium",
            "support_level": 1, "attention_due_at": at, "solution": "Se cambió el rodillo.",
            "requester": "Rosa Pérez Gómez", "unit": "Secretaría de Hacienda", "assignee": "Tomás Ríos Cano",
        },
        "parent": {"subject": "Sin red en el piso 2", "solution": "Se cambió el switch."},
        "data": {
            "scheduled_for": at, "deadline": at, "due_at": at, "changed_at": at, "promised_for": at, "level": 1,
            "to_level": 2, "third_party": "Redes del Sur S. A.", "missing": "¿Cuál es la placa?", "parent_id": 2,
            "reason": "missing_information", "note": "Su número de documento.", "by_requester": true, "by_link": true,
            "why": "Faltan datos.", "next_step": "Preséntela nuevamente.",
            "origin": "https://erp.example", "webhook_id": "01a22bfc-7917-7376-a09a-ff1a773cc606",
        },
        "followup": "Vamos a su oficina.", "author": "Tomás Ríos Cano", "link": LINK, "survey_days": 30,
        "closes_at": at, "email": "rosa@mesa.test", "minutes": 30, "days": 7,
        "changed_by": {"name": "Diana Mejía", "role": "director", "is_reader": false},
        "desk_address": "mesa@mesa.test",
        "action": {"number": 3, "text": "Establecer un turno.", "due_on": "jueves 3 de diciembre de 2026", "owner": "Diana Mejía"},
    });
    let mut bare = full.clone();
    for (place, name) in [
        ("/ticket", "unit"),
        ("/ticket", "attention_due_at"),
        ("/ticket", "solution"),
        ("/ticket", "criticality"),
        ("/data", "scheduled_for"),
        ("/data", "deadline"),
        ("/data", "due_at"),
        ("/data", "promised_for"),
        ("/data", "level"),
        ("/data", "note"),
        ("/data", "by_requester"),
        ("/data", "by_link"),
        ("", "followup"),
        ("", "closes_at"),
        ("", "changed_by"),
        ("", "desk_address"),
        ("", "parent"),
    ] {
        bare.pointer_mut(place).unwrap()[name] = Value::Null;
    }
    bare["link"] = Value::Null;
    bare["data"]["reason"] = "withdrawn".into();
    let mut critical = full.clone();
    critical["ticket"]["criticality"] = "critical".into();
    critical["ticket"]["status"] = "archived".into();
    critical["data"]["third_party"] = Value::Null;
    critical["data"]["reason"] = "profile_not_authorized".into();
    critical["changed_by"]["role"] = "requester".into();
    let mut promised = full.clone();
    promised["data"]["promised_for"] = Value::Null;
    promised["changed_by"]["is_reader"] = true.into();
    vec![full, bare, critical, promised]
}

/// Every text of every kind in this language.
fn texts(locale: Locale) -> Vec<(MessageKind, String)> {
    let mut texts = Vec::new();
    for kind in MessageKind::ALL {
        for context in contexts() {
            for recipient in recipients() {
                let mut context = context.clone();
                for (name, value) in recipient.as_object().unwrap() {
                    context[name] = value.clone();
                }
                if !context["followed"].is_null() {
                    context["ticket"]["id"] = Value::Null;
                }
                // Messages of these kinds always have them.
                match kind {
                    MessageKind::Followup => context["followup"] = "Vamos a su oficina.".into(),
                    MessageKind::Rescheduled => context["data"]["scheduled_for"] = AT.into(),
                    _ => {}
                }
                let text = render(*kind, locale, chrono_tz::America::Bogota, Some(ENTITY), context).unwrap();
                texts.push((*kind, text));
            }
        }
    }
    texts
}

/// What is wrong with the form of a text.
fn fault(text: &str, locale: Locale) -> Option<String> {
    let (greeting, signature) = match locale {
        Locale::Es => {
            ("Hola, Rosa Pérez Gómez:\n\n", "\n\nCordialmente,\n\nMesa de Servicios\nAlcaldía de Itagüí\n")
        }
        Locale::En => {
            ("Hello, Rosa Pérez Gómez:\n\n", "\n\nKind regards,\n\nService desk\nAlcaldía de Itagüí\n")
        }
    };
    let body = text.strip_prefix(greeting).and_then(|text| text.strip_suffix(signature));
    let Some(body) = body else { return Some("greeting or signature".to_owned()) };
    for gap in ["\n\n\n", "  ", " \n", " .", " ,", "..", "\t"] {
        if text.contains(gap) {
            return Some(format!("{gap:?}"));
        }
    }
    body.split("\n\n").filter(|part| !part.starts_with('>')).flat_map(str::lines).find_map(|line| {
        // A person's words and addresses have capital letters and full stops anywhere.
        let words: Vec<&str> =
            line.split(' ').filter(|word| !word.contains("://") && !word.contains('@')).collect();
        let plain = words.join(" ").replace("a.m.", "am.").replace("p.m.", "pm.");
        let letters: Vec<char> = plain.chars().collect();
        let glued = letters.windows(2).any(|pair| {
            let ends = pair[0].is_lowercase() || pair[0].is_numeric();
            let stops = matches!(pair[0], '.' | ',' | ':' | ';' | '?' | '!' | ')');
            (ends && (pair[1].is_uppercase() || matches!(pair[1], '¿' | '¡')))
                || (stops && pair[1].is_alphabetic())
        });
        let label = line
            .split_once(": ")
            .is_some_and(|(label, _)| label.chars().count() <= 40 && !label.contains('.'));
        let ended = label || line.ends_with(['.', ':', '?']);
        (glued || !ended).then(|| line.to_owned())
    })
}

#[test]
fn every_message_is_paragraphs_between_a_greeting_and_the_signature_of_the_entity() {
    for locale in [Locale::Es, Locale::En] {
        for (kind, text) in texts(locale) {
            assert_eq!(fault(&text, locale), None, "{kind:?}: {text}");
        }
    }
}

#[test]
fn a_sentence_that_begins_without_a_break_is_found() {
    let text = |body: &str| {
        format!(
            "Hola, Rosa Pérez Gómez:\n\n{body}\n\nCordialmente,\n\nMesa de Servicios\nAlcaldía de Itagüí\n"
        )
    };
    assert_eq!(fault(&text("Solicitante: Rosa Pérez, Hacienda\n\nVence hoy."), Locale::Es), None);
    for wrong in [
        "Solicitante: Rosa Pérez, HaciendaPuede desactivar este correo.",
        "Vence a las 3:00 p. m.Puede desactivar este correo.",
        "Vence hoy. ",
        "Vence hoy.\n\n\nMañana.",
        "Una frase sin punto",
    ] {
        assert!(fault(&text(wrong), Locale::Es).is_some(), "{wrong}");
    }
    assert!(fault("Hola, Rosa Pérez Gómez:\n\nVence hoy.\n", Locale::Es).is_some());
}

#[test]
fn a_message_that_wants_an_answer_asks_for_it_and_says_until_when() {
    let until = "jueves 3 de diciembre de 2026 a las 5:00 p. m.";
    let first = |kind| texts(Locale::Es).into_iter().find(|(known, _)| *known == kind).unwrap().1;
    for (kind, words) in [
        (MessageKind::InformationRequested, format!("Responda a este correo a más tardar el {until}\n")),
        (
            MessageKind::Solved,
            format!("Si el problema persiste, responda este correo a más tardar el {until} "),
        ),
        (MessageKind::Archived, "Para presentarla nuevamente, responda a este correo ".to_owned()),
    ] {
        assert!(first(kind).contains(&words), "{words}: {}", first(kind));
    }
}

#[test]
fn without_a_name_of_the_entity_the_desk_signs_once() {
    let context = contexts().remove(0);
    let text = render(MessageKind::Held, Locale::Es, chrono_tz::America::Bogota, None, context).unwrap();
    assert!(text.ends_with("\n\nCordialmente,\n\nMesa de Servicios\n"), "{text}");
    assert_eq!(text.matches("Mesa de Servicios").count(), 1, "{text}");
}
