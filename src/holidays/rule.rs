//! The rule of one holiday: on which date of a year it falls. Pure.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::db::schema::holidays;
use crate::language::text_enum;

text_enum! {
    /// How the date of a holiday is determined.
    pub enum HolidayKind {
        /// The same month and day every year.
        Fixed = "fixed",
        /// The same month and day every year, moved to the following Monday unless it is a Monday (Ley 51 de 1983).
        FollowingMonday = "following_monday",
        /// A number of days before or after Easter Sunday.
        Easter = "easter",
        /// One date only.
        Date = "date",
    }
}

/// The rule of one holiday. Which of the fields are set depends on `kind`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Queryable, Selectable)]
#[diesel(table_name = holidays)]
pub struct HolidayRule {
    pub name: String,
    pub kind: HolidayKind,
    /// For `fixed` and `following_monday`.
    pub month: Option<i16>,
    /// For `fixed` and `following_monday`.
    pub day: Option<i16>,
    /// For `easter`; negative before Easter Sunday.
    pub days_from_easter: Option<i16>,
    /// For `date`.
    pub date: Option<NaiveDate>,
    /// The first year of the holiday; open if `None`.
    pub first_year: Option<i32>,
    /// The last year of the holiday; open if `None`.
    pub last_year: Option<i32>,
}

impl HolidayRule {
    /// The date of this holiday that belongs to `year`: none if the year has no such date or lies outside of the
    /// years of the holiday. A holiday that is moved to Monday can fall on a date of the next year.
    pub fn date_of(&self, year: i32) -> Option<NaiveDate> {
        if self.first_year.is_some_and(|first| year < first) || self.last_year.is_some_and(|last| year > last)
        {
            return None;
        }
        let month_day = || {
            let (month, day) = (u32::try_from(self.month?).ok()?, u32::try_from(self.day?).ok()?);
            NaiveDate::from_ymd_opt(year, month, day)
        };
        match self.kind {
            HolidayKind::Fixed => month_day(),
            HolidayKind::FollowingMonday => following_monday(month_day()?),
            HolidayKind::Easter => {
                easter(year)?.checked_add_signed(TimeDelta::days(self.days_from_easter?.into()))
            }
            HolidayKind::Date => self.date.filter(|date| date.year() == year),
        }
    }
}

/// The date itself if it is a Monday.
fn following_monday(date: NaiveDate) -> Option<NaiveDate> {
    let days = (7 - date.weekday().num_days_from_monday()) % 7;
    date.checked_add_days(Days::new(days.into()))
}

/// Easter Sunday in the Gregorian calendar, by the anonymous algorithm (Meeus, Jones, Butcher).
pub fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, year_of_century) = (year % 19, year / 100, year % 100);
    let leap_centuries = century / 4;
    let lunar_correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leap_centuries - lunar_correction + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (year_of_century / 4) - epact - year_of_century % 4) % 7;
    let exception = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * exception + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Easter Sunday by Gauss's algorithm, with its two exceptions: independent of the one above.
    fn easter_by_gauss(year: i32) -> NaiveDate {
        let (a, b, c) = (year % 19, year % 4, year % 7);
        let k = year / 100;
        let p = (13 + 8 * k) / 25;
        let q = k / 4;
        let m = (15 - p + k - q) % 30;
        let n = (4 + k - q) % 7;
        let d = (19 * a + m) % 30;
        let mut e = (2 * b + 4 * c + 6 * d + n) % 7;
        if (d == 29 && e == 6) || (d == 28 && e == 6 && (11 * m + 11) % 30 < 19) {
            e -= 7;
        }
        NaiveDate::from_ymd_opt(year, 3, 22).unwrap() + TimeDelta::days((d + e).into())
    }

    #[test]
    fn easter_agrees_with_a_second_algorithm() {
        for year in 1984..=2100 {
            assert_eq!(easter(year), Some(easter_by_gauss(year)), "{year}");
            assert_eq!(easter(year).unwrap().weekday(), chrono::Weekday::Sun);
        }
    }

    #[test]
    fn a_rule_holds_from_its_first_to_its_last_year() {
        let rule = HolidayRule {
            name: "Día cívico".to_owned(),
            kind: HolidayKind::FollowingMonday,
            month: Some(12),
            day: Some(30),
            days_from_easter: None,
            date: None,
            first_year: Some(2027),
            last_year: Some(2028),
        };
        let date = |year| rule.date_of(year).map(|date| date.to_string());
        assert_eq!(date(2026), None);
        assert_eq!(date(2027).as_deref(), Some("2028-01-03"));
        assert_eq!(date(2028).as_deref(), Some("2029-01-01"));
        assert_eq!(date(2029), None);
        let leap_day = HolidayRule { month: Some(2), day: Some(29), kind: HolidayKind::Fixed, ..rule };
        assert_eq!(leap_day.date_of(2028), NaiveDate::from_ymd_opt(2028, 2, 29));
        assert_eq!(leap_day.date_of(2027), None);
    }
}
