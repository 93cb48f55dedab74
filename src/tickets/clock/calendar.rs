//! A calendar: when the desk counts attention time, as an OSM `opening_hours` expression says it.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use opening_hours::{Context, OpeningHours, RuleKind};

use super::Span;
use crate::holidays;
use crate::problem::{FieldCode, FieldError, Text};

/// The longest expression, in characters: each day that is reckoned costs as much as the expression has rules.
pub const LONGEST: usize = 500;

/// How many days are looked at for open time: twenty years.
pub(super) const REACH_DAYS: u64 = 7305;

/// An expression that can be counted on, in the entity's time zone.
pub struct Calendar {
    hours: OpeningHours,
    /// The same in a country without holidays: what a holiday takes away.
    hours_without_holidays: OpeningHours,
    /// Open at all times, known without looking at any day.
    always: bool,
    timezone: Tz,
}

/// Why an expression is no calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// Not understood; what the grammar says, the character first.
    Syntax(String),
    /// It has more characters than `LONGEST`.
    TooLong,
    /// It hangs on the sun, or has an open end or a repetition: no exact moment can be told from it.
    Vague,
    /// It is closed from now on, for as long as is looked at.
    NeverOpen,
}

impl Calendar {
    /// # Errors
    /// An expression that is not understood, or that leaves open when exactly it opens or closes.
    pub fn parse(expression: &str, timezone: Tz) -> Result<Self, Unusable> {
        if expression.chars().count() > LONGEST {
            return Err(Unusable::TooLong);
        }
        if is_by_the_day(expression) {
            return Err(Unusable::Vague);
        }
        let hours: OpeningHours = expression.parse().map_err(|error| Unusable::Syntax(place(&error)))?;
        let parsed = hours.get_expression();
        let vague = parsed.rules.iter().flat_map(|rule| &rule.time_selector.spans).any(|span| {
            let by_the_sun = span.range.start.as_time_event().or(span.range.end.as_time_event());
            by_the_sun.is_some() || span.open_end || span.repeats.is_some()
        });
        if vague {
            return Err(Unusable::Vague);
        }
        let always =
            parsed.is_constant() && parsed.rules.last().is_some_and(|rule| rule.kind == RuleKind::Open);
        Ok(Calendar {
            hours: hours.clone().with_context(Context::default().with_holidays(holidays::known())),
            hours_without_holidays: hours,
            always,
            timezone,
        })
    }

    /// The same, for tickets that are received from `now` on.
    ///
    /// # Errors
    /// Also an expression that is never open from then on.
    pub fn parse_open(expression: &str, timezone: Tz, now: DateTime<Utc>) -> Result<Self, Unusable> {
        let calendar = Self::parse(expression, timezone)?;
        match calendar.due(now, 1, &[]) {
            Ok(_) => Ok(calendar),
            Err(_) => Err(Unusable::NeverOpen),
        }
    }

    pub(super) fn is_always_open(&self) -> bool {
        self.always
    }

    /// The local days from the one of this moment on, as far as is looked.
    pub(super) fn days_from(&self, moment: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> + use<> {
        let known = (1900..=9999).contains(&moment.year());
        let first = known.then(|| moment.with_timezone(&self.timezone).date_naive());
        (0..REACH_DAYS).map_while(move |days| first?.checked_add_days(Days::new(days)))
    }

    /// The local day, from midnight to midnight.
    pub(super) fn day(&self, day: NaiveDate) -> Span {
        self.span(day, 0, 24 * 60)
    }

    /// The open stretches of a local day, in order. What the crate calls `unknown` is not open.
    pub(super) fn open_on(&self, day: NaiveDate) -> impl Iterator<Item = Span> + '_ {
        self.hours
            .schedule_at(day)
            .into_iter()
            .filter(|range| range.kind == RuleKind::Open)
            .map(move |range| {
                self.span(day, range.range.start.mins_from_midnight(), range.range.end.mins_from_midnight())
            })
            .filter(|span| span.from < span.to)
    }

    /// Whether it would be open at some time of the day, were it no holiday.
    pub(super) fn works_without_holidays_on(&self, day: NaiveDate) -> bool {
        self.hours_without_holidays.schedule_at(day).into_iter().any(|range| range.kind == RuleKind::Open)
    }

    /// Minutes of a local day, which may end at 24:00.
    fn span(&self, day: NaiveDate, from: u16, to: u16) -> Span {
        let midnight = day.and_time(NaiveTime::MIN);
        let at = |minutes: u16| self.instant(midnight + TimeDelta::minutes(minutes.into()));
        Span { from: at(from), to: at(to) }
    }

    /// The moment at which the entity's clocks first show this time; where they pass over it, the next that they show.
    fn instant(&self, local: NaiveDateTime) -> DateTime<Utc> {
        (0..=24 * 60)
            .find_map(|minutes| {
                self.timezone.from_local_datetime(&(local + TimeDelta::minutes(minutes))).earliest()
            })
            .map_or_else(|| local.and_utc(), |moment| moment.to_utc())
    }
}

/// Whether it repeats, or keeps from the sun, by 24:00. The parser takes that for a fault of its own, and
/// panics in a build with debug assertions; as any other repetition it is no exact time.
fn is_by_the_day(expression: &str) -> bool {
    let text = expression.to_lowercase().replace(' ', "");
    let mut before = text.match_indices("24:00").map(|(at, _)| &text[..at]);
    before.any(|before| {
        let of_the_sun = before.strip_suffix(['+', '-']);
        let is_event =
            |text: &str| ["dawn", "sunrise", "sunset", "dusk"].iter().any(|event| text.ends_with(event));
        before.ends_with('/') || of_the_sun.is_some_and(is_event)
    })
}

/// Where the grammar stops understanding, in its own words, such as `1:4`.
fn place(error: &impl std::fmt::Display) -> String {
    let told = error.to_string();
    told.lines().next().unwrap_or_default().trim_start_matches([' ', '-', '>']).to_owned()
}

impl Unusable {
    /// As a client is told.
    pub fn at(&self, pointer: &str) -> FieldError {
        let detail = match self {
            Unusable::TooLong => Text::made(
                format!("Admite hasta {LONGEST} caracteres."),
                format!("It may have up to {LONGEST} characters."),
            ),
            Unusable::Syntax(place) => Text::made(
                format!(
                    "No es una expresión `opening_hours` de OpenStreetMap, como `Mo-Fr 08:00-12:00,14:00-18:00; PH off` \
                     ({place})."
                ),
                format!(
                    "It is no `opening_hours` expression of OpenStreetMap, such as `Mo-Fr 08:00-12:00,14:00-18:00; PH \
                     off` ({place})."
                ),
            ),
            Unusable::Vague => Text::new(
                "Las horas deben ser exactas: sin el sol (`sunrise`), sin final abierto (`08:00+`), sin repeticiones.",
                "Its hours must be exact: no sun (`sunrise`), no open end (`08:00+`), no repetitions.",
            ),
            Unusable::NeverOpen => {
                Text::new("No abre nunca de ahora en adelante.", "It is never open from now on.")
            }
        };
        FieldError::new(pointer, FieldCode::WrongFormat, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(expression: &str) -> Result<Calendar, Unusable> {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        Calendar::parse_open(expression, chrono_tz::America::Bogota, now)
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
        let Err(Unusable::Syntax(place)) = parse("Mo-Fr 08:00-") else { panic!("it was understood") };
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
            assert_eq!(parse(expression).err(), Some(Unusable::Vague), "{expression}");
        }
    }

    #[test]
    fn a_calendar_that_does_not_open_any_more_is_refused() {
        for expression in ["off", "24/7 closed", "24/7 unknown", "2020 Mo-Fr 08:00-17:00", "SH 08:00-12:00"] {
            assert_eq!(parse(expression).err(), Some(Unusable::NeverOpen), "{expression}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let calendar = Calendar::parse("02:00-05:00", chrono_tz::America::New_York).unwrap();
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
