//! The computation of each measure of a period from tickets and surveys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Timestamptz};

use crate::language::text_enum;
use crate::problem::Result;
use crate::statistics::Period;

text_enum! {
    /// The measure of an indicator for a period, as a share in percent.
    pub enum IndicatorMeasure {
        /// Of the tickets received in the period, those accepted for the first time by the due time, as a share of
        /// those accepted or overdue.
        TimelyAttention = "timely_attention",
        /// Of the tickets received in the period, those solved within `within_hours` of the reception, counted
        /// around the clock, as a share of those solved, or not archived and past that time.
        TimelySolution = "timely_solution",
        /// Of the surveys answered in the period, those that rate the service as a whole with 4 or 5.
        Satisfaction = "satisfaction",
        /// Of the tickets solved in the period and not reopened since, those solved at support level 1.
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

// `asked` is a period: its bounds, its first and last day, and the hours of the indicator. $1 is now.
const TIMELY_ATTENTION: &str = "\
    SELECT count(*) FILTER (WHERE f.attended_at <= f.due_at) AS met, \
        count(*) FILTER (WHERE CASE WHEN f.attended_at IS NOT NULL THEN true WHEN f.archive_reason IS NOT NULL THEN false ELSE \
            f.due_at < (SELECT CASE WHEN t.information_deadline IS NULL THEN $1 ELSE \
                (SELECT h.started_at FROM holds h WHERE h.ticket_id = t.id AND h.ended_at IS NULL) END \
                FROM tickets t WHERE t.id = f.ticket_id) END) AS counted \
    FROM ticket_facts f \
    WHERE f.received_at >= asked.begins AND f.received_at < asked.ends AND f.due_at IS NOT NULL";

const TIMELY_SOLUTION: &str = "\
    SELECT count(*) FILTER (WHERE solved_at <= received_at + make_interval(hours => asked.hours)) AS met, \
        count(*) FILTER (WHERE solved_at IS NOT NULL \
            OR archived_at IS NULL AND received_at + make_interval(hours => asked.hours) < $1) AS counted \
    FROM tickets WHERE received_at >= asked.begins AND received_at < asked.ends AND imported_at IS NULL";

const SATISFACTION: &str = "\
    SELECT coalesce(sum(surveys) FILTER (WHERE overall >= 4), 0)::bigint AS met, \
        coalesce(sum(surveys), 0)::bigint AS counted \
    FROM ( \
        SELECT overall, 1 AS surveys FROM surveys WHERE answered_at >= asked.begins AND answered_at < asked.ends \
        UNION ALL \
        SELECT overall, surveys FROM survey_counts WHERE fact = 'answered' AND day BETWEEN asked.first_day AND asked.last_day) AS answered";

const FIRST_LEVEL_RESOLUTION: &str = "\
    SELECT count(*) FILTER (WHERE support_level = 1) AS met, count(*) AS counted \
    FROM tickets WHERE solved_at >= asked.begins AND solved_at < asked.ends AND imported_at IS NULL";

/// A period to count, with the hours of the indicator.
pub struct Asked {
    pub within_hours: Option<i32>,
    pub days: Period,
    /// The first moment of the period, and the first one after it.
    pub bounds: (DateTime<Utc>, DateTime<Utc>),
}

/// The counts of this measure for the days of a period, in the state at `now`; none if it is measured by hand.
pub fn count(
    db: &mut PgConnection,
    measure: IndicatorMeasure,
    asked: Asked,
    now: DateTime<Utc>,
) -> Result<Option<Counted>> {
    Ok(count_each(db, measure, &[asked], now)?.pop())
}

/// The same for several periods in one statement, in their order; none of them if it is measured by hand.
pub fn count_each(
    db: &mut PgConnection,
    measure: IndicatorMeasure,
    asked: &[Asked],
    now: DateTime<Utc>,
) -> Result<Vec<Counted>> {
    let counts = match measure {
        IndicatorMeasure::TimelyAttention => TIMELY_ATTENTION,
        IndicatorMeasure::TimelySolution => TIMELY_SOLUTION,
        IndicatorMeasure::Satisfaction => SATISFACTION,
        IndicatorMeasure::FirstLevelResolution => FIRST_LEVEL_RESOLUTION,
        IndicatorMeasure::Manual => return Ok(Vec::new()),
    };
    let sql = format!(
        "SELECT counts.met, counts.counted \
         FROM unnest($2, $3, $4, $5, $6) WITH ORDINALITY AS asked (begins, ends, hours, first_day, last_day, place), \
             LATERAL ({counts}) AS counts ORDER BY asked.place"
    );
    let counted = diesel::sql_query(sql)
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Timestamptz>, _>(asked.iter().map(|one| one.bounds.0).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(asked.iter().map(|one| one.bounds.1).collect::<Vec<_>>())
        .bind::<Array<Nullable<Integer>>, _>(asked.iter().map(|one| one.within_hours).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(asked.iter().map(|one| one.days.from).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(asked.iter().map(|one| one.days.to).collect::<Vec<_>>());
    Ok(counted.load(db)?)
}
