//! The ticket that a message refers to.

use std::collections::HashMap;
use std::sync::LazyLock;

use diesel::prelude::*;
use regex::Regex;
use uuid::Uuid;

use super::message::Message;
use crate::db::schema::{inbound_emails, messages, tickets};
use crate::problem::Result;

/// The tickets that a message may refer to, the likeliest first: those of the messages that it replies to, and then the
/// one that its subject names.
pub fn candidates(db: &mut PgConnection, message: &Message) -> Result<Vec<i64>> {
    let mut found = answered(db, message)?;
    if let Some((number, _)) = tag(&message.subject)
        && !found.contains(&number)
    {
        found.push(number);
    }
    Ok(found)
}

/// The tickets of the messages that it replies to, sent or received, the nearest first, each once.
pub fn answered(db: &mut PgConnection, message: &Message) -> Result<Vec<i64>> {
    if message.answers.is_empty() {
        return Ok(Vec::new());
    }
    let sent = sent(db, message)?;
    let taken: HashMap<String, i64> = inbound_emails::table
        .filter(inbound_emails::message_id.eq_any(&message.answers))
        .filter(inbound_emails::ticket_id.is_not_null())
        .order(inbound_emails::received_at)
        .select((inbound_emails::message_id.assume_not_null(), inbound_emails::ticket_id.assume_not_null()))
        .load::<(String, i64)>(db)?
        .into_iter()
        .collect();
    let mut found = Vec::new();
    for id in &message.answers {
        let ticket = own_id(id).and_then(|own| sent.get(&own)).or_else(|| taken.get(id)).copied();
        found.extend(ticket.filter(|ticket| !found.contains(ticket)));
    }
    Ok(found)
}

/// Whether a program answers mail of the desk: by the thread, or with the number and the subject of a ticket.
pub fn answers_the_desk(db: &mut PgConnection, message: &Message) -> Result<bool> {
    if !sent(db, message)?.is_empty() {
        return Ok(true);
    }
    let Some((number, _)) = tag(&message.subject) else { return Ok(false) };
    let subject: Option<String> =
        tickets::table.find(number).select(tickets::subject).get_result(db).optional()?;
    Ok(subject.is_some_and(|subject| message.subject.trim_end().ends_with(&subject)))
}

/// The tickets of those of the messages that it replies to which the desk sent.
fn sent(db: &mut PgConnection, message: &Message) -> Result<HashMap<Uuid, i64>> {
    let own: Vec<Uuid> = message.answers.iter().filter_map(|id| own_id(id)).collect();
    if own.is_empty() {
        return Ok(HashMap::new());
    }
    let sent: Vec<(Uuid, i64)> = messages::table
        .filter(messages::id.eq_any(own))
        .filter(messages::ticket_id.is_not_null())
        .select((messages::id, messages::ticket_id.assume_not_null()))
        .load(db)?;
    Ok(sent.into_iter().collect())
}

/// The desk's own Message-IDs begin with the message's id.
fn own_id(message_id: &str) -> Option<Uuid> {
    message_id.split('@').next()?.parse().ok()
}

/// The number in the first `[#123]` of a subject, as people and programs rewrite it (`[# 123 ]`, `(#123)`), and its offset.
fn tag(subject: &str) -> Option<(i64, std::ops::Range<usize>)> {
    static TAG: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\[\s*#\s*([0-9]+)\s*\]|\(\s*#\s*([0-9]+)\s*\)").ok());
    TAG.as_ref()?.captures_iter(subject).find_map(|found| {
        let number = found.get(1).or(found.get(2))?.as_str().parse().ok()?;
        Some((number, found.get(0)?.range()))
    })
}

/// The subject without the numbers of tickets, and without the prefixes of mail programs.
pub fn own_subject(subject: &str) -> String {
    let mut own = subject.to_owned();
    while let Some((_, place)) = tag(&own) {
        let before = own[..place.start].trim();
        let prefix = before.split(':').all(|word| word.trim().chars().count() <= 4);
        // In parentheses a number may be that of a device: only after the prefix of a reply it is that of a ticket.
        if own[place.clone()].starts_with('(') && !(prefix && before.ends_with(':')) {
            break;
        }
        own = if prefix {
            own[place.end..].trim().to_owned()
        } else {
            format!("{before} {}", own[place.end..].trim())
        };
    }
    own.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_a_ticket_by_its_number_in_brackets() {
        for (subject, number, own) in [
            ("Re: [#123] Sin red", Some(123), "Sin red"),
            ("RV: RE: [#7] Re: Sin red", Some(7), "Re: Sin red"),
            ("[#1][#2] x", Some(1), "x"),
            ("Sobre el caso [#12] de ayer", Some(12), "Sobre el caso de ayer"),
            ("[#] [#x1] #5 [#99999999999999999999]", None, "[#] [#x1] #5 [#99999999999999999999]"),
            ("Re: [# 12] Sin red", Some(12), "Sin red"),
            ("Re: [#12 ] Sin red", Some(12), "Sin red"),
            ("RE: (#12) Sin red", Some(12), "Sin red"),
            ("Impresora #12 (2)", None, "Impresora #12 (2)"),
            ("PC (#12) no prende", Some(12), "PC (#12) no prende"),
            ("Impresora (#12) del piso 3", Some(12), "Impresora (#12) del piso 3"),
            ("Sin red", None, "Sin red"),
            ("[#5]", Some(5), ""),
        ] {
            assert_eq!(
                (tag(subject).map(|(number, _)| number), own_subject(subject)),
                (number, own.to_owned()),
                "{subject}"
            );
        }
    }
}
