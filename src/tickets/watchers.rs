//! The watchers of a ticket: people besides its requester who receive its public messages and cannot read it.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::TicketRow;
use super::steps::Case;
use super::store;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{ticket_watchers, users};
use crate::http::body::EmptyBody;
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::outbox::{self, MessageKind};
use crate::people::{Person, person};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// The reason why a person watches a ticket.
    pub enum WatchReason {
        /// Their own ticket was a duplicate and was merged into it.
        DuplicateMerged = "duplicate_merged",
        /// Staff added them.
        Added = "added",
    }
}

/// A person who receives the public messages about a ticket that its requester receives.
#[derive(Serialize, ToSchema)]
pub struct Watcher {
    /// The watcher.
    user: Person,
    /// When the person became a watcher.
    #[serde(rename = "created_at")]
    since: DateTime<Utc>,
    /// The person who added the watcher, or who merged the watcher's ticket.
    added_by: Option<Person>,
    /// Why the person watches the ticket.
    reason: WatchReason,
}

/// A watcher to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WatcherCreate {
    /// The id of an active user of any role; not of the requester of the ticket, who gets its messages anyway.
    #[schema(example = "019aa0b0-0000-7000-8000-000000000002")]
    user_id: Uuid,
}

type Row = (Person, DateTime<Utc>, Uuid, WatchReason);

/// List the watchers of a ticket
///
/// People whom staff added, and people whose own ticket was merged into it as a duplicate, in the order in which they
/// became watchers. A watcher receives by mail the public messages to the requester: `accepted`, `followup`, `solved`,
/// `closed`, `reopened`, and `archived` with the reason but without the note. A watcher who is a requester cannot read
/// the ticket: another requester's ticket is a 404, watched or not.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "listTicketWatchers", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Watcher>, description = "One page of the watchers"))
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

/// Add a watcher to a ticket
///
/// From now on the person receives by mail the public messages to the requester, as `GET /tickets/{ticket_id}/watchers`
/// lists them. The mail names the ticket by its number, and neither its subject nor its requester. Watching gives no
/// access to the ticket. Allowed in any state. The ticket gets the event `watcher_added`, which the requester does not
/// see.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "createTicketWatcher",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = WatcherCreate,
    responses(
        (status = 201, body = Watcher, description = "The new watcher"),
        (status = 409, description = "`already_exists`: the person watches the ticket already"),
    )
)]
#[post("/tickets/{ticket_id}/watchers")]
pub async fn add(call: Call, id: Path<i64>, body: Body<WatcherCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let ticket = store::lock(tx, actor, *id)?;
        let WatcherCreate { user_id } = body.read()?;
        let found = users::table.find(user_id).filter(users::active).select(Person::as_select());
        let Some(user) = found.get_result(tx).optional()? else {
            return Err(Problem::field(FieldError::unknown_id("/user_id")));
        };
        if user_id == ticket.requester_id {
            let detail = Text::new("Es el solicitante del caso.", "It is the requester of the ticket.");
            return Err(Problem::field(FieldError::new("/user_id", FieldCode::NotAllowed, detail)));
        }
        actor.check_version(ticket.id, ticket.version)?;
        let mut case = Case::open(tx, ticket, actor);
        let added = diesel::insert_into(ticket_watchers::table)
            .values((
                ticket_watchers::ticket_id.eq(case.ticket.id),
                ticket_watchers::user_id.eq(user_id),
                ticket_watchers::since.eq(case.now),
                ticket_watchers::added_by.eq(actor.id),
                ticket_watchers::reason.eq(WatchReason::Added),
            ))
            .on_conflict_do_nothing()
            .execute(case.tx)?;
        if added == 0 {
            let detail =
                Text::new("Esta persona ya sigue el caso.", "The person already watches this ticket.");
            return Err(Problem::new(Code::AlreadyExists, detail));
        }
        let since = case.now;
        case.details.user_id = Some(user_id);
        let ticket = case.record(EventKind::WatcherAdded)?;
        let watcher = Watcher { user, since, added_by: Some(actor.person()), reason: WatchReason::Added };
        let location = format!("/api/v1/tickets/{}/watchers/{user_id}", ticket.id);
        Ok(Answer::created(location, &watcher)?.version(tag(ticket.id, user_id), since.timestamp_micros()))
    })
    .await
}

/// Identifies a watcher of a ticket in its `ETag`.
fn tag(ticket_id: i64, user_id: Uuid) -> String {
    format!("{ticket_id}/{user_id}")
}

/// Read a watcher of a ticket
///
/// A person who does not watch the ticket is a 404.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "getTicketWatcher",
    params(
        ("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."),
        ("user_id" = Uuid, Path, description = "Identifier of the watcher's account."),
    ),
    responses((status = 200, body = Watcher, description = "The watcher"))
)]
#[get("/tickets/{ticket_id}/watchers/{user_id}")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (ticket_id, user_id) = path.into_inner();
        let ticket = store::visible(db, actor, ticket_id)?;
        let (user, since, by, reason): Row = ticket_watchers::table
            .inner_join(users::table.on(users::id.eq(ticket_watchers::user_id)))
            .filter(ticket_watchers::ticket_id.eq(ticket.id))
            .filter(ticket_watchers::user_id.eq(user_id))
            .select((
                Person::as_select(),
                ticket_watchers::since,
                ticket_watchers::added_by,
                ticket_watchers::reason,
            ))
            .get_result(db)?;
        let added_by = person::by_id(db, [by])?.remove(&by);
        // A watcher never changes until it is removed.
        Ok(Answer::ok(&Watcher { user, since, added_by, reason })?
            .version(tag(ticket_id, user_id), since.timestamp_micros()))
    })
    .await
}

/// Remove a watcher from a ticket
///
/// Also one whose own ticket was merged into it. The person gets no more messages about the ticket; messages that were
/// already queued are still sent. The ticket gets the event `watcher_removed`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Relate))),
    tag = "tickets", operation_id = "deleteTicketWatcher",
    params(
        ("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."),
        ("user_id" = Uuid, Path, description = "Identifier of the watcher's account."),
    ),
    responses((status = 204, description = "The watcher is removed"))
)]
#[delete("/tickets/{ticket_id}/watchers/{user_id}")]
pub async fn remove(call: Call, path: Path<(i64, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let (ticket_id, user_id) = *path;
        let ticket = store::lock(tx, actor, ticket_id)?;
        let watching = ticket_watchers::table.find((ticket_id, user_id));
        let since: DateTime<Utc> = watching.select(ticket_watchers::since).get_result(tx)?;
        actor.check_version(tag(ticket_id, user_id), since.timestamp_micros())?;
        diesel::delete(watching).execute(tx)?;
        let mut case = Case::open(tx, ticket, actor);
        case.details.user_id = Some(user_id);
        case.record(EventKind::WatcherRemoved)?;
        Ok(Answer::no_content())
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
    let mut people: Vec<(Uuid, WatchReason)> = diesel::delete(moved)
        .returning((ticket_watchers::user_id, ticket_watchers::reason))
        .get_results(tx)?;
    if !duplicate.automatic {
        people.push((duplicate.requester_id, WatchReason::DuplicateMerged));
    }
    let rows: Vec<_> = people
        .into_iter()
        .filter(|(user_id, _)| *user_id != into.requester_id)
        .map(|(user_id, reason)| {
            (
                ticket_watchers::ticket_id.eq(into.id),
                ticket_watchers::user_id.eq(user_id),
                ticket_watchers::since.eq(now),
                ticket_watchers::added_by.eq(added_by),
                ticket_watchers::reason.eq(reason),
            )
        })
        .collect();
    diesel::insert_into(ticket_watchers::table).values(rows).on_conflict_do_nothing().execute(tx)?;
    Ok(())
}

/// Queues a public message to the requester for the watchers of the ticket too. `watcher` in the data indicates to a
/// template that its recipient is not the requester, `added` that they have no request of their own about the same.
pub fn notify(
    tx: &mut PgConnection,
    ticket_id: i64,
    kind: MessageKind,
    data: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(mut data) = public_part(kind, data) else { return Ok(()) };
    let watching = ticket_watchers::table.filter(ticket_watchers::ticket_id.eq(ticket_id));
    let watchers: Vec<(Uuid, WatchReason)> =
        watching.select((ticket_watchers::user_id, ticket_watchers::reason)).load(tx)?;
    let with = |reason| -> Vec<Uuid> {
        watchers.iter().filter(|(_, known)| *known == reason).map(|(user_id, _)| *user_id).collect()
    };
    let (merged, added) = (with(WatchReason::DuplicateMerged), with(WatchReason::Added));
    data["watcher"] = true.into();
    if !merged.is_empty() {
        outbox::queue(tx, ticket_id, kind, &merged, &data, now)?;
    }
    if !added.is_empty() {
        data["added"] = true.into();
        outbox::queue(tx, ticket_id, kind, &added, &data, now)?;
    }
    Ok(())
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
