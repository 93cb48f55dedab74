//! Public holidays: their rules, and the holidays that were in force at a moment.

pub mod colombia;
mod rule;
pub mod sets;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Datelike, NaiveDate};

pub use rule::{HolidayKind, HolidayRule, easter};

/// The years for which holidays are computed.
pub const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;

/// The maximum number of characters of the joined names of one date.
const LONGEST_NAME: usize = 1000;

/// How many years are cached for one set of rules.
const CACHED_YEARS: usize = 256;

/// The dates of one year with their holidays, in order; several holidays can fall on one date.
type Year = Arc<Vec<(NaiveDate, usize)>>;

/// A set of holiday rules that does not change. Cheap to clone; the dates of a year are computed when first needed.
#[derive(Clone)]
pub struct Holidays(Arc<Set>);

struct Set {
    rules: Vec<HolidayRule>,
    years: Mutex<HashMap<i32, Year>>,
}

impl Holidays {
    pub fn new(rules: Vec<HolidayRule>) -> Self {
        Holidays(Arc::new(Set { rules, years: Mutex::default() }))
    }

    pub fn none() -> Self {
        Self::new(Vec::new())
    }

    /// The holidays of a calendar year, by date; each with its rule.
    pub fn of_year(&self, year: i32) -> Vec<(NaiveDate, &HolidayRule)> {
        self.year(year).iter().filter_map(|(date, rule)| Some((*date, self.0.rules.get(*rule)?))).collect()
    }

    pub fn is_holiday(&self, date: NaiveDate) -> bool {
        self.year(date.year()).binary_search_by_key(&date, |(date, _)| *date).is_ok()
    }

    /// The names of the holidays of this date, joined by ` / `; none if it is not a holiday.
    pub fn name(&self, date: NaiveDate) -> Option<String> {
        let year = self.year(date.year());
        let names: Vec<&str> = year
            .iter()
            .filter(|(day, _)| *day == date)
            .filter_map(|(_, rule)| Some(self.0.rules.get(*rule)?.name.as_str()))
            .collect();
        (!names.is_empty()).then(|| names.join(" / ").chars().take(LONGEST_NAME).collect())
    }

    fn year(&self, year: i32) -> Year {
        let mut years = self.0.years.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = years.get(&year) {
            return Arc::clone(known);
        }
        if years.len() >= CACHED_YEARS {
            years.clear();
        }
        let computed: Year = Arc::new(self.compute(year));
        years.insert(year, Arc::clone(&computed));
        computed
    }

    fn compute(&self, year: i32) -> Vec<(NaiveDate, usize)> {
        if !YEARS.contains(&year) {
            return Vec::new();
        }
        // A rule of the year before or after can fall on a date of this one.
        let mut dates: Vec<(NaiveDate, usize)> = (year - 1..=year + 1)
            .flat_map(|belongs_to| {
                let rules = self.0.rules.iter().enumerate();
                rules.filter_map(move |(index, rule)| Some((rule.date_of(belongs_to)?, index)))
            })
            .filter(|(date, _)| date.year() == year)
            .collect();
        dates.sort();
        dates
    }
}

impl std::fmt::Debug for Holidays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Holidays").field(&self.0.rules).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holidays whose date depends on the year, written by hand from Ley 51 de 1983 and Ley 2578 de 2026: the
    /// seven (from 2026 on eight) that move to Monday, and the five that depend on Easter.
    #[rustfmt::skip]
    const BY_HAND: [(i32, &[&str]); 8] = [
        (2024, &["01-08", "03-25", "03-28", "03-29", "05-13", "06-03", "06-10", "07-01", "08-19", "10-14", "11-04", "11-11"]),
        (2025, &["01-06", "03-24", "04-17", "04-18", "06-02", "06-23", "06-30", "06-30", "08-18", "10-13", "11-03", "11-17"]),
        (2026, &["01-12", "03-23", "04-02", "04-03", "05-18", "06-08", "06-15", "06-29", "07-13", "08-17", "10-12", "11-02", "11-16"]),
        (2027, &["01-11", "03-22", "03-25", "03-26", "05-10", "05-31", "06-07", "07-05", "07-12", "08-16", "10-18", "11-01", "11-15"]),
        (2028, &["01-10", "03-20", "04-13", "04-14", "05-29", "06-19", "06-26", "07-03", "07-10", "08-21", "10-16", "11-06", "11-13"]),
        (2029, &["01-08", "03-19", "03-29", "03-30", "05-14", "06-04", "06-11", "07-02", "07-09", "08-20", "10-15", "11-05", "11-12"]),
        (2030, &["01-07", "03-25", "04-18", "04-19", "06-03", "06-24", "07-01", "07-01", "07-15", "08-19", "10-14", "11-04", "11-11"]),
        (2031, &["01-06", "03-24", "04-10", "04-11", "05-26", "06-16", "06-23", "06-30", "07-14", "08-18", "10-13", "11-03", "11-17"]),
    ];

    fn dates(year: i32) -> Vec<String> {
        colombia::holidays().of_year(year).iter().map(|(date, _)| date.to_string()).collect()
    }

    #[test]
    fn the_holidays_of_each_year_are_those_of_the_law() {
        for (year, moving) in BY_HAND {
            let fixed = ["01-01", "05-01", "07-20", "08-07", "12-08", "12-25"];
            let mut expected: Vec<String> =
                fixed.iter().chain(moving).map(|day| format!("{year}-{day}")).collect();
            expected.sort();
            assert_eq!(dates(year), expected);
        }
    }

    #[test]
    fn they_agree_with_the_data_of_the_opening_hours_crate_and_the_new_law() {
        let known = opening_hours::localization::Country::CO.holidays();
        for year in 1984..=2076 {
            let holidays = colombia::holidays();
            let mut ours: Vec<NaiveDate> = holidays.of_year(year).iter().map(|(date, _)| *date).collect();
            ours.dedup();
            let mut theirs: Vec<NaiveDate> =
                known.get_public().iter().filter(|date| date.year() == year).collect();
            if theirs.is_empty() {
                continue;
            }
            if year >= 2026 {
                let ninth = NaiveDate::from_ymd_opt(year, 7, 9).unwrap();
                theirs.extend(ninth.iter_days().find(|day| day.weekday() == chrono::Weekday::Mon));
                theirs.sort();
                theirs.dedup();
            }
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn they_are_computed_for_distant_years() {
        // 15 August 2200 is a Friday; Easter Sunday of 2200 is 6 April.
        assert!(dates(2200).contains(&"2200-08-18".to_owned()));
        assert!(dates(2200).contains(&"2200-04-04".to_owned()));
        assert_eq!(dates(9999).len(), 19);
        assert!(dates(10_000).is_empty());
    }

    #[test]
    fn a_date_has_the_names_of_its_holidays() {
        let named = |date: &str| colombia::holidays().name(date.parse().unwrap());
        assert_eq!(named("2026-07-20").as_deref(), Some("Día de la Independencia"));
        assert_eq!(named("2025-06-30").as_deref(), Some("San Pedro y San Pablo / Sagrado Corazón de Jesús"));
        assert_eq!(named("2026-07-13").as_deref(), Some("Virgen de Chiquinquirá"));
        assert_eq!(named("2025-07-14"), None);
        assert_eq!(named("2026-07-21"), None);
    }
}
