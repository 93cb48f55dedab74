//! How often an indicator is measured, and the periods that follow from it. Pure.

use chrono::{Months, NaiveDate};

use crate::language::text_enum;
use crate::statistics::Period;

text_enum! {
    /// How often an indicator is measured (frecuencia).
    pub enum IndicatorFrequency {
        /// Each month: 12 periods in a year.
        Monthly = "monthly",
        /// Every two months: 6 periods in a year.
        Bimonthly = "bimonthly",
        /// Each quarter, as the procedure requires: 4 periods in a year.
        Quarterly = "quarterly",
        /// Each half-year: 2 periods in a year.
        Semiannual = "semiannual",
        /// Once a year.
        Yearly = "yearly",
    }
}

impl IndicatorFrequency {
    /// The number of months of a period.
    const fn months(self) -> u32 {
        match self {
            IndicatorFrequency::Monthly => 1,
            IndicatorFrequency::Bimonthly => 2,
            IndicatorFrequency::Quarterly => 3,
            IndicatorFrequency::Semiannual => 6,
            IndicatorFrequency::Yearly => 12,
        }
    }

    /// The number of periods of a year.
    pub fn periods(self) -> i16 {
        i16::try_from(12 / self.months()).unwrap_or(1)
    }

    /// The days of a period, by its number in the year; `None` if there is no such period.
    pub fn period(self, year: i16, number: i16) -> Option<Period> {
        let number = u32::try_from(number).ok().filter(|number| (1..=12 / self.months()).contains(number))?;
        let from = NaiveDate::from_ymd_opt(year.into(), (number - 1) * self.months() + 1, 1)?;
        let to = from.checked_add_months(Months::new(self.months()))?.pred_opt()?;
        Some(Period { from, to })
    }

    /// The periods that end in a quarter of a year, by number.
    pub fn ending_in(self, quarter: i16) -> impl Iterator<Item = i16> {
        (1..=self.periods()).filter(move |number| self.quarter(*number) == quarter)
    }

    /// The year and the number of the period before this one.
    pub fn before(self, year: i16, number: i16) -> (i16, i16) {
        if number > 1 { (year, number - 1) } else { (year - 1, self.periods()) }
    }

    /// The number as the database stores it: none for a quarter, which has a column of its own.
    pub fn stored(self, number: i16) -> Option<i16> {
        (self != IndicatorFrequency::Quarterly).then_some(number)
    }

    /// The quarter in which a period ends.
    pub fn quarter(self, number: i16) -> i16 {
        let months = i16::try_from(self.months()).unwrap_or(3);
        (number * months + 2) / 3
    }
}

#[cfg(test)]
mod tests {
    use super::IndicatorFrequency::{Bimonthly, Monthly, Quarterly, Semiannual, Yearly};
    use super::*;

    #[test]
    fn a_period_has_the_months_of_its_frequency() {
        for (frequency, number, from, to, quarter) in [
            (Monthly, 2, "2028-02-01", "2028-02-29", 1),
            (Monthly, 12, "2028-12-01", "2028-12-31", 4),
            (Bimonthly, 2, "2028-03-01", "2028-04-30", 2),
            (Bimonthly, 3, "2028-05-01", "2028-06-30", 2),
            (Quarterly, 3, "2028-07-01", "2028-09-30", 3),
            (Semiannual, 1, "2028-01-01", "2028-06-30", 2),
            (Yearly, 1, "2028-01-01", "2028-12-31", 4),
        ] {
            let days = Period { from: from.parse().unwrap(), to: to.parse().unwrap() };
            assert_eq!(frequency.period(2028, number), Some(days), "{frequency:?} {number}");
            assert_eq!(frequency.quarter(number), quarter, "{frequency:?} {number}");
        }
    }

    #[test]
    fn the_periods_of_a_year_follow_one_another() {
        for frequency in IndicatorFrequency::ALL {
            let periods: Vec<Period> =
                (1..=frequency.periods()).filter_map(|number| frequency.period(2027, number)).collect();
            assert_eq!(periods.len(), frequency.periods() as usize);
            assert!(periods.windows(2).all(|pair| pair[0].to.succ_opt() == Some(pair[1].from)));
            assert_eq!(periods.last().unwrap().to.to_string(), "2027-12-31");
            for none in [-1, 0, frequency.periods() + 1] {
                assert_eq!(frequency.period(2027, none), None, "{frequency:?} {none}");
            }
        }
    }

    #[test]
    fn each_period_ends_in_one_quarter() {
        let ends = |frequency: IndicatorFrequency| -> Vec<Vec<i16>> {
            (1..=4).map(|quarter| frequency.ending_in(quarter).collect()).collect()
        };
        assert_eq!(ends(Bimonthly), [vec![1], vec![2, 3], vec![4], vec![5, 6]]);
        assert_eq!(ends(Semiannual), [vec![], vec![1], vec![], vec![2]]);
        assert_eq!(ends(Quarterly), [[1], [2], [3], [4]]);
        assert_eq!((Monthly.before(2027, 1), Yearly.before(2027, 1)), ((2026, 12), (2026, 1)));
        assert_eq!(Monthly.before(2027, 7), (2027, 6));
    }
}
