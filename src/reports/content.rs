//! What the report says in Spanish: every figure of it is named once, for all formats. Pure.

use chrono::{Datelike, NaiveDate};

use super::document::{Cell, Chart, ChartKind, Document, Section, Table};
use super::report::QuarterlyReport;
use crate::http::locale::Locale;
use crate::statistics::Quarter;
use crate::statistics::figures::{Figures, Spread, Work};
use crate::tickets::model::{Channel, Criticality};

/// How many names a chart shows at most; the table has them all.
pub const MOST_BARS: usize = 12;

/// The report as a document.
pub fn of(report: &QuarterlyReport) -> Document {
    let statistics = &report.statistics;
    let timezone: chrono_tz::Tz = statistics.timezone.parse().unwrap_or(chrono_tz::UTC);
    let moment = |at| Locale::Es.moment(at, timezone);
    let mut notes = vec![format!(
        "Del {} al {}. Cifras del {}.",
        Cell::Day(report.from).shown(),
        Cell::Day(report.to).shown(),
        moment(report.generated_at)
    )];
    match &report.approval {
        Some(approval) => notes.push(format!(
            "Aprobado por {} el {}. No cambia desde entonces.",
            approval.approved_by.full_name,
            moment(approval.approved_at)
        )),
        None if report.over => notes.push("Borrador: aún no está aprobado.".to_owned()),
        None => notes.push("Borrador: el trimestre no ha terminado.".to_owned()),
    }
    Document {
        entity: report.entity.clone(),
        title: format!("Informe trimestral de la Mesa de Servicios: {}", quarter_name(report.quarter())),
        notes,
        sections: vec![
            summary(report),
            evolution(report),
            times(&statistics.tickets),
            criticality(report),
            origin(report),
            staff(report),
            backlog(&statistics.tickets),
            surveys(report),
            definitions(),
        ],
    }
}

/// Such as `IV trimestre de 2026`.
fn quarter_name(quarter: Quarter) -> String {
    let number =
        ["I", "II", "III", "IV"].get(quarter.number.saturating_sub(1) as usize).copied().unwrap_or_default();
    format!("{number} trimestre de {}", quarter.year)
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
        ("Recibidas que están solucionadas", |f| Cell::share(f.solution_rate)),
        ("Solución en el primer nivel", |f| Cell::share(f.first_level_rate)),
        ("Mediana de atención, en horas hábiles", |f| Cell::hours(f.attention_working_minutes.median)),
        ("Mediana de solución, en horas hábiles", |f| Cell::hours(f.solution_working_minutes.median)),
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
    let mut text = Vec::new();
    if now.is_empty() {
        text.push("En este trimestre no hubo solicitudes.".to_owned());
    }
    Section {
        title: "Resumen",
        text,
        tables: vec![Table {
            title: "Cifras del trimestre y del anterior".to_owned(),
            columns: vec!["Cifra", "Este trimestre", "Anterior", "Diferencia"],
            rows: rows.collect(),
            chart: None,
        }],
    }
}

/// How much more it is than before; shares in points.
fn change(now: &Cell, before: &Cell) -> Cell {
    match (now, before) {
        (Cell::Count(now), Cell::Count(before)) => Cell::Count(now - before),
        (Cell::Share(now), Cell::Share(before)) => Cell::Share(now - before),
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
    let quarters =
        report.trend.iter().map(|part| row(Quarter::of(part.from).to_string(), part.from, &part.figures));
    let months =
        report.statistics.series.iter().map(|part| row(month_name(part.from), part.from, &part.figures));
    let quarters: Vec<Vec<Cell>> = quarters.collect();
    Section {
        title: "Evolución",
        text: vec![],
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
            "Las horas hábiles son las del calendario de cada criticidad, sin las esperas por información que debe el \
             solicitante. Las horas de reloj son todas."
                .to_owned(),
        ],
        tables: vec![Table {
            title: "Tiempos en horas".to_owned(),
            columns: vec!["Tiempo", "Promedio", "Mediana", "Percentil 90"],
            rows: vec![
                row("Atención, horas hábiles", &figures.attention_working_minutes),
                row("Atención, horas de reloj", &figures.attention_minutes),
                row("Solución, horas hábiles", &figures.solution_working_minutes),
                row("Solución, horas de reloj", &figures.solution_minutes),
            ],
            chart: None,
        }],
    }
}

fn criticality_name(criticality: Option<Criticality>) -> &'static str {
    match criticality {
        Some(Criticality::Critical) => "Crítica",
        Some(Criticality::High) => "Alta",
        Some(Criticality::Medium) => "Media",
        Some(Criticality::Low) => "Baja",
        None => "Sin clasificar",
    }
}

fn criticality(report: &QuarterlyReport) -> Section {
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
        text: vec![],
        tables: vec![Table {
            title: "Por nivel de criticidad (tiempos en horas hábiles)".to_owned(),
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

fn origin(report: &QuarterlyReport) -> Section {
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
        text: vec![],
        tables: vec![
            table("Por unidad administrativa", "Unidad", units.collect()),
            table("Por asunto", "Asunto", categories.collect()),
            table("Por canal", "Canal", channels.collect()),
        ],
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

fn staff(report: &QuarterlyReport) -> Section {
    let columns = |first: &'static str| {
        vec![
            first,
            "Aceptadas",
            "A tiempo",
            "Cumplimiento",
            "Solucionadas",
            "Mediana de solución (h hábiles)",
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
    }
}

fn backlog(f: &Figures) -> Section {
    let ages = &f.open_by_age;
    let reasons = &f.archived_by_reason;
    let count = |name: &str, count: i64| vec![Cell::text(name), Cell::Count(count)];
    Section {
        title: "Pendientes y archivadas",
        text: vec![],
        tables: vec![
            Table {
                title: "Pendientes al final, por antigüedad".to_owned(),
                columns: vec!["Antigüedad", "Pendientes"],
                rows: vec![
                    count("Hasta 1 día", ages.up_to_1_day),
                    count("Más de 1 día, hasta 7", ages.up_to_7_days),
                    count("Más de 7 días, hasta 30", ages.up_to_30_days),
                    count("Más de 30 días", ages.older),
                ],
                chart: Some(Chart {
                    kind: ChartKind::Bars,
                    title: "Pendientes al final, por antigüedad".to_owned(),
                    series: vec![1],
                }),
            },
            Table {
                title: "Archivadas, por motivo".to_owned(),
                columns: vec!["Motivo", "Archivadas"],
                rows: vec![
                    count("Faltan datos mínimos", reasons.missing_information),
                    count("Perfil no autorizado", reasons.profile_not_authorized),
                    count("Duplicada", reasons.duplicate),
                    count("Desistida", reasons.withdrawn),
                ],
                chart: None,
            },
        ],
    }
}

fn surveys(report: &QuarterlyReport) -> Section {
    let surveys = &report.statistics.surveys;
    let before = report.statistics.previous.as_ref().map(|part| &part.figures.surveys.mean);
    let rating = |name: &str, now: Option<f64>, before: Option<Option<f64>>| {
        vec![Cell::text(name), Cell::number(now), Cell::number(before.flatten())]
    };
    let knowledge = &report.statistics.knowledge;
    let count = |name: &str, count: i64| vec![Cell::text(name), Cell::Count(count)];
    Section {
        title: "Encuesta y conocimiento",
        text: vec![],
        tables: vec![
            Table {
                title: "Encuesta de percepción: promedio de 1 a 5".to_owned(),
                columns: vec!["Pregunta", "Este trimestre", "Anterior"],
                rows: vec![
                    rating("Servicio en general", surveys.mean.overall, before.map(|mean| mean.overall)),
                    rating("Oportunidad", surveys.mean.timeliness, before.map(|mean| mean.timeliness)),
                    rating("Trato", surveys.mean.courtesy, before.map(|mean| mean.courtesy)),
                    rating("Solución", surveys.mean.solution, before.map(|mean| mean.solution)),
                ],
                chart: Some(Chart {
                    kind: ChartKind::Bars,
                    title: "Calificación promedio, de 1 a 5".to_owned(),
                    series: vec![1, 2],
                }),
            },
            Table {
                title: "Encuestas".to_owned(),
                columns: vec!["Cifra", "Cantidad"],
                rows: vec![
                    count("Enviadas", surveys.sent),
                    count("De las enviadas, respondidas", surveys.responded),
                    count("Respondidas en el trimestre", surveys.answered),
                    count("Satisfechas (4 o 5)", surveys.satisfied),
                ],
                chart: None,
            },
            Table {
                title: "Base de conocimiento".to_owned(),
                columns: vec!["Cifra", "Cantidad"],
                rows: vec![
                    count("Artículos publicados", knowledge.published),
                    count("Revisiones escritas", knowledge.revisions),
                    count("Solucionadas que dejaron un artículo", knowledge.solved_with_article),
                ],
                chart: None,
            },
        ],
    }
}

fn definitions() -> Section {
    const WORDS: [(&str, &str); 9] = [
        (
            "Atención oportuna",
            "De las recibidas en el período, las aceptadas por primera vez dentro del tiempo de atención, sobre \
          las aceptadas y las que siguen sin atender con el tiempo vencido. Las archivadas sin atender no cuentan.",
        ),
        ("Solucionadas", "Las que tuvieron una solución en el período, aunque después se reabrieran."),
        (
            "Recibidas que están solucionadas",
            "De las recibidas en el período y no archivadas, las que están solucionadas o cerradas.",
        ),
        ("Primer nivel", "De las solucionadas, las que se solucionaron en el nivel de soporte 1."),
        (
            "Pendientes",
            "Recibidas antes del final del período y ni solucionadas ni archivadas hasta entonces, o reabiertas y sin \
          nueva solución.",
        ),
        (
            "Tiempo de atención",
            "Desde la recepción hasta la primera aceptación, de las recibidas en el período.",
        ),
        ("Tiempo de solución", "Desde la recepción hasta cada solución del período."),
        ("Percentil 90", "Nueve de cada diez no pasan de ese tiempo."),
        (
            "Satisfacción",
            "De las encuestas respondidas en el período, las que califican el servicio en general con 4 o 5.",
        ),
    ];
    let rows = WORDS.iter().map(|(word, meaning)| vec![Cell::text(*word), Cell::text(*meaning)]);
    Section {
        title: "Definiciones",
        text: vec!["Los días son los de la entidad. El signo – dice que no hay nada que medir.".to_owned()],
        tables: vec![Table {
            title: "Qué cuenta cada cifra".to_owned(),
            columns: vec!["Cifra", "Definición"],
            rows: rows.collect(),
            chart: None,
        }],
    }
}
