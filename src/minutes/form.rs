//! FO-DE-01 Acta: minutes as a document.

use super::{Attendance, Minutes, MinutesStatus};
use crate::audit::log::AuditResource;
use crate::documents::cell::{Cell, Light};
use crate::documents::model::{Block, Document, Field, Part, Signature, Table};
use crate::documents::response::{Kind, Setting};

pub const KIND: Kind = Kind { resource: AuditResource::Minutes, file_name: "acta" };

/// Each one begins on a new page.
pub fn document(all: Vec<Minutes>, setting: &Setting<'_>) -> Document {
    let parts = all.iter().map(|minutes| part(minutes, setting)).collect();
    setting.form(setting.say("Acta", "Minutes"), &setting.config.forms.minutes, false, parts)
}

fn part(minutes: &Minutes, setting: &Setting<'_>) -> Part {
    let say = |es, en| setting.say(es, en);
    let number = format!("{} {} {}", minutes.number, say("de", "of"), minutes.year);
    let clock = |time: &Option<String>| {
        // Stored with seconds.
        Cell::optional(time.as_ref().map(|time| time.chars().take(5).collect::<String>()))
    };
    let status = match minutes.status {
        MinutesStatus::Draft => Cell::text(say("Borrador", "Draft")),
        MinutesStatus::Signed => Cell::Light(Light::Green, say("Firmada", "Signed").to_owned()),
    };
    let report = minutes.report.as_ref().map(|report| {
        let quarter = ["I", "II", "III", "IV"].get(usize::try_from(report.quarter - 1).unwrap_or_default());
        format!("{} {} {}", quarter.unwrap_or(&"–"), say("trimestre de", "quarter of"), report.year)
    });
    let mut blocks = vec![
        Block::Fields(vec![
            Field::new(say("Acta No.", "Minutes No."), Cell::text(&*number), 3),
            Field::new(say("Fecha", "Date"), Cell::Day(minutes.held_on), 3),
            Field::new(say("Hora de inicio", "Start"), clock(&minutes.starts_at), 3),
            Field::new(say("Hora de finalización", "End"), clock(&minutes.ends_at), 3),
            Field::new(say("Reunión", "Meeting"), Cell::text("Comité Primario"), 4),
            Field::new(say("Lugar", "Place"), Cell::optional(minutes.place.as_ref()), 5),
            Field::new(say("Estado", "State"), status, 3),
            Field::new(say("Informe revisado", "Reviewed report"), Cell::optional(report), 6),
            Field::new(say("Próxima reunión", "Next meeting"), Cell::day(minutes.next_meeting_on), 6),
        ]),
        Block::Heading(say("Asistencia", "Attendance").to_owned()),
        Block::Table(attendance(minutes, setting)),
        Block::Heading(say("Orden del día", "Agenda").to_owned()),
        Block::Table(Table {
            title: None,
            columns: vec![say("No.", "No.").to_owned(), say("Punto", "Point").to_owned()],
            rows: (1..)
                .zip(&minutes.agenda)
                .map(|(place, point)| vec![Cell::Count(place), Cell::text(point)])
                .collect(),
            named_rows: true,
        }),
        Block::Heading(say("Desarrollo", "Proceedings").to_owned()),
        Block::Text(
            minutes.proceedings.clone().unwrap_or_else(|| say("Sin escribir.", "Not written.").to_owned()),
        ),
        Block::Heading(say("Compromisos", "Decisions").to_owned()),
        Block::Table(decisions(minutes, setting)),
    ];
    blocks.push(Block::Signatures(signatures(minutes, setting)));
    Part {
        name: format!("{} {}-{}", say("Acta", "Minutes"), minutes.year, minutes.number),
        new_page: true,
        blocks,
    }
}

fn attendance(minutes: &Minutes, setting: &Setting<'_>) -> Table {
    let say = |es, en| setting.say(es, en);
    let rows = minutes.attendance.iter().map(|attendee| {
        let attendance = match attendee.attendance {
            Attendance::Present => say("Presente", "Present"),
            Attendance::Excused => say("Excusado", "Excused"),
            Attendance::Absent => say("Ausente", "Absent"),
            Attendance::Guest => say("Invitado", "Guest"),
        };
        vec![
            Cell::text(&attendee.full_name),
            Cell::optional(attendee.job_title.as_ref()),
            Cell::text(attendance),
            // Room to sign on paper.
            Cell::text("\u{a0}".repeat(40)),
        ]
    });
    let columns = [
        say("Nombre", "Name"),
        say("Cargo", "Post"),
        say("Asistencia", "Attendance"),
        say("Firma", "Signature"),
    ];
    Table {
        title: None,
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        named_rows: true,
    }
}

fn decisions(minutes: &Minutes, setting: &Setting<'_>) -> Table {
    let say = |es, en| setting.say(es, en);
    let rows = (1..).zip(&minutes.decisions).map(|(place, decision)| {
        vec![
            Cell::Count(place),
            Cell::text(&decision.decision),
            Cell::text(&decision.owner.full_name),
            Cell::Day(decision.due_on),
        ]
    });
    let columns = [
        say("No.", "No."),
        say("Compromiso", "Decision"),
        say("Responsable", "Responsible"),
        say("Fecha", "Date"),
    ];
    Table {
        title: None,
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        named_rows: true,
    }
}

fn signatures(minutes: &Minutes, setting: &Setting<'_>) -> Vec<Signature> {
    let director = setting.say("Director Administrativo de las TIC", "Director of ICT");
    let signed = minutes.signature.as_ref();
    vec![
        Signature {
            role: setting.say("Firma", "Signed by").to_owned(),
            name: signed.map(|signature| signature.signed_by.full_name.clone()).unwrap_or_default(),
            post: Some(director.to_owned()),
            note: signed.map(|signature| setting.signed_at(signature.signed_at)),
        },
        Signature {
            role: setting.say("Elaboró", "Written by").to_owned(),
            name: minutes.created_by.full_name.clone(),
            post: None,
            note: None,
        },
    ]
}
