//! Requesting a file of tickets.

use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::http::{Body, Call, Query};
use crate::jobs::job::{Job, JobKind};
use crate::jobs::queue::{NewJob, accepted};
use crate::language::text_enum;
use crate::problem::{Problem, Result};
use crate::tickets::filters::TicketFilters;

text_enum! {
    /// The format of a file of tickets.
    pub enum TicketFileFormat {
        /// Comma-separated values (RFC 4180), as `GET /tickets/export` has them.
        Csv = "csv",
        /// A `TicketSummary` of `GET /tickets` in each line, as JSON.
        Ndjson = "ndjson",
        /// A workbook with the columns of `csv`, and times in the entity's time zone; up to 1,000,000 tickets.
        Xlsx = "xlsx",
    }
}

impl TicketFileFormat {
    pub fn file_name(self) -> String {
        format!("tickets.{}", self.as_str())
    }

    pub fn content_type(self) -> &'static str {
        match self {
            TicketFileFormat::Csv => "text/csv; charset=utf-8; header=present",
            TicketFileFormat::Ndjson => "application/x-ndjson",
            TicketFileFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// A file of tickets to write. The tickets are those that the filters in the query match.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketExportCreate {
    /// The format of the file.
    format: TicketFileFormat,
}

/// What a job needs to write the file.
#[derive(Serialize, Deserialize)]
pub struct Parameters {
    pub format: TicketFileFormat,
    /// The filters, as the query of the request.
    pub query: String,
}

/// Export tickets as a job
///
/// Writes all tickets that the filters match into a file, in the order of `GET /tickets`, in the background. The response is a
/// job: `GET /jobs/{job_id}` has its progress, and once it has succeeded `written_file`, which `GET /jobs/{job_id}/file` sends for 72
/// hours. The file has the tickets that the caller may see.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "createTicketExport", params(TicketFilters), request_body = TicketExportCreate,
    responses(
        (status = 202, body = Job, description = "The job that writes the file"),
        (status = 409, description = "`too_many_jobs`: the account has 20 jobs that have not ended"),
    )
)]
#[post("/tickets/exports")]
pub async fn create(
    call: Call,
    query: Query<TicketFilters>,
    body: Body<TicketExportCreate>,
) -> Result<HttpResponse> {
    let (proof, locale) = (call.credential().proof, call.locale());
    let (parameters, text) = (query.parameters(), query.raw().to_owned());
    call.write(body, move |tx, actor, body| {
        let mut filters = query.read()?;
        filters.check(actor)?;
        filters.look_up(tx, actor)?;
        let TicketExportCreate { format } = body.read()?;
        let details = json!({"parameters": parameters, "format": format});
        log::record_export(tx, actor, AuditResource::TicketList, None, details)?;
        let parameters =
            serde_json::to_value(Parameters { format, query: text }).map_err(Problem::internal)?;
        let job = NewJob { kind: JobKind::TicketExport, proof, locale, parameters, total: None };
        accepted(job.create(tx, actor)?)
    })
    .await
}
