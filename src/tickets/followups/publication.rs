//! Makes a private followup public.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::entry::{Followup, FollowupVisibility, Row};
use super::write::{notify, write};
use crate::attachments;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::followups;
use crate::http::body::EmptyBody;
use crate::http::{Body, Call};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::steps::Case;
use crate::tickets::workflow::Step;
use crate::tickets::{permitted, store};

/// Publish a private followup
///
/// Writes a public followup with the same text and files, dated now, and mails it to the requester, or to the assignee
/// if the requester publishes it. A requester can publish only what a person in copy sent to them too (`from_copy`). It
/// cannot be undone.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::AddPublicFollowup))),
    tag = "followups", operation_id = "publishTicketFollowup",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket."), ("followup_id" = Uuid, Path, description = "Identifier of the followup.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 201, body = Followup, description = "The public followup"),
        (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `already_exists`: the followup is public, or was made public before"),
    )
)]
#[post("/tickets/{ticket_id}/followups/{followup_id}/publication")]
pub async fn publish(call: Call, path: Path<(i64, Uuid)>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = store::lock(tx, actor, path.0)?;
        let private = Followup::find(tx, actor, row.id, path.1)?;
        body.read()?;
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Followup)?;
        let published = followups::table.filter(followups::published_from.eq(private.id));
        let known: bool = diesel::select(diesel::dsl::exists(published)).get_result(tx)?;
        if private.visibility == FollowupVisibility::Public || known {
            let mut problem = Problem::new(
                Code::AlreadyExists,
                Text::new("Este seguimiento ya es público.", "This followup is already public."),
            );
            problem.errors.push(FieldError::new(
                "",
                FieldCode::Duplicate,
                Text::new("Ya es público.", "It is already public."),
            ));
            return Err(problem);
        }
        let mut case = Case::open(tx, row, actor);
        let followup = Row {
            published_from: Some(private.id),
            is_cut: private.is_cut,
            ..Row::new(&case, FollowupVisibility::Public, private.body)
        };
        write(&mut case, private.author.id, &followup)?;
        let publisher = if actor.is_staff() { private.author.id } else { actor.id };
        notify(&mut case, publisher, &followup);
        let files = attachments::store::copy(case.tx, followup.ticket_id, private.id, followup.id, case.now)?;
        let followup_id = followup.id;
        let answer = Followup::shown_to(actor, (followup, private.author)).made()?;
        let row = case.record(EventKind::FollowupPublished)?;
        if !files.is_empty() {
            // Those who follow the ticket were not told of the private ones.
            let mut case = Case::open(tx, row, actor);
            let (ids, names) = files.into_iter().unzip();
            case.details.followup_id = Some(followup_id);
            case.details.attachment_ids = Some(ids);
            case.details.file_names = Some(names);
            case.record(EventKind::FileAttached)?;
        }
        Ok(answer)
    })
    .await
}
