//! Archive a ticket as withdrawn, and the texts that explain the reason and the next step to the requester.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::holds;
use super::model::{Archive, ArchiveReason, TicketRow};
use super::steps::Case;
use super::workflow::TicketStatus;
use crate::db::among;
use crate::db::schema::{tickets, users};
use crate::language::locale::Locale;
use crate::outbox::MessageKind;
use crate::people;
use crate::problem::{Result, Text};

diesel::alias! {
    const RESUBMITTED: Alias<Resubmitted> = tickets as resubmitted;
}

impl ArchiveReason {
    /// The reason, as a sentence for the requester.
    pub fn why(self) -> Text {
        match self {
            ArchiveReason::MissingInformation => Text::new(
                "Faltan datos necesarios para atender la solicitud.",
                "Some data needed to attend to the request are missing.",
            ),
            ArchiveReason::ProfileNotAuthorized => Text::new(
                "Este asunto solo puede solicitarlo el jefe de la unidad administrativa.",
                "Only the head of the administrative unit may ask for this.",
            ),
            ArchiveReason::Duplicate => {
                Text::new("Otra solicitud trata de lo mismo.", "Another request is about the same matter.")
            }
            ArchiveReason::Withdrawn => {
                Text::new("La solicitud se considera desistida.", "The request is considered withdrawn.")
            }
        }
    }

    /// What the requester can do next, as a sentence for the requester.
    pub fn next_step(self) -> Text {
        match self {
            ArchiveReason::MissingInformation => Text::new(
                "Preséntela nuevamente con los datos que faltan; los demás se toman de esta solicitud.",
                "Submit it again with the missing data; the rest is taken from this request.",
            ),
            ArchiveReason::ProfileNotAuthorized => Text::new(
                "Solicite al jefe de su unidad administrativa que la presente. Si ahora usted es el jefe, preséntela nuevamente.",
                "Ask the head of your unit to submit it. If you are now the head, submit it again.",
            ),
            ArchiveReason::Duplicate => Text::new(
                "La atención continúa en la otra solicitud. Si el asunto es distinto, preséntela nuevamente e indique en qué se diferencia.",
                "Work continues on the other request. If the matter is different, submit yours again and explain the difference.",
            ),
            ArchiveReason::Withdrawn => Text::new(
                "Si aún la necesita, preséntela nuevamente.",
                "If you still need it, submit it again.",
            ),
        }
    }
}

/// Archives the ticket and sends the reason and the next step to its requester; `followup_id` is the public followup
/// with more detail.
pub fn set_aside(
    case: &mut Case<'_>,
    reason: ArchiveReason,
    note: Option<String>,
    followup_id: Option<Uuid>,
) -> Result<()> {
    holds::end(case)?;
    let requester_id = case.ticket.requester_id;
    let locale = people::users::locale(case.tx, requester_id)?;
    let mut data = json!({
        "reason": reason,
        "note": note,
        "why": reason.why().in_locale(locale),
        "next_step": reason.next_step().in_locale(locale),
    });
    if let Some(followup_id) = followup_id {
        data["followup_id"] = json!(followup_id);
    }
    case.notify(MessageKind::Archived, requester_id, data);
    case.details.reason = Some(reason.as_str().to_owned());
    let ticket = &mut case.ticket;
    ticket.status = TicketStatus::Archived;
    ticket.archived_at = Some(case.now);
    ticket.archive_reason = Some(reason);
    ticket.archive_note = note;
    Ok(())
}

/// The archive data of those of the tickets that are archived, by ticket number.
pub fn archives(db: &mut PgConnection, rows: &[TicketRow]) -> Result<HashMap<i64, Archive>> {
    let archived: Vec<&TicketRow> = rows.iter().filter(|row| row.archived_at.is_some()).collect();
    if archived.is_empty() {
        return Ok(HashMap::new());
    }
    // The language of the requester, and the ticket that was submitted again for this one.
    let found: Vec<(i64, Locale, Option<i64>)> = tickets::table
        .inner_join(users::table.on(users::id.eq(tickets::requester_id)))
        .left_join(RESUBMITTED.on(RESUBMITTED.field(tickets::resubmission_of).eq(tickets::id.nullable())))
        .filter(among(tickets::id, archived.iter().map(|row| row.id)))
        .select((tickets::id, users::locale, RESUBMITTED.field(tickets::id).nullable()))
        .load(db)?;
    let mut known: HashMap<i64, (Locale, Option<i64>)> =
        found.into_iter().map(|(id, locale, resubmitted_as)| (id, (locale, resubmitted_as))).collect();
    let archives = archived.into_iter().filter_map(|row| {
        let (reason, archived_at) = row.archive_reason.zip(row.archived_at)?;
        let (locale, resubmitted_as) = known.remove(&row.id).unwrap_or((Locale::Es, None));
        let archive = Archive {
            reason,
            note: row.archive_note.clone(),
            why: reason.why().in_locale(locale).to_owned(),
            next_step: reason.next_step().in_locale(locale).to_owned(),
            archived_at,
            resubmitted_as,
        };
        Some((row.id, archive))
    });
    Ok(archives.collect())
}
