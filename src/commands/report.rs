//! `mesa report`: a report as a file, without a server.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::database::with_database;
use crate::config::Config;
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::reports::{Audience, ReportFormat, quarterly};
use crate::statistics::Quarter;

#[derive(Args)]
pub struct Report {
    /// A year and a quarter
    #[arg(long, value_name = "2026-4")]
    quarter: Quarter,
    /// The format of the report
    #[arg(long, value_enum, default_value_t = FormatArgument::Json)]
    format: FormatArgument,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatArgument {
    Json,
    Html,
    Xlsx,
    Pdf,
}

impl From<FormatArgument> for ReportFormat {
    fn from(format: FormatArgument) -> Self {
        match format {
            FormatArgument::Json => ReportFormat::Json,
            FormatArgument::Html => ReportFormat::Html,
            FormatArgument::Xlsx => ReportFormat::Xlsx,
            FormatArgument::Pdf => ReportFormat::Pdf,
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
fn report(config: &Config, url: &str, quarter: Quarter, format: ReportFormat) -> Result<Vec<u8>, StartError> {
    let connection = &mut session::open(url, Bounds::Command)?;
    let now = db::now(connection)?;
    let found = quarterly::find(connection, config, None, quarter, format, Audience::Answers, now);
    found.and_then(|found| found.write(format, config)).map(|(_, file)| file).map_err(|problem| {
        if problem.is_fault() {
            problem.log_line().into()
        } else {
            format!("there is no report of {quarter}: it has not begun").into()
        }
    })
}
