//! The indicators of a report, with their targets and lights.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::indicators::definitions::IndicatorKind;
use crate::indicators::frequency::IndicatorFrequency;
use crate::indicators::light::{IndicatorDirection, IndicatorLight};
use crate::indicators::measurements::MeasurementStatus;
use crate::indicators::measures::IndicatorMeasure;
use crate::indicators::results::{self, IndicatorResult, PeriodResult};
use crate::problem::Result;
use crate::statistics::Quarter;
use crate::statistics::disclosure::FEWEST;

/// An indicator with its result for a period that ends in the quarter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportIndicator {
    /// Identifier of the indicator.
    pub indicator_id: Uuid,
    /// The name of the indicator (nombre).
    #[schema(max_length = 200, example = "Oportunidad en la atención")]
    pub name: String,
    /// The name, and the period if it is not the quarter.
    #[serde(skip)]
    pub label: String,
    /// The type of the indicator (tipo); `null` if none was stated.
    pub kind: Option<IndicatorKind>,
    /// The frequency, which determines the length of the period.
    pub frequency: IndicatorFrequency,
    /// The first day of the period.
    pub from_date: NaiveDate,
    /// The last day of the period, inclusive.
    pub through_date: NaiveDate,
    /// The result in the indicator's unit: that of its measurement, otherwise computed from the current data; `null` if
    /// there is none, or if it is `withheld`.
    #[schema(example = 87.5)]
    pub value: Option<f64>,
    /// The result of the period before; `null` if there is none, or if it is withheld.
    #[schema(example = 92.0)]
    pub previous_value: Option<f64>,
    /// The unit of the values, the target and the warning.
    #[schema(max_length = 50, example = "%")]
    #[serde(rename = "unit_of_measure")]
    pub unit: String,
    /// The target, in the indicator's unit (meta); at the time of the measurement, if there is one.
    #[schema(example = 90.0)]
    pub target: f64,
    /// Whether values above or below the target are good.
    pub direction: IndicatorDirection,
    /// The limit of the yellow light, in the indicator's unit.
    #[schema(example = 80.0)]
    pub warning: f64,
    /// The status of `value` against the target (semáforo); `null` if `value` is `null`.
    pub light: Option<IndicatorLight>,
    /// Whether `value` and `light` are `null` because the reader may not read individual survey answers.
    pub withheld: bool,
    /// The state of the measurement; `null` if the period is not measured.
    pub measurement_status: Option<MeasurementStatus>,
    /// The analysis of the measurement (análisis); `null` if there is none.
    #[schema(max_length = 10_000)]
    pub analysis: Option<String>,
    /// Whether readers of totals of survey answers may read the value, and the previous one.
    #[serde(skip)]
    pub(super) offered: (bool, bool),
}

impl ReportIndicator {
    /// The indicators of a quarter.
    pub fn of_quarter(
        tx: &mut PgConnection,
        quarter: Quarter,
        timezone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Vec<Self>> {
        Ok(results::of_quarter(tx, quarter, timezone, now)?.into_iter().map(Self::from).collect())
    }

    /// The version for readers of totals of survey answers.
    pub fn for_totals(self) -> Self {
        let withheld = !self.offered.0 && self.value.is_some();
        ReportIndicator {
            value: self.value.filter(|_| self.offered.0),
            previous_value: self.previous_value.filter(|_| self.offered.1),
            light: self.light.filter(|_| self.offered.0),
            // What was written of a value may tell it.
            analysis: self.analysis.filter(|_| self.offered.0),
            withheld,
            ..self
        }
    }

    #[cfg(test)]
    pub fn sample(name: &str, value: Option<f64>, previous_value: Option<f64>) -> Self {
        let day = NaiveDate::default();
        ReportIndicator {
            indicator_id: Uuid::nil(),
            name: name.to_owned(),
            label: name.to_owned(),
            kind: None,
            frequency: IndicatorFrequency::Quarterly,
            from_date: day,
            through_date: day,
            value,
            previous_value,
            unit: "%".to_owned(),
            target: 90.0,
            direction: IndicatorDirection::AtLeast,
            warning: 80.0,
            light: value
                .map(|value| IndicatorLight::for_value(value, 90.0, IndicatorDirection::AtLeast, 80.0)),
            withheld: false,
            measurement_status: None,
            analysis: None,
            offered: (true, true),
        }
    }
}

impl From<IndicatorResult> for ReportIndicator {
    fn from(found: IndicatorResult) -> Self {
        let IndicatorResult { indicator, frequency, days, result, before } = found;
        let limits = (indicator.target, indicator.direction, indicator.warning);
        let (target, direction, warning) = result.limits.unwrap_or(limits);
        let of_answers = indicator.measure == IndicatorMeasure::Satisfaction;
        // As the measurements of indicators.
        let offered = |one: &PeriodResult| {
            let enough = one.counted.is_some_and(|counted| counted >= FEWEST);
            !of_answers || one.complete && enough && frequency == IndicatorFrequency::Quarterly
        };
        let label = match frequency {
            IndicatorFrequency::Quarterly => indicator.name.clone(),
            _ => format!("{} ({})", indicator.name, months(days.from, days.to)),
        };
        ReportIndicator {
            offered: (offered(&result), offered(&before)),
            indicator_id: indicator.id,
            label,
            name: indicator.name,
            kind: indicator.kind,
            frequency,
            from_date: days.from,
            through_date: days.to,
            value: result.value,
            previous_value: before.value,
            unit: indicator.unit,
            target,
            direction,
            warning,
            light: result.value.map(|value| IndicatorLight::for_value(value, target, direction, warning)),
            withheld: false,
            measurement_status: result.status,
            analysis: result.analysis,
        }
    }
}

/// Such as `08/2026` or `07–08/2026`.
fn months(from: NaiveDate, to: NaiveDate) -> String {
    let (first, last) = (from.format("%m").to_string(), to.format("%m/%Y").to_string());
    if from.format("%m/%Y").to_string() == last { last } else { format!("{first}–{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_months_of_a_period_are_named() {
        let named = |from: &str, to: &str| months(from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(named("2026-08-01", "2026-08-31"), "08/2026");
        assert_eq!(named("2026-07-01", "2026-12-31"), "07–12/2026");
    }

    #[test]
    fn readers_of_totals_get_no_value_that_is_not_offered() {
        let one = ReportIndicator {
            offered: (false, true),
            ..ReportIndicator::sample("S", Some(95.0), Some(90.0))
        };
        let read = one.clone().for_totals();
        assert_eq!(
            (read.value, read.light, read.withheld, read.previous_value),
            (None, None, true, Some(90.0))
        );
        let nothing = ReportIndicator { value: None, ..one }.for_totals();
        assert!(!nothing.withheld);
    }
}
