//! The list of tickets.

use std::collections::HashMap;

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Record, SmallInt, Text, Timestamptz};

use super::expansion::{self, Expansions};
use super::filters::{self, TicketFilters, filtered};
use super::summary::{self, Excerpts, SummaryRow, TicketSummary};
use crate::auth::policy::Action;
use crate::db::schema::tickets;
use crate::db::{Limited, Literal};
use crate::http::paging::{Page, Paging, seek};
use crate::http::{Actor, Call, Query};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The order of a list of tickets.
    pub enum TicketSort {
        ReceivedDescending = "-received_at",
        ReceivedAscending = "received_at",
        UpdatedDescending = "-updated_at",
        UpdatedAscending = "updated_at",
        DueAscending = "attention_due_at",
        DueDescending = "-attention_due_at",
        /// The order of work, for open tickets only: critical ones first regardless of their age, then by due time,
        /// overdue ones first. The due time is that of the acceptance for a ticket whose clock runs, the appointment
        /// for an accepted ticket, and that of the classification for a ticket that was just received.
        Queue = "queue",
    }
}

/// Sorts tickets without a due time after all others.
pub const NEVER: &str = "coalesce(attention_due_at, '9999-12-31 00:00:00+00'::timestamptz)";

fn due(row: &TicketSummary) -> DateTime<Utc> {
    row.attention_due_at.or_else(|| "9999-12-31T00:00:00Z".parse().ok()).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// List tickets
///
/// A requester sees their own tickets; staff see all. The newest first, unless `sort` requests another order. A filter
/// that is repeated matches any of its values; different filters must all match. The items are of type `TicketSummary`:
/// `GET /tickets/{ticket_id}` has the whole ticket, `GET /tickets/export` the list as a file.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "tickets", operation_id = "listTickets", params(Paging, Expansions, TicketFilters),
    responses((status = 200, body = Page<TicketSummary>, description = "One page of the tickets"))
)]
#[get("/tickets")]
pub async fn list(call: Call, query: Query<TicketFilters>) -> Result<HttpResponse> {
    call.from_standby()
        .await
        .read(|db, actor| {
            let (paging, wanted, mut filters): (Paging, Expansions, TicketFilters) =
                query.read_expanded_list()?;
            filters.check(actor)?;
            filters.look_up(db, actor)?;
            let total = match paging.with_total {
                true => Some(filtered(&filters, actor).count().get_result(db)?),
                false => None,
            };
            let (mut tickets, next_cursor) = page(db, actor, &paging, &filters, Excerpts::Read)?;
            expansion::expand(db, actor, &wanted, &mut tickets)?;
            paging.page(tickets, next_cursor, total)
        })
        .await
}

/// One page of the tickets that match the filters, and the cursor of the next page.
///
/// # Errors
/// A 400 if the cursor does not belong to this order.
pub fn page(
    db: &mut PgConnection,
    actor: &Actor,
    paging: &Paging,
    filters: &TicketFilters,
    excerpts: Excerpts,
) -> Result<(Vec<TicketSummary>, Option<String>)> {
    let all = || filtered(filters, actor);
    let sort = filters.sort.unwrap_or(TicketSort::ReceivedDescending);
    if sort == TicketSort::Queue {
        return queue(db, actor, paging, all(), excerpts);
    }
    let after = paging.after::<DateTime<Utc>, i64>(sort.as_str())?;
    let due_at = || Literal::<Timestamptz>::new(NEVER);
    // The order of the index over the states.
    let in_state = || {
        (tickets::status, tickets::received_at, tickets::id).into_sql::<Record<(Text, Timestamptz, BigInt)>>()
    };
    let query = match (sort, filters.status.as_slice()) {
        (TicketSort::ReceivedDescending, [status]) => {
            let query =
                all().order((tickets::status.desc(), tickets::received_at.desc(), tickets::id.desc()));
            // No ticket has this number: all tickets received before that moment.
            match after.or(filters.received_before.map(|to| (to, 0))) {
                Some((at, id)) => query.filter(in_state().lt((filters::literal(*status), at, id))),
                None => query,
            }
        }
        (TicketSort::ReceivedAscending, [status]) => {
            let query = all().order((tickets::status.asc(), tickets::received_at.asc(), tickets::id.asc()));
            match after.or(filters.received_from.map(|from| (from, 0))) {
                Some((at, id)) => query.filter(in_state().gt((filters::literal(*status), at, id))),
                None => query,
            }
        }
        (TicketSort::Queue | TicketSort::ReceivedDescending, _) => {
            seek!(all(), after, tickets::received_at, tickets::id, desc)
        }
        (TicketSort::ReceivedAscending, _) => seek!(all(), after, tickets::received_at, tickets::id, asc),
        (TicketSort::UpdatedDescending, _) => seek!(all(), after, tickets::updated_at, tickets::id, desc),
        (TicketSort::UpdatedAscending, _) => seek!(all(), after, tickets::updated_at, tickets::id, asc),
        (TicketSort::DueDescending, _) => seek!(all(), after, due_at(), tickets::id, desc),
        (TicketSort::DueAscending, _) => seek!(all(), after, due_at(), tickets::id, asc),
    };
    let query = query.select(SummaryRow::as_select());
    let rows = match filters.name_at_most_a_state() {
        true => Limited::new(query, paging.rows()).load(db)?,
        // The selectivity of a filter depends on its values: each page is planned for its own values.
        false => query.limit(paging.rows()).load(db)?,
    };
    let place = |row: &TicketSummary| {
        let key = match sort {
            TicketSort::UpdatedDescending | TicketSort::UpdatedAscending => row.updated_at,
            TicketSort::DueDescending | TicketSort::DueAscending => due(row),
            _ => row.received_at,
        };
        (key, row.id)
    };
    paging.cut(sort.as_str(), summary::present(db, actor, rows, excerpts)?, place)
}

/// A page of the order of work.
fn queue(
    db: &mut PgConnection,
    actor: &Actor,
    paging: &Paging,
    open: tickets::BoxedQuery<'_, Pg>,
    excerpts: Excerpts,
) -> Result<(Vec<TicketSummary>, Option<String>)> {
    type Place = (i16, DateTime<Utc>);
    let mut query = open;
    if let Some(((rank, at), id)) = paging.after::<Place, i64>(TicketSort::Queue.as_str())? {
        let in_queue =
            (tickets::queue_rank, tickets::queue_at, tickets::id)
                .into_sql::<Record<(SmallInt, Timestamptz, BigInt)>>();
        query = query.filter(in_queue.gt((rank, at, id)));
    }
    let found: Vec<(SummaryRow, i16, DateTime<Utc>)> = query
        .order((tickets::queue_rank, tickets::queue_at, tickets::id))
        .select((SummaryRow::as_select(), tickets::queue_rank, tickets::queue_at))
        .limit(paging.rows())
        .load(db)?;
    let places: HashMap<i64, Place> = found.iter().map(|(row, rank, at)| (row.id, (*rank, *at))).collect();
    let rows = found.into_iter().map(|(row, _, _)| row).collect();
    let place = |row: &TicketSummary| (places.get(&row.id).copied().unwrap_or_default(), row.id);
    paging.cut(TicketSort::Queue.as_str(), summary::present(db, actor, rows, excerpts)?, place)
}
