//! The ticket that a message refers to.

use std::collections::HashMap;
use std::sync::LazyLock;

use diesel::prelude::*;
use regex::Regex;
use uuid::Uuid;

use super::message::Message;
use crate::db::schema::{inbound_emails, messages};
use crate::problem::Result;

/// The tickets that a message may refer to, the likeliest first: those of the messages that it replies to, and then the
/// one that its subject names.
pub fn tickets(db: &mut PgConnection, message: &Message) -> Result<Vec<i64>> {
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
    // The desk's own Message-IDs begin with the message's id.
    let own: Vec<Uuid> = message.answers.iter().filter_map(|id| id.split('@').next()?.parse().ok()).collect();
    let sent: Vec<(Uuid, i64)> = messages::table
        .filter(messages::id.eq_any(own))
        .filter(messages::ticket_id.is_not_null())
        .select((messages::id, messages::ticket_id.assume_not_null()))
        .load(db)?;
    let sent: HashMap<String, i64> = sent.into_iter().map(|(id, ticket)| (id.to_string(), ticket)).collect();
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
        let local = id.split('@').next().unwrap_or_default().to_ascii_lowercase();
        let ticket = sent.get(&local).or_else(|| taken.get(id)).copied();
        found.extend(ticket.filter(|ticket| !found.contains(ticket)));
    }
    Ok(found)
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
