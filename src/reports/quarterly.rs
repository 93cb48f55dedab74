//! Reading the report of a quarter.

use actix_web::http::header::{
    ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde::Deserialize;
use serde_json::json;

use utoipa::IntoParams;

use super::report::{self, Gathered, QuarterlyReport};
use super::{Audience, QuarterPath, ReportFormat, begun, frozen};
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::config::Config;
use crate::db::Db;
use crate::documents::html::POLICY;
use crate::http::body::Content;
use crate::http::negotiation::Format;
use crate::http::{Call, Query, etag, negotiation};
use crate::problem::{Problem, Result};
use crate::statistics::Quarter;

/// The requested format of a report.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormatQuery {
    /// The format of the response. If omitted, the `Accept` header determines it; `json` if that names no supported
    /// format.
    #[param(inline)]
    format: Option<ReportFormat>,
}

/// Read a quarterly report
///
/// The figures of a quarter with those of its months, of the previous quarter and of the five quarters up to and
/// including it, as JSON or in Spanish for people: a self-contained, printable HTML page with charts, a workbook (XLSX)
/// with numbers, dates and charts, or PDF. The format is chosen by `format` or by `Accept`. A draft reflects the current
/// data; an approved report is always returned with the same bytes. A quarter that has not begun has no report.
///
/// Technicians, who may read totals of survey answers but no individual answers, get a version without the figures
/// from which individual answers could be computed, as described in `GET /statistics`. This also applies to an
/// approved report; its bytes are fixed too if that version was stored at the approval.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadStatistics))),
    tag = "reports", operation_id = "getQuarterlyReport",
    params(
        ("year" = i32, Path, minimum = 2000, maximum = 9998, description = "The year of the quarter."),
        ("quarter" = i32, Path, minimum = 1, maximum = 4, description = "The quarter, 1 to 4."),
        FormatQuery,
    ),
    responses((status = 200, description = "The report", content(
        (QuarterlyReport = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/reports/quarterly/{year}/{quarter}")]
pub async fn read(
    call: Call,
    path: Path<QuarterPath>,
    query: Query<FormatQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let text = |name| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let call = call.from_standby().await;
    let (accept, known, desk, pool) = (text(ACCEPT), text(IF_NONE_MATCH), call.desk.clone(), call.pool());
    let read = call.look(move |db, actor| {
        let quarter = path.read()?;
        let format =
            query.read()?.format.or_else(|| negotiation::accepted(&accept)).unwrap_or(ReportFormat::Json);
        let audience = Audience::of_rights(actor.rights());
        let found = find(db, &desk.config, Some(&pool), quarter, format, audience, actor.now)?;
        Ok((quarter, format, found, actor.clone()))
    });
    let desk = call.desk.clone();
    let (quarter, format, found, actor) = read.await?;
    // Runs without a database connection.
    let write = move || found.write(format, &desk.config);
    let (version, content) = web::block(write).await.map_err(Problem::internal)??;
    let etag = etag::of_representation(quarter, version, &content);
    if etag::names(&known, &etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    // JSON is polled by programs; the other formats are files for people.
    if format != ReportFormat::Json {
        let id = format!("{}/{}", quarter.year, quarter.number);
        let details = json!({"format": format.as_str()});
        let export = move |db: &mut PgConnection| {
            log::record_export(db, &actor, AuditResource::QuarterlyReport, Some(id), details)
        };
        call.desk.db.run(export).await?;
    }
    let shown = if format == ReportFormat::Html { "inline" } else { "attachment" };
    let charset = if format == ReportFormat::Html { "; charset=utf-8" } else { "" };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format!("{}{charset}", format.media_type())))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("{shown}; filename=\"informe-trimestral-{quarter}.{}\"", format.as_str()),
        ))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((VARY, "Accept"))
        .insert_header((ETAG, etag))
        .body(content))
}

/// A report that was read from the database.
pub enum Found {
    /// The stored file of an approved report.
    Approved(Vec<u8>),
    /// What the current report is computed from, and for whom.
    Current(Gathered, Audience),
}

impl Found {
    /// The version of the report, which is the same in all formats, and the file of this format. Needs no connection.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(self, format: ReportFormat, config: &Config) -> Result<(String, Vec<u8>)> {
        let (gathered, audience) = match self {
            Found::Approved(content) => return Ok((report::APPROVED.to_owned(), content)),
            Found::Current(gathered, audience) => (gathered, audience),
        };
        let mut report = gathered.finish();
        if audience == Audience::Totals {
            report = report.for_totals(config.timezone)?;
        }
        Ok((report.figures_digest()?, format.write(&report, config.entity.logo.as_ref())?))
    }
}

/// The approved report, or otherwise the current draft.
///
/// # Errors
/// [`crate::problem::Code::NotFound`] if the quarter has not begun.
pub fn find(
    db: &mut PgConnection,
    config: &Config,
    pool: Option<&Db>,
    quarter: Quarter,
    format: ReportFormat,
    audience: Audience,
    now: DateTime<Utc>,
) -> Result<Found> {
    begun(quarter, config.timezone, now)?;
    if let Some(content) = frozen::content(db, quarter, format, audience)? {
        return Ok(Found::Approved(content));
    }
    // A report that was approved before versions for readers of totals existed has none.
    let approval = match audience {
        Audience::Answers => None,
        Audience::Totals => frozen::approval(db, quarter)?,
    };
    Ok(Found::Current(QuarterlyReport::gather(db, config, pool, quarter, now, approval)?, audience))
}
