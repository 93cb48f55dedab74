//! Measuring a period.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::definitions::{Indicator, IndicatorStatus};
use super::frequency::IndicatorFrequency;
use super::measurements::{Measurement, MeasurementStatus};
use super::measures::{self, Asked, IndicatorMeasure};
use crate::auth::policy::Action;
use crate::db::schema::measurements;
use crate::http::{Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The period to measure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasurementCreate {
    /// The year of the period to measure.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: i16,
    /// The quarter to measure, 1 to 4, of a `quarterly` indicator; not allowed for another one. It must have begun by
    /// the entity's clock.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    quarter: Option<i16>,
    /// The number of the period in its year, of an indicator of any frequency: 1 to 12 for `monthly`, 6 for
    /// `bimonthly`, 4 for `quarterly`, 2 for `semiannual`, 1 for `yearly`. Required unless `quarter` is given; not both.
    /// It must have begun by the entity's clock.
    #[schema(minimum = 1, maximum = 12, example = 9)]
    period: Option<i16>,
    /// The measured value, in the indicator's unit. Only allowed for a `manual` indicator; omitted if there was nothing
    /// to measure.
    #[schema(minimum = -1e12, maximum = 1e12, example = 3.5)]
    value: Option<f64>,
}

impl MeasurementCreate {
    /// The number of the period, and the field that names it.
    fn number(&self, frequency: IndicatorFrequency) -> Result<(i16, &'static str)> {
        let is_quarterly = frequency == IndicatorFrequency::Quarterly;
        match (self.quarter, self.period) {
            (Some(number), None) if is_quarterly => Ok((number, "/quarter")),
            (None, Some(number)) => Ok((number, "/period")),
            (None, None) => {
                Err(Problem::field(FieldError::required(if is_quarterly { "/quarter" } else { "/period" })))
            }
            (Some(_), Some(_)) => Err(Problem::field(FieldError::new(
                "/period",
                FieldCode::NotAllowed,
                Text::new("Envíe `quarter` o `period`, no los dos.", "Send `quarter` or `period`, not both."),
            ))),
            (Some(_), None) => Err(Problem::field(FieldError::new(
                "/quarter",
                FieldCode::NotAllowed,
                Text::new(
                    "El indicador no es trimestral: envíe `period`.",
                    "The indicator is not quarterly: send `period`.",
                ),
            ))),
        }
    }
}

/// Measure an indicator for a period
///
/// The value is computed at the time of the request, from the stored data (the indicator's `measure` defines how), by
/// the entity's clock (`MESA_TIMEZONE`). The indicator's `frequency` determines the length of the period. A period has one
/// measurement: while it is a draft, another request measures it again (200) and keeps its analysis. A measurement of a
/// period that is not over is `complete: false` and cannot be approved.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "indicators", operation_id = "createIndicatorMeasurement",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator.")),
    request_body = MeasurementCreate,
    responses(
        (status = 200, description = "Measured again", body = Measurement),
        (status = 201, description = "Measured for the first time", body = Measurement),
        (status = 409, description = "`wrong_state`: the indicator is not active, or the measurement is approved"),
    )
)]
#[post("/indicators/{indicator_id}/measurements")]
pub async fn measure(call: Call, id: Path<Uuid>, body: Body<MeasurementCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let indicator = Indicator::lock(tx, *id)?;
        let new = body.read()?;
        if new.value.is_some() && indicator.measure != IndicatorMeasure::Manual {
            return Err(Problem::field(FieldError::new(
                "/value",
                FieldCode::NotAllowed,
                Text::new("El servidor calcula este valor.", "The server computes this value."),
            )));
        }
        let frequency = indicator.frequency;
        let (number, pointer) = new.number(frequency)?;
        let days = frequency.period(new.year, number);
        let period = days.and_then(|days| Some((days, days.bounds(actor.timezone).ok()?)));
        let begun = period.filter(|(_, (begin, _))| *begin <= actor.now);
        let (days, (begin, end)) = begun.ok_or_else(|| {
            let text = match days {
                Some(_) => Text::new("El período no ha comenzado.", "The period has not begun."),
                None => Text::made(
                    format!("El año tiene {} de estos períodos.", frequency.periods()),
                    format!("A year has {} of these periods.", frequency.periods()),
                ),
            };
            Problem::field(FieldError::new(pointer, FieldCode::OutOfRange, text))
        })?;
        let (quarter, period) = (frequency.quarter(number), frequency.stored(number));
        if indicator.status != IndicatorStatus::Active {
            return Err(Problem::wrong_state(indicator.status.as_str()));
        }
        let known: Option<(Uuid, MeasurementStatus)> = measurements::table
            .filter(measurements::indicator_id.eq(indicator.id))
            .filter(measurements::year.eq(new.year))
            .filter(measurements::frequency.eq(frequency))
            .filter(measurements::quarter.eq(quarter))
            .filter(measurements::period.is_not_distinct_from(period))
            .select((measurements::id, measurements::status))
            .for_update()
            .first(tx)
            .optional()?;
        if let Some((_, MeasurementStatus::Approved)) = known {
            return Err(Problem::wrong_state(MeasurementStatus::Approved.as_str()));
        }
        let asked = Asked { within_hours: indicator.within_hours, days, bounds: (begin, end) };
        let counted = measures::count(tx, indicator.measure, asked, actor.now)?;
        let measured = (
            measurements::value.eq(counted.map_or(new.value, |counted| counted.percent())),
            measurements::met.eq(counted.map(|counted| counted.met)),
            measurements::counted.eq(counted.map(|counted| counted.counted)),
            measurements::target.eq(indicator.target),
            measurements::direction.eq(indicator.direction),
            measurements::warning.eq(indicator.warning),
            measurements::measured_at.eq(actor.now),
            measurements::complete.eq(end <= actor.now),
            measurements::updated_at.eq(actor.now),
        );
        match known {
            Some((id, _)) => {
                diesel::update(measurements::table.find(id))
                    .set((measured, measurements::version.eq(measurements::version + 1)))
                    .execute(tx)?;
                Measurement::answer(tx, id, actor.rights())
            }
            None => {
                let id = Uuid::now_v7();
                diesel::insert_into(measurements::table)
                    .values((
                        measurements::id.eq(id),
                        measurements::indicator_id.eq(indicator.id),
                        measurements::year.eq(new.year),
                        measurements::frequency.eq(frequency),
                        measurements::quarter.eq(quarter),
                        measurements::period.eq(period),
                        measured,
                        measurements::created_by.eq(actor.id),
                        measurements::created_at.eq(actor.now),
                    ))
                    .execute(tx)?;
                let made = Measurement::find(tx, id, actor.rights())?;
                Ok(Answer::created(format!("/api/v1/measurements/{id}"), &made)?
                    .version(made.id, made.version))
            }
        }
    })
    .await
}
