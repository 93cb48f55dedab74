//! All that happened to a ticket in one order, as the reader may see it: activity 9.

mod entries;
mod places;
mod shown;

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use entries::TimelineEntry;
use places::{Reader, TimelineSort};

use super::store;
use crate::auth::policy::Action;
use crate::http::paging::{Page, Paging};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// What an entry of a timeline is. Entries of the same moment stand in this order.
    pub enum EntryType {
        /// A step, or another change of the ticket.
        Event = "event",
        /// A change of support level.
        Escalation = "escalation",
        /// An entry of the case.
        Followup = "followup",
        /// A file of the ticket or of one of its followups.
        Attachment = "attachment",
        /// A message to somebody.
        Message = "message",
    }
}

/// What of a timeline to show, and in which order.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineFilters {
    /// Entries of this `type`; all types if omitted.
    #[serde(default)]
    #[param(inline, required = false)]
    kind: Vec<EntryType>,
    /// `at` (the default), the first first, or `-at`.
    #[param(inline)]
    sort: Option<TimelineSort>,
}

/// Read the timeline of a ticket
///
/// Events, escalations, followups, files and messages in one order: by time, and those of one moment by `type` and `id`.
/// `type` says which of the five schemas an entry has.
///
/// Staff see everything, with place and hash of each event. A requester sees, of their own tickets: the steps that concern
/// them (`received`, `changed`, `classified`, `assigned`, `accepted`, `rescheduled`, `escalated`, `held`,
/// `information_requested`, `resumed`, `solved`, `closed`, `reopened`, `archived`, `resubmitted`, `merged`), and of these
/// what they are told anyway; public followups and their files; the files of the ticket itself; and the messages to them by
/// kind and time. An escalation is the event that says to which level. Whatever else there is changes nothing in what
/// they see: neither order nor pages nor `total`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "history", operation_id = "listTimeline",
    params(("ticket_id" = i64, Path, minimum = 1), Paging, TimelineFilters),
    responses((status = 200, body = Page<TimelineEntry>))
)]
#[get("/tickets/{ticket_id}/timeline")]
pub async fn list(call: Call, id: Path<i64>, query: Query<TimelineFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(TimelineSort::Ascending);
        let after = paging.after::<DateTime<Utc>, (i16, Uuid)>(sort.as_str())?;
        let reader = Reader::of(actor, ticket.id, &filters.kind);
        let total = if paging.with_total { Some(reader.count(db)?) } else { None };
        let places = reader.page(db, sort, after, paging.rows())?;
        let entries = entries::at(db, actor, &places)?;
        paging.answer(sort.as_str(), entries, total, TimelineEntry::place)
    })
    .await
}
