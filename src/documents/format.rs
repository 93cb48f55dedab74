//! The formats of records and reports.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::negotiation::{self, Format};
use crate::language::text_enum;

text_enum! {
    /// The format of a report or a record.
    pub enum ReportFormat {
        Json = "json",
        /// One self-contained page, for screen or paper.
        Html = "html",
        /// A workbook.
        Xlsx = "xlsx",
        Pdf = "pdf",
    }
}

impl Format for ReportFormat {
    const ALL: &'static [Self] = ReportFormat::ALL;

    fn media_type(self) -> &'static str {
        match self {
            ReportFormat::Json => "application/json",
            ReportFormat::Html => "text/html",
            ReportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ReportFormat::Pdf => "application/pdf",
        }
    }
}

/// The requested format of a record, or of a list of records.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    /// The format of the response: `json`, or the form of the procedure as `html` (a self-contained page), `xlsx` (a
    /// workbook) or `pdf` (tagged, A4). If omitted, the `Accept` header determines it; `json` if that names no supported
    /// format.
    #[param(inline)]
    format: Option<ReportFormat>,
}

impl FormatQuery {
    /// The format that the parameter names, or otherwise the `Accept` header.
    pub fn or_accepted(self, accept: &str) -> ReportFormat {
        self.format.or_else(|| negotiation::accepted(accept)).unwrap_or(ReportFormat::Json)
    }
}
