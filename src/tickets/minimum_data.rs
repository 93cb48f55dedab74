//! The minimum data of a request: what a ticket lacks, how it is asked for, and how it is completed.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde_json::json;

use super::holds::{self, HoldKind};
use super::model::{Criticality, TicketRow};
use super::steps::Case;
use crate::audit::kind::EventKind;
use crate::db::schema::{units, users};
use crate::http::Actor;
use crate::language::locale::Locale;
use crate::language::text_enum;
use crate::outbox::MessageKind;
use crate::people;
use crate::people::callers::PersonData;
use crate::people::user::is_named;
use crate::problem::{Code, FieldError, Problem, Result, Text};

text_enum! {
    /// A part of the minimum data of a request.
    pub enum MinimumDatum {
        /// What the request is about.
        Subject = "subject",
        /// The full text of the request.
        Description = "description",
        /// First name and surname of the requester.
        FullName = "full_name",
        /// The number of the identity document of the requester.
        DocumentId = "document_id",
        /// A landline, an extension or a mobile number.
        Contact = "contact",
        /// The administrative unit of the requester.
        Unit = "unit",
    }
}

impl MinimumDatum {
    fn words(self) -> Text {
        match self {
            MinimumDatum::Subject => Text::new("asunto de la solicitud", "subject of the request"),
            MinimumDatum::Description => {
                Text::new("descripción amplia de la solicitud", "full description of the request")
            }
            MinimumDatum::FullName => Text::new("nombres y apellidos completos", "full name"),
            MinimumDatum::DocumentId => {
                Text::new("número del documento de identidad", "number of the identity document")
            }
            MinimumDatum::Contact => {
                Text::new("teléfono fijo, extensión o celular", "landline, extension or mobile")
            }
            MinimumDatum::Unit => Text::new("unidad administrativa", "administrative unit"),
        }
    }

    /// A line to fill in, in an answer by mail; in Spanish, as the answer is read.
    fn label(self) -> Option<&'static str> {
        match self {
            MinimumDatum::Subject | MinimumDatum::Description => None,
            MinimumDatum::FullName => Some("Nombre completo:"),
            MinimumDatum::DocumentId => Some("Cédula:"),
            MinimumDatum::Contact => Some("Celular o extensión:"),
            MinimumDatum::Unit => Some("Unidad:"),
        }
    }

    fn pointer(self) -> &'static str {
        match self {
            MinimumDatum::Subject => "/subject",
            MinimumDatum::Description => "/description",
            MinimumDatum::FullName => "/requester/full_name",
            MinimumDatum::DocumentId => "/requester/document_id",
            MinimumDatum::Contact => "/requester/contact",
            MinimumDatum::Unit => "/requester/unit_id",
        }
    }
}

/// The data of the requester that the ticket lacks; none if a program sent it.
pub fn missing(ticket: &TicketRow) -> Vec<MinimumDatum> {
    if ticket.automatic {
        return Vec::new();
    }
    let has_contact = ticket.requester_landline.is_some()
        || ticket.requester_extension.is_some()
        || ticket.requester_mobile.is_some();
    let all = [
        (is_named(&ticket.requester_full_name), MinimumDatum::FullName),
        (ticket.requester_document_id.is_some(), MinimumDatum::DocumentId),
        (has_contact, MinimumDatum::Contact),
        (ticket.requester_unit_id.is_some(), MinimumDatum::Unit),
    ];
    all.into_iter().filter(|(there, _)| !there).map(|(_, datum)| datum).collect()
}

/// The missing data as one sentence, for the requester.
pub fn sentence(missing: &[MinimumDatum], locale: Locale) -> String {
    let all: Vec<String> = missing.iter().map(|datum| datum.words().in_locale(locale).to_owned()).collect();
    let begin = Text::new("Faltan", "Missing");
    format!("{}: {}.", begin.in_locale(locale), all.join("; "))
}

/// The largest number of units that a message lists.
const MOST_UNITS: i64 = 40;

/// What the requester is asked for: the missing data, lines to fill in, and the names of the units if the unit is
/// missing.
fn question(tx: &mut PgConnection, missing: &[MinimumDatum], locale: Locale) -> Result<String> {
    let mut text = sentence(missing, locale);
    let lines: Vec<&str> = missing.iter().filter_map(|datum| datum.label()).collect();
    text.push_str("\n\n");
    text.push_str(&lines.join("\n"));
    if missing.contains(&MinimumDatum::Unit) {
        let names: Vec<String> = units::table
            .filter(units::active)
            .order(units::name_key)
            .limit(MOST_UNITS + 1)
            .select(units::name)
            .load(tx)?;
        let listed = names.join("; ");
        if !names.is_empty() && (names.len() as i64) <= MOST_UNITS && listed.chars().count() <= 1_500 {
            let begin = Text::new("Unidades administrativas", "Administrative units");
            text.push_str(&format!("\n\n{}: {listed}.", begin.in_locale(locale)));
        }
    }
    Ok(text)
}

/// How long a requester has to complete a request that came by mail.
#[derive(Debug, Clone, Copy)]
pub struct AnswerTime {
    pub days: i64,
}

/// Puts a new request on hold until its requester completes the data. The message says that the request was received.
pub fn wait_for(case: &mut Case<'_>, missing: &[MinimumDatum], within: AnswerTime) -> Result<()> {
    let locale = people::users::locale(case.tx, case.ticket.requester_id)?;
    let words = question(case.tx, missing, locale)?;
    let deadline = case.now + TimeDelta::days(within.days);
    holds::begin(case, HoldKind::Information, &words)?;
    let ticket = &mut case.ticket;
    ticket.information_deadline = Some(deadline);
    ticket.attention_due_at = None;
    ticket.attention_due_soon_at = None;
    tell(case, words, deadline, true);
    Ok(())
}

/// Asks again for the data that an answer did not give; the deadline stays.
pub fn ask_again(case: &mut Case<'_>, missing: &[MinimumDatum]) -> Result<()> {
    let Some(deadline) = case.ticket.information_deadline else { return Ok(()) };
    let locale = people::users::locale(case.tx, case.ticket.requester_id)?;
    let words = question(case.tx, missing, locale)?;
    holds::change_reason(case, &words)?;
    tell(case, words, deadline, false);
    Ok(())
}

fn tell(case: &mut Case<'_>, words: String, deadline: DateTime<Utc>, received: bool) {
    let data = json!({"missing": words, "deadline": deadline, "received": received, "by_mail": true});
    case.notify(MessageKind::InformationRequested, case.ticket.requester_id, data);
    case.details.missing = Some(words);
}

/// Fills the data that the ticket lacks; what it has stays. Returns whether anything was filled.
pub fn complete(ticket: &mut TicketRow, data: &PersonData) -> bool {
    let before = missing(ticket).len();
    if !is_named(&ticket.requester_full_name)
        && let Some(name) = &data.full_name
    {
        ticket.requester_full_name.clone_from(name);
    }
    if ticket.requester_document_id.is_none() {
        ticket.requester_document_id.clone_from(&data.document_id);
    }
    let contact = &data.contact;
    for (there, given) in [
        (&mut ticket.requester_landline, &contact.landline),
        (&mut ticket.requester_extension, &contact.extension),
        (&mut ticket.requester_mobile, &contact.mobile),
    ] {
        if there.is_none() {
            there.clone_from(given);
        }
    }
    if ticket.requester_unit_id.is_none()
        && let Some((id, name)) = &data.unit
    {
        (ticket.requester_unit_id, ticket.requester_unit_name) = (Some(*id), Some(name.clone()));
    }
    missing(ticket).len() < before
}

/// Fills the data that the ticket lacks with those of the requester's account.
pub fn complete_from_account(case: &mut Case<'_>) -> Result<()> {
    if missing(&case.ticket).is_empty() {
        return Ok(());
    }
    let data = PersonData::of_account(case.tx, case.ticket.requester_id)?;
    complete(&mut case.ticket, &data);
    Ok(())
}

/// A request that is not critical goes on only with the minimum data.
///
/// # Errors
/// A 409 that names each missing datum.
pub fn require(ticket: &TicketRow) -> Result<()> {
    let missing = missing(ticket);
    let waits = ticket.information_deadline.is_some() || ticket.criticality == Some(Criticality::Critical);
    if waits || missing.is_empty() {
        return Ok(());
    }
    let mut problem = Problem::new(
        Code::Incomplete,
        Text::new(
            "A la solicitud le faltan datos mínimos del solicitante; `errors` indica cada uno. Complételos en la cuenta \
             del solicitante o, antes de la clasificación, con `PATCH /tickets/{ticket_id}`.",
            "The request lacks minimum data of the requester; `errors` names each. Complete them in the requester's \
             account or, before the classification, with `PATCH /tickets/{ticket_id}`.",
        ),
    );
    problem.errors.extend(missing.into_iter().map(|datum| FieldError::required(datum.pointer())));
    Err(problem)
}

/// The note of an archived ticket: the names of what is missing, in the language of the requester, and the note of staff.
pub fn note(
    tx: &mut PgConnection,
    ticket: &TicketRow,
    missing: &[MinimumDatum],
    note: Option<String>,
) -> Result<Option<String>> {
    if missing.is_empty() {
        return Ok(note);
    }
    let locale: Locale = users::table.find(ticket.requester_id).select(users::locale).get_result(tx)?;
    let sentence = sentence(missing, locale);
    Ok(Some(match note {
        Some(note) => format!("{sentence} {note}"),
        None => sentence,
    }))
}

/// A correction does not remove minimum data.
///
/// # Errors
/// A 422 that names each datum that the ticket had and would lack.
pub fn nothing_removed(ticket: &TicketRow, lacked: &[MinimumDatum]) -> Result<()> {
    let removed = missing(ticket).into_iter().filter(|datum| !lacked.contains(datum));
    let errors: Vec<FieldError> = removed.map(|datum| FieldError::required(datum.pointer())).collect();
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

/// Ends the wait for the minimum data once staff completed them. `lacked`: how many were missing before.
pub fn resume_completed(
    tx: &mut PgConnection,
    row: TicketRow,
    actor: &Actor,
    lacked: usize,
) -> Result<TicketRow> {
    if lacked == 0 || row.information_deadline.is_none() || !missing(&row).is_empty() {
        return Ok(row);
    }
    let mut case = Case::open(tx, row, actor);
    case.details.kind = holds::end(&mut case)?.map(|ended| ended.kind.as_str());
    if case.ticket.requester_id != actor.id {
        case.notify_requester(MessageKind::Resumed);
    }
    case.record(EventKind::Resumed)
}
