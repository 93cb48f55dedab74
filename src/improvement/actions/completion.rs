//! Completing an improvement action.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ActionStatus, ImprovementAction, actions, lock};
use crate::auth::policy::Action;
use crate::http::actor::next_version;
use crate::http::{Body, Call};
use crate::problem::{Problem, Result};

/// The completion of an action.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionCreate {
    /// The work that was carried out. Files that prove it are uploaded as attachments of the action.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "El turno se presta desde el 5 de diciembre."
    )]
    note: String,
}

/// Complete an improvement action
///
/// An `open` one, by its owner, a professional or the director; not by a service account. Its efficacy is verified by another person.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords)), ("x-mesa-if-match" = json!(true))),
    tag = "improvement actions", operation_id = "completeImprovementAction",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action.")),
    request_body = CompletionCreate,
    responses(
        (status = 200, body = ImprovementAction, description = "The completed improvement action"),
        (status = 409, description = "`wrong_state`"),
    )
)]
#[post("/improvement-actions/{action_id}/completion")]
pub async fn complete(call: Call, id: Path<Uuid>, body: Body<CompletionCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let (row, _) = lock(tx, *id)?;
        let completion = body.read()?;
        if row.status != ActionStatus::Open {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.may_write(row.owner_id == actor.id)?;
        actor.must_be_person()?;
        actor.check_version(row.id, row.version)?;
        diesel::update(actions::table.find(row.id))
            .set((
                actions::status.eq(ActionStatus::Completed),
                actions::completed_at.eq(actor.now),
                actions::completed_by.eq(actor.id),
                actions::completion_note.eq(completion.note),
                next_version!(actions, row.version, actor),
            ))
            .execute(tx)?;
        ImprovementAction::answer(tx, row.id, actor)
    })
    .await
}
