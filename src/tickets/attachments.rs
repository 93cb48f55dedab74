//! Files of tickets and of their followups.

use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::attachments::attach::{Target, attach_file};
use crate::attachments::store::{self, Owner};
use crate::attachments::upload::Received;
use crate::attachments::{Attachment, Upload};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{attachments, followups};
use crate::http::paging::{NoFilters, Page, Paging};
use crate::http::{Actor, Answer, Call, Query};
use crate::problem::Result;
use crate::tickets::followups::{self as entries, FollowupVisibility};
use crate::tickets::information::{self, AnsweredBy};
use crate::tickets::permitted;
use crate::tickets::steps::Case;
use crate::tickets::workflow::Step;

/// Attach a file to a ticket
///
/// A file from the requester ends the hold of a ticket that is `on_hold` for information from the requester.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Attach))),
    tag = "attachments", operation_id = "createTicketAttachment", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Attachment, description = "The metadata of the new file"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"),
    )
)]
#[post("/tickets/{ticket_id}/attachments")]
pub async fn attach(
    call: Call,
    id: Path<i64>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let target = TicketTarget { ticket_id: *id, followup_id: None };
    attach_file(call, target, request, payload).await
}

/// Attach a file to a followup
///
/// The file is visible to everyone who may read the followup. A file from the requester ends the hold of a ticket
/// that is `on_hold` for information from the requester. What a person in copy wrote (`from_copy`) accepts no files.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Attach))),
    tag = "attachments", operation_id = "createTicketFollowupAttachment",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Attachment, description = "The metadata of the new file"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do; `wrong_state`: a person in copy wrote the followup (`from_copy`)"),
    )
)]
#[post("/tickets/{ticket_id}/followups/{followup_id}/attachments")]
pub async fn attach_to_followup(
    call: Call,
    path: Path<(i64, Uuid)>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let target = TicketTarget { ticket_id: path.0, followup_id: Some(path.1) };
    attach_file(call, target, request, payload).await
}

/// List the files of a ticket
///
/// Includes the files of its followups; the oldest upload first.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "attachments", operation_id = "listTicketAttachments",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/tickets/{ticket_id}/attachments")]
pub async fn list(call: Call, id: Path<i64>, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = crate::tickets::store::visible(db, actor, *id)?;
        let (paging, _) = query.read_list()?;
        store::page(db, &paging, |files| {
            let files = files.filter(attachments::ticket_id.eq(ticket.id));
            if actor.reads_private() {
                return files;
            }
            let public = followups::table
                .filter(followups::ticket_id.eq(ticket.id))
                .filter(followups::visibility.eq(FollowupVisibility::Public))
                .select(followups::id.nullable());
            files.filter(attachments::followup_id.is_null().or(attachments::followup_id.eq_any(public)))
        })
    })
    .await
}

/// List the files of a followup
///
/// In the order of their upload. A requester sees those of the followups that are `visible_to_requester`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket))),
    tag = "attachments", operation_id = "listTicketFollowupAttachments",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup."), Paging),
    responses((status = 200, body = Page<Attachment>, description = "One page of the files"))
)]
#[get("/tickets/{ticket_id}/followups/{followup_id}/attachments")]
pub async fn list_of_followup(
    call: Call,
    path: Path<(i64, Uuid)>,
    query: Query<NoFilters>,
) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = crate::tickets::store::visible(db, actor, path.0)?;
        entries::visible(db, actor, ticket.id, path.1)?;
        let (paging, _) = query.read_list()?;
        store::page(db, &paging, |files| files.filter(attachments::followup_id.eq(path.1)))
    })
    .await
}

/// Attaches to `to` the files of `from` that its requester may see, including those of followups; the content is
/// stored only once.
pub fn copy_public(tx: &mut PgConnection, from: i64, to: i64, now: DateTime<Utc>) -> Result<()> {
    let public = followups::table
        .filter(followups::ticket_id.eq(from))
        .filter(followups::visibility.eq(FollowupVisibility::Public))
        .select(followups::id.nullable());
    let files = attachments::table
        .filter(attachments::ticket_id.eq(from))
        .filter(attachments::followup_id.is_null().or(attachments::followup_id.eq_any(public)))
        .into_boxed();
    store::copy_all(tx, files, Owner::Ticket(to), now).map(drop)
}

/// A ticket or one of its followups.
#[derive(Clone, Copy)]
struct TicketTarget {
    ticket_id: i64,
    followup_id: Option<Uuid>,
}

impl TicketTarget {
    /// The visibility of the ticket or followup that the file is attached to.
    fn visibility(&self, db: &mut PgConnection, actor: &Actor) -> Result<FollowupVisibility> {
        match self.followup_id {
            Some(id) => entries::open_to_files(db, actor, self.ticket_id, id),
            None => Ok(FollowupVisibility::Public),
        }
    }
}

impl Target for TicketTarget {
    fn check_visible(&self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        crate::tickets::store::visible(db, actor, self.ticket_id)?;
        if let Some(id) = self.followup_id {
            entries::visible(db, actor, self.ticket_id, id)?;
        }
        Ok(())
    }

    fn check_open(&self, db: &mut PgConnection, actor: &Actor) -> Result<()> {
        let row = crate::tickets::store::visible(db, actor, self.ticket_id)?;
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Attach)?;
        self.visibility(db, actor).map(drop)
    }

    fn write(self, tx: &mut PgConnection, actor: &Actor, file: &Received) -> Result<Answer> {
        let TicketTarget { ticket_id, followup_id } = self;
        let row = crate::tickets::store::lock(tx, actor, ticket_id)?;
        let visibility = self.visibility(tx, actor)?;
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Attach)?;
        let owner = match followup_id {
            Some(id) => Owner::Followup { ticket_id, id },
            None => Owner::Ticket(ticket_id),
        };
        let mut case = Case::open(tx, row, actor);
        let attachment = store::insert(case.tx, actor, owner, file, case.now)?;
        case.details.attachment_id = Some(attachment.id);
        case.details.file_name = Some(attachment.file_name.clone());
        if visibility == FollowupVisibility::Public {
            case.touch();
        }
        let row = case.record(EventKind::FileAttached)?;
        if visibility == FollowupVisibility::Public {
            information::answered(tx, row, actor, AnsweredBy::Attachment, false)?;
        }
        Ok(Answer::created(format!("/api/v1/attachments/{}", attachment.id), &attachment)?
            .version(attachment.id, 1))
    }
}
