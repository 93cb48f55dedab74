//! Figures by criticality, origin and assignee.

use crate::reports::document::{Cell, Chart, ChartKind, Section, Table};
use crate::reports::report::QuarterlyReport;
use crate::statistics::figures::{Figures, Work};
use crate::tickets::model::{Channel, Criticality};

fn criticality_name(criticality: Option<Criticality>) -> &'static str {
    match criticality {
        Some(Criticality::Critical) => "Crítica",
        Some(Criticality::High) => "Alta",
        Some(Criticality::Medium) => "Media",
        Some(Criticality::Low) => "Baja",
        None => "Sin clasificar",
    }
}

pub fn criticality(report: &QuarterlyReport) -> Section {
    let rows = report.statistics.by_criticality.iter().map(|row| {
        let f = &row.figures;
        vec![
            Cell::text(criticality_name(row.criticality)),
            Cell::Count(f.received),
            Cell::Count(f.attended_in_time),
            Cell::Count(f.attended_late),
            Cell::Count(f.waiting_overdue),
            Cell::share(f.attention_compliance),
            Cell::hours(f.attention_working_minutes.median),
            Cell::hours(f.attention_working_minutes.p90),
            Cell::Count(f.solved),
            Cell::hours(f.solution_working_minutes.median),
        ]
    });
    Section {
        title: "Criticidad",
        tables: vec![Table {
            title: "Por nivel de criticidad (tiempos en horas del calendario de atención)".to_owned(),
            columns: vec![
                "Criticidad",
                "Recibidas",
                "A tiempo",
                "Tarde",
                "Sin atender y vencidas",
                "Atención oportuna",
                "Mediana de atención",
                "Percentil 90 de atención",
                "Solucionadas",
                "Mediana de solución",
            ],
            rows: rows.collect(),
            chart: Some(Chart {
                kind: ChartKind::Bars,
                title: "Atendidas a tiempo y tarde por criticidad".to_owned(),
                series: vec![2, 3],
            }),
        }],
        ..Section::default()
    }
}

const GROUP: [&str; 7] = [
    "Recibidas",
    "Solucionadas",
    "Pendientes al final",
    "Atención oportuna",
    "Primer nivel",
    "Reabiertas",
    "Satisfacción",
];

fn group_row(name: String, f: &Figures) -> Vec<Cell> {
    vec![
        Cell::Text(name),
        Cell::Count(f.received),
        Cell::Count(f.solved),
        Cell::Count(f.open),
        Cell::share(f.attention_compliance),
        Cell::share(f.first_level_rate),
        Cell::Count(f.reopened),
        Cell::share(f.surveys.satisfaction_rate),
    ]
}

pub fn origin(report: &QuarterlyReport) -> Section {
    let statistics = &report.statistics;
    let table = |title: &str, column: &'static str, rows: Vec<Vec<Cell>>| Table {
        title: title.to_owned(),
        columns: std::iter::once(column).chain(GROUP).collect(),
        rows,
        chart: Some(Chart { kind: ChartKind::Bars, title: format!("{title}: recibidas"), series: vec![1] }),
    };
    let named = |name: &Option<String>, none: &str| name.clone().unwrap_or_else(|| none.to_owned());
    let units = statistics.by_unit.iter().map(|row| group_row(named(&row.name, "Sin unidad"), &row.figures));
    let categories =
        statistics.by_category.iter().map(|row| group_row(named(&row.name, "Sin asunto"), &row.figures));
    let channels =
        statistics.by_channel.iter().map(|row| group_row(channel_name(row.channel).to_owned(), &row.figures));
    Section {
        title: "Origen",
        tables: vec![
            table("Por unidad administrativa", "Unidad", units.collect()),
            table("Por asunto", "Asunto", categories.collect()),
            table("Por canal", "Canal", channels.collect()),
        ],
        ..Section::default()
    }
}

fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Api => "Sistema (API)",
        Channel::Web => "Web",
        Channel::Email => "Correo electrónico",
        Channel::Phone => "Teléfono",
        Channel::InPerson => "Presencial",
    }
}

pub fn staff(report: &QuarterlyReport) -> Section {
    let columns = |first: &'static str| {
        vec![
            first,
            "Aceptadas",
            "A tiempo",
            "Cumplimiento",
            "Solucionadas",
            "Mediana de solución (horas)",
            "Reabiertas",
            "Escaladas",
        ]
    };
    let row = |name: String, w: &Work| {
        vec![
            Cell::Text(name),
            Cell::Count(w.accepted),
            Cell::Count(w.accepted_in_time),
            Cell::share(w.acceptance_compliance),
            Cell::Count(w.solved),
            Cell::hours(w.solution_working_minutes.median),
            Cell::Count(w.reopened),
            Cell::Count(w.escalated),
        ]
    };
    let levels =
        report.statistics.by_level.iter().map(|level| row(format!("Nivel {}", level.level), &level.work));
    let people = report.statistics.by_person.iter().map(|person| row(person.full_name.clone(), &person.work));
    Section {
        title: "Personal",
        text: vec![
            "En el nivel, «escaladas» son las que llegaron a él; en la persona, las que ella escaló."
                .to_owned(),
            "Las medianas están en horas del calendario de atención.".to_owned(),
        ],
        tables: vec![
            Table {
                title: "Por nivel de soporte".to_owned(),
                columns: columns("Nivel"),
                rows: levels.collect(),
                chart: None,
            },
            Table {
                title: "Por persona".to_owned(),
                columns: columns("Persona"),
                rows: people.collect(),
                chart: Some(Chart {
                    kind: ChartKind::Bars,
                    title: "Solucionadas por persona".to_owned(),
                    series: vec![4],
                }),
            },
        ],
        ..Section::default()
    }
}
