//! Due times, and how much time counted.

use std::fmt;

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::calendar::REACH_DAYS;
use super::{Calendar, Span};
use crate::problem::{Code, Problem, Text};

/// The calendar is not open for that long within twenty years, or the moment is outside of the years 1900 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfReach;

impl Calendar {
    /// The moment at which so many minutes have counted since `start`. It is never in closed time, but may be the
    /// moment at which the calendar closes; a clock that starts in closed time waits for the next opening. `pauses`,
    /// in any order, do not count; for a pause that has not ended, pass now as its end to get the due time that would
    /// apply if it ended now.
    ///
    /// # Errors
    /// If the calendar is not open for that long within twenty years.
    pub fn due(
        &self,
        start: DateTime<Utc>,
        minutes: i32,
        pauses: &[Span],
    ) -> Result<DateTime<Utc>, OutOfReach> {
        let mut left = TimeDelta::minutes(minutes.into());
        for span in self.counting(start, pauses)? {
            let length = span.to - span.from;
            if left <= length {
                return Ok(span.from + left);
            }
            left -= length;
        }
        Err(OutOfReach)
    }

    /// How much of the time from `from` until `to` counts; zero if `to` is before `from`.
    ///
    /// # Errors
    /// If they are more than twenty years apart on a calendar that is not always open.
    pub fn counted(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        pauses: &[Span],
    ) -> Result<TimeDelta, OutOfReach> {
        let reach = TimeDelta::days(i64::try_from(REACH_DAYS - 1).unwrap_or_default());
        if !self.is_always_open() && to - from > reach {
            return Err(OutOfReach);
        }
        let spans = self.counting(from, pauses)?.take_while(|span| span.from < to);
        Ok(spans.fold(TimeDelta::zero(), |sum, span| sum + (span.to.min(to) - span.from)))
    }

    /// The stretches from `from` on that count, in order and lazily, within the range that is examined.
    fn counting<'a>(
        &'a self,
        from: DateTime<Utc>,
        pauses: &[Span],
    ) -> Result<impl Iterator<Item = Span> + use<'a>, OutOfReach> {
        let pauses = sorted(pauses);
        Ok(self.open_from(from)?.flat_map(move |span| without(span, &pauses)))
    }

    fn open_from(&self, from: DateTime<Utc>) -> Result<Box<dyn Iterator<Item = Span> + '_>, OutOfReach> {
        if !(1900..=9999).contains(&from.year()) {
            return Err(OutOfReach);
        }
        if self.is_always_open() {
            return Ok(Box::new(std::iter::once(Span { from, to: last_moment() })));
        }
        let spans = self.days_from(from).flat_map(|day| self.open_on(day));
        Ok(Box::new(spans.filter_map(move |span| {
            let span = Span { from: span.from.max(from), to: span.to.min(last_moment()) };
            (span.from < span.to).then_some(span)
        })))
    }
}

/// The end of the year 9999: nothing is due after it.
fn last_moment() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Sorted by their beginning, without empty ones.
pub(super) fn sorted(pauses: &[Span]) -> Vec<Span> {
    let mut pauses: Vec<Span> = pauses.iter().copied().filter(|pause| pause.from < pause.to).collect();
    pauses.sort_by_key(|pause| pause.from);
    pauses
}

/// The parts of a span that are outside of the sorted pauses.
fn without(span: Span, pauses: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    let mut from = span.from;
    for pause in pauses.iter().take_while(|pause| pause.from < span.to) {
        if from < pause.from {
            left.push(Span { from, to: pause.from });
        }
        from = from.max(pause.to);
    }
    if from < span.to {
        left.push(Span { from, to: span.to });
    }
    left
}

impl fmt::Display for OutOfReach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the calendar is not open for that long within twenty years")
    }
}

impl OutOfReach {
    /// The message for a client.
    pub fn text() -> Text {
        Text::new(
            "El calendario no tiene suficientes horas de atención en los veinte años siguientes.",
            "The calendar does not have enough open hours within the next twenty years.",
        )
    }
}

impl From<OutOfReach> for Problem {
    #[track_caller]
    fn from(_: OutOfReach) -> Self {
        Problem::new(Code::NoDueTime, OutOfReach::text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(expression: &str) -> Calendar {
        Calendar::parse(expression, chrono_tz::America::Bogota, &crate::holidays::colombia::holidays())
            .unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span { from: at(from), to: at(to) }
    }

    #[test]
    fn seconds_and_their_fractions_are_kept() {
        let due = calendar("24/7").due(at("2026-11-23T10:00:30.123456Z"), 60, &[]).unwrap();
        assert_eq!(due, at("2026-11-23T11:00:30.123456Z"));
    }

    #[test]
    fn pauses_do_not_count_in_whatever_order_they_come_and_overlap() {
        let pauses = [
            span("2026-11-23T16:00:00Z", "2026-11-23T16:10:00Z"),
            span("2026-11-23T15:00:00Z", "2026-11-23T15:30:00Z"),
            span("2026-11-23T15:20:00Z", "2026-11-23T15:40:00Z"),
        ];
        for expression in ["24/7", "Mo-Fr 08:00-18:00"] {
            // 14:45 to 15:00 is 15 minutes, 15:40 to 16:00 is 20, 16:10 to 16:35 is the other 25.
            assert_eq!(
                calendar(expression).due(at("2026-11-23T14:45:00Z"), 60, &pauses).unwrap(),
                at("2026-11-23T16:35:00Z")
            );
        }
    }

    #[test]
    fn a_pause_at_night_moves_nothing() {
        let day = calendar("Mo-Fr 08:00-18:00");
        let night = [span("2026-11-24T00:00:00Z", "2026-11-24T12:00:00Z")];
        let start = at("2026-11-23T22:00:00Z");
        assert_eq!(day.due(start, 120, &night).unwrap(), day.due(start, 120, &[]).unwrap());
    }

    #[test]
    fn counted_time_is_the_open_time_between_two_moments() {
        let day = calendar("Mo-Fr 08:00-12:00,14:00-18:00; PH off");
        // In Bogotá from Friday 17:30 to Monday 09:15: 30 minutes and 75.
        let counted = day.counted(at("2026-11-20T22:30:00Z"), at("2026-11-23T14:15:00Z"), &[]).unwrap();
        assert_eq!(counted.num_minutes(), 105);
        assert!(day.counted(at("2026-11-23T14:15:00Z"), at("2026-11-20T22:30:00Z"), &[]).unwrap().is_zero());
    }

    #[test]
    fn the_work_is_bounded_whatever_is_asked() {
        let minute_a_year = calendar("Jan 01 00:00-00:01");
        let start = at("2026-11-23T12:00:00Z");
        assert_eq!(minute_a_year.due(start, 525_600, &[]), Err(OutOfReach));
        assert_eq!(minute_a_year.due(start, 3, &[]).unwrap(), at("2029-01-01T05:01:00Z"));
        let last = at("9999-12-31T12:00:00Z");
        assert_eq!(calendar("24/7").due(last, 525_600, &[]), Err(OutOfReach));
        assert_eq!(calendar("Mo-Su 08:00-18:00").due(last, 525_600, &[]), Err(OutOfReach));
        assert_eq!(calendar("24/7").due(last, 60, &[]).unwrap(), at("9999-12-31T13:00:00Z"));
        for moment in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC, at("1899-12-31T12:00:00Z")] {
            assert_eq!(calendar("24/7").due(moment, 60, &[]), Err(OutOfReach));
            assert_eq!(calendar("Mo 08:00-09:00").due(moment, 60, &[]), Err(OutOfReach));
        }
        assert_eq!(minute_a_year.counted(start, last, &[]), Err(OutOfReach));
    }
}
