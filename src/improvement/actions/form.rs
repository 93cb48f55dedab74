//! FO-EM-15 Plan de Mejoramiento: one action with its followups, or the plan of several.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::followups::{self, ImprovementFollowup};
use super::{ActionKind, ActionStatus, ImprovementAction};
use crate::audit::log::AuditResource;
use crate::documents::cell::{Cell, Light};
use crate::documents::model::{Block, Document, Field, Part, Signature, Table};
use crate::documents::response::{Kind, Setting};
use crate::problem::Result;

pub const KIND: Kind = Kind { resource: AuditResource::ImprovementAction, file_name: "plan-de-mejoramiento" };

/// An action with followups.
pub struct Planned {
    action: ImprovementAction,
    followups: Vec<ImprovementFollowup>,
}

/// The action with all its followups.
pub fn one(db: &mut PgConnection, action: ImprovementAction) -> Result<Planned> {
    let followups = followups::all(db, action.id)?;
    Ok(Planned { action, followups })
}

/// Each action with its latest followup.
pub fn plan(db: &mut PgConnection, actions: Vec<ImprovementAction>) -> Result<Vec<Planned>> {
    let ids: Vec<Uuid> = actions.iter().map(|action| action.id).collect();
    let mut latest: HashMap<Uuid, ImprovementFollowup> = followups::latest(db, &ids)?.into_iter().collect();
    let planned = |action: ImprovementAction| {
        let followups = latest.remove(&action.id).into_iter().collect();
        Planned { action, followups }
    };
    Ok(actions.into_iter().map(planned).collect())
}

fn title(setting: &Setting<'_>) -> &'static str {
    setting.say("Plan de Mejoramiento", "Improvement Plan")
}

/// The plan: a row for each action.
pub fn table(plan: Vec<Planned>, setting: &Setting<'_>) -> Document {
    let say = |es, en| setting.say(es, en);
    let rows = plan.iter().map(|Planned { action, followups }| {
        let latest = followups.last();
        let progress = latest.and_then(|followup| followup.progress);
        let followup =
            latest.map(|followup| format!("{}: {}", setting.day(followup.created_at), followup.body));
        let verification = action.verification.as_ref();
        vec![
            Cell::Count(action.number.into()),
            Cell::text(kind(action, setting)),
            Cell::text(action.origin.shown(setting.locale)),
            Cell::text(&action.finding),
            Cell::text(&action.cause),
            Cell::text(&action.action),
            Cell::text(&action.owner.full_name),
            Cell::Day(action.due_on),
            Cell::optional(followup),
            progress.map_or(Cell::Nothing, |progress| Cell::text(format!("{progress} %"))),
            status(action, setting),
            Cell::optional(verification.map(|verification| &verification.note)),
        ]
    });
    let columns = [
        say("No.", "No."),
        say("Tipo", "Kind"),
        say("Fuente", "Source"),
        say("Hallazgo u oportunidad", "Finding"),
        say("Análisis de causa", "Cause"),
        say("Acción", "Action"),
        say("Responsable", "Responsible"),
        say("Fecha límite", "Due"),
        say("Seguimiento", "Followup"),
        say("Avance", "Progress"),
        say("Estado", "State"),
        say("Eficacia", "Efficacy"),
    ];
    let rows: Vec<Vec<Cell>> = rows.collect();
    let table = Table { title: None, columns: columns.map(str::to_owned).to_vec(), rows, named_rows: true };
    let lines = |role: &str| Signature { role: role.to_owned(), name: String::new(), post: None, note: None };
    let blocks = vec![
        Block::Table(table),
        Block::Signatures(vec![lines(say("Elaboró", "Written by")), lines(say("Aprobó", "Approved by"))]),
    ];
    let parts = vec![Part { name: title(setting).to_owned(), new_page: false, blocks }];
    setting.form(title(setting), &setting.config.forms.improvement_plan, true, parts)
}

/// One action in full.
pub fn document(plan: Vec<Planned>, setting: &Setting<'_>) -> Document {
    let parts = plan.iter().map(|planned| part(planned, setting)).collect();
    setting.form(title(setting), &setting.config.forms.improvement_plan, false, parts)
}

fn part(planned: &Planned, setting: &Setting<'_>) -> Part {
    let say = |es, en| setting.say(es, en);
    let action = &planned.action;
    let fields = vec![
        Field::new(say("Acción No.", "Action No."), Cell::Count(action.number.into()), 2),
        Field::new(say("Tipo de acción", "Kind"), Cell::text(kind(action, setting)), 3),
        Field::new(say("Fecha de formulación", "Written on"), Cell::text(setting.day(action.created_at)), 4),
        Field::new(say("Estado", "State"), status(action, setting), 3),
        Field::wide(say("Fuente", "Source"), Cell::text(action.origin.shown(setting.locale))),
        Field::wide(say("Hallazgo u oportunidad", "Finding"), Cell::text(&action.finding)),
        Field::wide(say("Análisis de causa", "Cause"), Cell::text(&action.cause)),
        Field::wide(say("Acción", "Action"), Cell::text(&action.action)),
        Field::new(say("Responsable", "Responsible"), Cell::text(&action.owner.full_name), 8),
        Field::new(say("Fecha límite", "Due"), Cell::Day(action.due_on), 4),
    ];
    let followups = planned.followups.iter().map(|followup| {
        vec![
            Cell::text(setting.day(followup.created_at)),
            Cell::text(&followup.body),
            followup.progress.map_or(Cell::Nothing, |progress| Cell::text(format!("{progress} %"))),
            Cell::text(&followup.author.full_name),
        ]
    });
    let columns = [
        say("Fecha", "Date"),
        say("Seguimiento", "Followup"),
        say("Avance", "Progress"),
        say("Registró", "Written by"),
    ];
    let followups = Table {
        title: None,
        columns: columns.map(str::to_owned).to_vec(),
        rows: followups.collect(),
        named_rows: true,
    };
    let none = || say("Sin registrar.", "Not recorded.");
    let completion = match &action.completion {
        Some(done) => vec![
            Field::wide(say("Lo realizado", "Carried out"), Cell::text(&done.note)),
            Field::new(say("Registró", "Recorded by"), Cell::text(&done.completed_by.full_name), 8),
            Field::new(say("Fecha", "Date"), Cell::text(setting.day(done.completed_at)), 4),
        ],
        None => vec![Field::wide(say("Lo realizado", "Carried out"), Cell::text(none()))],
    };
    let verification = match &action.verification {
        Some(done) => vec![
            Field::wide(say("Evidencia", "Evidence"), Cell::text(&done.note)),
            Field::new(say("Verificó", "Verified by"), Cell::text(&done.verified_by.full_name), 5),
            Field::new(say("Fecha", "Date"), Cell::text(setting.day(done.verified_at)), 4),
            Field::new(
                say("¿Fue eficaz?", "Effective?"),
                Cell::text(if done.effective { say("Sí", "Yes") } else { "No" }),
                3,
            ),
        ],
        None => vec![Field::wide(say("Evidencia", "Evidence"), Cell::text(none()))],
    };
    let verified_by = action.verification.as_ref().map(|done| done.verified_by.full_name.clone());
    let sign = |role: &str, name: String| Signature { role: role.to_owned(), name, post: None, note: None };
    let blocks = vec![
        Block::Heading(say("Formulación", "Action").to_owned()),
        Block::Fields(fields),
        Block::Heading(say("Seguimiento", "Followups").to_owned()),
        Block::Table(followups),
        Block::Heading(say("Cumplimiento", "Completion").to_owned()),
        Block::Fields(completion),
        Block::Heading(say("Verificación de la eficacia", "Verification of the efficacy").to_owned()),
        Block::Fields(verification),
        Block::Signatures(vec![
            sign(
                say("Responsable de la acción", "Responsible for the action"),
                action.owner.full_name.clone(),
            ),
            sign(say("Verificó la eficacia", "Verified the efficacy"), verified_by.unwrap_or_default()),
        ]),
    ];
    Part { name: format!("{} {}", say("Acción", "Action"), action.number), new_page: true, blocks }
}

fn kind(action: &ImprovementAction, setting: &Setting<'_>) -> &'static str {
    match action.kind {
        ActionKind::Corrective => setting.say("Correctiva", "Corrective"),
        ActionKind::Preventive => setting.say("Preventiva", "Preventive"),
        ActionKind::Improvement => setting.say("De mejora", "Improvement"),
    }
}

fn status(action: &ImprovementAction, setting: &Setting<'_>) -> Cell {
    let say = |es, en| setting.say(es, en);
    let (light, text) = match action.status {
        ActionStatus::Draft => return Cell::text(say("Borrador", "Draft")),
        ActionStatus::Open if action.overdue => (Light::Red, say("Vencida", "Overdue")),
        ActionStatus::Open => (Light::Yellow, say("Abierta", "Open")),
        ActionStatus::Completed => (Light::Yellow, say("Cumplida, sin verificar", "Completed, not verified")),
        ActionStatus::Effective => (Light::Green, say("Cerrada, eficaz", "Closed, effective")),
        ActionStatus::Ineffective => (Light::Red, say("Cerrada, no eficaz", "Closed, not effective")),
    };
    Cell::Light(light, text.to_owned())
}
