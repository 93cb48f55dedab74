//! The director's approval, which fixes a measurement.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use uuid::Uuid;

use super::measurements::{Measurement, MeasurementStatus, lock};
use crate::auth::policy::Action;
use crate::db::schema::measurements;
use crate::http::actor::next_version;
use crate::http::body::EmptyBody;
use crate::http::{Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Approve a measurement
///
/// An approved measurement no longer changes, even if the data change. It must have been measured after the end of
/// its period, and have an analysis.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ApproveRecords)), ("x-mesa-if-match" = json!("required"))),
    tag = "indicators", operation_id = "approveMeasurement",
    params(("measurement_id" = Uuid, Path, description = "Identifier of the measurement.")),
    request_body(content = Option<EmptyBody>),
    responses(
        (status = 200, body = Measurement, description = "The approved measurement"),
        (status = 409, description = "`wrong_state` or `incomplete`"),
    )
)]
#[post("/measurements/{measurement_id}/approval")]
pub async fn approve(call: Call, id: Path<Uuid>, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = lock(tx, *id)?;
        body.read()?;
        actor.require_version(row.id, row.version)?;
        if row.status == MeasurementStatus::Approved {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        let mut missing = Vec::new();
        if row.analysis.is_none() {
            missing.push(FieldError::required("/analysis"));
        }
        if !row.complete {
            missing.push(FieldError::new(
                "/complete",
                FieldCode::NotAllowed,
                Text::new(
                    "Se midió antes de terminar el período; mídalo de nuevo.",
                    "It was measured before the period was over; measure it again.",
                ),
            ));
        }
        if !missing.is_empty() {
            return Err(Problem::incomplete(missing));
        }
        diesel::update(measurements::table.find(row.id))
            .set((
                measurements::status.eq(MeasurementStatus::Approved),
                measurements::approved_at.eq(actor.now),
                measurements::approved_by.eq(actor.id),
                next_version!(measurements, row.version, actor),
            ))
            .execute(tx)?;
        Measurement::answer(tx, row.id, actor.rights())
    })
    .await
}
