//! Indicators, the texts of the author, improvement actions, and the comments of surveys.

use crate::indicators::definitions::IndicatorKind;
use crate::indicators::light::IndicatorDirection;
use crate::reports::document::{Cell, Mark, Passage, Section, Table};
use crate::reports::findings::{compliance, proposed};
use crate::reports::indicators::ReportIndicator;
use crate::reports::report::QuarterlyReport;
use crate::statistics::disclosure::WithheldReason;

pub fn indicators(report: &QuarterlyReport) -> Section {
    let row = |one: &ReportIndicator| {
        vec![
            Cell::text(&one.label),
            Cell::text(one.kind.map_or("–", kind_name)),
            Cell::text(&one.unit),
            Cell::text(match one.direction {
                IndicatorDirection::AtLeast => "Al menos",
                IndicatorDirection::AtMost => "Máximo",
            }),
            Cell::Number(one.target),
            Cell::number(one.value),
            Cell::number(one.previous_value),
            Mark::from(compliance::mark(one)).into(),
        ]
    };
    Section {
        title: "Indicadores",
        tables: vec![Table {
            title: "Indicadores del trimestre, con su meta y su semáforo".to_owned(),
            columns: vec![
                "Indicador",
                "Tipo",
                "Unidad",
                "Sentido",
                "Meta",
                "Resultado",
                "Período anterior",
                "Semáforo",
            ],
            rows: report.indicators.iter().map(row).collect(),
            chart: None,
        }],
        ..Section::default()
    }
}

fn kind_name(kind: IndicatorKind) -> &'static str {
    match kind {
        IndicatorKind::Efficacy => "Eficacia",
        IndicatorKind::Efficiency => "Eficiencia",
        IndicatorKind::Effectiveness => "Efectividad",
    }
}

pub fn analysis(report: &QuarterlyReport) -> Section {
    let passage = |title: &str, text: &Option<String>, nothing: &str| Passage {
        title: title.to_owned(),
        text: text.clone().unwrap_or_else(|| nothing.to_owned()),
    };
    let mut passages = vec![passage("Análisis", &report.narrative.analysis, "No se ha escrito el análisis.")];
    passages.extend(report.indicators.iter().filter_map(|one| {
        Some(Passage { title: format!("Análisis del indicador {}", one.label), text: one.analysis.clone()? })
    }));
    passages.push(passage("Acciones propuestas", &report.narrative.proposals, "No se han escrito acciones."));
    let rows = report.improvement_actions.iter().map(|one| {
        vec![
            Cell::Text(format!("No. {}. {}", one.number, one.action)),
            Cell::text(&one.owner_full_name),
            Cell::Day(one.due_on),
            Mark::from(proposed::mark(one)).into(),
        ]
    });
    Section {
        title: "Análisis y acciones",
        passages,
        tables: vec![Table {
            title: "Acciones de mejoramiento abiertas y propuestas (FO-EM-15)".to_owned(),
            columns: vec!["Acción", "Responsable", "Fecha límite", "Estado"],
            rows: rows.collect(),
            chart: None,
        }],
        ..Section::default()
    }
}

pub fn comments(report: &QuarterlyReport) -> Section {
    let comments = &report.comments;
    let mut text = vec![
        "Los comentarios están en orden alfabético, sin nombres, correos ni números de teléfono o de documento."
            .to_owned(),
    ];
    match comments.withheld {
        Some(WithheldReason::FewAnswers) => text.push(
            "No se muestran porque hubo menos de cinco encuestas respondidas: se podría deducir quién los escribió."
                .to_owned(),
        ),
        Some(_) => text.push(
            "No se muestran porque permitirían deducir las respuestas de una sola persona.".to_owned(),
        ),
        None if comments.texts.is_empty() => text.push("Nadie escribió comentarios.".to_owned()),
        None if comments.omitted_count > 0 => text.push(format!(
            "Se muestran los últimos {}; hay {} más.",
            comments.texts.len(),
            comments.omitted_count
        )),
        None => {}
    }
    let rows: Vec<Vec<Cell>> = (1..)
        .zip(&comments.texts)
        .map(|(number, comment)| vec![Cell::Text(format!("Comentario {number}")), Cell::text(comment)])
        .collect();
    let table = |rows| Table {
        title: "Comentarios de las encuestas".to_owned(),
        columns: vec!["No.", "Comentario"],
        rows,
        chart: None,
    };
    let tables = if rows.is_empty() { Vec::new() } else { vec![table(rows)] };
    Section { title: "Comentarios", text, tables, ..Section::default() }
}
