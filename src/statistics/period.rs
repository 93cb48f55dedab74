//! The days that are counted: periods, the previous period, and their parts. Pure.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::query::invalid;
use crate::language::text_enum;
use crate::problem::{Result, Text};

/// The period to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// The first day.
    #[param(example = "2026-10-01")]
    #[serde(rename = "from_date")]
    pub from: NaiveDate,
    /// The last day, inclusive.
    #[param(example = "2026-12-31")]
    #[serde(rename = "through_date")]
    pub to: NaiveDate,
}

text_enum! {
    /// The parts into which a period is divided.
    pub enum Interval {
        Day = "day",
        /// From Monday to Sunday.
        Week = "week",
        Month = "month",
        Quarter = "quarter",
    }
}

/// The maximum length of a period, in days.
const LONGEST: i64 = 3_660;

/// The maximum number of parts of a period.
pub const MOST_PARTS: usize = 400;

impl Period {
    /// The first moment of the period, and the first one after it.
    ///
    /// # Errors
    /// A 400 if the last day is before the first, or the period is longer than ten years.
    pub fn bounds(&self, timezone: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        let Period { from, to } = *self;
        if to < from {
            return Err(invalid(
                "through_date",
                Text::new("Debe ser igual o posterior a `from_date`.", "It must be `from_date` or later."),
            ));
        }
        if (to - from).num_days() > LONGEST {
            return Err(invalid(
                "through_date",
                Text::new("El período puede abarcar hasta diez años.", "A period may have up to ten years."),
            ));
        }
        midnight(timezone, Some(from))
            .zip(midnight(timezone, to.succ_opt()))
            .ok_or_else(|| invalid("from_date", Text::new("La fecha no existe.", "There is no such date.")))
    }

    /// The previous period: the same number of whole months if this one consists of whole months, otherwise the same
    /// number of days. `None` if it would begin before the year 1.
    pub fn before(&self) -> Option<Self> {
        let next = self.to.succ_opt()?;
        let to = self.from.pred_opt()?;
        let whole_months = self.from.day() == 1 && next.day() == 1;
        let from = if whole_months {
            let months =
                (next.year() - self.from.year()) * 12 + next.month() as i32 - self.from.month() as i32;
            self.from.checked_sub_months(Months::new(u32::try_from(months).ok()?))?
        } else {
            let days = u64::try_from((next - self.from).num_days()).ok()?;
            self.from.checked_sub_days(Days::new(days))?
        };
        (from.year() >= 1).then_some(Period { from, to })
    }

    /// Its parts in order; the first and the last are cut off at the bounds of the period. Returns at most one more
    /// than the maximum.
    pub fn parts(&self, interval: Interval) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut from = self.from;
        while from <= self.to && parts.len() <= MOST_PARTS {
            let next = interval.after(from);
            let to = next.and_then(|next| next.pred_opt()).map_or(self.to, |last| last.min(self.to));
            parts.push(Period { from, to });
            let Some(next) = next else { break };
            from = next;
        }
        parts
    }
}

impl Interval {
    /// The first day of the next part after the one that contains this day.
    fn after(self, day: NaiveDate) -> Option<NaiveDate> {
        match self {
            Interval::Day => day.succ_opt(),
            Interval::Week => day.week(Weekday::Mon).checked_last_day()?.succ_opt(),
            Interval::Month => day.with_day(1)?.checked_add_months(Months::new(1)),
            Interval::Quarter => Quarter::containing(day).period()?.to.succ_opt(),
        }
    }
}

/// The first moment of a day.
pub fn midnight(timezone: Tz, day: Option<NaiveDate>) -> Option<DateTime<Utc>> {
    let day = day?;
    // If clocks are put forward at midnight, the day begins an hour later.
    (0..=3)
        .find_map(|hour| timezone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest())
        .map(|at| at.to_utc())
}

/// A quarter of a year; written `2026-4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter {
    pub year: i32,
    /// From 1 to 4.
    pub number: u32,
}

impl Quarter {
    /// The quarter that contains this day.
    pub fn containing(day: NaiveDate) -> Self {
        Quarter { year: day.year(), number: (day.month() - 1) / 3 + 1 }
    }

    /// Its days; `None` outside of the range of the calendar.
    pub fn period(self) -> Option<Period> {
        let from = NaiveDate::from_ymd_opt(self.year, self.number.checked_sub(1)? * 3 + 1, 1)?;
        Some(Period { from, to: from.checked_add_months(Months::new(3))?.pred_opt()? })
    }

    /// The first moment of the quarter, and the first one after it; `None` if there is no such quarter.
    pub fn bounds(self, timezone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.period()?.bounds(timezone).ok()
    }

    pub fn before(self) -> Self {
        match self.number {
            2.. => Quarter { number: self.number - 1, ..self },
            _ => Quarter { year: self.year - 1, number: 4 },
        }
    }
}

impl FromStr for Quarter {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let quarter = text.split_once('-').and_then(|(year, number)| {
            Some(Quarter { year: year.parse().ok()?, number: number.parse().ok()? })
        });
        let known =
            |quarter: &Quarter| (2000..=9998).contains(&quarter.year) && (1..=4).contains(&quarter.number);
        quarter.filter(known).ok_or_else(|| "expected a year and a quarter such as 2026-4".to_owned())
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn period(from: &str, to: &str) -> Period {
        Period { from: day(from), to: day(to) }
    }

    #[test]
    fn a_day_begins_by_the_entitys_clock() {
        let begins = midnight(chrono_tz::America::Bogota, Some(day("2026-11-23"))).unwrap();
        assert_eq!(begins.to_rfc3339(), "2026-11-23T05:00:00+00:00");
    }

    #[test]
    fn a_day_that_lacks_its_first_hour_begins_with_the_second() {
        let begins = midnight(chrono_tz::America::Santiago, Some(day("2026-09-06"))).unwrap();
        assert_eq!(begins.to_rfc3339(), "2026-09-06T04:00:00+00:00");
    }

    #[test]
    fn the_period_before_has_as_many_months_or_days() {
        for (one, before) in [
            (period("2026-10-01", "2026-12-31"), period("2026-07-01", "2026-09-30")),
            (period("2026-01-01", "2026-03-31"), period("2025-10-01", "2025-12-31")),
            (period("2026-03-01", "2026-03-31"), period("2026-02-01", "2026-02-28")),
            (period("2026-01-01", "2026-12-31"), period("2025-01-01", "2025-12-31")),
            (period("2026-03-10", "2026-03-16"), period("2026-03-03", "2026-03-09")),
            (period("2026-03-10", "2026-03-10"), period("2026-03-09", "2026-03-09")),
        ] {
            assert_eq!(one.before(), Some(before));
        }
        assert_eq!(period("0002-01-02", "0005-01-01").before(), None);
        assert_eq!(period("0001-01-01", "0001-01-31").before(), None);
    }

    #[test]
    fn weeks_begin_on_monday_and_are_cut_off_at_the_ends() {
        let weeks = period("2026-10-01", "2026-10-12").parts(Interval::Week);
        let expected = [
            period("2026-10-01", "2026-10-04"),
            period("2026-10-05", "2026-10-11"),
            period("2026-10-12", "2026-10-12"),
        ];
        assert_eq!(weeks, expected);
        let quarters = period("2025-11-15", "2026-04-01").parts(Interval::Quarter);
        let expected = [
            period("2025-11-15", "2025-12-31"),
            period("2026-01-01", "2026-03-31"),
            period("2026-04-01", "2026-04-01"),
        ];
        assert_eq!(quarters, expected);
    }

    #[test]
    fn quarters_follow_one_another() {
        let quarter: Quarter = "2026-1".parse().unwrap();
        assert_eq!(quarter.before().to_string(), "2025-4");
        assert_eq!(quarter.before().period(), Some(period("2025-10-01", "2025-12-31")));
        assert_eq!(quarter.period().unwrap().before(), quarter.before().period());
        for wrong in ["2026", "2026-0", "2026-5", "26-1", "2026-", "-1", "2026-1-1", "9999-4"] {
            assert!(wrong.parse::<Quarter>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_the_period_without_gap_or_overlap(start in 0u64..20_000, length in 0u64..390, which in 0usize..4) {
            let from = day("1990-01-01") + Days::new(start);
            let whole = Period { from, to: from + Days::new(length) };
            let parts = whole.parts(Interval::ALL[which]);
            prop_assert_eq!(parts[0].from, whole.from);
            prop_assert_eq!(parts[parts.len() - 1].to, whole.to);
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].to.succ_opt(), Some(pair[1].from));
            }
            prop_assert!(parts.iter().all(|part| part.from <= part.to));
            let before = whole.before().unwrap();
            prop_assert_eq!(before.to.succ_opt(), Some(whole.from));
        }
    }
}
