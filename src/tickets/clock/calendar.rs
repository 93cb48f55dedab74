//! A calendar: the hours during which attention time counts, defined by an OSM `opening_hours` expression.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use opening_hours_syntax::RuleKind;
use opening_hours_syntax::rules::OpeningHoursExpression;

use super::Span;
use super::rules::{Minutes, Rules};
use super::unusable::{LONGEST, Unusable, Why, inexact_part};
use crate::holidays::Holidays;

/// How many days are examined for open time: twenty years.
pub(super) const REACH_DAYS: u64 = 7305;

/// An expression for counting attention time, with the entity's time zone and holidays.
pub struct Calendar {
    rules: Rules,
    holidays: Holidays,
    /// Always open; known without examining any day.
    always: bool,
    timezone: Tz,
}

/// How a public holiday changes a day.
pub(super) struct HolidayChange {
    pub name: String,
    /// Whether the holiday falls on this day, rather than on an adjacent day.
    pub falls_on_day: bool,
    /// The open stretches that the day would have if no day were a holiday.
    pub usual: Vec<Span>,
}

impl Calendar {
    /// A new expression.
    ///
    /// # Errors
    /// An expression that cannot be parsed, or that would not be evaluated exactly.
    pub fn parse(expression: &str, timezone: Tz, holidays: &Holidays) -> Result<Self, Unusable> {
        let parsed = parsed(expression)?;
        match Unusable::find(expression, &parsed) {
            Some(unusable) => Err(unusable),
            None => Ok(Self::new(&parsed, timezone, holidays)),
        }
    }

    /// The same, for tickets that are received from `now` on.
    ///
    /// # Errors
    /// As `parse`, and an expression that is never open from `now` on.
    pub fn parse_open(
        expression: &str,
        timezone: Tz,
        holidays: &Holidays,
        now: DateTime<Utc>,
    ) -> Result<Self, Unusable> {
        let calendar = Self::parse(expression, timezone, holidays)?;
        match calendar.due(now, 1, &[]) {
            Ok(_) => Ok(calendar),
            Err(_) => Err(Unusable::NeverOpen),
        }
    }

    /// An expression that was accepted before, possibly by an earlier version of the server with fewer restrictions.
    ///
    /// # Errors
    /// An expression that no version accepted.
    pub fn stored(expression: &str, timezone: Tz, holidays: &Holidays) -> Result<Self, Unusable> {
        Ok(Self::new(&parsed(expression)?, timezone, holidays))
    }

    fn new(parsed: &OpeningHoursExpression, timezone: Tz, holidays: &Holidays) -> Self {
        let last_is_open = parsed.rules.last().is_some_and(|rule| rule.kind == RuleKind::Open);
        Calendar {
            rules: Rules::new(parsed),
            holidays: holidays.clone(),
            always: parsed.is_constant() && last_is_open,
            timezone,
        }
    }

    pub(super) fn is_always_open(&self) -> bool {
        self.always
    }

    /// The local days from that of this moment on, within the range that is examined.
    pub(super) fn days_from(&self, moment: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> + use<> {
        let known = (1900..=9999).contains(&moment.year());
        let first = known.then(|| moment.with_timezone(&self.timezone).date_naive());
        (0..REACH_DAYS).map_while(move |days| first?.checked_add_days(Days::new(days)))
    }

    /// The local day, from midnight to midnight.
    pub(super) fn day(&self, day: NaiveDate) -> Span {
        self.span(day, &(0..24 * 60))
    }

    /// The open stretches of a local day, in order.
    pub(super) fn open_on(&self, day: NaiveDate) -> impl Iterator<Item = Span> + '_ {
        self.spans(day, self.rules.open_on(day, Some(&self.holidays)))
    }

    /// How public holidays change the open stretches of a local day; `None` if they do not.
    pub(super) fn changed_by_holiday(&self, day: NaiveDate) -> Option<HolidayChange> {
        if !self.rules.name_holidays() {
            return None;
        }
        let name = self.rules.holiday_of(day, &self.holidays)?;
        let usual = self.rules.open_on(day, None);
        let changed = usual != self.rules.open_on(day, Some(&self.holidays));
        changed.then(|| HolidayChange {
            name,
            falls_on_day: self.holidays.is_holiday(day),
            usual: self.spans(day, usual).collect(),
        })
    }

    fn spans(&self, day: NaiveDate, open: Vec<Minutes>) -> impl Iterator<Item = Span> + use<'_> {
        open.into_iter().map(move |minutes| self.span(day, &minutes)).filter(|span| span.from < span.to)
    }

    /// Minutes of a local day, which may end at 24:00.
    fn span(&self, day: NaiveDate, minutes: &Minutes) -> Span {
        let midnight = day.and_time(NaiveTime::MIN);
        let at = |minutes: u16| self.instant(midnight + TimeDelta::minutes(minutes.into()));
        Span { from: at(minutes.start), to: at(minutes.end) }
    }

    /// The moment at which local clocks first show this time; if they skip it, the next time that they show.
    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        (0..=24 * 60)
            .find_map(|minutes| {
                self.timezone.from_local_datetime(&(local + TimeDelta::minutes(minutes))).earliest()
            })
            .map_or_else(|| local.and_utc(), |moment| moment.to_utc())
    }
}

/// The restrictions of every version of the server: a bounded length, and fixed times.
fn parsed(expression: &str) -> Result<OpeningHoursExpression, Unusable> {
    if expression.chars().count() > LONGEST {
        return Err(Unusable::TooLong);
    }
    if let Some(part) = repeats_by_day(expression) {
        return Err(Unusable::Unsupported(part, Why::Inexact));
    }
    let parsed: OpeningHoursExpression =
        expression.parse().map_err(|error| Unusable::Syntax(place(&error)))?;
    match inexact_part(&parsed) {
        Some(part) => Err(Unusable::Unsupported(part, Why::Inexact)),
        None => Ok(parsed),
    }
}

/// A repetition by 24:00, or a sun time with an offset of 24:00, on which the parser panics in a build with debug
/// assertions.
fn repeats_by_day(expression: &str) -> Option<String> {
    let text = expression.to_lowercase().replace(' ', "");
    let mut before = text.match_indices("24:00").map(|(at, _)| &text[..at]);
    let found = before.find(|before| {
        let from_sun = before.strip_suffix(['+', '-']);
        let is_event =
            |text: &str| ["dawn", "sunrise", "sunset", "dusk"].iter().any(|event| text.ends_with(event));
        before.ends_with('/') || from_sun.is_some_and(is_event)
    })?;
    let from = found.rfind([',', ';', '(']).map_or(0, |at| at + 1);
    Some(format!("{}24:00", &found[from..]))
}

/// The position of the syntax error as the parser reports it, such as `1:4`.
fn place(error: &impl std::fmt::Display) -> String {
    let told = error.to_string();
    told.lines().next().unwrap_or_default().trim_start_matches([' ', '-', '>']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holidays::colombia;

    fn parse(expression: &str) -> Result<Calendar, Unusable> {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        Calendar::parse_open(expression, chrono_tz::America::Bogota, &colombia::holidays(), now)
    }

    #[test]
    fn what_is_always_open_is_known_to_be() {
        for expression in ["24/7", "open", "00:00-24:00"] {
            assert!(parse(expression).unwrap().is_always_open(), "{expression}");
        }
        assert!(!parse("24/7; PH off").unwrap().is_always_open());
    }

    #[test]
    fn what_is_no_expression_is_refused_and_says_where() {
        let Err(Unusable::Syntax(place)) = parse("Mo-Fr 08:00-") else {
            panic!("the expression was accepted")
        };
        assert!(place.starts_with("1:"), "{place}");
        for expression in ["", "lunes a viernes", "Mo-Fr 25:00-99:00", "Mo-Fr 8 a 5"] {
            assert!(matches!(parse(expression), Err(Unusable::Syntax(_))), "{expression}");
        }
        assert_eq!(parse(&"Mo,".repeat(200)).err(), Some(Unusable::TooLong));
    }

    #[test]
    fn hours_that_are_not_exact_are_refused() {
        for expression in [
            "sunrise-sunset",
            "Mo 08:00-(sunset+01:00)",
            "08:00+",
            "10:00-16:00/01:30",
            "10:00-16:00 / 24:00",
            "(Sunrise-24:00)-20:00",
            "08:00-(sunset+24:00)",
        ] {
            let refused = parse(expression).err();
            assert!(
                matches!(refused, Some(Unusable::Unsupported(_, Why::Inexact))),
                "{expression}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_calendar_that_does_not_open_any_more_is_refused() {
        for expression in ["off", "24/7 closed", "2020 Mo-Fr 08:00-17:00", "24/7; Mo-Su off"] {
            assert_eq!(parse(expression).err(), Some(Unusable::NeverOpen), "{expression}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let calendar =
            Calendar::parse("02:00-05:00", chrono_tz::America::New_York, &Holidays::none()).unwrap();
        let hours = |day: &str| -> Vec<i64> {
            calendar.open_on(day.parse().unwrap()).map(|span| (span.to - span.from).num_minutes()).collect()
        };
        assert_eq!(hours("2026-03-07"), [180]);
        // At 02:00 the clocks go to 03:00.
        assert_eq!(hours("2026-03-08"), [120]);
        // At 02:00 the clocks go back to 01:00: it is over by 02:00.
        assert_eq!(hours("2026-11-01"), [180]);
    }
}
