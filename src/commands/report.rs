//! `mesa report`: a report as a file, without a server.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::database::with_database;
use crate::config::Config;
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::reports::{Audience, Format, quarterly};
use crate::statistics::Quarter;

#[derive(Args)]
pub struct Report {
    /// A year and a quarter
    #[arg(long, value_name = "2026-4")]
    quarter: Quarter,
    /// The format of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Json)]
    format: ReportFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum ReportFormat {
    Json,
    Html,
    Xlsx,
    Pdf,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Json => Format::Json,
            ReportFormat::Html => Format::Html,
            ReportFormat::Xlsx => Format::Xlsx,
            ReportFormat::Pdf => Format::Pdf,
        }
    }
}

impl Report {
    pub fn run(self) -> Result<(), StartError> {
        with_database(|config, urls| {
            let file = report(config, &urls.server, self.quarter, self.format.into())?;
            std::io::stdout().write_all(&file)?;
            Ok(())
        })
    }
}

/// The report of a quarter, from the database of this URL.
///
/// # Errors
/// A text for the user of the command.
fn report(config: &Config, url: &str, quarter: Quarter, format: Format) -> Result<Vec<u8>, StartError> {
    let connection = &mut session::open(url, Bounds::Command)?;
    let now = db::now(connection)?;
    let found = quarterly::find(connection, config, quarter, format, Audience::Answers, now);
    found.and_then(|found| found.write(format, config)).map_err(|problem| {
        if problem.is_fault() {
            problem.log_line().into()
        } else {
            format!("there is no report of {quarter}: it has not begun").into()
        }
    })
}
