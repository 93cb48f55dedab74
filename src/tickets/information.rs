//! Information requested from the requester: the text of the request, and the answer that ends the wait.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use super::holds;
use super::minimum_data::{self, MinimumDatum};
use super::model::{Criticality, InformationRequest, TicketRow};
use super::steps::Case;
use crate::audit::kind::EventKind;
use crate::db::among;
use crate::db::schema::holds as rows;
use crate::http::Actor;
use crate::language::locale::Locale;
use crate::language::text_enum;
use crate::outbox::MessageKind;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The maximum number of days until a deadline.
const LONGEST_DAYS: i64 = 365;

text_enum! {
    /// How a requester answers a request for information.
    pub enum AnsweredBy {
        /// With a public followup.
        Followup = "followup",
        /// With a file.
        Attachment = "attachment",
        /// With a correction of the ticket (`PATCH /tickets/{ticket_id}`).
        Correction = "correction",
    }
}

/// The given deadline, or else the moment `days` after `now`.
///
/// # Errors
/// A 422 if the given deadline is in the past, or more than a year ahead.
pub fn deadline(named: Option<DateTime<Utc>>, days: i64, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let fault = |code, detail| Err(Problem::field(FieldError::new("/deadline_at", code, detail)));
    match named {
        None => Ok(now + TimeDelta::days(days)),
        Some(moment) if moment <= now => {
            fault(FieldCode::NotInFuture, Text::new("Debe estar en el futuro.", "It must be in the future."))
        }
        Some(moment) if moment > now + TimeDelta::days(LONGEST_DAYS) => fault(
            FieldCode::OutOfRange,
            Text::new("Debe estar dentro de un año.", "It must be within a year."),
        ),
        Some(moment) => Ok(moment),
    }
}

/// The missing information, the deadline, and the consequence of not answering, as a text for the requester.
pub fn words(locale: Locale, missing: &str, deadline: DateTime<Utc>, timezone: Tz) -> String {
    let until = locale.moment(deadline, timezone);
    match locale {
        Locale::Es => format!(
            "Para atender su solicitud falta lo siguiente:\n\n{missing}\n\nResponda a más tardar el {until} Si no \
             recibimos su respuesta, la solicitud se considera desistida: será archivada y deberá presentarla \
             nuevamente."
        ),
        Locale::En => format!(
            "To attend to your request, the following is missing:\n\n{missing}\n\nAnswer by {until} If we do not \
             receive your answer, the request is considered withdrawn: it will be archived, and you will have to \
             submit it again."
        ),
    }
}

/// Ends the wait of a ticket for information from its requester, if the requester is the actor; the ticket's row must
/// be locked. A message goes to the assignee, or otherwise to the person who asked for the information; for a
/// followup the assignee receives only the message of the followup. If minimum data are still missing, the ticket waits
/// on, and the requester is asked for the remaining data if `tells` is set.
pub fn answered(
    tx: &mut PgConnection,
    row: TicketRow,
    actor: &Actor,
    by: AnsweredBy,
    tells: bool,
) -> Result<TicketRow> {
    if row.information_deadline.is_none() || row.requester_id != actor.id || row.automatic {
        return Ok(row);
    }
    let missing = minimum_data::missing(&row);
    // A critical request goes on without them; this answer is one to staff.
    if !missing.is_empty() && row.criticality != Some(Criticality::Critical) {
        if !tells {
            return Ok(row);
        }
        let mut case = Case::automatic(tx, row, actor.timezone, actor.now);
        minimum_data::ask_again(&mut case, &missing)?;
        return case.record(EventKind::InformationRequested);
    }
    let mut case = Case::open(tx, row, actor);
    case.note_mail(actor);
    if let Some(ended) = holds::end(&mut case)? {
        case.details.kind = Some(ended.kind.as_str());
        case.details.answered_by = Some(by);
        let data = json!({"answered_by": by});
        match case.ticket.assignee_id {
            None if ended.started_by == case.ticket.requester_id => {}
            None => case.notify(MessageKind::Resumed, ended.started_by, data),
            Some(assignee) if by != AnsweredBy::Followup => case.notify(MessageKind::Resumed, assignee, data),
            Some(_) => {}
        }
    }
    case.record(EventKind::Resumed)
}

/// The information requests of those of these tickets that wait for their requester, by ticket number.
pub fn requested(db: &mut PgConnection, tickets: &[TicketRow]) -> Result<HashMap<i64, InformationRequest>> {
    let deadlines: HashMap<i64, DateTime<Utc>> =
        tickets.iter().filter_map(|row| Some((row.id, row.information_deadline?))).collect();
    if deadlines.is_empty() {
        return Ok(HashMap::new());
    }
    let lacks: HashMap<i64, Vec<MinimumDatum>> =
        tickets.iter().map(|row| (row.id, minimum_data::missing(row))).collect();
    let open: Vec<(i64, String, DateTime<Utc>)> = rows::table
        .filter(among(rows::ticket_id, deadlines.keys().copied()))
        .filter(rows::ended_at.is_null())
        .select((rows::ticket_id, rows::reason, rows::started_at))
        .load(db)?;
    let requests = open.into_iter().filter_map(|(id, missing, requested_at)| {
        let missing_data = lacks.get(&id).cloned().unwrap_or_default();
        let deadline = *deadlines.get(&id)?;
        Some((id, InformationRequest { missing, missing_data, deadline, requested_at }))
    });
    Ok(requests.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        // A Tuesday, 10:00 in Bogotá.
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
            "Para atender su solicitud falta lo siguiente:\n\n¿Cuál es la placa?\n\nResponda a más tardar el martes 24 \
             de noviembre de 2026 a las 10:00 a. m. Si no recibimos su respuesta, la solicitud se considera \
             desistida: será archivada y deberá presentarla nuevamente."
        );
        assert!(
            told(Locale::En)
                .contains("Answer by Tuesday 24 November 2026 at 10:00 a.m. If we do not receive")
        );
    }
}
