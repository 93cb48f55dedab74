//! The public holidays of Colombia. Pure.
//!
//! The country's data that `opening-hours` brings along end in 2076, so they are reckoned here: those of a fixed date,
//! those that Ley 51 of 1983 moves to the next Monday, and those that Easter bounds.

use std::sync::{Arc, LazyLock};

use chrono::{Datelike, Days, NaiveDate};
use opening_hours::ContextHolidays;

/// The first year in which Ley 51 of 1983 moved holidays.
const MOVED_SINCE: i32 = 1984;

/// Kept on their date, whatever day of the week that is.
const FIXED: [(u32, u32, &str); 6] = [
    (1, 1, "Año Nuevo"),
    (5, 1, "Día del Trabajo"),
    (7, 20, "Día de la Independencia"),
    (8, 7, "Batalla de Boyacá"),
    (12, 8, "Inmaculada Concepción"),
    (12, 25, "Navidad"),
];

/// Kept on their date where it is a Monday, else on the next one.
const MOVED: [(u32, u32, &str); 7] = [
    (1, 6, "Día de los Reyes Magos"),
    (3, 19, "Día de San José"),
    (6, 29, "San Pedro y San Pablo"),
    (8, 15, "Asunción de la Virgen"),
    (10, 12, "Día de la Raza"),
    (11, 1, "Todos los Santos"),
    (11, 11, "Independencia de Cartagena"),
];

/// Days from Easter Sunday, and whether they are moved to the next Monday.
const BY_EASTER: [(i64, bool, &str); 5] = [
    (-3, false, "Jueves Santo"),
    (-2, false, "Viernes Santo"),
    (39, true, "Ascensión del Señor"),
    (60, true, "Corpus Christi"),
    (68, true, "Sagrado Corazón de Jesús"),
];

/// The holidays of a year, each with its name in Spanish, in no particular order. Two may fall on one day.
pub fn of_year(year: i32) -> impl Iterator<Item = (NaiveDate, &'static str)> {
    let on = move |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let kept = move |date: NaiveDate, moved: bool| {
        if moved && year >= MOVED_SINCE { next_monday(date) } else { Some(date) }
    };
    let fixed = FIXED.iter().filter_map(move |(month, day, name)| Some((on(*month, *day)?, *name)));
    let moved =
        MOVED.iter().filter_map(move |(month, day, name)| Some((kept(on(*month, *day)?, true)?, *name)));
    let by_easter = BY_EASTER.iter().filter_map(move |(days, moved, name)| {
        let date = easter(year)?.checked_add_signed(chrono::TimeDelta::days(*days))?;
        Some((kept(date, *moved)?, *name))
    });
    fixed.chain(moved).chain(by_easter)
}

/// What is kept on this day; none where it is no holiday.
pub fn name(date: NaiveDate) -> Option<String> {
    let names: Vec<&str> =
        of_year(date.year()).filter(|(day, _)| *day == date).map(|(_, name)| name).collect();
    (!names.is_empty()).then(|| names.join(" / "))
}

pub fn is_public_holiday(date: NaiveDate) -> bool {
    of_year(date.year()).any(|(day, _)| day == date)
}

/// All holidays that an `opening_hours` expression can be reckoned with: `PH` in the years 1900 to 9999.
pub fn known() -> ContextHolidays {
    static KNOWN: LazyLock<ContextHolidays> = LazyLock::new(|| {
        let dates = (1900..10_000).flat_map(of_year).map(|(date, _)| date);
        ContextHolidays::new(Arc::new(dates.collect()), Arc::default())
    });
    KNOWN.clone()
}

/// The date itself where it is a Monday.
fn next_monday(date: NaiveDate) -> Option<NaiveDate> {
    let days = (7 - date.weekday().num_days_from_monday()) % 7;
    date.checked_add_days(Days::new(days.into()))
}

/// Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Jones, Butcher).
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, of_century) = (year % 19, year / 100, year % 100);
    let leaps = century / 4;
    let moon = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - leaps - moon + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The holidays that are not always on the same date, written down by hand from the calendars of those years: the
    /// seven moved ones, Thursday and Friday of Easter, Ascension, Corpus Christi, Sacred Heart.
    #[rustfmt::skip]
    const BY_HAND: [(i32, [&str; 12]); 8] = [
        (2024, ["01-08", "03-25", "03-28", "03-29", "05-13", "06-03", "06-10", "07-01", "08-19", "10-14", "11-04", "11-11"]),
        (2025, ["01-06", "03-24", "04-17", "04-18", "06-02", "06-23", "06-30", "06-30", "08-18", "10-13", "11-03", "11-17"]),
        (2026, ["01-12", "03-23", "04-02", "04-03", "05-18", "06-08", "06-15", "06-29", "08-17", "10-12", "11-02", "11-16"]),
        (2027, ["01-11", "03-22", "03-25", "03-26", "05-10", "05-31", "06-07", "07-05", "08-16", "10-18", "11-01", "11-15"]),
        (2028, ["01-10", "03-20", "04-13", "04-14", "05-29", "06-19", "06-26", "07-03", "08-21", "10-16", "11-06", "11-13"]),
        (2029, ["01-08", "03-19", "03-29", "03-30", "05-14", "06-04", "06-11", "07-02", "08-20", "10-15", "11-05", "11-12"]),
        (2030, ["01-07", "03-25", "04-18", "04-19", "06-03", "06-24", "07-01", "07-01", "08-19", "10-14", "11-04", "11-11"]),
        (2031, ["01-06", "03-24", "04-10", "04-11", "05-26", "06-16", "06-23", "06-30", "08-18", "10-13", "11-03", "11-17"]),
    ];

    fn reckoned(year: i32) -> Vec<String> {
        let mut dates: Vec<String> = of_year(year).map(|(date, _)| date.to_string()).collect();
        dates.sort();
        dates
    }

    #[test]
    fn the_holidays_of_each_year_are_as_written_down() {
        for (year, moving) in BY_HAND {
            let kept = ["01-01", "05-01", "07-20", "08-07", "12-08", "12-25"];
            let mut expected: Vec<String> =
                kept.iter().chain(&moving).map(|day| format!("{year}-{day}")).collect();
            expected.sort();
            assert_eq!(reckoned(year), expected);
        }
    }

    #[test]
    fn they_agree_with_the_data_of_the_crate_for_as_long_as_those_reach() {
        let known = opening_hours::localization::Country::CO.holidays();
        for year in 2000..=2076 {
            let mut ours: Vec<NaiveDate> = of_year(year).map(|(date, _)| date).collect();
            ours.sort();
            ours.dedup();
            let theirs: Vec<NaiveDate> =
                known.get_public().iter().filter(|date| date.year() == year).collect();
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn they_are_known_for_years_far_off_and_moved_since_the_law_is_in_force() {
        // 15 August 2200 is a Friday; Easter Sunday of 2200 is 6 April.
        assert!(reckoned(2200).contains(&"2200-08-18".to_owned()));
        assert!(reckoned(2200).contains(&"2200-04-04".to_owned()));
        // 6 January 1983 was a Thursday, 6 January 1984 a Friday.
        assert!(reckoned(1983).contains(&"1983-01-06".to_owned()));
        assert!(reckoned(1984).contains(&"1984-01-09".to_owned()));
        assert_eq!(reckoned(9999).len(), 18);
        assert!(known().get_public().contains(NaiveDate::from_ymd_opt(9999, 12, 25).unwrap()));
    }

    #[test]
    fn a_day_names_what_it_keeps() {
        let named = |date: &str| name(date.parse().unwrap());
        assert_eq!(named("2026-07-20").as_deref(), Some("Día de la Independencia"));
        assert_eq!(named("2025-06-30").as_deref(), Some("San Pedro y San Pablo / Sagrado Corazón de Jesús"));
        assert_eq!(named("2026-07-21"), None);
    }
}
