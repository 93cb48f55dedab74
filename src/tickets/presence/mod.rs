//! Presence: who of the staff has a ticket open at this moment, so that two do not answer the same one. It is not part of the
//! history. Requesters do not see it, and are not seen.

pub mod rows;

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, put};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store;
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::{Answer, Body, Call};
use crate::language::text_enum;
use crate::people::Person;
use crate::problem::{Problem, Result};

text_enum! {
    /// What somebody does with a ticket that they have open.
    pub enum Activity {
        Viewing = "viewing",
        /// They write a followup or a solution.
        Replying = "replying",
    }
}

/// What the caller does with the ticket.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceInput {
    /// What the caller does with the ticket.
    activity: Activity,
}

/// Somebody who has a ticket open.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PresentPerson {
    /// Number of the ticket.
    #[schema(minimum = 1, example = 123)]
    pub ticket_id: i64,
    /// Who it is.
    pub person: Person,
    /// What they do; `null` in `GET /events/stream` when they have left.
    pub activity: Option<Activity>,
    /// Since when they do it.
    pub started_at: DateTime<Utc>,
    /// Until when they are there unless they repeat it.
    pub expires_at: DateTime<Utc>,
}

/// Those who have a ticket open.
#[derive(Serialize, ToSchema)]
pub struct TicketPresence {
    /// Number of the ticket.
    #[schema(minimum = 1, example = 123)]
    ticket_id: i64,
    /// Who is there, in the order in which they began what they do.
    #[schema(max_items = 50)]
    people: Vec<PresentPerson>,
}

/// Read who has a ticket open
///
/// Staff, and service accounts with this permission; requesters are not recorded. Changes are sent in `GET /events/stream`, as
/// events with the name `presence`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "getTicketPresence",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, body = TicketPresence, description = "Who is there"))
)]
#[get("/tickets/{ticket_id}/presence")]
pub async fn read(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket_id = store::visible(db, actor, *id)?.id;
        let people = rows::at_ticket(db, ticket_id)?.iter().map(rows::Present::person).collect();
        Answer::ok(&TicketPresence { ticket_id, people })
    })
    .await
}

/// Tell that the caller has a ticket open
///
/// Valid for 60 seconds: repeat it every 20 to 30 seconds as long as the ticket is open, and when the activity changes. It is no
/// change of the ticket, and not in its history. Those who may read private followups of the ticket are told. An account is at
/// 20 tickets at most, and a ticket has 50 people at most: a further one replaces what was repeated the longest time ago.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "replaceTicketPresence",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = PresenceInput,
    responses((status = 200, body = PresentPerson, description = "The caller at the ticket"))
)]
#[put("/tickets/{ticket_id}/presence")]
pub async fn enter(call: Call, id: Path<i64>, body: Body<PresenceInput>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let ticket_id = store::visible(tx, actor, *id)?.id;
        rows::enter(tx, ticket_id, actor.id, body.read()?.activity)?;
        let people = rows::at_ticket(tx, ticket_id)?;
        let own = people.iter().find(|present| present.user_id == actor.id);
        // Only if fifty others came at the same moment.
        Answer::ok(&own.ok_or_else(Problem::not_found)?.person())
    })
    .await
}

/// Tell that the caller has left a ticket
///
/// Without it the caller is there until 60 seconds after the last repetition.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UsePrivateFollowups)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "deleteTicketPresence",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 204, description = "The caller is not there, or was not"))
)]
#[delete("/tickets/{ticket_id}/presence")]
pub async fn leave(call: Call, id: Path<i64>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, _| {
        let ticket_id = store::visible(tx, actor, *id)?.id;
        rows::leave(tx, ticket_id, actor.id)?;
        Ok(Answer::no_content())
    })
    .await
}
