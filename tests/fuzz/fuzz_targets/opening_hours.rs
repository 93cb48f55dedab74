//! Whatever is written as a calendar: it is understood or refused, and reckoned on in bounded time.

#![no_main]

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use libfuzzer_sys::fuzz_target;
use mesa::tickets::clock::{Calendar, Span};

/// How long a reckoning of twenty years may take in a build that is watched: many times what it does.
const LONG: Duration = Duration::from_secs(5);

/// For how long this thread had a processor: whatever else the machine does, and though it stands still in between.
fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

fuzz_target!(|input: (i64, u16, u8, &str)| {
    let (second, minutes, zone, expression) = input;
    // From the year 1874 to 10430: a little beyond what is reckoned on.
    let now = DateTime::from_timestamp(second.rem_euclid(270_000_000_000) - 3_000_000_000, 0).unwrap();
    let zones = [chrono_tz::America::Bogota, chrono_tz::America::New_York, chrono_tz::Pacific::Apia];
    let started = worked();
    let calendar = match Calendar::parse_open(expression, zones[usize::from(zone) % zones.len()], &mesa::holidays::colombia::holidays(), now) {
        Ok(calendar) => calendar,
        Err(refused) => {
            refused.at("/expression");
            assert!(worked() - started <= LONG);
            return;
        }
    };
    let minutes = i32::from(minutes);
    let due = calendar.due(now, minutes, &[]);
    assert!(worked() - started <= LONG, "{expression:?} from {now}");
    assert_eq!(due, calendar.due(now, minutes, &[]), "it is reckoned twice alike");
    let Ok(due) = due else { return };
    assert!(due >= now);
    if let Ok(counted) = calendar.counted(now, due, &[]) {
        assert_eq!(counted, TimeDelta::minutes(minutes.into()), "{expression:?} from {now} to {due}");
    }
    // What does not count makes nothing due sooner.
    let pause = Span { from: now + TimeDelta::minutes(5), to: now + TimeDelta::hours(30) };
    if let Ok(later) = calendar.due(now, minutes, &[pause]) {
        assert!(later >= due, "{expression:?} from {now}: {later} with a pause and {due} without");
    }
});
