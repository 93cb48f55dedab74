//! FO-DE-15 Ficha de Indicadores: an indicator and its measurements as a document.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::definitions::{Indicator, IndicatorKind, IndicatorStatus};
use super::frequency::IndicatorFrequency;
use super::light::{IndicatorDirection, IndicatorLight};
use super::measurements::{Measurement, MeasurementStatus, Row};
use crate::audit::log::AuditResource;
use crate::auth::policy::Rights;
use crate::db::schema::measurements;
use crate::documents::cell::{Cell, Light, decimal};
use crate::documents::chart::{self, ChartKind, Series};
use crate::documents::model::{Block, Document, Field, Figure, Part, Signature, Table};
use crate::documents::response::{Kind, Setting};
use crate::problem::Result;

pub const KIND: Kind = Kind { resource: AuditResource::Indicator, file_name: "ficha-de-indicadores" };

/// The most measurements of one indicator in a document, the latest ones.
const MOST: usize = 40;

/// An indicator with its latest measurements, the oldest of them first.
pub struct Sheet {
    indicator: Indicator,
    measurements: Vec<Measurement>,
}

/// The indicators with what this reader may read of their measurements, in a fixed number of statements.
pub fn sheets(db: &mut PgConnection, indicators: Vec<Indicator>, reader: Rights<'_>) -> Result<Vec<Sheet>> {
    let ids: Vec<Uuid> = indicators.iter().map(|indicator| indicator.id).collect();
    let rows: Vec<Row> = measurements::table
        .filter(measurements::indicator_id.eq_any(&ids))
        .order((measurements::through_date.desc(), measurements::id))
        .limit(i64::try_from(ids.len() * MOST).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(db)?;
    let mut of: HashMap<Uuid, Vec<Measurement>> = HashMap::new();
    for measurement in Measurement::present(db, rows, reader)? {
        let those = of.entry(measurement.indicator_id).or_default();
        if those.len() < MOST {
            those.push(measurement);
        }
    }
    let sheet = |indicator: Indicator| {
        let mut measurements = of.remove(&indicator.id).unwrap_or_default();
        measurements.reverse();
        Sheet { indicator, measurements }
    };
    Ok(indicators.into_iter().map(sheet).collect())
}

/// Each one begins on a new page.
pub fn document(sheets: Vec<Sheet>, setting: &Setting<'_>) -> Document {
    let title = setting.say("Ficha de Indicadores", "Indicator Sheet");
    let parts = sheets.iter().map(|sheet| part(sheet, setting)).collect();
    setting.form(title, &setting.config.forms.indicator, false, parts)
}

fn part(sheet: &Sheet, setting: &Setting<'_>) -> Part {
    let say = |es, en| setting.say(es, en);
    let mut blocks = vec![
        Block::Heading(say("Definición", "Definition").to_owned()),
        Block::Fields(definition(&sheet.indicator, setting)),
        Block::Heading(say("Resultados", "Results").to_owned()),
        Block::Table(results(sheet, setting)),
    ];
    blocks.extend(figure(sheet, setting).map(Block::Figure));
    blocks.push(Block::Heading(say("Análisis", "Analysis").to_owned()));
    blocks.push(Block::Table(analysis(sheet, setting)));
    blocks.push(Block::Signatures(signatures(sheet, setting)));
    Part { name: sheet.indicator.name.clone(), new_page: true, blocks }
}

fn definition(indicator: &Indicator, setting: &Setting<'_>) -> Vec<Field> {
    let say = |es, en| setting.say(es, en);
    let number = |value: f64| format!("{} {}", plain(value, setting), indicator.unit);
    let frequency = match indicator.frequency {
        IndicatorFrequency::Monthly => say("Mensual", "Monthly"),
        IndicatorFrequency::Bimonthly => say("Bimestral", "Every two months"),
        IndicatorFrequency::Quarterly => say("Trimestral", "Quarterly"),
        IndicatorFrequency::Semiannual => say("Semestral", "Half-yearly"),
        IndicatorFrequency::Yearly => say("Anual", "Yearly"),
    };
    let kind = indicator.kind.map(|kind| match kind {
        IndicatorKind::Efficacy => say("Eficacia", "Efficacy"),
        IndicatorKind::Efficiency => say("Eficiencia", "Efficiency"),
        IndicatorKind::Effectiveness => say("Efectividad", "Effectiveness"),
    });
    let baseline = [indicator.baseline_value.map(&number), indicator.baseline_note.clone()];
    let baseline: Vec<String> = baseline.into_iter().flatten().collect();
    let baseline = if baseline.is_empty() { Cell::Nothing } else { Cell::text(baseline.join(". ")) };
    let status = match indicator.status {
        IndicatorStatus::Draft => say("Borrador", "Draft"),
        IndicatorStatus::Active => say("Activo", "Active"),
        IndicatorStatus::Retired => say("Retirado", "Retired"),
    };
    let (direction, sign, other) = match indicator.direction {
        IndicatorDirection::AtLeast => (say("Creciente", "At least the target"), "≥", "<"),
        IndicatorDirection::AtMost => (say("Decreciente", "At most the target"), "≤", ">"),
    };
    let (target, warning) = (number(indicator.target), number(indicator.warning));
    let light = |light: Light, limit: String| Cell::Light(light, limit);
    vec![
        Field::wide(say("Nombre del indicador", "Name"), Cell::text(&indicator.name)),
        Field::wide(say("Objetivo", "Objective"), Cell::text(&indicator.aim)),
        Field::wide(say("Fórmula", "Formula"), Cell::text(&indicator.formula)),
        Field::new(say("Tipo", "Type"), Cell::optional(kind), 3),
        Field::new(say("Frecuencia", "Frequency"), Cell::text(frequency), 3),
        Field::new(say("Unidad de medida", "Unit of measure"), Cell::text(&indicator.unit), 2),
        Field::new(say("Meta", "Target"), Cell::text(&*target), 2),
        Field::new(say("Sentido", "Direction"), Cell::text(direction), 2),
        Field::wide(say("Línea base", "Baseline"), baseline),
        Field::new(say("Satisfactorio", "Met"), light(Light::Green, format!("{sign} {target}")), 4),
        Field::new(
            say("En alerta", "Warning"),
            light(Light::Yellow, format!("{sign} {warning}, {other} {target}")),
            4,
        ),
        Field::new(say("Crítico", "Missed"), light(Light::Red, format!("{other} {warning}")), 4),
        Field::new(say("Fuente de información", "Source"), Cell::text(&indicator.source), 5),
        Field::new(say("Responsable", "Responsible"), Cell::text(&indicator.responsible), 5),
        Field::new(say("Estado", "State"), Cell::text(status), 2),
    ]
}

/// Without decimals that are zero.
fn plain(value: f64, setting: &Setting<'_>) -> String {
    let decimals = if value.fract() == 0.0 { 0 } else { 2 };
    decimal(value, decimals, setting.locale)
}

/// Such as `2026`, `2026-S1`, `2026-3` for a quarter, `2026-B2`, `2026-07` for a month.
fn period(measurement: &Measurement) -> String {
    let (year, number) = (measurement.year, measurement.period);
    match measurement.frequency {
        IndicatorFrequency::Monthly => format!("{year}-{number:02}"),
        IndicatorFrequency::Bimonthly => format!("{year}-B{number}"),
        IndicatorFrequency::Quarterly => format!("{year}-{number}"),
        IndicatorFrequency::Semiannual => format!("{year}-S{number}"),
        IndicatorFrequency::Yearly => year.to_string(),
    }
}

fn results(sheet: &Sheet, setting: &Setting<'_>) -> Table {
    let say = |es, en| setting.say(es, en);
    let unit = &sheet.indicator.unit;
    let rows = sheet.measurements.iter().map(|one| {
        let light = match one.light {
            Some(IndicatorLight::Green) => Cell::Light(Light::Green, say("Satisfactorio", "Met").to_owned()),
            Some(IndicatorLight::Yellow) => {
                Cell::Light(Light::Yellow, say("En alerta", "Warning").to_owned())
            }
            Some(IndicatorLight::Red) => Cell::Light(Light::Red, say("Crítico", "Missed").to_owned()),
            None if one.withheld => Cell::text(say("Reservado", "Withheld")),
            None => Cell::text(say("Sin datos", "No data")),
        };
        let status = match one.status {
            MeasurementStatus::Approved => say("Aprobada", "Approved"),
            MeasurementStatus::Draft if one.complete => say("Borrador", "Draft"),
            MeasurementStatus::Draft => say("Parcial", "Partial"),
        };
        let count = |count: Option<i64>| count.map_or(Cell::Nothing, Cell::Count);
        vec![
            Cell::text(period(one)),
            count(one.met),
            count(one.counted),
            Cell::number(one.value),
            Cell::Number(one.target),
            light,
            Cell::text(status),
        ]
    });
    let columns = vec![
        say("Período", "Period").to_owned(),
        say("Numerador", "Numerator").to_owned(),
        say("Denominador", "Denominator").to_owned(),
        format!("{} ({unit})", say("Resultado", "Result")),
        format!("{} ({unit})", say("Meta", "Target")),
        say("Semáforo", "Light").to_owned(),
        say("Estado", "State").to_owned(),
    ];
    Table { title: None, columns, rows: rows.collect(), named_rows: true }
}

fn figure(sheet: &Sheet, setting: &Setting<'_>) -> Option<Figure> {
    // More would not be readable.
    let shown: Vec<&Measurement> = sheet.measurements.iter().rev().take(8).rev().collect();
    let labels: Vec<String> = shown.iter().map(|one| period(one)).collect();
    let series = |name: &str, value: fn(&Measurement) -> Option<f64>| Series {
        name: name.to_owned(),
        values: shown.iter().map(|one| value(one)).collect(),
        shown: shown
            .iter()
            .map(|one| value(one).map_or(String::new(), |value| plain(value, setting)))
            .collect(),
    };
    let series = [
        series(setting.say("Resultado", "Result"), |one| one.value),
        series(setting.say("Meta", "Target"), |one| Some(one.target)),
    ];
    if shown.iter().all(|one| one.value.is_none()) {
        return None;
    }
    let drawing = chart::draw(ChartKind::Line, &labels, &series, setting.locale)?;
    let title = format!(
        "{} ({})",
        setting.say("Resultado y meta por período", "Result and target by period"),
        sheet.indicator.unit
    );
    let places = labels.iter().zip(&series[0].shown);
    let values: Vec<String> = places
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    Some(Figure { description: format!("{title}. {}.", values.join("; ")), title, drawing })
}

fn analysis(sheet: &Sheet, setting: &Setting<'_>) -> Table {
    let say = |es, en| setting.say(es, en);
    let written = sheet.measurements.iter().filter(|one| one.analysis.is_some());
    let rows = written.map(|one| {
        let action = if one.improvement_action_id.is_some() { say("Sí", "Yes") } else { say("No", "No") };
        vec![Cell::text(period(one)), Cell::optional(one.analysis.as_ref()), Cell::text(action)]
    });
    let columns = [
        say("Período", "Period"),
        say("Análisis", "Analysis"),
        say("Acción de mejora", "Improvement action"),
    ];
    Table {
        title: None,
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        named_rows: true,
    }
}

fn signatures(sheet: &Sheet, setting: &Setting<'_>) -> Vec<Signature> {
    let approval = sheet.measurements.iter().rev().find_map(|one| one.approval.as_ref());
    vec![
        Signature {
            role: setting.say("Responsable de la medición", "Responsible for the measurement").to_owned(),
            name: String::new(),
            post: Some(sheet.indicator.responsible.clone()),
            note: None,
        },
        Signature {
            role: setting.say("Aprobó", "Approved by").to_owned(),
            name: approval.map(|approval| approval.approved_by.full_name.clone()).unwrap_or_default(),
            post: None,
            note: approval.map(|approval| setting.signed_at(approval.approved_at)),
        },
    ]
}
