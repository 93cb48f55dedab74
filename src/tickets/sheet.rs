//! The list of tickets as a spreadsheet file.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::filters::TicketFilters;
use super::list::page;
use super::summary::Excerpts;
use super::summary::TicketSummary;
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::http::body::Content;
use crate::http::desk::Desk;
use crate::http::negotiation::Format;
use crate::http::paging::{Paging, Seal};
use crate::http::{Actor, Call, Query};
use crate::language::text_enum;
use crate::problem::{Problem, Result};

/// How many tickets are read at once.
const BATCH: i64 = 200;

/// The byte order mark, by which a spreadsheet detects UTF-8.
const MARK: &str = "\u{feff}";

const COLUMNS: [&str; 24] = [
    "id",
    "subject",
    "status",
    "criticality",
    "channel",
    "category",
    "support_level",
    "requester",
    "requester_email",
    "requester_unit",
    "registered_by",
    "assignee",
    "received_at",
    "classified_at",
    "assigned_at",
    "accepted_at",
    "scheduled_for",
    "attention_due_at",
    "attended_at",
    "solved_at",
    "closed_at",
    "archived_at",
    "archive_reason",
    "reopened_count",
];

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
/// `reopened_count`. A text that a spreadsheet would interpret as a
/// formula is prefixed with an apostrophe. The file is streamed from the database; a file without a proper end was
/// interrupted.
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
        let found = page(db, actor, &batch(None), &filters, Excerpts::Empty)?;
        log::record_export(db, actor, AuditResource::TicketList, None, json!({"parameters": parameters}))?;
        Ok((found, filters, wanted.format.unwrap_or(TicketExportFormat::Csv), actor.clone()))
    });
    let ((tickets, next), filters, format, actor) = first.await?;
    let state = State { desk: call.desk, actor, filters, next: Next::Lines(lines(&tickets, true)?, next) };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format!("{}; charset=utf-8; header=present", format.media_type())))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"tickets.csv\""))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .streaming(stream::try_unfold(state, State::step)))
}

fn batch(cursor: Option<String>) -> Paging {
    Paging { limit: Some(BATCH), cursor, with_total: false, seal: Seal(vec![Vec::new()]) }
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
    desk: Data<Desk>,
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
                    .desk
                    .db
                    .run(move |db| page(db, &actor, &batch(Some(cursor)), &filters, Excerpts::Empty))
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

fn lines(tickets: &[TicketSummary], with_names: bool) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_names {
        writer.write_record(COLUMNS).map_err(Problem::internal)?;
    }
    for ticket in tickets {
        writer.write_record(cells(ticket)).map_err(Problem::internal)?;
    }
    let bytes = writer.into_inner().map_err(Problem::internal)?;
    let text = String::from_utf8(bytes).map_err(Problem::internal)?;
    Ok(if with_names { format!("{MARK}{text}") } else { text })
}

fn cells(ticket: &TicketSummary) -> [String; COLUMNS.len()] {
    let moment = |at: Option<DateTime<Utc>>| {
        at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    };
    let text = |text: Option<&str>| text.map(harmless).unwrap_or_default();
    [
        ticket.id.to_string(),
        harmless(&ticket.subject),
        ticket.status.as_str().to_owned(),
        text(ticket.criticality.map(|criticality| criticality.as_str())),
        ticket.channel.as_str().to_owned(),
        text(ticket.category.as_ref().map(|category| category.name.as_str())),
        ticket.support_level.to_string(),
        harmless(&ticket.requester.full_name),
        text(Some(ticket.requester.email.as_str()).filter(|_| ticket.requester.has_email)),
        text(ticket.requester.unit.as_ref().map(|unit| unit.name.as_str())),
        text(ticket.registered_by.as_ref().map(|person| person.full_name.as_str())),
        text(ticket.assignee.as_ref().map(|person| person.full_name.as_str())),
        moment(Some(ticket.received_at)),
        moment(ticket.classified_at),
        moment(ticket.assigned_at),
        moment(ticket.accepted_at),
        moment(ticket.scheduled_for),
        moment(ticket.attention_due_at),
        moment(ticket.attended_at),
        moment(ticket.solved_at),
        moment(ticket.closed_at),
        moment(ticket.archived_at),
        text(ticket.archive_reason.map(|reason| reason.as_str())),
        ticket.reopened_count.to_string(),
    ]
}

/// The text in a form that no spreadsheet interprets as a formula, not even after a split at a separator (OWASP, *CSV
/// Injection*): line breaks and tabs become spaces, and an apostrophe precedes text that begins like a formula.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut at_the_start = true;
    for character in text.chars() {
        let character = if matches!(character, '\t' | '\r' | '\n') { ' ' } else { character };
        if at_the_start && matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            safe.push('\'');
        }
        at_the_start =
            matches!(character, ';' | ',' | '"' | '|') || at_the_start && character.is_whitespace();
        safe.push(character);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+57 300", "'+57 300"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", " '=1"),
            ("  =1", "  '=1"),
            ("\r\n=1", "  '=1"),
            ("a;=1", "a;'=1"),
            ("a, +1;\"=2", "a, '+1;\"'=2"),
            ("Impresora\n=1", "Impresora =1"),
        ] {
            assert_eq!(harmless(text), safe);
        }
        for text in ["La impresora", "a=b", "1-2", ""] {
            assert_eq!(harmless(text), text);
        }
    }
}
