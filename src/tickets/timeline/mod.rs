//! The complete timeline of a ticket in one order, as far as the reader may see it: activity 9.

mod entries;
mod places;
pub mod shown;

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
    /// The type of an entry of a timeline. Entries with the same time are sorted in this order.
    pub enum EntryType {
        /// A step, or another change of the ticket.
        Event = "event",
        /// A change of support level: an escalation or a return.
        Escalation = "escalation",
        /// A followup.
        Followup = "followup",
        /// A file of the ticket or of one of its followups.
        Attachment = "attachment",
        /// A message to a user.
        Message = "message",
    }
}

/// Filters and order of a timeline.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineFilters {
    /// Only entries of this `type`; repeat it for several types. All types if omitted.
    #[serde(default)]
    #[param(inline, required = false)]
    #[serde(rename = "type")]
    kinds: Vec<EntryType>,
    /// `occurred_at` (the default), oldest first, or `-occurred_at`, newest first.
    #[param(inline)]
    sort: Option<TimelineSort>,
}

/// List the timeline of a ticket
///
/// Events, escalations, followups, files and messages in one order: by time, then by `type` and `id`. `type`
/// determines which of the five schemas an entry has.
///
/// Staff see everything, with position and hash of each event. A requester sees, for their own tickets: the steps
/// that concern them (`received`, `changed`, `classified`, `assigned`, `accepted`, `rescheduled`, `escalated`,
/// `returned`, `held`, `information_requested`, `resumed`, `solved`, `closed`, `reopened`, `archived`, `resubmitted`, `merged`),
/// with only the fields that they are notified of; public followups and their files; the files of the ticket itself;
/// and the messages to them with kind and time. An escalation or a return is shown as the event with the new level. Entries that
/// a requester does not see have no effect on the order, the pages or `total` that they receive.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "history", operation_id = "listTicketTimeline",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging, TimelineFilters),
    responses((status = 200, body = Page<TimelineEntry>, description = "One page of the entries"))
)]
#[get("/tickets/{ticket_id}/timeline")]
pub async fn list(call: Call, id: Path<i64>, query: Query<TimelineFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(TimelineSort::Ascending);
        let after = paging.after::<DateTime<Utc>, (i16, Uuid)>(sort.as_str())?;
        let reader = Reader::new(actor, ticket.id, &filters.kinds);
        let total = if paging.with_total { Some(reader.count(db)?) } else { None };
        let places = reader.page(db, sort, after, paging.rows())?;
        let entries = entries::at(db, actor, &places)?;
        paging.answer(sort.as_str(), entries, total, TimelineEntry::place)
    })
    .await
}
