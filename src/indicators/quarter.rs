//! When a quarter begins and ends.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

/// The first moment of a quarter by the clock of this time zone, and the first one after it; none where there is no such
/// quarter.
pub fn bounds(year: i16, quarter: i16, timezone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let begins = |year: i32, quarter: i16| {
        let month = u32::try_from(quarter.checked_sub(1)?.checked_mul(3)?).ok()? + 1;
        let day = NaiveDate::from_ymd_opt(year, month, 1)?;
        // Where clocks are put forward at midnight, the day begins an hour later.
        let moment = |hour| timezone.from_local_datetime(&day.and_hms_opt(hour, 0, 0)?).earliest();
        (0..=3).find_map(moment).map(|moment| moment.to_utc())
    };
    let year = i32::from(year);
    let after = if quarter == 4 { begins(year + 1, 1) } else { begins(year, quarter + 1) };
    begins(year, quarter).zip(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_ends_where_the_next_one_begins() {
        let bounds = |year, quarter| bounds(year, quarter, chrono_tz::America::Bogota).unwrap();
        let (begin, end) = bounds(2026, 3);
        assert_eq!(begin.to_rfc3339(), "2026-07-01T05:00:00+00:00");
        assert_eq!(end.to_rfc3339(), "2026-10-01T05:00:00+00:00");
        assert_eq!(end, bounds(2026, 4).0);
        assert_eq!(bounds(2026, 4).1, bounds(2027, 1).0);
    }

    #[test]
    fn there_are_four_of_them() {
        for quarter in [-1, 0, 5, i16::MIN] {
            assert_eq!(bounds(2026, quarter, chrono_tz::America::Bogota), None, "{quarter}");
        }
    }
}
