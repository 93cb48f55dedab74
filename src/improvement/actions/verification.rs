//! Verifying the efficacy of an improvement action: by a person other than its owner.

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
use crate::problem::{Code, Problem, Result, Text};

/// The verification of the efficacy of an action.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationCreate {
    /// Whether the action removed the cause. `true` sets the state `effective`, `false` the state `ineffective`.
    effective: bool,
    /// The evidence for the result.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "Desde el cambio ningún caso crítico se atendió tarde."
    )]
    note: String,
}

/// Verify the efficacy of an improvement action
///
/// For a `completed` one, by a professional or the director who is not its owner; not by a service account. It becomes `effective` or
/// `ineffective` and no longer changes; if it was not effective, a further measure is another action.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords)), ("x-mesa-if-match" = json!(true))),
    tag = "improvement actions", operation_id = "verifyImprovementAction",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action.")),
    request_body = VerificationCreate,
    responses(
        (status = 200, body = ImprovementAction, description = "The improvement action with the result of the verification"),
        (status = 403, description = "`forbidden`, or `owner_cannot_verify`"),
        (status = 409, description = "`wrong_state`"),
    )
)]
#[post("/improvement-actions/{action_id}/verification")]
pub async fn verify(call: Call, id: Path<Uuid>, body: Body<VerificationCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let (row, _) = lock(tx, *id)?;
        let verification = body.read()?;
        if row.status != ActionStatus::Completed {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.may_write(false)?;
        actor.must_be_person()?;
        if row.owner_id == actor.id {
            return Err(Problem::new(
                Code::OwnerCannotVerify,
                Text::new(
                    "Usted es responsable de la acción; debe verificarla otra persona.",
                    "You are the owner of the action; another person must verify it.",
                ),
            ));
        }
        actor.check_version(row.id, row.version)?;
        let status = if verification.effective { ActionStatus::Effective } else { ActionStatus::Ineffective };
        diesel::update(actions::table.find(row.id))
            .set((
                actions::status.eq(status),
                actions::verified_at.eq(actor.now),
                actions::verified_by.eq(actor.id),
                actions::verification_note.eq(verification.note),
                next_version!(actions, row.version, actor),
            ))
            .execute(tx)?;
        ImprovementAction::answer(tx, row.id, actor)
    })
    .await
}
