//! The results of the indicators whose periods end in a quarter: as measured, otherwise computed from the current data.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use uuid::Uuid;

use super::definitions::{Indicator, IndicatorStatus};
use super::frequency::IndicatorFrequency;
use super::light::IndicatorDirection;
use super::measurements::MeasurementStatus;
use super::measures::{self, Asked, IndicatorMeasure};
use crate::db::schema::{indicators, measurements};
use crate::problem::Result;
use crate::statistics::{Period, Quarter};

/// An indicator with its results for a period that ends in the quarter, and for the period before that.
pub struct IndicatorResult {
    pub indicator: Indicator,
    pub frequency: IndicatorFrequency,
    pub days: Period,
    pub result: PeriodResult,
    pub before: PeriodResult,
}

/// The result of a period.
#[derive(Debug, Clone, Default)]
pub struct PeriodResult {
    /// `None` if there was nothing to measure.
    pub value: Option<f64>,
    /// How many tickets or surveys were counted; `None` if measured by hand.
    pub counted: Option<i64>,
    /// Whether the period was over when it was measured.
    pub complete: bool,
    /// Target, direction and warning at the time of the measurement; `None` if it is not measured.
    pub limits: Option<(f64, IndicatorDirection, f64)>,
    /// The state of the measurement; `None` if it is not measured.
    pub status: Option<MeasurementStatus>,
    pub analysis: Option<String>,
}

/// A period of an indicator: the indicator, the frequency, the year and the number.
type Place = (Uuid, IndicatorFrequency, i16, i16);

#[derive(Queryable, Selectable)]
#[diesel(table_name = measurements)]
struct Row {
    indicator_id: Uuid,
    frequency: IndicatorFrequency,
    year: i16,
    quarter: i16,
    period: Option<i16>,
    through_date: NaiveDate,
    value: Option<f64>,
    counted: Option<i64>,
    complete: bool,
    target: f64,
    direction: IndicatorDirection,
    warning: f64,
    status: MeasurementStatus,
    analysis: Option<String>,
}

impl Row {
    fn place(&self) -> Place {
        (self.indicator_id, self.frequency, self.year, self.period.unwrap_or(self.quarter))
    }
}

impl From<Row> for PeriodResult {
    fn from(row: Row) -> Self {
        PeriodResult {
            value: row.value,
            counted: row.counted,
            complete: row.complete,
            limits: Some((row.target, row.direction, row.warning)),
            status: Some(row.status),
            analysis: row.analysis,
        }
    }
}

/// The results for a quarter, by the names of the indicators and then by period: of each active indicator for the periods
/// of its frequency, and of every measurement.
pub fn of_quarter(
    tx: &mut PgConnection,
    quarter: Quarter,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<Vec<IndicatorResult>> {
    let Some(days) = quarter.period() else { return Ok(Vec::new()) };
    let (Ok(year), Ok(number)) = (i16::try_from(quarter.year), i16::try_from(quarter.number)) else {
        return Ok(Vec::new());
    };
    // The period before a year of this quarter ends a year earlier.
    let earliest = days.to - chrono::Days::new(366);
    let rows: Vec<Row> = measurements::table
        .filter(measurements::through_date.between(earliest, days.to))
        .select(Row::as_select())
        .load(tx)?;
    let ends_in_quarter = |row: &&Row| row.through_date >= days.from;
    let measured: Vec<Place> = rows.iter().filter(ends_in_quarter).map(Row::place).collect();
    let mut known: HashMap<Place, PeriodResult> =
        rows.into_iter().map(|row| (row.place(), row.into())).collect();
    let all: Vec<Indicator> = indicators::table
        .filter(
            indicators::status
                .eq(IndicatorStatus::Active)
                .or(indicators::id.eq_any(measured.iter().map(|place| place.0))),
        )
        .order((indicators::name, indicators::id))
        .select(Indicator::as_select())
        .load(tx)?;
    let mut places: Vec<(Indicator, Place)> = Vec::new();
    for indicator in all {
        let mut own: Vec<Place> = measured.iter().filter(|place| place.0 == indicator.id).copied().collect();
        if indicator.status == IndicatorStatus::Active {
            let frequency = indicator.frequency;
            own.extend(frequency.ending_in(number).map(|number| (indicator.id, frequency, year, number)));
        }
        own.sort_by_key(|(_, frequency, year, number)| {
            (frequency.period(*year, *number).map(|days| days.to), *frequency)
        });
        own.dedup();
        places.extend(own.into_iter().map(|place| (indicator.clone(), place)));
    }
    compute(tx, &places, &mut known, timezone, now)?;
    let result = |(indicator, place): (Indicator, Place)| {
        let days = days_of(place)?;
        let of = |place: Place| known.get(&place).cloned().unwrap_or_default();
        Some(IndicatorResult {
            indicator,
            frequency: place.1,
            days,
            result: of(place),
            before: of(before(place)),
        })
    };
    Ok(places.into_iter().filter_map(result).collect())
}

fn days_of((_, frequency, year, number): Place) -> Option<Period> {
    frequency.period(year, number)
}

fn before((id, frequency, year, number): Place) -> Place {
    let (year, number) = frequency.before(year, number);
    (id, frequency, year, number)
}

/// Adds the results of the periods that were not measured and can be computed, with one statement for each measure.
fn compute(
    tx: &mut PgConnection,
    places: &[(Indicator, Place)],
    known: &mut HashMap<Place, PeriodResult>,
    timezone: Tz,
    now: DateTime<Utc>,
) -> Result<()> {
    for measure in IndicatorMeasure::ALL.iter().filter(|measure| **measure != IndicatorMeasure::Manual) {
        let own = places.iter().filter(|(indicator, _)| indicator.measure == *measure);
        let both =
            own.flat_map(|(indicator, place)| [*place, before(*place)].map(|place| (indicator, place)));
        let (mut missing, mut asked) = (Vec::new(), Vec::new());
        for (indicator, place) in both.filter(|(_, place)| !known.contains_key(place)) {
            let Some(days) = days_of(place) else { continue };
            let bounds = days.bounds(timezone)?;
            if bounds.0 <= now && !missing.iter().any(|(other, _)| *other == place) {
                missing.push((place, bounds.1 <= now));
                asked.push(Asked { within_hours: indicator.within_hours, days, bounds });
            }
        }
        if asked.is_empty() {
            continue;
        }
        let counted = measures::count_each(tx, *measure, &asked, now)?;
        for ((place, complete), counted) in missing.into_iter().zip(counted) {
            let result = PeriodResult {
                value: counted.percent(),
                counted: Some(counted.counted),
                complete,
                ..PeriodResult::default()
            };
            known.insert(place, result);
        }
    }
    Ok(())
}
