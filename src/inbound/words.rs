//! The text of a ticket or of a followup that came by mail.

use diesel::prelude::*;
use uuid::Uuid;

use super::files::Files;
use super::links::with_hidden_tokens;
use super::message::{Message, OwnTexts, Reply};
use crate::db::schema::messages;
use crate::language::locale::Locale;
use crate::problem::{Result, Text};
use crate::tickets::followups::Mailed;

/// The longest description of a ticket, or body of a followup, in characters. A longer text is also kept as a file.
pub const LONGEST: usize = 20_000;

/// The maximum number of rejected files that are named individually.
const NAMED: usize = 10;

/// How many messages of the desk about a ticket are compared with a reply, the newest first.
const MOST_COMPARED: i64 = 10;

/// The longest text that is compared with them while a connection is held, in bytes.
const LONGEST_COMPARED: usize = 100_000;

/// The new text of a reply to a ticket. A quotation that no mail program introduces is recognized by the messages that the
/// desk sent about the ticket to its author: mail to others may have what this person must not know. `author_id`: `None` for
/// a person without an account.
pub fn new_words(
    tx: &mut PgConnection,
    message: &Message,
    (ticket_id, author_id): (i64, Option<Uuid>),
) -> Result<Reply> {
    let Some(author_id) = author_id else { return Ok(message.reply.clone()) };
    if message.is_forward || message.text.len() > LONGEST_COMPARED {
        return Ok(message.reply.clone());
    }
    let sent: Vec<String> = messages::table
        .filter(messages::ticket_id.eq(ticket_id))
        .filter(messages::recipient_id.eq(author_id))
        .filter(messages::sent_text.is_not_null())
        .order((messages::created_at.desc(), messages::id.desc()))
        .limit(MOST_COMPARED)
        .select(messages::sent_text.assume_not_null())
        .load(tx)?;
    Ok(message.new_words(&OwnTexts::new(sent.iter().map(String::as_str))))
}

/// The text of a followup: a reply to a ticket, with a mark between its words where something was left out.
pub fn mailed(reply: &Reply, files: &Files, locale: Locale) -> Mailed {
    let body = words(&with_hidden_tokens(&reply.marked()), files, locale);
    Mailed { body, is_cut: reply.is_cut }
}

/// The archived request and what its requester wrote since, within the longest description.
pub fn joined(before: &str, since: &str) -> String {
    let room = LONGEST.saturating_sub(since.chars().count() + 2);
    let before: String = before.chars().take(room).collect();
    format!("{before}\n\n{since}").trim().to_owned()
}

/// The text, followed by the names of the files that were not accepted.
pub fn words(written: &str, files: &Files, locale: Locale) -> String {
    let empty = Text::new("(sin texto)", "(no text)");
    let written = written.trim();
    let mut words = if written.is_empty() { empty.in_locale(locale).to_owned() } else { written.to_owned() };
    let below = refused(files, locale);
    let room = LONGEST.saturating_sub(below.chars().count());
    if words.chars().count() > room {
        words = words.chars().take(room.saturating_sub(2)).collect();
        words.push_str(" …");
    }
    words.push_str(&below);
    words
}

fn refused(files: &Files, locale: Locale) -> String {
    let mut lines = String::new();
    for file in files.refused.iter().take(NAMED) {
        let name: String = file.name.chars().take(150).collect();
        let why = file.why.in_locale(locale);
        lines.push_str(&match locale {
            Locale::Es => format!("\n\n[No se adjuntó «{name}»: {why}]"),
            Locale::En => format!("\n\n[“{name}” was not attached: {why}]"),
        });
    }
    let more = files.refused.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push_str(&match locale {
            Locale::Es => format!("\n\n[No se adjuntaron otros {more} archivos]"),
            Locale::En => format!("\n\n[{more} other files were not attached]"),
        });
    }
    lines
}
