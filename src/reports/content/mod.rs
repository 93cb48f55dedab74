//! The content of the report in Spanish: each figure is defined once for all formats. Pure.

mod evaluation;
mod groups;
mod opening;
mod quality;

use chrono::{Datelike, NaiveDate};

use super::document::{Cell, Chart, ChartKind, Document, Section, Signature, Table};
use super::report::QuarterlyReport;
use crate::auth::policy::Role;
use crate::language::locale::Locale;
use crate::people::Person;
use crate::statistics::Quarter;
use crate::statistics::figures::{Figures, Spread};

/// The maximum number of names in a chart; the table has all of them.
pub const MOST_BARS: usize = 12;

/// The report as a document.
pub fn document(report: &QuarterlyReport) -> Document {
    let statistics = &report.statistics;
    let timezone: chrono_tz::Tz = statistics.timezone.parse().unwrap_or(chrono_tz::UTC);
    // It may end with the full stop of `p. m.`.
    let moment = |at| Locale::Es.moment(at, timezone).trim_end_matches('.').to_owned();
    let mut notes = vec![format!(
        "Del {} al {}. Corte de las cifras: {}.",
        Cell::Day(report.from).shown(Locale::Es),
        Cell::Day(report.to).shown(Locale::Es),
        moment(report.generated_at)
    )];
    match &report.approval {
        Some(approval) => notes.push(format!(
            "Versión definitiva, aprobada por {} el {}.",
            approval.approved_by.full_name,
            moment(approval.approved_at)
        )),
        None if report.over => notes.push("Borrador: aún no está aprobado.".to_owned()),
        None => notes.push("Borrador: el trimestre no ha terminado.".to_owned()),
    }
    Document {
        entity: report.entity.clone(),
        title: format!("Informe trimestral de la Mesa de Servicios: {}", quarter_name(report.quarter())),
        code: format!("Procedimiento {}, versión {}", report.procedure.code, report.procedure.version),
        notes,
        signatures: signatures(report),
        sections: vec![
            opening::opening(report),
            summary(report),
            evaluation::indicators(report),
            evaluation::analysis(report),
            evolution(report),
            times(&statistics.tickets),
            groups::criticality(report),
            groups::origin(report),
            groups::staff(report),
            quality::backlog(&statistics.tickets),
            quality::surveys(report),
            evaluation::comments(report),
            quality::definitions(),
        ],
    }
}

/// Of the author and of the person who approved the report; empty lines while it is a draft.
fn signatures(report: &QuarterlyReport) -> Vec<Signature> {
    let signature = |label: &'static str, person: Option<&Person>, stated: &Option<String>| {
        let of_role = person.map(|person| position(person.role).to_owned());
        Signature {
            label,
            name: person.map(|person| person.full_name.clone()),
            position: stated.clone().or(of_role),
        }
    };
    let text = &report.narrative;
    let approved_by = report.approval.as_ref().map(|approval| &approval.approved_by);
    vec![
        signature("Elaboró", text.author.as_ref(), &text.author_position),
        signature("Aprobó", approved_by, &text.approver_position),
    ]
}

/// The position of a person with this role, as the procedure names it.
fn position(role: Role) -> &'static str {
    match role {
        Role::Director => "Director Administrativo de las TIC",
        Role::Professional => "Profesional Universitario de las TIC",
        Role::Technician => "Técnico Operativo o Administrativo de las TIC",
        Role::Requester => "Servidor Público o Contratista",
    }
}

/// Such as `IV trimestre de 2026`.
fn quarter_name(quarter: Quarter) -> String {
    format!("{} trimestre de {}", roman(quarter), quarter.year)
}

/// Such as `IV trim. 2026`.
fn short_quarter_name(quarter: Quarter) -> String {
    format!("{} trim. {}", roman(quarter), quarter.year)
}

fn roman(quarter: Quarter) -> &'static str {
    ["I", "II", "III", "IV"].get(quarter.number.saturating_sub(1) as usize).copied().unwrap_or_default()
}

fn summary(report: &QuarterlyReport) -> Section {
    let now = &report.statistics.tickets;
    let nothing = Figures::default();
    let before = report.statistics.previous.as_ref().map_or(&nothing, |part| &part.figures);
    type Row = (&'static str, fn(&Figures) -> Cell);
    let rows: [Row; 19] = [
        ("Solicitudes recibidas", |f| Cell::Count(f.received)),
        ("Solicitudes solucionadas", |f| Cell::Count(f.solved)),
        ("Solicitudes cerradas", |f| Cell::Count(f.closed)),
        ("Solicitudes archivadas", |f| Cell::Count(f.archived)),
        ("Solicitudes reabiertas", |f| Cell::Count(f.reopened)),
        ("Solicitudes escaladas", |f| Cell::Count(f.escalated)),
        ("Pendientes al final del período", |f| Cell::Count(f.open)),
        ("Atendidas a tiempo", |f| Cell::Count(f.attended_in_time)),
        ("Atendidas tarde", |f| Cell::Count(f.attended_late)),
        ("Sin atender y vencidas", |f| Cell::Count(f.waiting_overdue)),
        ("Atención oportuna", |f| Cell::share(f.attention_compliance)),
        ("Solucionadas de las recibidas, sin archivadas, a la fecha de corte", |f| {
            Cell::share(f.solution_rate)
        }),
        ("Solución en el primer nivel", |f| Cell::share(f.first_level_rate)),
        ("Mediana de atención, en horas del calendario de atención", |f| {
            Cell::hours(f.attention_working_minutes.median)
        }),
        ("Mediana de solución, en horas del calendario de atención", |f| {
            Cell::hours(f.solution_working_minutes.median)
        }),
        ("Encuestas respondidas, de las enviadas", |f| Cell::share(f.surveys.response_rate)),
        ("Satisfacción (4 o 5)", |f| Cell::share(f.surveys.satisfaction_rate)),
        ("Calificación general, de 1 a 5", |f| Cell::number(f.surveys.mean.overall)),
        ("Solucionadas con artículo en la base de conocimiento", |f| Cell::Count(f.solved_with_article)),
    ];
    let rows = rows.iter().map(|(name, of)| {
        let (now, before) = (of(now), of(before));
        let change = change(&now, &before);
        vec![Cell::text(*name), now, before, change]
    });
    Section {
        title: "Resumen",
        tables: vec![Table {
            title: "Cifras del trimestre y del anterior".to_owned(),
            columns: vec!["Cifra", "Este trimestre", "Trimestre anterior", "Diferencia"],
            rows: rows.collect(),
            chart: None,
        }],
        ..Section::default()
    }
}

/// The difference from the previous value; shares in percentage points.
fn change(now: &Cell, before: &Cell) -> Cell {
    match (now, before) {
        (Cell::Count(now), Cell::Count(before)) => Cell::Count(now - before),
        (Cell::Share(now), Cell::Share(before)) => Cell::Points(now - before),
        (Cell::Number(now), Cell::Number(before)) => Cell::Number(now - before),
        _ => Cell::Nothing,
    }
}

fn evolution(report: &QuarterlyReport) -> Section {
    let columns = vec![
        "Período",
        "Desde",
        "Recibidas",
        "Solucionadas",
        "Pendientes al final",
        "Atención oportuna",
        "Primer nivel",
        "Satisfacción",
    ];
    let row = |name: String, from: NaiveDate, f: &Figures| {
        vec![
            Cell::Text(name),
            Cell::Day(from),
            Cell::Count(f.received),
            Cell::Count(f.solved),
            Cell::Count(f.open),
            Cell::share(f.attention_compliance),
            Cell::share(f.first_level_rate),
            Cell::share(f.surveys.satisfaction_rate),
        ]
    };
    let quarters = report
        .trend
        .iter()
        .map(|part| row(short_quarter_name(Quarter::containing(part.from)), part.from, &part.figures));
    let months =
        report.statistics.series.iter().map(|part| row(month_name(part.from), part.from, &part.figures));
    let quarters: Vec<Vec<Cell>> = quarters.collect();
    Section {
        title: "Evolución",
        tables: vec![
            Table {
                title: "Por mes".to_owned(),
                columns: columns.clone(),
                rows: months.collect(),
                chart: Some(Chart {
                    kind: ChartKind::Columns,
                    title: "Recibidas, solucionadas y pendientes por mes".to_owned(),
                    series: vec![2, 3, 4],
                }),
            },
            Table {
                title: "Por trimestre".to_owned(),
                columns: columns.clone(),
                rows: quarters.clone(),
                chart: Some(Chart {
                    kind: ChartKind::Columns,
                    title: "Recibidas, solucionadas y pendientes por trimestre".to_owned(),
                    series: vec![2, 3, 4],
                }),
            },
            Table {
                title: "Cumplimiento por trimestre".to_owned(),
                columns: vec![columns[0], columns[5], columns[6], columns[7]],
                rows: quarters
                    .into_iter()
                    .map(|row| [0, 5, 6, 7].map(|place| row[place].clone()).to_vec())
                    .collect(),
                chart: Some(Chart {
                    kind: ChartKind::Line,
                    title: "Atención oportuna, primer nivel y satisfacción, en %".to_owned(),
                    series: vec![1, 2, 3],
                }),
            },
        ],
        ..Section::default()
    }
}

fn month_name(day: NaiveDate) -> String {
    const MONTHS: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    format!("{} de {}", MONTHS[day.month0() as usize], day.year())
}

fn times(figures: &Figures) -> Section {
    let row = |name: &str, spread: &Spread| {
        vec![Cell::text(name), Cell::hours(spread.mean), Cell::hours(spread.median), Cell::hours(spread.p90)]
    };
    Section {
        title: "Tiempos",
        text: vec![
            "Las horas del calendario de atención son las de cada criticidad, sin las esperas por información que debe el \
             solicitante. Las horas de reloj son todas."
                .to_owned(),
        ],
        tables: vec![Table {
            title: "Tiempos en horas".to_owned(),
            columns: vec!["Tiempo", "Promedio", "Mediana", "Percentil 90"],
            rows: vec![
                row("Atención, horas del calendario de atención", &figures.attention_working_minutes),
                row("Atención, horas de reloj", &figures.attention_minutes),
                row("Solución, horas del calendario de atención", &figures.solution_working_minutes),
                row("Solución, horas de reloj", &figures.solution_minutes),
            ],
            chart: None,
        }],
        ..Section::default()
    }
}
