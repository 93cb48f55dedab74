//! Activity 11: the quarterly report, in its human-readable formats, and its approval.

mod approval;
mod chart;
mod comments;
mod content;
mod document;
mod findings;
mod frozen;
mod html;
mod indicators;
mod narrative;
mod pdf;
mod proposals;
pub mod quarterly;
mod report;
mod xlsx;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::auth::policy::Rights;
use crate::config::logo::Logo;
pub use crate::documents::format::ReportFormat;
use crate::http::routes::Routes;
use crate::problem::{Problem, Result};
use crate::statistics::{Period, Quarter, disclosure};
use report::QuarterlyReport;

pub fn routes(routes: &mut Routes) {
    routes
        .service(quarterly::read)
        .service(approval::approve)
        .service(narrative::read)
        .service(narrative::change);
}

/// The version of a report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Audience {
    /// For readers who may read individual survey answers: the whole report.
    Answers,
    /// For readers who may only read totals of survey answers.
    Totals,
}

impl Audience {
    pub fn of_rights(rights: Rights<'_>) -> Self {
        if disclosure::applies_to(rights) { Audience::Totals } else { Audience::Answers }
    }
}

impl ReportFormat {
    /// The report as a file of this format.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(self, report: &QuarterlyReport, logo: Option<&Arc<Logo>>) -> Result<Vec<u8>> {
        match self {
            ReportFormat::Json => serde_json::to_vec(report).map_err(Problem::internal),
            ReportFormat::Html => html::write(&content::document(report), logo.map(Arc::as_ref)),
            ReportFormat::Xlsx => {
                xlsx::write(&content::document(report), logo.map(Arc::as_ref), report.generated_at)
            }
            ReportFormat::Pdf => pdf::write(&content::document(report), logo),
        }
    }
}

/// The quarter in the path.
#[derive(Deserialize)]
struct QuarterPath {
    year: i32,
    quarter: u32,
}

impl QuarterPath {
    /// # Errors
    /// A 404 if there is no such quarter.
    fn read(&self) -> Result<Quarter> {
        format!("{}-{}", self.year, self.quarter).parse().map_err(|_| Problem::not_found())
    }
}

/// # Errors
/// A 404 if the quarter has not begun.
fn begun(quarter: Quarter, timezone: Tz, now: DateTime<Utc>) -> Result<Period> {
    let period = quarter.period().ok_or_else(Problem::not_found)?;
    if now < period.bounds(timezone)?.0 { Err(Problem::not_found()) } else { Ok(period) }
}
