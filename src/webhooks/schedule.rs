//! When a delivery is tried again. Pure.

use chrono::TimeDelta;

/// The waits after unsuccessful attempts, in seconds: eleven attempts over three days.
const WAITS: [i64; 10] =
    [5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 20 * 3600];

/// The longest wait that a receiver can ask for with `Retry-After`, in seconds.
const LONGEST_ASKED: u64 = 3600;

/// How long requests may fail before the webhook ends.
pub const FAILING: TimeDelta = TimeDelta::days(5);

/// The wait after an unsuccessful attempt; `None` after the last one. `attempts`: how many there were before it. `jitter`: from 0
/// to 1, so that what failed together is not repeated together.
pub fn wait(attempts: i16, asked: Option<u64>, jitter: f64) -> Option<TimeDelta> {
    let seconds = *WAITS.get(usize::try_from(attempts).ok()?)?;
    let asked = i64::try_from(asked.unwrap_or_default().min(LONGEST_ASKED)).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "seconds of three days")]
    #[expect(clippy::cast_possible_truncation, reason = "a tenth of a wait in milliseconds")]
    let more = (seconds as f64 * 100.0 * jitter.clamp(0.0, 1.0)) as i64;
    Some(TimeDelta::milliseconds(seconds.max(asked) * 1000 + more))
}

/// Whether a response is a success.
pub fn is_success(status: Option<u16>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}

/// Whether the receiver asks not to be called again.
pub fn is_gone(status: Option<u16>) -> bool {
    status == Some(410)
}

/// The seconds of `Retry-After`, where they count: of a 429 or a 503.
pub fn asked(status: Option<u16>, retry_after: Option<u64>) -> Option<u64> {
    retry_after.filter(|_| matches!(status, Some(429 | 503)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_over_three_days() {
        let all: Vec<TimeDelta> = (0..10).map(|attempts| wait(attempts, None, 0.0).unwrap()).collect();
        assert!(all.is_sorted());
        let total: TimeDelta = all.iter().sum();
        assert!((71..73).contains(&total.num_hours()), "{total}");
        assert_eq!(wait(10, None, 0.0), None);
        assert_eq!(wait(-1, None, 0.0), None);
        assert_eq!(wait(1, None, 1.0), Some(TimeDelta::milliseconds(33_000)));
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_of_up_to_an_hour() {
        assert_eq!(wait(0, Some(60), 0.0), Some(TimeDelta::seconds(60)));
        assert_eq!(wait(3, Some(60), 0.0), Some(TimeDelta::minutes(30)));
        assert_eq!(wait(0, Some(u64::MAX), 0.0), Some(TimeDelta::hours(1)));
        assert_eq!(asked(Some(503), Some(9)), Some(9));
        assert_eq!(asked(Some(429), Some(9)), Some(9));
        assert_eq!(asked(Some(500), Some(9)), None);
    }

    #[test]
    fn only_2xx_is_a_success() {
        for (status, expected) in
            [(200, true), (204, true), (299, true), (302, false), (410, false), (500, false)]
        {
            assert_eq!(is_success(Some(status)), expected, "{status}");
        }
        assert!(!is_success(None) && is_gone(Some(410)) && !is_gone(Some(404)));
    }
}
