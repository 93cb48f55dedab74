//! Approval of the report of a past quarter by the director; an approved report does not change.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post, web};
use diesel::PgConnection;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::frozen::{self, File};
use super::report::{self, Approval, QuarterlyReport};
use super::{Audience, QuarterPath, ReportFormat};
use crate::audit::log::{self, AuditEvent, AuditKind, AuditResource};
use crate::audit::tree::heads::{self, HeadReason};
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::call::Earlier;
use crate::http::desk::Desk;
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Result, Text};
use crate::statistics::Quarter;

/// The approval of a quarterly report.
#[derive(Serialize, ToSchema)]
pub struct ReportApproval {
    /// The year of the approved quarter.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: i32,
    /// The approved quarter, 1 to 4.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    quarter: u32,
    #[serde(flatten)]
    approval: Approval,
    /// The stored files, one for each format.
    #[schema(max_items = 4)]
    files: Vec<ReportFile>,
}

/// A file of an approved report.
#[derive(Serialize, ToSchema)]
pub struct ReportFile {
    /// The format of the file.
    format: ReportFormat,
    /// The SHA-256 digest of the file, as 64 hexadecimal digits.
    #[schema(max_length = 64, min_length = 64)]
    sha256: String,
}

/// Approve a quarterly report
///
/// The quarter must have ended (`quarter_not_over`). The current report is stored in every format, with a separate
/// version for readers who may not read individual survey answers (not listed in `files`). From then on requests
/// return the same bytes, regardless of later changes of the data; an approval cannot be undone. Approving it again
/// returns the existing approval.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ApproveReports)), ("x-mesa-if-match" = json!(true))),
    tag = "reports", operation_id = "approveQuarterlyReport",
    params(
        ("year" = i32, Path, minimum = 2000, maximum = 9998, description = "The year of the quarter."),
        ("quarter" = i32, Path, minimum = 1, maximum = 4, description = "The quarter, 1 to 4."),
    ),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 201, body = ReportApproval, description = "Approved"),
        (status = 200, body = ReportApproval, description = "Already approved"),
        (status = 409, description = "`quarter_not_over`"),
    )
)]
#[post("/reports/quarterly/{year}/{quarter}/approval")]
pub async fn approve(call: Call, path: Path<QuarterPath>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    let (desk, fingerprint) = (call.desk.clone(), body.fingerprint().unwrap_or_default());
    // The slow part runs before the transaction that stores the report.
    let made = call.check_fingerprinted(&fingerprint, move |db, actor| {
        let quarter = path.read()?;
        body.read()?;
        let period = quarter.period().ok_or_else(Problem::not_found)?;
        let (_, end) = period.bounds(desk.config.timezone)?;
        if actor.now < end {
            let at = |locale: Locale| locale.moment(end, desk.config.timezone);
            let detail = Text::made(
                format!("El trimestre termina el {}.", at(Locale::Es)),
                format!("The quarter ends on {}.", at(Locale::En)),
            );
            return Err(Problem::new(Code::QuarterNotOver, detail));
        }
        if frozen::approval(db, quarter)?.is_some() {
            actor.check_version(quarter, report::APPROVED)?;
            return Ok((quarter, None));
        }
        let approval = Approval { approved_at: actor.now, approved_by: actor.person() };
        let report = QuarterlyReport::gather(
            db,
            &desk.config,
            Some(&desk.db),
            quarter,
            actor.now,
            Some(approval.clone()),
        )?
        .finish();
        actor.check_version(quarter, report.figures_digest()?)?;
        let for_totals = report.clone().for_totals(desk.config.timezone)?;
        Ok((quarter, Some((approval, report, for_totals))))
    });
    let config = call.desk.config.clone();
    let (quarter, made) = match made.await? {
        Earlier::Answer(answer) => return Ok(call.respond(answer)),
        Earlier::None(made) => made,
    };
    // Runs without a database connection.
    let write = move || -> Result<Option<(Approval, i32, Vec<File>)>> {
        let Some((approval, report, for_totals)) = made else { return Ok(None) };
        let mut files = Vec::new();
        for (audience, report) in [(Audience::Answers, &report), (Audience::Totals, &for_totals)] {
            for format in ReportFormat::ALL {
                let content = format.write(report, config.entity.logo.as_ref())?;
                files.push(File { format: *format, audience, content });
            }
        }
        Ok(Some((approval, report.narrative.version, files)))
    };
    let made = web::block(write).await.map_err(Problem::internal)??;
    let desk = call.desk.clone();
    let answered = call.write_fingerprinted(fingerprint, move |tx, actor| {
        let first = match &made {
            Some((approval, text_version, files)) => {
                frozen::store(tx, quarter, approval, *text_version, files)?
            }
            None => false,
        };
        if first {
            record(tx, quarter, actor)?;
        }
        let approval = frozen::approval(tx, quarter)?.ok_or_else(Problem::not_found)?;
        let file = |(format, hash): (ReportFormat, Vec<u8>)| {
            let sha256 = hex::encode(hash);
            ReportFile { format, sha256 }
        };
        let files = frozen::hashes(tx, quarter)?.into_iter().map(file).collect();
        let body = ReportApproval { year: quarter.year, quarter: quarter.number, approval, files };
        let location = format!("/api/v1/reports/quarterly/{}/{}", quarter.year, quarter.number);
        let answer = Answer::created(location, &body)?.version(quarter, report::APPROVED);
        Ok(if first { answer } else { Answer { status: StatusCode::OK, location: None, ..answer } })
    });
    let answer = answered.await?;
    if answer.status() == StatusCode::CREATED {
        sign_tree_head(&desk).await;
    }
    Ok(answer)
}

/// Records the approval in the audit log with the digests of the files, so that a tree head covers their content too.
fn record(tx: &mut PgConnection, quarter: Quarter, actor: &Actor) -> Result<()> {
    let digests = frozen::hashes(tx, quarter)?.into_iter().map(|(format, hash)| {
        let sha256 = hex::encode(hash);
        json!({"format": format, "sha256": sha256})
    });
    let event = AuditEvent {
        kind: AuditKind::Approved,
        resource: AuditResource::QuarterlyReport,
        resource_id: Some(format!("{}/{}", quarter.year, quarter.number)),
        actor_id: Some(actor.id),
        changes: Vec::new(),
        details: json!({"files": digests.collect::<Vec<_>>()}),
    };
    log::record(tx, actor.now, event)
}

/// If this fails, the report is approved all the same, and the head is signed in the next round of the routine.
async fn sign_tree_head(desk: &Data<Desk>) {
    let config = desk.config.clone();
    let made = desk.db.run(move |db| heads::make(db, &config.audit, HeadReason::ReportApproved)).await;
    if let Err(problem) = made {
        ::log::warn!("the tree head of an approval will be signed later: {}", problem.log_line());
    }
}
