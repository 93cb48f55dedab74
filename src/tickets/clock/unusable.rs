//! Expressions that are rejected: those that cannot be parsed, and those that would not be evaluated exactly.

use opening_hours_syntax::RuleKind;
use opening_hours_syntax::rules::day::{Date, HolidayKind, MonthdayRange, WeekDayOffset, WeekDayRange};
use opening_hours_syntax::rules::time::TimeSpan;
use opening_hours_syntax::rules::{OpeningHoursExpression, RuleOperator, RuleSequence};

use super::notation;
use super::rules::{DAY, is_whole_day, spans};
use crate::problem::{FieldCode, FieldError, Text};

/// The maximum number of characters of an expression.
pub const LONGEST: usize = 500;

/// The maximum number of rules of an expression: the cost of each evaluated day grows with it.
pub const MOST_RULES: usize = 50;

/// The maximum number of characters of a part that an error quotes.
const LONGEST_PART: usize = 100;

/// Why an expression is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Cannot be parsed; the position that the parser reports.
    Syntax(String),
    /// More than `LONGEST` characters.
    TooLong,
    /// More than `MOST_RULES` rules.
    TooManyRules,
    /// A part that is valid but is not evaluated exactly, and why.
    Unsupported(String, Why),
    /// Closed from now on, within the range that is examined.
    NeverOpen,
}

/// Why a part is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Sun times, an open end or a repetition.
    Inexact,
    /// A span that begins and ends at the same time.
    Empty,
    /// `||`.
    Fallback,
    /// A comment without `open` or `off` before it.
    Comment,
    /// `unknown`.
    Unknown,
    /// `SH`.
    SchoolHolidays,
    /// `PH Mo-Fr`: on holidays that fall on these weekdays.
    HolidayAndWeekday,
    /// A date that does not exist in every year.
    Date,
    /// A range of dates whose bounds are not of the same form.
    DateRange,
    /// `Nov 01 -Mo`: a date moved to a weekday.
    MovedDate,
    /// `off` with times after midnight, or with times that overlap hours that another rule extends from the day
    /// before.
    OffAfterMidnight,
}

impl Unusable {
    /// The reason why a parsed expression is not accepted, if there is one.
    pub fn find(text: &str, parsed: &OpeningHoursExpression) -> Option<Self> {
        if parsed.rules.len() > MOST_RULES {
            return Some(Unusable::TooManyRules);
        }
        let unsupported =
            |part: String, why| Some(Unusable::Unsupported(part.chars().take(LONGEST_PART).collect(), why));
        if let Some(part) = notation::comment_without_state(text) {
            return unsupported(part, Why::Comment);
        }
        if let Some(part) = notation::holiday_beside_weekday(text) {
            return unsupported(part, Why::HolidayAndWeekday);
        }
        for rule in &parsed.rules {
            if let Some((part, why)) = refused_in(rule) {
                return unsupported(part, why);
            }
        }
        let carried = parsed.rules.iter().filter(|rule| rule.kind == RuleKind::Open);
        let carried = carried.flat_map(|rule| spans(&rule.time_selector)).map(|span| span.end).max();
        let carried = carried.unwrap_or_default().saturating_sub(DAY);
        parsed.rules.iter().filter(|rule| rule.kind == RuleKind::Closed).find_map(|rule| {
            let meets_night = !is_whole_day(&rule.time_selector)
                && spans(&rule.time_selector).iter().any(|span| span.end > DAY || span.start < carried);
            if meets_night { unsupported(rule.to_string(), Why::OffAfterMidnight) } else { None }
        })
    }

    /// As an error of a field.
    pub fn at(&self, pointer: &str) -> FieldError {
        let (code, detail) = match self {
            Unusable::TooLong => (
                FieldCode::WrongFormat,
                Text::made(
                    format!("Admite hasta {LONGEST} caracteres."),
                    format!("It may have up to {LONGEST} characters."),
                ),
            ),
            Unusable::TooManyRules => (
                FieldCode::NotSupported,
                Text::made(
                    format!("Admite hasta {MOST_RULES} reglas."),
                    format!("It may have up to {MOST_RULES} rules."),
                ),
            ),
            Unusable::Syntax(place) => (
                FieldCode::WrongFormat,
                Text::made(
                    format!(
                        "No es una expresión `opening_hours` de OpenStreetMap, como `Mo-Fr 08:00-12:00,14:00-18:00; PH \
                         off` ({place})."
                    ),
                    format!(
                        "It is no `opening_hours` expression of OpenStreetMap, such as `Mo-Fr 08:00-12:00,14:00-18:00; \
                         PH off` ({place})."
                    ),
                ),
            ),
            Unusable::Unsupported(part, why) => {
                let why = why.text();
                let detail = Text::made(format!("`{part}`: {}", why.es), format!("`{part}`: {}", why.en));
                (FieldCode::NotSupported, detail)
            }
            Unusable::NeverOpen => (
                FieldCode::WrongFormat,
                Text::new(
                    "El calendario no tendría horas de atención de ahora en adelante.",
                    "The calendar would never be open from now on.",
                ),
            ),
        };
        FieldError::new(pointer, code, detail)
    }
}

impl Why {
    fn text(self) -> Text {
        match self {
            Why::Inexact => Text::new(
                "las horas deben ser exactas: sin el sol (`sunrise`), sin final abierto (`08:00+`), sin repeticiones.",
                "hours must be exact: no sun (`sunrise`), no open end (`08:00+`), no repetitions.",
            ),
            Why::Empty => Text::new(
                "empieza y termina a la misma hora; para todo el día escriba `00:00-24:00`.",
                "it begins and ends at the same time; write `00:00-24:00` for the whole day.",
            ),
            Why::Fallback => Text::new(
                "las reglas alternativas (`||`) no se admiten; separe las reglas con `;`.",
                "fallback rules (`||`) are not supported; separate rules by `;`.",
            ),
            Why::Comment => Text::new(
                "un comentario debe seguir a `open` u `off`, que dice si está abierto.",
                "a comment must follow `open` or `off`, which says whether it is open.",
            ),
            Why::Unknown => Text::new(
                "debe decir si está abierto o cerrado.",
                "it must say whether it is open or closed.",
            ),
            Why::SchoolHolidays => Text::new(
                "las vacaciones escolares (`SH`) no se admiten.",
                "school holidays (`SH`) are not supported.",
            ),
            Why::HolidayAndWeekday => Text::new(
                "los festivos que caen en ciertos días no se admiten; escriba `PH` solo, o con coma: `PH,Sa`.",
                "holidays that fall on certain weekdays are not supported; write `PH` alone, or with a comma: `PH,Sa`.",
            ),
            Why::Date => {
                Text::new("esa fecha no existe todos los años.", "that date does not exist in every year.")
            }
            Why::DateRange => Text::new(
                "las dos fechas deben escribirse del mismo modo: ambas con año, ambas sin año, o ambas según la Pascua.",
                "both dates must have the same form: both with a year, both without, or both relative to Easter.",
            ),
            Why::MovedDate => Text::new(
                "las fechas trasladadas a un día de la semana no se admiten.",
                "dates that are moved to a weekday are not supported.",
            ),
            Why::OffAfterMidnight => Text::new(
                "un cierre por horas no puede pasar de medianoche ni coincidir con horas que vienen del día anterior.",
                "closed hours cannot extend past midnight, nor overlap hours that extend from the day before.",
            ),
        }
    }
}

fn refused_in(rule: &RuleSequence) -> Option<(String, Why)> {
    if rule.operator == RuleOperator::Fallback {
        return Some((format!("|| {rule}"), Why::Fallback));
    }
    if rule.kind == RuleKind::Unknown {
        return Some((rule.to_string(), Why::Unknown));
    }
    let school = WeekDayRange::Holiday { kind: HolidayKind::School, offset: 0 };
    if rule.day_selector.weekday.contains(&school) {
        return Some((school.to_string(), Why::SchoolHolidays));
    }
    let date = |range: &MonthdayRange| Some((range.to_string(), refused_date(range)?));
    let time = |span: &TimeSpan| Some((span.to_string(), refused_time(span)?));
    let dates = rule.day_selector.monthday.iter().find_map(date);
    dates.or_else(|| rule.time_selector.spans.iter().find_map(time))
}

fn refused_time(span: &TimeSpan) -> Option<Why> {
    if is_inexact(span) {
        Some(Why::Inexact)
    } else if span.range.start == span.range.end {
        Some(Why::Empty)
    } else {
        None
    }
}

fn is_inexact(span: &TimeSpan) -> bool {
    let sun = span.range.start.as_time_event().or(span.range.end.as_time_event());
    sun.is_some() || span.open_end || span.repeats.is_some()
}

fn refused_date(range: &MonthdayRange) -> Option<Why> {
    let (start, end) = match range {
        // A range across the turn of the year would be ambiguous as to the year.
        MonthdayRange::Month { range, year } => {
            return (year.is_some() && range.start() > range.end()).then_some(Why::DateRange);
        }
        MonthdayRange::Date { start, end } => (start, end),
    };
    if [start, end].iter().any(|(_, offset)| offset.wday_offset != WeekDayOffset::None) {
        return Some(Why::MovedDate);
    }
    let single = start == end;
    if [start, end].iter().any(|(date, _)| !exists(*date, single)) {
        return Some(Why::Date);
    }
    let form = |date: Date| match date {
        Date::Fixed { year, .. } => Some((0, year.is_some())),
        Date::Easter { year } => Some((1, year.is_some())),
        Date::Weekday { .. } => None,
    };
    let alike = single || (form(start.0).is_some() && form(start.0) == form(end.0));
    (!alike).then_some(Why::DateRange)
}

/// Whether such a date exists every year, or, for a single date, in any year: 29 February does.
fn exists(date: Date, single: bool) -> bool {
    let Date::Fixed { year, month, day } = date else { return true };
    let year = year.map_or(if single { 2000 } else { 2001 }, |year| *year);
    chrono::NaiveDate::from_ymd_opt(year, month as u32, day.into()).is_some()
}

/// Whether an expression that can be parsed has times that depend on the sun, an open end or a repetition.
pub fn inexact_part(parsed: &OpeningHoursExpression) -> Option<String> {
    let mut spans = parsed.rules.iter().flat_map(|rule| &rule.time_selector.spans);
    spans.find(|span| is_inexact(span)).map(ToString::to_string)
}
