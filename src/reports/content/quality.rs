//! Backlog, surveys, knowledge base, and the definitions of the figures.

use crate::reports::document::{Cell, Chart, ChartKind, Section, Table};
use crate::reports::report::QuarterlyReport;
use crate::statistics::figures::Figures;

pub fn backlog(f: &Figures) -> Section {
    let ages = &f.open_by_age;
    let reasons = &f.archived_by_reason;
    let count = |name: &str, count: i64| vec![Cell::text(name), Cell::Count(count)];
    Section {
        title: "Pendientes y archivadas",
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
        ..Section::default()
    }
}

pub fn surveys(report: &QuarterlyReport) -> Section {
    let surveys = &report.statistics.surveys;
    let before = report.statistics.previous.as_ref().map(|part| &part.figures.surveys.mean);
    let rating = |name: &str, now: Option<f64>, before: Option<Option<f64>>| {
        vec![Cell::text(name), Cell::number(now), Cell::number(before.flatten())]
    };
    let knowledge = &report.statistics.knowledge;
    let count = |name: &str, count: i64| vec![Cell::text(name), Cell::Count(count)];
    Section {
        title: "Encuesta y conocimiento",
        tables: vec![
            Table {
                title: "Encuesta de percepción: promedio de 1 a 5".to_owned(),
                columns: vec!["Pregunta", "Este trimestre", "Trimestre anterior"],
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
                    vec![
                        Cell::text("Satisfechas (4 o 5)"),
                        surveys.satisfied.map_or(Cell::Nothing, Cell::Count),
                    ],
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
        ..Section::default()
    }
}

pub fn definitions() -> Section {
    const WORDS: [(&str, &str); 9] = [
        (
            "Atención oportuna",
            "De las recibidas en el período, las aceptadas por primera vez dentro del tiempo de atención, sobre \
          las aceptadas y las que siguen sin atender con el tiempo vencido. Las archivadas sin atender no cuentan.",
        ),
        ("Solucionadas", "Las que tuvieron una solución en el período, aunque después se reabrieran."),
        (
            "Solucionadas de las recibidas",
            "De las recibidas en el período, sin archivadas, las que a la fecha de corte están solucionadas o cerradas.",
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
        text: vec![
            "Los días son los de la entidad. El signo – indica que no hay datos. También aparece donde las respuestas a la \
             encuesta se reservan porque permitirían deducir las de una sola persona."
                .to_owned(),
        ],
        tables: vec![Table {
            title: "Qué cuenta cada cifra".to_owned(),
            columns: vec!["Cifra", "Definición"],
            rows: rows.collect(),
            chart: None,
        }],
        ..Section::default()
    }
}
