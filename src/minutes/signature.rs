//! The director's signature, which fixes minutes.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::content::MeetingMinutesCreate;
use super::{Minutes, MinutesStatus, lock};
use crate::auth::policy::Action;
use crate::db::schema::minutes;
use crate::http::actor::next_version;
use crate::http::body::EmptyBody;
use crate::http::{Body, Call};
use crate::problem::{Problem, Result};

/// Sign minutes
///
/// After the signature no one can change them. At least one attendee must have the attendance `present` (a `guest` does
/// not count), and `proceedings` must not be `null`. Send the `ETag` of the version that was read as `If-Match`, so
/// that no other version is signed.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ApproveRecords)), ("x-mesa-if-match" = json!("required"))),
    tag = "meeting minutes", operation_id = "signMeetingMinutes",
    params(("minutes_id" = Uuid, Path, description = "Identifier of the minutes.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 200, body = Minutes, description = "The signed minutes"),
        (status = 409, description = "`wrong_state` or `incomplete`"),
    )
)]
#[post("/meeting-minutes/{minutes_id}/signature")]
pub async fn sign(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = lock(tx, *id)?;
        body.read()?;
        actor.require_version(row.id, row.version)?;
        if row.status == MinutesStatus::Signed {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        let missing = MeetingMinutesCreate::load(tx, &row)?.missing();
        if !missing.is_empty() {
            return Err(Problem::incomplete(missing));
        }
        diesel::update(minutes::table.find(row.id))
            .set((
                minutes::status.eq(MinutesStatus::Signed),
                minutes::signed_at.eq(actor.now),
                minutes::signed_by.eq(actor.id),
                next_version!(minutes, row.version, actor),
            ))
            .execute(tx)?;
        Minutes::answer(tx, row.id)
    })
    .await
}
