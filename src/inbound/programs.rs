//! Mail of programs, such as monitoring, backup or UPS: a ticket that is never answered, to which repeated messages are added.

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use regex::Regex;
use uuid::Uuid;

use super::message::Message;
use super::registration::UNTITLED;
use super::threads;
use crate::config::Config;
use crate::db::schema::{followups, tickets};
use crate::people;
use crate::problem::Result;
use crate::tickets::model::TicketRow;
use crate::tickets::workflow::TicketStatus;

/// How many open tickets of one program are compared, the newest first.
const MOST_OPEN: i64 = 200;

/// The open ticket of this sender that the message repeats: the same subject, apart from dates and times, within
/// `MESA_MAIL_REPEAT_HOURS` after the ticket or its last repetition. Its row is locked.
pub fn repeated(
    tx: &mut PgConnection,
    config: &Config,
    (sender_id, aligned): (Uuid, bool),
    message: &Message,
    at: DateTime<Utc>,
) -> Result<Option<TicketRow>> {
    let since = at - TimeDelta::hours(config.mail_repeat_hours);
    let recent = followups::table
        .filter(followups::ticket_id.eq(tickets::id))
        .filter(followups::author_id.eq(tickets::requester_id))
        .filter(followups::created_at.gt(since));
    let is_verified = sql::<Bool>(
        "EXISTS (SELECT FROM inbound_emails e WHERE e.ticket_id = tickets.id AND e.followup_id IS NULL \
         AND e.authentication = 'aligned')",
    );
    let open: Vec<(i64, String)> = tickets::table
        .filter(tickets::requester_id.eq(sender_id))
        .filter(tickets::automatic)
        .filter(tickets::status.ne_all([TicketStatus::Solved, TicketStatus::Closed, TicketStatus::Archived]))
        // A forged message is not added to the ticket of a verified one.
        .filter(is_verified.eq(aligned))
        .filter(tickets::received_at.gt(since).or(diesel::dsl::exists(recent)))
        .order(tickets::received_at.desc())
        .limit(MOST_OPEN)
        .select((tickets::id, tickets::subject))
        .load(tx)?;
    let subject = threads::own_subject(&message.subject);
    let untitled = UNTITLED.in_locale(people::users::locale(tx, sender_id)?);
    let key = subject_key(if subject.is_empty() { untitled } else { &subject });
    let Some((id, _)) = open.into_iter().find(|(_, subject)| subject_key(subject) == key) else {
        return Ok(None);
    };
    let row: TicketRow =
        tickets::table.find(id).select(TicketRow::as_select()).for_update().get_result(tx)?;
    let is_open = !matches!(row.status, TicketStatus::Solved | TicketStatus::Closed | TicketStatus::Archived);
    Ok(Some(row).filter(|_| is_open))
}

/// A subject without dates, times, and the differences of upper case and spaces.
fn subject_key(subject: &str) -> String {
    static TIMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let date = r"\b(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})";
        let time = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\s*(?:[ap]\.?\s?m\b\.?|z\b|[+-]\d{2}:?\d{2}\b)?";
        Regex::new(&format!(r"{date}(?:[t ]+{time})?|\b{time}")).ok()
    });
    let lower = subject.to_lowercase();
    let without = TIMES.as_ref().map_or(lower.clone(), |times| times.replace_all(&lower, " ").into_owned());
    without.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_and_times_do_not_count() {
        for (one, other, same) in [
            ("PROBLEMA: srv-01 no responde", "problema:  srv-01 no responde", true),
            ("Backup 2026-11-28 02:00:13 fallido", "Backup 2026-11-29 02:00:07 fallido", true),
            ("UPS en batería 28/11/2026 3:05 p. m.", "UPS en batería 29/11/2026 11:40 a. m.", true),
            ("Alerta 2026-11-28T10:00:00Z disco", "Alerta 2026-11-28T11:00:00Z disco", true),
            ("srv-01 no responde", "srv-02 no responde", false),
            ("Disco al 91 %", "Disco al 95 %", false),
            ("PROBLEMA: srv-01", "RECUPERADO: srv-01", false),
        ] {
            assert_eq!(subject_key(one) == subject_key(other), same, "{one} / {other}");
        }
    }
}
