//! When attention is due. Pure.

use chrono::{DateTime, Duration, Utc};

/// The moment by which somebody must have made the case theirs: `minutes` after the clock started.
pub fn due(started_at: DateTime<Utc>, minutes: i32) -> DateTime<Utc> {
    started_at + Duration::minutes(i64::from(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_request_received_before_midnight_is_due_the_day_after() {
        let started: DateTime<Utc> = "2026-12-31T23:30:00Z".parse().unwrap();
        assert_eq!(due(started, 120).to_rfc3339(), "2027-01-01T01:30:00+00:00");
    }
}
