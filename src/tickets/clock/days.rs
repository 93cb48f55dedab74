//! The days on which a rule of an expression applies.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use opening_hours_syntax::rules::day::{
    Date, DateOffset, DaySelector, HolidayKind, MonthdayRange, WeekDayRange, WeekRange, Year, YearRange,
};

use crate::holidays::Holidays;

/// The days on which a rule applies: each kind of selector that is given must match.
pub struct Days {
    years: Vec<YearRange>,
    dates: Vec<MonthdayRange>,
    weeks: Vec<WeekRange>,
    weekdays: Vec<WeekDayRange>,
}

impl Days {
    pub fn new(selector: DaySelector) -> Self {
        Days {
            years: distinct(selector.year),
            dates: distinct(selector.monthday),
            weeks: distinct(selector.week),
            weekdays: distinct(selector.weekday),
        }
    }

    /// Without `holidays` no day is a public holiday.
    pub fn contain(&self, day: NaiveDate, holidays: Option<&Holidays>) -> bool {
        any(&self.weekdays, |range| on_weekday(range, day, holidays))
            && any(&self.years, |range| in_year(range, day))
            && any(&self.dates, |range| on_date(range, day))
            && any(&self.weeks, |range| in_week(range, day))
    }

    /// By how many days public holidays are shifted in the selectors that name them.
    pub fn holiday_offsets(&self) -> impl Iterator<Item = i16> + '_ {
        self.weekdays.iter().filter_map(|range| match range {
            WeekDayRange::Holiday { kind: HolidayKind::Public, offset } => Some(*offset),
            _ => None,
        })
    }
}

fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(all.len());
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// An empty list of selectors of a kind matches every day.
fn any<T>(selectors: &[T], matches: impl Fn(&T) -> bool) -> bool {
    selectors.is_empty() || selectors.iter().any(matches)
}

fn in_year(range: &YearRange, day: NaiveDate) -> bool {
    let (years, step) = range.into_parts();
    let year = Year(day.year());
    years.contains(&year) && (*year - **years.start()) % i32::from(step) == 0
}

fn in_week(range: &WeekRange, day: NaiveDate) -> bool {
    let (weeks, step) = range.into_parts();
    let (week, first) = (day.iso_week().week(), u32::from(**weeks.start()));
    (first..=u32::from(**weeks.end())).contains(&week) && (week - first).is_multiple_of(u32::from(step))
}

fn on_weekday(range: &WeekDayRange, day: NaiveDate, holidays: Option<&Holidays>) -> bool {
    let shifted =
        |offset: i16| day.checked_sub_signed(TimeDelta::days(offset.into())).filter(|_| offset != 0);
    match range {
        WeekDayRange::Fixed { range, offset, nth_from_start, nth_from_end } => {
            let day = shifted(*offset).unwrap_or(day);
            let (first, last) = (range.start().num_days_from_monday(), range.end().num_days_from_monday());
            let weekday = day.weekday().num_days_from_monday();
            let selected = if first <= last {
                (first..=last).contains(&weekday)
            } else {
                weekday >= first || weekday <= last
            };
            let week_of_month = |days_before: u32| usize::try_from(days_before / 7).unwrap_or_default();
            let days_after = u32::from(day.num_days_in_month()) - day.day();
            selected
                && (nth_from_start[week_of_month(day.day() - 1)] || nth_from_end[week_of_month(days_after)])
        }
        WeekDayRange::Holiday { kind: HolidayKind::Public, offset } => {
            let day = shifted(*offset).unwrap_or(day);
            holidays.is_some_and(|holidays| holidays.is_holiday(day))
        }
        WeekDayRange::Holiday { kind: HolidayKind::School, .. } => false,
    }
}

fn on_date(range: &MonthdayRange, day: NaiveDate) -> bool {
    match range {
        MonthdayRange::Month { range, year } => {
            let (first, last) = (*range.start() as u32, *range.end() as u32);
            let (month, wraps) = (day.month(), first > last);
            let selected =
                if wraps { month >= first || month <= last } else { (first..=last).contains(&month) };
            // The months after the turn of the year belong to the previous year.
            let belongs_to = if wraps && month <= last { day.year() - 1 } else { day.year() };
            selected && year.is_none_or(|year| *year == belongs_to)
        }
        MonthdayRange::Date { start, end } => between(*start, *end, day),
    }
}

type Bound = (Date, DateOffset);

fn between(start: Bound, end: Bound, day: NaiveDate) -> bool {
    let years = start.0.year().map_or(day.year() - 2..=day.year() + 1, |year| *year..=*year);
    if start == end {
        return years.into_iter().any(|year| in_year_of(start, year, Edge::Exact) == Some(day));
    }
    years.into_iter().any(|year| {
        let Some(first) = in_year_of(start, year, Edge::First) else { return false };
        let last_in = |year| in_year_of(end, year, Edge::Last).filter(|last| *last >= first);
        let last = match end.0.year() {
            Some(year) => last_in(*year),
            None => last_in(year).or_else(|| last_in(year + 1)),
        };
        last.is_some_and(|last| (first..=last).contains(&day))
    })
}

/// How to treat a day that the month does not have, such as 29 February.
#[derive(Clone, Copy)]
enum Edge {
    /// No date.
    Exact,
    /// The first day of the next month.
    First,
    /// The last day of the month.
    Last,
}

fn in_year_of((date, offset): Bound, year: i32, edge: Edge) -> Option<NaiveDate> {
    let resolved = match date {
        Date::Fixed { month, day, .. } => month_day(year, month as u32, day.into(), edge),
        Date::Weekday { month, wday, nth, .. } => nth_weekday(year, month as u32, wday, nth),
        Date::Easter { .. } => crate::holidays::easter(year),
    };
    // Offsets cannot be applied at the limits of chrono's date range.
    resolved.filter(|date| (1..=9998).contains(&date.year())).map(|date| offset.apply(date)).or(resolved)
}

fn month_day(year: i32, month: u32, day: u32, edge: Edge) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).or_else(|| {
        let last = (28..day).rev().find_map(|day| NaiveDate::from_ymd_opt(year, month, day))?;
        match edge {
            Edge::Exact => None,
            Edge::First => last.succ_opt(),
            Edge::Last => Some(last),
        }
    })
}

/// The nth such weekday of the month; from its end if `nth` is negative.
fn nth_weekday(year: i32, month: u32, weekday: Weekday, nth: i8) -> Option<NaiveDate> {
    if nth >= 0 {
        return NaiveDate::from_weekday_of_month_opt(year, month, weekday, nth.unsigned_abs());
    }
    let fifth = NaiveDate::from_weekday_of_month_opt(year, month, weekday, 5).is_some();
    let from_start = (if fifth { 6_u8 } else { 5 }).checked_sub(nth.unsigned_abs())?;
    NaiveDate::from_weekday_of_month_opt(year, month, weekday, from_start)
}
