//! The list of tickets as a file that is streamed in the response.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::rows::{batch, lines};
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::db::Db;
use crate::http::body::Content;
use crate::http::negotiation::Format;
use crate::http::{Actor, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;
use crate::tickets::filters::TicketFilters;
use crate::tickets::list::page;
use crate::tickets::summary::Excerpts;

/// How many tickets are read at once.
const BATCH: i64 = 200;

text_enum! {
    /// The format of exported tickets.
    pub enum TicketExportFormat {
        /// Comma-separated values (RFC 4180).
        Csv = "csv",
    }
}

impl Format for TicketExportFormat {
    const ALL: &'static [Self] = TicketExportFormat::ALL;

    fn media_type(self) -> &'static str {
        "text/csv"
    }
}

/// The format of exported tickets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportFormat {
    /// The format of the file; `csv`, the only one, if omitted.
    #[param(inline)]
    format: Option<TicketExportFormat>,
}

/// Export tickets for a spreadsheet
///
/// All tickets that match the filters, in the order of `GET /tickets`, one per line: CSV (RFC 4180) in UTF-8 with a
/// byte order mark, column names in the first line, times in UTC in seconds. The columns are `id`, `subject`, `status`,
/// `criticality`, `channel`, `category`, `support_level`, `requester`, `requester_email`, `requester_unit`, `registered_by`,
/// `assignee` (names of people, the category and the unit), `received_at`, `classified_at`, `assigned_at`, `accepted_at`,
/// `scheduled_for`, `attention_due_at`, `attended_at`, `solved_at`, `closed_at`, `archived_at`, `archive_reason`,
/// `reopened_count`, `external_source`, `external_id`. A text that a spreadsheet would interpret as a
/// formula is prefixed with an apostrophe. The file is streamed from the database; a file without a proper end was
/// interrupted. For many tickets, other formats, or a download that can be resumed: `POST /tickets/exports`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "exportTickets", params(TicketFilters, ExportFormat),
    responses((status = 200, description = "The CSV file", content_type = "text/csv", body = Content))
)]
#[get("/tickets/export")]
pub async fn download(call: Call, query: Query<TicketFilters>) -> Result<HttpResponse> {
    let parameters = query.parameters();
    // The first batch is read before the response begins, so that an invalid request gets a problem response.
    let first = call.check(move |db, actor| {
        let (wanted, mut filters): (ExportFormat, TicketFilters) = query.read_apart("format")?;
        filters.check(actor)?;
        filters.look_up(db, actor)?;
        let found = page(db, actor, &batch(None, BATCH), &filters, Excerpts::Empty)?;
        log::record_export(db, actor, AuditResource::TicketList, None, json!({"parameters": parameters}))?;
        Ok((found, filters, wanted.format.unwrap_or(TicketExportFormat::Csv), actor.clone()))
    });
    let ((tickets, next), filters, format, actor) = first.await?;
    let state = State {
        db: call.desk.reading().await,
        actor,
        filters,
        next: Next::Lines(lines(&tickets, true)?, next),
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format!("{}; charset=utf-8; header=present", format.media_type())))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"tickets.csv\""))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .streaming(stream::try_unfold(state, State::step)))
}

/// What remains to be written.
enum Next {
    /// Lines to write, and the place of the next batch.
    Lines(String, Option<String>),
    /// The tickets after this place.
    After(String),
    Nothing,
}

struct State {
    db: Db,
    actor: Actor,
    filters: TicketFilters,
    next: Next,
}

impl State {
    /// One piece of the file. A connection is held for one batch only.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        let (lines, next) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return Ok(None),
            Next::Lines(lines, next) => (lines, next),
            Next::After(cursor) => {
                let (actor, filters) = (self.actor.clone(), self.filters.clone());
                let read = self
                    .db
                    .read(move |db| page(db, &actor, &batch(Some(cursor), BATCH), &filters, Excerpts::Empty))
                    .await;
                let (tickets, next) = read.inspect_err(|problem| {
                    ::log::error!("a download of tickets was interrupted: {}", problem.log_line());
                })?;
                (lines(&tickets, false)?, next)
            }
        };
        self.next = next.map_or(Next::Nothing, Next::After);
        Ok(Some((lines.into(), self)))
    }
}
