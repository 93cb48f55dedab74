//! The measurements of an indicator, by period, with their analysis.

use std::collections::HashSet;

use actix_web::web::Path;
use actix_web::{HttpResponse, get, patch};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::definitions::Indicator;
use super::frequency::IndicatorFrequency;
use super::light::{IndicatorDirection, IndicatorLight};
use super::measures::IndicatorMeasure;
use crate::auth::policy::{Action, Rights};
use crate::db::schema::{improvement_actions, indicators, measurements};
use crate::http::actor::next_version;
use crate::http::body::Patch;
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::people::{Person, person};
use crate::problem::{FieldError, Problem, Result};
use crate::statistics::disclosure::{self, FEWEST};

text_enum! {
    /// The state of a measurement.
    pub enum MeasurementStatus {
        /// It can be measured again, and its analysis changed.
        Draft = "draft",
        /// Approved by the director: it no longer changes.
        Approved = "approved",
    }
}

/// The measurement of an indicator for a period.
#[derive(Serialize, ToSchema)]
pub struct Measurement {
    /// Identifier of the measurement.
    pub(super) id: Uuid,
    /// Identifier of the measured indicator.
    pub(super) indicator_id: Uuid,
    /// The frequency of the indicator at the time of the measurement, which determines the length of the period.
    pub(super) frequency: IndicatorFrequency,
    /// The year of the measured period.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    pub(super) year: i16,
    /// The measured quarter, 1 to 4; of a period that is not a quarter, the quarter in which it ends.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub(super) quarter: i16,
    /// The number of the period in its year: the month for `monthly`, 1 to 6 for `bimonthly`, the quarter for
    /// `quarterly`, 1 or 2 for `semiannual`, 1 for `yearly`.
    #[schema(minimum = 1, maximum = 12, example = 3)]
    pub(super) period: i16,
    /// The first day of the period.
    #[schema(example = "2026-07-01")]
    pub(super) from_date: NaiveDate,
    /// The last day of the period, inclusive.
    #[schema(example = "2026-09-30")]
    pub(super) through_date: NaiveDate,
    /// The result in the indicator's unit (resultado); `null` if there was nothing to measure, or if it is `withheld`.
    #[schema(example = 87.5)]
    pub(super) value: Option<f64>,
    /// How many of `denominator` met the condition (numerador); `null` if measured by hand, or if it is `withheld`.
    #[schema(example = 7)]
    #[serde(rename = "numerator")]
    pub(super) met: Option<i64>,
    /// How many tickets or surveys were counted (denominador); `null` if measured by hand.
    #[schema(example = 8)]
    #[serde(rename = "denominator")]
    pub(super) counted: Option<i64>,
    /// The target at the time of the measurement, in the indicator's unit.
    #[schema(example = 90.0)]
    pub(super) target: f64,
    /// Whether values above or below the target were good at the time of the measurement.
    direction: IndicatorDirection,
    /// The limit of the yellow light at the time of the measurement, in the indicator's unit.
    #[schema(example = 80.0)]
    warning: f64,
    /// The status of `value` against the target (semáforo); `null` if `value` is `null`.
    pub(super) light: Option<IndicatorLight>,
    /// Whether `value`, `numerator` and `light` are `null` because the reader may not read individual
    /// survey answers. For the measure `satisfaction`, they read only quarters that were over when they were measured,
    /// with five answers or more.
    pub(super) withheld: bool,
    /// The time of the last measurement of this period; the value is that of the data at this time.
    measured_at: DateTime<Utc>,
    /// Whether the period was over when it was measured. Only then the measurement can be approved.
    pub(super) complete: bool,
    /// The analysis of the value (análisis); `null` until it is written.
    #[schema(max_length = 10_000, example = "La meta no se cumplió por la falta de turno los sábados.")]
    pub(super) analysis: Option<String>,
    /// Identifier of the improvement action that results from the measurement; `null` if there is none.
    pub(super) improvement_action_id: Option<Uuid>,
    /// The state of the measurement.
    pub(super) status: MeasurementStatus,
    /// When and by whom it was approved; `null` until the director approves it.
    pub(super) approval: Option<MeasurementApproval>,
    /// The time of the first measurement of this period.
    created_at: DateTime<Utc>,
    /// The time of the last change: a new measurement of the period, a change of the analysis or the action, or the
    /// approval.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    pub(super) version: i32,
}

/// The person who approved a measurement, and the time.
#[derive(Serialize, ToSchema)]
pub struct MeasurementApproval {
    /// The director who approved it.
    pub(super) approved_by: Person,
    /// The time of the approval.
    pub(super) approved_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = measurements)]
pub(super) struct Row {
    pub id: Uuid,
    indicator_id: Uuid,
    frequency: IndicatorFrequency,
    year: i16,
    quarter: i16,
    period: Option<i16>,
    through_date: NaiveDate,
    value: Option<f64>,
    met: Option<i64>,
    counted: Option<i64>,
    target: f64,
    direction: IndicatorDirection,
    warning: f64,
    measured_at: DateTime<Utc>,
    pub complete: bool,
    pub analysis: Option<String>,
    pub improvement_action_id: Option<Uuid>,
    pub status: MeasurementStatus,
    approved_at: Option<DateTime<Utc>>,
    approved_by: Option<Uuid>,
    pub version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Measurement {
    pub(super) fn present(db: &mut PgConnection, rows: Vec<Row>, reader: Rights<'_>) -> Result<Vec<Self>> {
        let of_answers = of_answers(db, &rows, reader)?;
        let people = person::by_id(db, rows.iter().filter_map(|row| row.approved_by))?;
        let one = |row: Row| {
            let few = row.counted.is_some_and(|counted| counted < FEWEST);
            // Months and quarters overlap: their difference would reveal answers.
            let offered = row.complete && row.frequency == IndicatorFrequency::Quarterly && !few;
            let withheld = of_answers.contains(&row.indicator_id)
                && !offered
                && row.counted.is_some_and(|counted| counted > 0);
            let value = row.value.filter(|_| !withheld);
            let approval = match (row.approved_by.and_then(|id| people.get(&id)), row.approved_at) {
                (Some(by), Some(approved_at)) => {
                    Some(MeasurementApproval { approved_by: by.clone(), approved_at })
                }
                _ => None,
            };
            let period = row.period.unwrap_or(row.quarter);
            Measurement {
                id: row.id,
                indicator_id: row.indicator_id,
                frequency: row.frequency,
                year: row.year,
                quarter: row.quarter,
                period,
                from_date: row.frequency.period(row.year, period).map_or(row.through_date, |days| days.from),
                through_date: row.through_date,
                value,
                met: row.met.filter(|_| !withheld),
                counted: row.counted,
                target: row.target,
                direction: row.direction,
                warning: row.warning,
                light: value
                    .map(|value| IndicatorLight::for_value(value, row.target, row.direction, row.warning)),
                withheld,
                measured_at: row.measured_at,
                complete: row.complete,
                analysis: row.analysis,
                improvement_action_id: row.improvement_action_id,
                status: row.status,
                approval,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            }
        };
        Ok(rows.into_iter().map(one).collect())
    }

    pub(super) fn find(db: &mut PgConnection, id: Uuid, reader: Rights<'_>) -> Result<Self> {
        let row: Row = measurements::table.find(id).select(Row::as_select()).get_result(db)?;
        Self::present(db, vec![row], reader)?.pop().ok_or_else(Problem::not_found)
    }

    /// As a response, with its version.
    pub(super) fn answer(db: &mut PgConnection, id: Uuid, reader: Rights<'_>) -> Result<Answer> {
        let found = Self::find(db, id, reader)?;
        Ok(Answer::ok(&found)?.version(found.id, found.version))
    }
}

/// Which of these rows' indicators measure survey answers, if the reader may only read totals of answers.
fn of_answers(db: &mut PgConnection, rows: &[Row], reader: Rights<'_>) -> Result<HashSet<Uuid>> {
    if !disclosure::applies_to(reader) {
        return Ok(HashSet::new());
    }
    let found = indicators::table
        .filter(indicators::id.eq_any(rows.iter().map(|row| row.indicator_id)))
        .filter(indicators::measure.eq(IndicatorMeasure::Satisfaction));
    Ok(found.select(indicators::id).load(db)?.into_iter().collect())
}

/// The row, locked until the transaction ends.
pub(super) fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Row> {
    Ok(measurements::table.find(id).select(Row::as_select()).for_update().get_result(tx)?)
}

/// Checks that the action of a measurement exists.
pub(super) fn check_action(tx: &mut PgConnection, id: Option<Uuid>) -> Result<()> {
    let Some(id) = id else { return Ok(()) };
    let known = diesel::dsl::exists(improvement_actions::table.find(id));
    match diesel::select(known).get_result(tx)? {
        true => Ok(()),
        false => Err(Problem::field(FieldError::unknown_id("/improvement_action_id"))),
    }
}

text_enum! {
    /// The order of a list of measurements.
    pub enum MeasurementSort {
        QuarterDescending = "-quarter",
        QuarterAscending = "quarter",
    }
}

/// The filters of the list of measurements.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MeasurementFilters {
    /// Measurements of the periods of this year; of all years if omitted.
    #[param(minimum = 2000, maximum = 9998)]
    year: Option<i16>,
    /// Measurements in this state; in any state if omitted. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<MeasurementStatus>,
    /// By the last day of the period: `-quarter`, the latest first (the default), or `quarter`.
    #[param(inline)]
    sort: Option<MeasurementSort>,
}

/// List the measurements of an indicator
///
/// One for each measured period.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "indicators", operation_id = "listIndicatorMeasurements",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator."), Paging, MeasurementFilters),
    responses((status = 200, body = Page<Measurement>, description = "One page of the measurements"))
)]
#[get("/indicators/{indicator_id}/measurements")]
pub async fn list(call: Call, id: Path<Uuid>, query: Query<MeasurementFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let indicator = Indicator::find(db, *id)?;
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(MeasurementSort::QuarterDescending).as_str();
        let filtered = || {
            let mut query =
                measurements::table.filter(measurements::indicator_id.eq(indicator.id)).into_boxed();
            if let Some(year) = filters.year {
                query = query.filter(measurements::year.eq(year));
            }
            query = among!(query, measurements::status, filters.status);
            query
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (measurements::through_date as NaiveDate, measurements::id as Uuid),
            Row::as_select()
        );
        let items = Measurement::present(db, rows, actor.rights())?;
        paging.answer(sort, items, total, |one| (one.through_date, one.id))
    })
    .await
}

/// Read a measurement
///
/// The value, its status against the target, and the analysis.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "indicators", operation_id = "getMeasurement",
    params(("measurement_id" = Uuid, Path, description = "Identifier of the measurement.")),
    responses((status = 200, body = Measurement, description = "The measurement"))
)]
#[get("/measurements/{measurement_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, actor| Measurement::answer(db, *id, actor.rights())).await
}

/// The analysis of a measurement.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasurementContent {
    /// The analysis of the value (análisis). `null` removes it; the approval requires one.
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = r"\S",
        example = "La meta no se cumplió por la falta de turno los sábados."
    )]
    analysis: Option<String>,
    /// Identifier of an existing improvement action that results from the measurement. `null` removes it.
    improvement_action_id: Option<Uuid>,
}

/// Change a measurement
///
/// Changes its analysis and its improvement action, until it is approved. The value cannot be written: `POST
/// /indicators/{indicator_id}/measurements` measures it again.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "indicators", operation_id = "updateMeasurement",
    params(("measurement_id" = Uuid, Path, description = "Identifier of the measurement.")),
    request_body(content = MeasurementContent, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = Measurement, description = "The measurement after the change"),
        (status = 409, description = "`wrong_state`: it is approved"),
    )
)]
#[patch("/measurements/{measurement_id}")]
pub async fn change(
    call: Call,
    id: Path<Uuid>,
    body: Body<Patch<MeasurementContent>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = lock(tx, *id)?;
        let (content, changes) = body.merge(&MeasurementContent {
            analysis: row.analysis,
            improvement_action_id: row.improvement_action_id,
        })?;
        check_action(tx, content.improvement_action_id)?;
        if row.status == MeasurementStatus::Approved {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.check_version(row.id, row.version)?;
        diesel::update(measurements::table.find(row.id))
            .set((
                measurements::analysis.eq(content.analysis),
                measurements::improvement_action_id.eq(content.improvement_action_id),
                changes.then(|| next_version!(measurements, row.version, actor)),
            ))
            .execute(tx)?;
        Measurement::answer(tx, row.id, actor.rights())
    })
    .await
}
