//! The first page: the answer to the director, in sentences with their marks.

use crate::reports::document::{Finding, FindingGroup, Mark, Section};
use crate::reports::findings::{ReportFinding, ReportMark};
use crate::reports::report::QuarterlyReport;

impl From<ReportMark> for Mark {
    fn from(mark: ReportMark) -> Self {
        match mark {
            ReportMark::Met => Mark::Met,
            ReportMark::Warned => Mark::Warned,
            ReportMark::Missed => Mark::Missed,
            ReportMark::NoData => Mark::NoData,
            ReportMark::Worse => Mark::Worse,
            ReportMark::NotWorse => Mark::NotWorse,
            ReportMark::Nothing => Mark::Nothing,
            ReportMark::Open => Mark::Open,
            ReportMark::Overdue => Mark::Overdue,
            ReportMark::Proposed => Mark::Proposed,
        }
    }
}

/// The sentences on the page of each group; the others are in the sections that follow.
const MOST: usize = 9;

pub fn opening(report: &QuarterlyReport) -> Section {
    let group = |title: &'static str, findings: &[ReportFinding]| {
        let finding = |one: &ReportFinding| Finding { mark: one.mark.into(), text: one.text_es.clone() };
        FindingGroup { title, findings: findings.iter().take(MOST).map(finding).collect() }
    };
    let mut text = Vec::new();
    if report.statistics.tickets.is_empty() {
        text.push("En este trimestre no hubo solicitudes.".to_owned());
    }
    if !report.over {
        text.push("El trimestre no ha terminado: las cifras son parciales.".to_owned());
    }
    let findings = &report.first_page;
    Section {
        title: "En una página",
        text,
        findings: vec![
            group("¿Se cumplen las metas?", &findings.compliance),
            group("¿Qué empeoró y dónde, frente al trimestre anterior?", &findings.worsened),
            group("¿Qué se propone?", &findings.proposed),
        ],
        ends_page: true,
        ..Section::default()
    }
}
