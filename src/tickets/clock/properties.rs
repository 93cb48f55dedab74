//! Properties that hold for every calendar, moment and pause.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::Bogota;
use opening_hours::{Context, ContextHolidays, OpeningHours};
use proptest::prelude::*;

use super::{Calendar, Span};
use crate::holidays::{Holidays, colombia};

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

/// Some days, one or two openings of at least half an hour, with or without holidays.
fn expression() -> impl Strategy<Value = String> {
    let opening = (0_u16..1380, 30_u16..600).prop_map(|(from, length)| {
        let to = (from + length).min(1440);
        format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    });
    let days = proptest::sample::subsequence(DAYS.to_vec(), 1..=7);
    let made = (days, proptest::collection::vec(opening, 1..3), any::<bool>());
    let made = made.prop_map(|(days, openings, off)| {
        format!("{} {}{}", days.join(","), openings.join(","), if off { "; PH off" } else { "" })
    });
    prop_oneof![4 => made, 1 => Just("24/7".to_owned()), 1 => Just("22:00-06:00; PH off".to_owned())]
}

/// A moment in the years 2024 to 2031, to the second.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    (1_704_067_200_i64..1_956_528_000).prop_map(|second| DateTime::from_timestamp(second, 0).unwrap())
}

fn minutes() -> impl Strategy<Value = i32> {
    prop_oneof![Just(60), Just(120), Just(300), Just(1080), 1..3000]
}

/// Up to four pauses of up to four days within the fortnight after `start`, in any order, as seconds after it.
fn pauses() -> impl Strategy<Value = Vec<(i64, i64)>> {
    proptest::collection::vec((0_i64..1_209_600, 0_i64..345_600), 0..4)
}

fn after(start: DateTime<Utc>, pauses: &[(i64, i64)]) -> Vec<Span> {
    let pauses = pauses.iter().map(|(from, length)| {
        let from = start + TimeDelta::seconds(*from);
        Span { from, to: from + TimeDelta::seconds(*length) }
    });
    pauses.collect()
}

fn holidays() -> &'static Holidays {
    static HOLIDAYS: LazyLock<Holidays> = LazyLock::new(colombia::holidays);
    &HOLIDAYS
}

fn calendar(expression: &str) -> Calendar {
    Calendar::parse(expression, Bogota, holidays()).unwrap()
}

/// The same holidays as the crate evaluates expressions with.
fn context() -> Context {
    static KNOWN: LazyLock<ContextHolidays> = LazyLock::new(|| {
        let dates = (2020..2060).flat_map(|year| holidays().of_year(year)).map(|(date, _)| date);
        ContextHolidays::new(Arc::new(dates.collect()), Arc::default())
    });
    Context::default().with_holidays(KNOWN.clone())
}

/// One to four rules of every kind of day, within one day each.
fn rules() -> impl Strategy<Value = String> {
    let days = proptest::sample::select(vec![
        "",
        "Mo-Fr",
        "Sa,Su",
        "Fr-Mo",
        "PH",
        "Mo-Fr,PH",
        "PH -1 day",
        "PH +2 days",
        "We[1]",
        "Fr[-1]",
        "Mo[2,4]",
        "Tu[1] +1 day",
        "Dec",
        "Nov-Feb",
        "Dec 24-Jan 02",
        "Mar 15",
        "Feb 29",
        "Jul 01-15 Mo-Fr",
        "2026",
        "2026-2028",
        "2027+",
        "2025-2031/2",
        "week 10-20",
        "week 02-52/2 Mo",
        "easter",
        "easter -2 days",
        "easter -3 days-easter",
        "2026 Dec 20-2027 Jan 10",
        "Oct Mo[2]",
    ]);
    let times = proptest::sample::select(vec![
        "",
        "08:00-12:00",
        "14:00-18:00",
        "08:00-12:00,14:00-18:00",
        "00:00-24:00",
        "10:00-15:30",
    ]);
    let states = proptest::sample::select(vec!["", "open", "off"]);
    let separators = proptest::sample::select(vec!["; ", "; ", ", "]);
    let rule = (days, times, states, separators).prop_map(|(days, times, state, separator)| {
        let parts: Vec<&str> = [days, times, state].into_iter().filter(|part| !part.is_empty()).collect();
        let rule = if parts.is_empty() { "24/7".to_owned() } else { parts.join(" ") };
        (rule, separator)
    });
    proptest::collection::vec(rule, 1..5).prop_map(|rules| {
        let mut text = String::new();
        for (rule, separator) in rules {
            if !text.is_empty() {
                text.push_str(separator);
            }
            text.push_str(&rule);
        }
        text
    })
}

proptest! {
    #[test]
    fn within_a_day_the_open_hours_are_those_of_the_opening_hours_crate(text in rules(), start in moment()) {
        let hours: OpeningHours = text.parse().unwrap();
        let hours = hours.with_context(context());
        let calendar = calendar(&text);
        for day in calendar.days_from(start).step_by(11).take(100) {
            let midnight = calendar.day(day).from;
            let expected: i64 = hours
                .schedule_at(day)
                .into_iter()
                .filter(|range| range.kind == opening_hours::RuleKind::Open)
                .map(|range| i64::from(range.range.end.mins_from_midnight() - range.range.start.mins_from_midnight()))
                .sum();
            let open: i64 = calendar.open_on(day).map(|span| (span.to - span.from).num_minutes()).sum();
            prop_assert_eq!(open, expected, "{} on {}", text, day);
            prop_assert!(calendar.open_on(day).all(|span| span.from >= midnight));
        }
    }

    #[test]
    fn a_due_time_is_never_inside_closed_time(text in expression(), start in moment(), minutes in minutes()) {
        let due = calendar(&text).due(start, minutes, &[]).unwrap();
        // Evaluated by the crate itself: it is open up to the due time. The crate has no rule for a night before a
        // holiday, which continues.
        prop_assume!(!text.starts_with("22:00"));
        let hours: OpeningHours = text.parse().unwrap();
        let hours = hours.with_context(context());
        let before = (due - TimeDelta::milliseconds(1)).with_timezone(&Bogota).naive_local();
        prop_assert!(hours.is_open(before), "{text}: {before}");
    }

    #[test]
    fn a_due_time_is_not_inside_a_pause(
        text in expression(), start in moment(), minutes in minutes(), pauses in pauses()
    ) {
        let pauses = after(start, &pauses);
        let due = calendar(&text).due(start, minutes, &pauses).unwrap();
        prop_assert!(!pauses.iter().any(|pause| pause.from < due && due <= pause.to), "{due} {pauses:?}");
    }

    #[test]
    fn more_minutes_are_never_due_earlier(
        text in expression(), start in moment(), minutes in minutes(), more in 0..600, pauses in pauses()
    ) {
        let (calendar, pauses) = (calendar(&text), after(start, &pauses));
        let due = |minutes| calendar.due(start, minutes, &pauses).unwrap();
        prop_assert!(due(minutes) <= due(minutes + more));
    }

    #[test]
    fn a_later_start_is_never_due_earlier(
        text in expression(), start in moment(), later in 0..1_000_000_i64, minutes in minutes()
    ) {
        let calendar = calendar(&text);
        let due = |start| calendar.due(start, minutes, &[]).unwrap();
        prop_assert!(due(start) <= due(start + TimeDelta::seconds(later)));
    }

    #[test]
    fn a_pause_never_makes_it_due_earlier(
        text in expression(), start in moment(), minutes in minutes(), pauses in pauses()
    ) {
        let (calendar, pauses) = (calendar(&text), after(start, &pauses));
        let due = |pauses| calendar.due(start, minutes, pauses).unwrap();
        for known in 0..pauses.len() {
            prop_assert!(due(&pauses[..known]) <= due(&pauses[..=known]));
        }
    }

    #[test]
    fn the_parts_of_an_interval_add_up(
        text in expression(), start in moment(), first in 0..2_000_000_i64, second in 0..2_000_000_i64,
        pauses in pauses()
    ) {
        let (calendar, pauses) = (calendar(&text), after(start, &pauses));
        let middle = start + TimeDelta::seconds(first);
        let end = middle + TimeDelta::seconds(second);
        let counted = |from, to| calendar.counted(from, to, &pauses).unwrap();
        prop_assert_eq!(counted(start, end), counted(start, middle) + counted(middle, end));
    }

    #[test]
    fn until_the_due_time_as_much_has_counted_as_there_is(
        text in expression(), start in moment(), minutes in minutes(), pauses in pauses()
    ) {
        let (calendar, pauses) = (calendar(&text), after(start, &pauses));
        let due = calendar.due(start, minutes, &pauses).unwrap();
        prop_assert_eq!(calendar.counted(start, due, &pauses).unwrap(), TimeDelta::minutes(minutes.into()));
    }

    #[test]
    fn the_stretches_leave_no_gap_and_count_what_counts(
        text in expression(), start in moment(), minutes in minutes(), pauses in pauses()
    ) {
        let (calendar, pauses) = (calendar(&text), after(start, &pauses));
        let due = calendar.due(start, minutes, &pauses).unwrap();
        let mut reached = start;
        let mut counted = TimeDelta::zero();
        for stretch in calendar.stretches(start, due, &pauses) {
            prop_assert_eq!(stretch.from, reached);
            reached = stretch.to;
            if stretch.counted {
                counted += stretch.to - stretch.from;
            }
        }
        prop_assert_eq!(reached, due);
        prop_assert_eq!(counted, TimeDelta::minutes(minutes.into()));
    }

    #[test]
    fn no_text_whatever_stops_the_reckoning(text in r"[A-Za-z0-9:;,+/()\[\] -]{0,60}", start in moment()) {
        for calendar in [Calendar::parse(&text, Bogota, holidays()), Calendar::stored(&text, Bogota, holidays())].into_iter().flatten() {
            let _ = calendar.due(start, 525_600, &[]);
        }
    }
}
