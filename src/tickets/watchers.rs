//! The watchers of a ticket: people besides its requester who receive its public messages and cannot read it.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::TicketRow;
use super::store;
use crate::auth::policy::Action;
use crate::db::schema::{ticket_watchers, users};
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::outbox::{self, MessageKind};
use crate::people::{Person, person};
use crate::problem::Result;

text_enum! {
    /// The reason why a person watches a ticket.
    pub enum WatchReason {
        /// Their own ticket was a duplicate and was merged into it.
        DuplicateMerged = "duplicate_merged",
    }
}

/// A person who receives the public messages about a ticket that its requester receives.
#[derive(Serialize, ToSchema)]
pub struct Watcher {
    /// The watcher.
    user: Person,
    /// Since when the person watches the ticket.
    since: DateTime<Utc>,
    /// The person who merged the duplicate, which made the requester of the duplicate a watcher.
    added_by: Option<Person>,
    /// Why the person watches the ticket.
    reason: WatchReason,
}

type Row = (Person, DateTime<Utc>, Uuid, WatchReason);

/// List the watchers of a ticket
///
/// People whose own ticket was merged into it as a duplicate, in the order in which they were added. A watcher
/// receives by mail the public messages to the requester: `accepted`, `followup`, `solved`, `closed`, `reopened`, and
/// `archived` with the reason but without the note. A watcher who is a requester cannot read the ticket: another
/// requester's ticket is a 404, watched or not.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "listTicketWatchers", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Watcher>, description = "One page of the list"))
)]
#[get("/tickets/{ticket_id}/watchers")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        let filtered = || {
            ticket_watchers::table
                .inner_join(users::table.on(users::id.eq(ticket_watchers::user_id)))
                .filter(ticket_watchers::ticket_id.eq(ticket.id))
                .into_boxed()
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            "since",
            filtered,
            (ticket_watchers::since as DateTime<Utc>, ticket_watchers::user_id as Uuid),
            (Person::as_select(), ticket_watchers::since, ticket_watchers::added_by, ticket_watchers::reason)
        );
        let added_by = person::by_id(db, rows.iter().map(|(_, _, added_by, _)| *added_by))?;
        let watcher =
            |(user, since, by, reason)| Watcher { user, since, added_by: added_by.get(&by).cloned(), reason };
        let items: Vec<Watcher> = rows.into_iter().map(watcher).collect();
        paging.answer("since", items, total, |watcher| (watcher.since, watcher.user.id))
    })
    .await
}

/// Makes the requester and the watchers of a duplicate watch the ticket that it is merged into instead.
pub fn follow(
    tx: &mut PgConnection,
    duplicate: &TicketRow,
    into: &TicketRow,
    added_by: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let moved = ticket_watchers::table.filter(ticket_watchers::ticket_id.eq(duplicate.id));
    let mut people: Vec<Uuid> = diesel::delete(moved).returning(ticket_watchers::user_id).get_results(tx)?;
    people.push(duplicate.requester_id);
    let rows: Vec<_> = people
        .into_iter()
        .filter(|user_id| *user_id != into.requester_id)
        .map(|user_id| {
            (
                ticket_watchers::ticket_id.eq(into.id),
                ticket_watchers::user_id.eq(user_id),
                ticket_watchers::since.eq(now),
                ticket_watchers::added_by.eq(added_by),
                ticket_watchers::reason.eq(WatchReason::DuplicateMerged),
            )
        })
        .collect();
    diesel::insert_into(ticket_watchers::table).values(rows).on_conflict_do_nothing().execute(tx)?;
    Ok(())
}

/// Queues a public message to the requester for the watchers of the ticket too. `watcher` in the data indicates to a
/// template that its recipient is not the requester.
pub fn notify(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: MessageKind,
    data: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(mut data) = public_part(kind, data) else { return Ok(()) };
    let watching = ticket_watchers::table.filter(ticket_watchers::ticket_id.eq(ticket_id));
    let watchers: Vec<Uuid> = watching.select(ticket_watchers::user_id).load(tx)?;
    if watchers.is_empty() {
        return Ok(());
    }
    data["watcher"] = true.into();
    outbox::queue(tx, ticket_id, kind, &watchers, &data, now)
}

/// The part of a message to the requester that a watcher may see; `None` if the message is not for watchers.
fn public_part(kind: MessageKind, data: &Value) -> Option<Value> {
    let kept: &[&str] = match kind {
        MessageKind::Accepted => &["scheduled_for", "followup_id"],
        MessageKind::Followup => &["followup_id"],
        MessageKind::Archived => &["reason"],
        MessageKind::Solved | MessageKind::Closed | MessageKind::Reopened => &[],
        _ => return None,
    };
    let kept = kept.iter().filter(|name| !data[**name].is_null());
    Some(kept.map(|name| ((*name).to_owned(), data[*name].clone())).collect::<serde_json::Map<_, _>>().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_watcher_learns_that_a_ticket_was_archived_and_not_what_its_requester_was_written() {
        let data = json!({"reason": "withdrawn", "note": "Ya no trabajo allí."});
        assert_eq!(public_part(MessageKind::Archived, &data), Some(json!({"reason": "withdrawn"})));
        assert_eq!(public_part(MessageKind::Held, &data), None);
    }
}
