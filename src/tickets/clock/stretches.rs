//! Why time counted or did not: the stretches of a computation.

use std::iter::from_fn;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::reckoning::sorted;
use super::{Calendar, Span};
use crate::language::text_enum;

text_enum! {
    /// Why a stretch of time counts or does not.
    pub enum StretchReason {
        /// The calendar is open: it counts.
        Open = "open",
        /// The calendar is closed.
        Closed = "closed",
        /// The calendar is closed by a public holiday.
        PublicHoliday = "public_holiday",
        /// The clock was paused.
        Paused = "paused",
    }
}

/// A stretch of time that counts completely or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stretch {
    /// When the stretch begins.
    #[serde(rename = "starts_at")]
    pub from: DateTime<Utc>,
    /// When the stretch ends.
    #[serde(rename = "ends_at")]
    pub to: DateTime<Utc>,
    /// Whether the time counts towards the attention time.
    #[serde(rename = "counts")]
    pub counted: bool,
    /// Why the time counts or does not.
    pub reason: StretchReason,
    /// The name of the public holiday that closes or opens the calendar in this stretch; `null` if the calendar would
    /// be the same without the holiday.
    #[schema(max_length = 1000, example = "Día de la Independencia")]
    pub holiday: Option<String>,
    /// Length in minutes.
    #[schema(minimum = 0, example = 90.0)]
    #[serde(rename = "duration_minutes")]
    pub minutes: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Piece {
    span: Span,
    reason: StretchReason,
    holiday: Option<String>,
}

impl Calendar {
    /// The time from `from` until `to` in stretches, without a gap, in order and lazily; ends early after twenty
    /// years.
    pub fn stretches(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        pauses: &[Span],
    ) -> impl Iterator<Item = Stretch> + use<'_> {
        let pauses = sorted(pauses);
        let whole = Span { from, to };
        let pieces: Box<dyn Iterator<Item = Piece>> = if self.is_always_open() {
            Box::new(std::iter::once(Piece { span: whole, reason: StretchReason::Open, holiday: None }))
        } else {
            let days = self.days_from(from).map(|day| (day, self.day(day)));
            Box::new(
                days.take_while(move |(_, span)| span.from < to)
                    .flat_map(|(day, span)| self.day_pieces(day, span)),
            )
        };
        let pieces = pieces
            .filter_map(move |piece| Some(Piece { span: clip(piece.span, whole)?, ..piece }))
            .flat_map(move |piece| paused(piece, &pauses));
        merged(pieces).map(|piece| Stretch {
            from: piece.span.from,
            to: piece.span.to,
            counted: piece.reason == StretchReason::Open,
            minutes: minutes(piece.span.to - piece.span.from),
            reason: piece.reason,
            holiday: piece.holiday,
        })
    }

    /// A day from midnight to midnight: what is open, and why the rest is closed.
    fn day_pieces(&self, day: chrono::NaiveDate, whole: Span) -> Vec<Piece> {
        let change = self.changed_by_holiday(day);
        let usual = change.as_ref().map(|change| change.usual.as_slice()).unwrap_or_default();
        // A holiday is named for the whole of its own day, and on another day for the hours that it changes.
        let closed_usual =
            if change.as_ref().is_some_and(|change| change.falls_on_day) { &[] } else { usual };
        let named = |span: Span, open: bool| {
            let usually_open = usual.iter().any(|usual| clip(*usual, span).is_some());
            change.as_ref().filter(|_| open != usually_open).map(|change| change.name.clone())
        };
        let closed = |span| {
            let holiday = named(span, false);
            let reason = if holiday.is_some() { StretchReason::PublicHoliday } else { StretchReason::Closed };
            Piece { span, reason, holiday }
        };
        let opened = |span| Piece { span, reason: StretchReason::Open, holiday: named(span, true) };
        let mut pieces = Vec::new();
        let mut from = whole.from;
        for span in self.open_on(day) {
            if from < span.from {
                pieces.extend(parts(Span { from, to: span.from }, closed_usual).map(closed));
            }
            pieces.extend(parts(span, usual).map(opened));
            from = span.to;
        }
        if from < whole.to {
            pieces.extend(parts(Span { from, to: whole.to }, closed_usual).map(closed));
        }
        pieces
    }
}

/// Splits a stretch where the usual open stretches begin and end.
fn parts(span: Span, usual: &[Span]) -> impl Iterator<Item = Span> + use<> {
    let bounds = usual.iter().flat_map(|usual| [usual.from, usual.to]);
    let mut cuts: Vec<DateTime<Utc>> = bounds.filter(|cut| span.from < *cut && *cut < span.to).collect();
    cuts.insert(0, span.from);
    cuts.push(span.to);
    (1..cuts.len()).map(move |end| Span { from: cuts[end - 1], to: cuts[end] })
}

/// Minutes, rounded to the thousandth.
pub fn minutes(length: chrono::TimeDelta) -> f64 {
    let milliseconds = length.num_milliseconds() as f64;
    (milliseconds / 60.0).round() / 1000.0
}

fn clip(span: Span, whole: Span) -> Option<Span> {
    let span = Span { from: span.from.max(whole.from), to: span.to.min(whole.to) };
    (span.from < span.to).then_some(span)
}

/// Splits the piece where sorted pauses begin and end.
fn paused(piece: Piece, pauses: &[Span]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = piece.span.from;
    let end = piece.span.to;
    let as_before = |from, to| Piece { span: Span { from, to }, ..piece.clone() };
    for pause in pauses.iter().take_while(|pause| pause.from < end) {
        if from < pause.from {
            pieces.push(as_before(from, pause.from));
        }
        let paused = Span { from: from.max(pause.from), to: pause.to.min(end) };
        if paused.from < paused.to {
            pieces.push(Piece { span: paused, reason: StretchReason::Paused, holiday: None });
            from = paused.to;
        }
    }
    if from < end {
        pieces.push(as_before(from, end));
    }
    pieces
}

/// Merges adjacent pieces that are equal.
fn merged(pieces: impl Iterator<Item = Piece>) -> impl Iterator<Item = Piece> {
    let mut pieces = pieces.peekable();
    from_fn(move || {
        let mut piece = pieces.next()?;
        while let Some(next) =
            pieces.next_if(|next| (next.reason, &next.holiday) == (piece.reason, &piece.holiday))
        {
            piece.span.to = next.span.to;
        }
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holidays::colombia;

    fn described(expression: &str, from: &str, to: &str, pauses: &[Span]) -> Vec<String> {
        let calendar =
            Calendar::parse(expression, chrono_tz::America::Bogota, &colombia::holidays()).unwrap();
        let local = |moment: DateTime<Utc>| {
            moment.with_timezone(&chrono_tz::America::Bogota).format("%a %H:%M").to_string()
        };
        calendar
            .stretches(from.parse().unwrap(), to.parse().unwrap(), pauses)
            .map(|s| {
                format!(
                    "{}-{} {} {:?}",
                    local(s.from),
                    local(s.to),
                    s.reason.as_str(),
                    s.holiday.unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn a_long_week_end_is_told_night_by_night_with_its_holiday() {
        // Friday 13 November 2026, 16:00 to Tuesday 09:00; Monday is the holiday of the Independence of Cartagena.
        let told = described(
            "Mo-Fr 08:00-12:00,14:00-18:00; PH off",
            "2026-11-13T21:00:00Z",
            "2026-11-17T14:00:00Z",
            &[],
        );
        let expected = [
            "Fri 16:00-Fri 18:00 open \"\"",
            "Fri 18:00-Mon 00:00 closed \"\"",
            "Mon 00:00-Tue 00:00 public_holiday \"Independencia de Cartagena\"",
            "Tue 00:00-Tue 08:00 closed \"\"",
            "Tue 08:00-Tue 09:00 open \"\"",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_holiday_on_a_day_that_is_closed_anyway_closes_nothing() {
        // Saturday 8 December 2029 is the Immaculate Conception.
        let told =
            described("Mo-Fr 08:00-18:00; PH off", "2029-12-07T22:00:00Z", "2029-12-10T14:00:00Z", &[]);
        assert_eq!(
            told,
            [
                "Fri 17:00-Fri 18:00 open \"\"",
                "Fri 18:00-Mon 08:00 closed \"\"",
                "Mon 08:00-Mon 09:00 open \"\""
            ]
        );
    }

    #[test]
    fn a_pause_is_told_as_one_stretch_over_day_and_night() {
        let pause = Span {
            from: "2026-11-23T22:00:00Z".parse().unwrap(),
            to: "2026-11-24T15:00:00Z".parse().unwrap(),
        };
        let told = described("Mo-Fr 08:00-18:00", "2026-11-23T21:00:00Z", "2026-11-24T16:00:00Z", &[pause]);
        assert_eq!(
            told,
            [
                "Mon 16:00-Mon 17:00 open \"\"",
                "Mon 17:00-Tue 10:00 paused \"\"",
                "Tue 10:00-Tue 11:00 open \"\""
            ]
        );
    }

    #[test]
    fn a_holiday_that_opens_is_named_and_one_that_changes_nothing_is_not() {
        // Tuesday 8 December 2026 is the Immaculate Conception.
        let day = ("2026-12-08T05:00:00Z", "2026-12-09T05:00:00Z");
        let on_that_day = |expression: &str| described(expression, day.0, day.1, &[]);
        let name = "\"Inmaculada Concepción\"";
        assert_eq!(
            on_that_day("PH 09:00-12:00"),
            [
                "Tue 00:00-Tue 09:00 closed \"\"".to_owned(),
                format!("Tue 09:00-Tue 12:00 open {name}"),
                "Tue 12:00-Wed 00:00 closed \"\"".to_owned(),
            ]
        );
        assert_eq!(
            on_that_day("Mo-Fr 08:00-18:00; PH 07:00-10:00"),
            [
                "Tue 00:00-Tue 07:00 closed \"\"".to_owned(),
                format!("Tue 07:00-Tue 08:00 open {name}"),
                "Tue 08:00-Tue 10:00 open \"\"".to_owned(),
                format!("Tue 10:00-Wed 00:00 public_holiday {name}"),
            ]
        );
        // These calendars ignore holidays, are closed on Tuesdays anyway, or have the same hours on a holiday.
        for expression in ["Mo-Fr 08:00-18:00", "We 08:00-18:00; PH off", "08:00-18:00; PH 08:00-18:00"] {
            assert!(on_that_day(expression).iter().all(|stretch| stretch.ends_with("\"\"")), "{expression}");
        }
    }

    #[test]
    fn the_night_before_a_holiday_goes_on_and_the_one_after_it_is_closed_by_it() {
        let told = described("22:00-06:00; PH off", "2026-12-08T03:00:00Z", "2026-12-09T12:00:00Z", &[]);
        let name = "\"Inmaculada Concepción\"";
        assert_eq!(
            told,
            [
                "Mon 22:00-Tue 06:00 open \"\"".to_owned(),
                format!("Tue 06:00-Wed 06:00 public_holiday {name}"),
                "Wed 06:00-Wed 07:00 closed \"\"".to_owned(),
            ]
        );
    }

    #[test]
    fn what_is_always_open_is_one_stretch() {
        assert_eq!(described("24/7", "2026-01-01T05:00:00Z", "2046-01-04T05:00:00Z", &[]).len(), 1);
    }
}
