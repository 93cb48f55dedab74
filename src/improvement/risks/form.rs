//! FO-DE-11 Matriz de Riesgos: one risk in full, or the matrix of several.

use super::level::RiskLevel;
use super::{Risk, RiskStatus, RiskTreatment, heat_map};
use crate::audit::log::AuditResource;
use crate::documents::cell::{Cell, Light};
use crate::documents::model::{Block, Document, Field, Figure, Part, Signature, Table};
use crate::documents::response::{Kind, Setting};

pub const KIND: Kind = Kind { resource: AuditResource::Risk, file_name: "matriz-de-riesgos" };

fn title(setting: &Setting<'_>) -> &'static str {
    setting.say("Matriz de Riesgos", "Risk Matrix")
}

/// A row for each risk.
pub fn table(risks: Vec<Risk>, setting: &Setting<'_>) -> Document {
    let say = |es, en| setting.say(es, en);
    let rows = risks.iter().map(|risk| {
        let residual = risk.residual.as_ref();
        let scale = |value: i16, scale| Cell::text(heat_map::named(value, scale));
        vec![
            Cell::text(format!("R{}", risk.number)),
            Cell::text(&risk.cause),
            Cell::text(&risk.risk),
            Cell::text(&risk.effect),
            scale(risk.probability, heat_map::probabilities(setting.locale)),
            scale(risk.impact, heat_map::impacts(setting.locale)),
            level(risk.level, setting),
            Cell::optional(risk.controls.as_ref()),
            residual.map_or(Cell::Nothing, |residual| level(residual.level, setting)),
            Cell::text(treatment(risk, setting)),
            Cell::optional(risk.treatment_plan.as_ref()),
            Cell::text(&risk.owner.full_name),
            Cell::Day(risk.review_on),
            Cell::text(status(risk, setting)),
        ]
    });
    let columns = [
        say("No.", "No."),
        say("Causa", "Cause"),
        say("Riesgo", "Risk"),
        say("Efecto", "Effect"),
        say("Probabilidad", "Probability"),
        say("Impacto", "Impact"),
        say("Riesgo inherente", "Inherent risk"),
        say("Controles", "Controls"),
        say("Riesgo residual", "Residual risk"),
        say("Tratamiento", "Treatment"),
        say("Acciones", "Measures"),
        say("Responsable", "Responsible"),
        say("Revisión", "Review"),
        say("Estado", "State"),
    ];
    let rows: Vec<Vec<Cell>> = rows.collect();
    let table = Table { title: None, columns: columns.map(str::to_owned).to_vec(), rows, named_rows: true };
    let mut blocks = vec![Block::Table(table)];
    if !risks.is_empty() {
        blocks.push(Block::Figure(map(&risks.iter().collect::<Vec<_>>(), setting)));
    }
    let line = |role: &str| Signature { role: role.to_owned(), name: String::new(), post: None, note: None };
    blocks.push(Block::Signatures(vec![
        line(say("Elaboró", "Written by")),
        line(say("Aprobó", "Approved by")),
    ]));
    let parts = vec![Part { name: title(setting).to_owned(), new_page: false, blocks }];
    setting.form(title(setting), &setting.config.forms.risk_matrix, true, parts)
}

/// One risk in full.
pub fn document(risks: Vec<Risk>, setting: &Setting<'_>) -> Document {
    let parts = risks.iter().map(|risk| part(risk, setting)).collect();
    setting.form(title(setting), &setting.config.forms.risk_matrix, false, parts)
}

fn part(risk: &Risk, setting: &Setting<'_>) -> Part {
    let say = |es, en| setting.say(es, en);
    let (probabilities, impacts) =
        (heat_map::probabilities(setting.locale), heat_map::impacts(setting.locale));
    let assessed = |probability: i16, impact: i16, of: RiskLevel| {
        vec![
            Field::new(
                say("Probabilidad", "Probability"),
                Cell::text(heat_map::named(probability, probabilities)),
                4,
            ),
            Field::new(say("Impacto", "Impact"), Cell::text(heat_map::named(impact, impacts)), 4),
            Field::new(say("Zona de riesgo", "Level"), level(of, setting), 4),
        ]
    };
    let residual = match &risk.residual {
        Some(residual) => assessed(residual.probability, residual.impact, residual.level),
        None => vec![Field::wide(
            say("Valoración", "Assessment"),
            Cell::text(say("Sin valorar.", "Not assessed.")),
        )],
    };
    let mut controls = vec![Field::wide(
        say("Controles existentes", "Existing controls"),
        Cell::optional(risk.controls.as_ref()),
    )];
    controls.extend(residual);
    let blocks = vec![
        Block::Heading(say("Identificación", "Identification").to_owned()),
        Block::Fields(vec![
            Field::new(say("Riesgo No.", "Risk No."), Cell::text(format!("R{}", risk.number)), 3),
            Field::new(say("Fecha de registro", "Recorded on"), Cell::text(setting.day(risk.created_at)), 5),
            Field::new(say("Estado", "State"), Cell::text(status(risk, setting)), 4),
            Field::wide(say("Riesgo", "Risk"), Cell::text(&risk.risk)),
            Field::wide(say("Causa", "Cause"), Cell::text(&risk.cause)),
            Field::wide(say("Efecto o consecuencia", "Effect"), Cell::text(&risk.effect)),
            Field::wide(say("Fuente", "Source"), Cell::text(risk.origin.shown(setting.locale))),
        ]),
        Block::Heading(
            say("Riesgo inherente (sin controles)", "Inherent risk (without controls)").to_owned(),
        ),
        Block::Fields(assessed(risk.probability, risk.impact, risk.level)),
        Block::Heading(say("Controles y riesgo residual", "Controls and residual risk").to_owned()),
        Block::Fields(controls),
        Block::Heading(say("Tratamiento", "Treatment").to_owned()),
        Block::Fields(vec![
            Field::new(say("Opción de tratamiento", "Treatment"), Cell::text(treatment(risk, setting)), 4),
            Field::new(say("Responsable", "Responsible"), Cell::text(&risk.owner.full_name), 5),
            Field::new(say("Fecha de revisión", "Review"), Cell::Day(risk.review_on), 3),
            Field::wide(
                say("Acciones de tratamiento", "Measures"),
                Cell::optional(risk.treatment_plan.as_ref()),
            ),
        ]),
        Block::Figure(map(&[risk], setting)),
        Block::Signatures(vec![
            Signature {
                role: say("Responsable del riesgo", "Responsible for the risk").to_owned(),
                name: risk.owner.full_name.clone(),
                post: None,
                note: None,
            },
            Signature {
                role: say("Aprobó", "Approved by").to_owned(),
                name: String::new(),
                post: None,
                note: None,
            },
        ]),
    ];
    Part { name: format!("R{}", risk.number), new_page: true, blocks }
}

fn map(risks: &[&Risk], setting: &Setting<'_>) -> Figure {
    let title = setting.say("Mapa de riesgos (inherente)", "Risk map (inherent)").to_owned();
    let named: Vec<String> = risks
        .iter()
        .map(|risk| {
            let probability = heat_map::named(risk.probability, heat_map::probabilities(setting.locale));
            let impact = heat_map::named(risk.impact, heat_map::impacts(setting.locale));
            format!("R{}: {probability}, {impact}", risk.number)
        })
        .collect();
    let description = format!(
        "{title}. {} {}.",
        setting.say("Probabilidad e impacto de cada riesgo:", "Probability and impact of each risk:"),
        named.join("; ")
    );
    let places: Vec<(i32, i16, i16)> =
        risks.iter().map(|risk| (risk.number, risk.probability, risk.impact)).collect();
    Figure { title, drawing: heat_map::draw(&places, setting.locale), description }
}

fn level(level: RiskLevel, setting: &Setting<'_>) -> Cell {
    let (light, en) = match level {
        RiskLevel::Low => (Light::Green, "Low"),
        RiskLevel::Moderate => (Light::Yellow, "Moderate"),
        RiskLevel::High => (Light::Orange, "High"),
        RiskLevel::Extreme => (Light::Red, "Extreme"),
    };
    Cell::Light(light, setting.say(level.name(), en).to_owned())
}

fn treatment(risk: &Risk, setting: &Setting<'_>) -> &'static str {
    match risk.treatment {
        RiskTreatment::Accept => setting.say("Aceptar", "Accept"),
        RiskTreatment::Reduce => setting.say("Reducir", "Reduce"),
        RiskTreatment::Transfer => setting.say("Transferir", "Transfer"),
        RiskTreatment::Avoid => setting.say("Evitar", "Avoid"),
    }
}

fn status(risk: &Risk, setting: &Setting<'_>) -> &'static str {
    match risk.status {
        RiskStatus::Draft => setting.say("Borrador", "Draft"),
        RiskStatus::Active => setting.say("Activo", "Active"),
        RiskStatus::Closed => setting.say("Cerrado", "Closed"),
    }
}
