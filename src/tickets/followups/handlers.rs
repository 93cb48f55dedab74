//! The followups of a ticket: list, read, add.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::entry::{Followup, FollowupVisibility, Row};
use super::write::{Mailed, write_and_tell};
use crate::auth::policy::Action;
use crate::db::schema::{followups, users};
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::people::Person;
use crate::problem::{Problem, Result};
use crate::tickets::steps::{self, Setting};
use crate::tickets::workflow::Step;
use crate::tickets::{permitted, store};

/// A followup to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowupCreate {
    /// A requester may only add `public` followups.
    visibility: FollowupVisibility,
    /// The text of the followup.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Vamos a su oficina esta tarde."
    )]
    body: String,
}

/// Filters for the list of followups.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FollowupFilters {
    /// Only followups with this visibility; all that the caller may read if omitted.
    visibility: Option<FollowupVisibility>,
}

/// List the followups of a ticket
///
/// In the order of their creation. A requester sees the public ones, and those that a person in copy sent to them too
/// (`from_copy`) until they are published.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "followups", operation_id = "listTicketFollowups",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging, FollowupFilters),
    responses((status = 200, body = Page<Followup>, description = "One page of the followups"))
)]
#[get("/tickets/{ticket_id}/followups")]
pub async fn list(call: Call, id: Path<i64>, query: Query<FollowupFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let mut query = followups::table
                .inner_join(users::table)
                .filter(followups::ticket_id.eq(ticket.id))
                .into_boxed();
            if !actor.reads_private() {
                let public = followups::visibility.eq(FollowupVisibility::Public);
                let unpublished = sql::<Bool>(
                    "NOT EXISTS (SELECT FROM followups AS copy WHERE copy.published_from = followups.id)",
                );
                query = query.filter(public.or(followups::to_requester.and(unpublished)));
            }
            if let Some(visibility) = filters.visibility {
                query = query.filter(followups::visibility.eq(visibility));
            }
            query
        };
        let (rows, total) = read_page!(
            db,
            paging,
            "created_at",
            filtered,
            (followups::created_at as DateTime<Utc>, followups::id as Uuid),
            (Row::as_select(), Person::as_select())
        );
        let items: Vec<Followup> = rows.into_iter().map(|found| Followup::shown_to(actor, found)).collect();
        paging.answer("created_at", items, total, |followup| (followup.created_at, followup.id))
    })
    .await
}

/// Read a followup of a ticket
///
/// A private followup is a 404 for a requester.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "followups", operation_id = "getTicketFollowup",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    responses((status = 200, body = Followup, description = "The followup"))
)]
#[get("/tickets/{ticket_id}/followups/{followup_id}")]
pub async fn read(call: Call, path: Path<(i64, Uuid)>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, path.0)?;
        // A followup never changes.
        Ok(Answer::ok(&Followup::find(db, actor, ticket.id, path.1)?)?.version(path.1, 1))
    })
    .await
}

/// Add a followup to a ticket
///
/// A public followup is mailed to the requester, or to the assignee if the requester wrote it. A private followup is
/// visible to staff only; nothing that a requester can see changes. A public followup by the requester ends the hold
/// of a ticket that is `on_hold` for information from the requester.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::AddPublicFollowup))),
    tag = "followups", operation_id = "createTicketFollowup", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = FollowupCreate,
    responses(
        (status = 201, body = Followup, description = "The new followup"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"),
    )
)]
#[post("/tickets/{ticket_id}/followups")]
pub async fn add(call: Call, id: Path<i64>, body: Body<FollowupCreate>) -> Result<HttpResponse> {
    steps::change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<FollowupCreate>,
) -> Result<Answer> {
    let row = store::lock(tx, actor, id)?;
    let FollowupCreate { visibility, body } = body.read()?;
    if visibility == FollowupVisibility::Private && !actor.reads_private() {
        return Err(Problem::forbidden());
    }
    actor.check_version(row.id, row.version)?;
    permitted::check(actor, &row, Step::Followup)?;
    write_and_tell(tx, actor, row, visibility, Mailed { body, is_cut: false }, true)?.made()
}
