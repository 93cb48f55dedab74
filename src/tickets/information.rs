//! Information that the requester owes: what they are told, and the answer that ends the wait.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use super::holds;
use super::model::{InformationRequest, TicketRow};
use super::steps::Case;
use crate::audit::kind::EventKind;
use crate::db::schema::holds as rows;
use crate::http::Actor;
use crate::language::locale::Locale;
use crate::language::text_enum;
use crate::outbox::MessageKind;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// How far ahead a deadline may lie.
const LONGEST_DAYS: i64 = 365;

text_enum! {
    /// By what a requester answers a request for information.
    pub enum AnsweredBy {
        Followup = "followup",
        Attachment = "attachment",
        Correction = "correction",
    }
}

/// The deadline that was named, or so many days from `now`.
///
/// # Errors
/// A 422 where the one that was named is past, or lies more than a year ahead.
pub fn deadline(named: Option<DateTime<Utc>>, days: i64, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let fault = |code, detail| Err(Problem::field(FieldError::new("/deadline", code, detail)));
    match named {
        None => Ok(now + TimeDelta::days(days)),
        Some(moment) if moment <= now => {
            fault(FieldCode::NotInFuture, Text::new("Debe estar en el futuro.", "It must lie in the future."))
        }
        Some(moment) if moment > now + TimeDelta::days(LONGEST_DAYS) => fault(
            FieldCode::OutOfRange,
            Text::new("Debe estar dentro de un año.", "It must lie within a year."),
        ),
        Some(moment) => Ok(moment),
    }
}

/// What is missing, until when, and what comes of silence, in words for the requester.
pub fn words(locale: Locale, missing: &str, deadline: DateTime<Utc>, timezone: Tz) -> String {
    let until = locale.moment(deadline, timezone);
    match locale {
        Locale::Es => format!(
            "Para atender su solicitud falta lo siguiente:\n\n{missing}\n\nPuede responder hasta el {until} Sin \
             respuesta, la solicitud se archiva y deberá presentarla de nuevo."
        ),
        Locale::En => format!(
            "To attend to your request this is missing:\n\n{missing}\n\nYou may answer until {until} Without an \
             answer the request is archived and you will have to present it again."
        ),
    }
}

/// Ends the wait of a ticket whose requester owes information, where it is the requester who acts; the ticket's row
/// must be locked. Whoever has the case is told, else whoever asked; a followup tells the assignee by itself.
///
/// # Errors
/// What the database answers.
pub fn answered(tx: &mut PgConnection, row: TicketRow, actor: &Actor, by: AnsweredBy) -> Result<TicketRow> {
    if row.information_deadline.is_none() || row.requester_id != actor.id {
        return Ok(row);
    }
    let mut case = Case::open(tx, row, actor);
    case.note_mail(actor);
    if let Some(ended) = holds::end(&mut case)? {
        case.details.kind = Some(ended.kind.as_str());
        case.details.answered_by = Some(by);
        let data = json!({"answered_by": by});
        match case.ticket.assignee_id {
            None => case.tell(MessageKind::Resumed, ended.started_by, data),
            Some(assignee) if by != AnsweredBy::Followup => case.tell(MessageKind::Resumed, assignee, data),
            Some(_) => {}
        }
    }
    case.record(EventKind::Resumed)
}

/// What those of these tickets wait for whose requester owes information.
///
/// # Errors
/// What the database answers.
pub fn requested(db: &mut PgConnection, tickets: &[TicketRow]) -> Result<HashMap<i64, InformationRequest>> {
    let deadlines: HashMap<i64, DateTime<Utc>> =
        tickets.iter().filter_map(|row| Some((row.id, row.information_deadline?))).collect();
    if deadlines.is_empty() {
        return Ok(HashMap::new());
    }
    let open: Vec<(i64, String, DateTime<Utc>)> = rows::table
        .filter(rows::ticket_id.eq_any(deadlines.keys()))
        .filter(rows::ended_at.is_null())
        .select((rows::ticket_id, rows::reason, rows::started_at))
        .load(db)?;
    let requests = open.into_iter().filter_map(|(id, missing, requested_at)| {
        Some((id, InformationRequest { missing, deadline: *deadlines.get(&id)?, requested_at }))
    });
    Ok(requests.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        // A Tuesday, 10 in the morning at Bogotá.
        "2026-11-24T15:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_deadline_lies_ahead_and_within_a_year() {
        let code =
            |moment| deadline(Some(moment), 3, now()).map_or_else(|p| p.errors[0].code.as_str(), |_| "ok");
        assert_eq!(
            deadline(None, 3, now()).unwrap(),
            "2026-11-27T15:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
        assert_eq!(code(now()), "not_in_future");
        assert_eq!(code(now() + TimeDelta::seconds(1)), "ok");
        assert_eq!(code(now() + TimeDelta::days(365)), "ok");
        assert_eq!(code(now() + TimeDelta::days(365) + TimeDelta::seconds(1)), "out_of_range");
        assert_eq!(code(DateTime::<Utc>::MAX_UTC), "out_of_range");
    }

    #[test]
    fn the_requester_is_told_what_is_missing_and_until_when_by_the_entitys_clock() {
        let told = |locale| words(locale, "¿Cuál es la placa?", now(), chrono_tz::America::Bogota);
        assert_eq!(
            told(Locale::Es),
            "Para atender su solicitud falta lo siguiente:\n\n¿Cuál es la placa?\n\nPuede responder hasta el martes 24 \
             de noviembre de 2026 a las 10:00 a. m. Sin respuesta, la solicitud se archiva y deberá presentarla de nuevo."
        );
        assert!(told(Locale::En).contains("until Tuesday 24 November 2026 at 10:00 a.m. Without an answer"));
    }
}
