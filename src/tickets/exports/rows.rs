//! The tickets of a file: their columns, and the reading of many.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::http::paging::{Paging, Seal};
use crate::problem::{Problem, Result};
use crate::tickets::summary::TicketSummary;

/// The byte order mark, by which a spreadsheet detects UTF-8.
const MARK: &str = "\u{feff}";

/// The names of the columns.
pub const COLUMNS: [&str; 26] = [
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
    "external_source",
    "external_id",
];

/// The next tickets of a file.
pub fn batch(cursor: Option<String>, limit: i64) -> Paging {
    Paging { limit: Some(limit), cursor, with_total: false, seal: Seal(vec![Vec::new()]) }
}

/// Lines of CSV.
///
/// # Errors
/// A fault of the server.
pub fn lines(tickets: &[TicketSummary], with_names: bool) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_names {
        writer.write_record(COLUMNS).map_err(Problem::internal)?;
    }
    for ticket in tickets {
        writer.write_record(cells(ticket).map(Cell::text)).map_err(Problem::internal)?;
    }
    let bytes = writer.into_inner().map_err(Problem::internal)?;
    let text = String::from_utf8(bytes).map_err(Problem::internal)?;
    Ok(if with_names { format!("{MARK}{text}") } else { text })
}

/// A value of a column.
pub enum Cell<'a> {
    Nothing,
    Text(&'a str),
    Number(i64),
    Time(DateTime<Utc>),
}

impl Cell<'_> {
    fn text(self) -> String {
        match self {
            Cell::Nothing => String::new(),
            Cell::Text(text) => harmless(text),
            Cell::Number(number) => number.to_string(),
            Cell::Time(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// The values of the columns.
pub fn cells(ticket: &TicketSummary) -> [Cell<'_>; COLUMNS.len()] {
    fn text(text: Option<&str>) -> Cell<'_> {
        text.map_or(Cell::Nothing, Cell::Text)
    }
    let time = |at: Option<DateTime<Utc>>| at.map_or(Cell::Nothing, Cell::Time);
    [
        Cell::Number(ticket.id),
        Cell::Text(&ticket.subject),
        Cell::Text(ticket.status.as_str()),
        text(ticket.criticality.map(|criticality| criticality.as_str())),
        Cell::Text(ticket.channel.as_str()),
        text(ticket.category.as_ref().map(|category| category.name.as_str())),
        Cell::Number(ticket.support_level.into()),
        Cell::Text(&ticket.requester.full_name),
        text(Some(ticket.requester.email.as_str()).filter(|_| ticket.requester.has_email)),
        text(ticket.requester.unit.as_ref().map(|unit| unit.name.as_str())),
        text(ticket.registered_by.as_ref().map(|person| person.full_name.as_str())),
        text(ticket.assignee.as_ref().map(|person| person.full_name.as_str())),
        Cell::Time(ticket.received_at),
        time(ticket.classified_at),
        time(ticket.assigned_at),
        time(ticket.accepted_at),
        time(ticket.scheduled_for),
        time(ticket.attention_due_at),
        time(ticket.attended_at),
        time(ticket.solved_at),
        time(ticket.closed_at),
        time(ticket.archived_at),
        text(ticket.archive_reason.map(|reason| reason.as_str())),
        Cell::Number(ticket.reopened_count.into()),
        text(ticket.import.as_ref().map(|import| import.external_source.as_str())),
        text(ticket.import.as_ref().map(|import| import.external_id.as_str())),
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
