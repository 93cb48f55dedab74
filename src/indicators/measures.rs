//! The computation of each measure of a quarter from tickets and surveys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Integer, Nullable, Timestamptz};

use crate::language::text_enum;
use crate::problem::Result;
use crate::statistics::Period;

text_enum! {
    /// The measure of an indicator for a quarter, as a share in percent.
    pub enum IndicatorMeasure {
        /// Of the tickets received in the quarter, those accepted for the first time by the due time, as a share of
        /// those accepted or overdue.
        TimelyAttention = "timely_attention",
        /// Of the tickets received in the quarter, those solved within `within_hours` of the reception, counted
        /// around the clock, as a share of those solved, or not archived and past that time.
        TimelySolution = "timely_solution",
        /// Of the surveys answered in the quarter, those that rate the service as a whole with 4 or 5.
        Satisfaction = "satisfaction",
        /// Of the tickets solved in the quarter and not reopened since, those solved at support level 1.
        FirstLevelResolution = "first_level_resolution",
        /// Data that the server does not have, measured by hand.
        Manual = "manual",
    }
}

/// The number of counted items, and the number of those that met the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    #[diesel(sql_type = BigInt)]
    pub met: i64,
    #[diesel(sql_type = BigInt)]
    pub counted: i64,
}

impl Counted {
    /// In percent; none if nothing was counted.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the number of tickets is far below the integers that a float represents exactly"
    )]
    pub fn percent(self) -> Option<f64> {
        (self.counted > 0).then(|| 100.0 * self.met as f64 / self.counted as f64)
    }
}

// $1 and $2 bound the quarter, $3 is now, $4 the hours; $5 and $6 are the first and the last day of the quarter.
const TIMELY_ATTENTION: &str = "\
    SELECT count(*) FILTER (WHERE t.attended_at <= t.first_attention_due_at) AS met, \
        count(*) FILTER (WHERE t.attended_at IS NOT NULL OR t.archived_at IS NULL \
            AND t.first_attention_due_at < CASE WHEN t.information_deadline IS NULL THEN $3 ELSE \
                (SELECT h.started_at FROM holds h WHERE h.ticket_id = t.id AND h.ended_at IS NULL) END) AS counted \
    FROM tickets t \
    WHERE t.received_at >= $1 AND t.received_at < $2 AND t.first_attention_due_at IS NOT NULL";

const TIMELY_SOLUTION: &str = "\
    SELECT count(*) FILTER (WHERE solved_at <= received_at + make_interval(hours => $4)) AS met, \
        count(*) FILTER (WHERE solved_at IS NOT NULL \
            OR archived_at IS NULL AND received_at + make_interval(hours => $4) < $3) AS counted \
    FROM tickets WHERE received_at >= $1 AND received_at < $2";

const SATISFACTION: &str = "\
    SELECT coalesce(sum(surveys) FILTER (WHERE overall >= 4), 0)::bigint AS met, \
        coalesce(sum(surveys), 0)::bigint AS counted \
    FROM ( \
        SELECT overall, 1 AS surveys FROM surveys WHERE answered_at >= $1 AND answered_at < $2 \
        UNION ALL \
        SELECT overall, surveys FROM survey_counts WHERE fact = 'answered' AND day BETWEEN $5 AND $6) AS answered";

const FIRST_LEVEL_RESOLUTION: &str = "\
    SELECT count(*) FILTER (WHERE support_level = 1) AS met, count(*) AS counted \
    FROM tickets WHERE solved_at >= $1 AND solved_at < $2";

/// The counts of this measure for the days of a quarter, from `begin` until before `end`, in the state at `now`; none
/// if it is measured by hand.
pub fn count(
    db: &mut PgConnection,
    measure: IndicatorMeasure,
    within_hours: Option<i32>,
    days: Period,
    (begin, end): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Option<Counted>> {
    let sql = match measure {
        IndicatorMeasure::TimelyAttention => TIMELY_ATTENTION,
        IndicatorMeasure::TimelySolution => TIMELY_SOLUTION,
        IndicatorMeasure::Satisfaction => SATISFACTION,
        IndicatorMeasure::FirstLevelResolution => FIRST_LEVEL_RESOLUTION,
        IndicatorMeasure::Manual => return Ok(None),
    };
    let counted = diesel::sql_query(sql)
        .bind::<Timestamptz, _>(begin)
        .bind::<Timestamptz, _>(end)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Integer>, _>(within_hours)
        .bind::<Date, _>(days.from)
        .bind::<Date, _>(days.to);
    Ok(Some(counted.get_result(db)?))
}
