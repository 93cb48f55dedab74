//! How each figure is reckoned.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Result;
use crate::tickets::model::{Channel, Criticality};

/// The figures of a period.
#[derive(Serialize, ToSchema)]
pub struct Statistics {
    from: NaiveDate,
    to: NaiveDate,
    tickets: Tickets,
    /// The tickets received in the period, by their present criticality; one row for each.
    by_criticality: Vec<ByCriticality>,
    by_unit: Vec<ByNamed>,
    by_category: Vec<ByNamed>,
    by_channel: Vec<ByChannel>,
    /// What each member of staff did in the period.
    by_person: Vec<ByPerson>,
    escalations: Escalations,
    surveys: Surveys,
}

/// How many tickets.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct Tickets {
    /// Received in the period.
    #[diesel(sql_type = BigInt)]
    received: i64,
    /// Solved in the period, and not reopened since.
    #[diesel(sql_type = BigInt)]
    solved: i64,
    /// Closed in the period.
    #[diesel(sql_type = BigInt)]
    closed: i64,
    /// Archived in the period.
    #[diesel(sql_type = BigInt)]
    archived: i64,
    /// Received before the period's end and not solved, closed or archived by then.
    #[diesel(sql_type = BigInt)]
    open: i64,
}

/// The tickets of one criticality that were received in the period.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct ByCriticality {
    /// `null` for those not classified.
    #[diesel(sql_type = Nullable<Text>)]
    criticality: Option<Criticality>,
    #[diesel(sql_type = BigInt)]
    received: i64,
    /// Accepted for the first time by the due time.
    #[diesel(sql_type = BigInt)]
    attended_in_time: i64,
    /// Accepted for the first time after the due time.
    #[diesel(sql_type = BigInt)]
    attended_late: i64,
    /// Not accepted yet and not archived.
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    /// Those of `waiting` whose due time has passed, or had when the clock came to stand still.
    #[diesel(sql_type = BigInt)]
    waiting_overdue: i64,
    /// From reception to the first acceptance, in minutes.
    #[diesel(sql_type = Nullable<Double>)]
    attention_minutes_mean: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    attention_minutes_p90: Option<f64>,
    /// From reception to the solution, in minutes.
    #[diesel(sql_type = Nullable<Double>)]
    solution_minutes_mean: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    solution_minutes_p90: Option<f64>,
}

/// The tickets of one unit or category that were received in the period.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct ByNamed {
    /// `null` for those of none.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = BigInt)]
    received: i64,
    /// Those that are solved or closed by now.
    #[diesel(sql_type = BigInt)]
    solved: i64,
}

/// The tickets of one channel that were received in the period.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct ByChannel {
    #[diesel(sql_type = Text)]
    channel: Channel,
    #[diesel(sql_type = BigInt)]
    received: i64,
    /// Those that are solved or closed by now.
    #[diesel(sql_type = BigInt)]
    solved: i64,
}

/// What one member of staff did in the period.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct ByPerson {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    full_name: String,
    /// Tickets accepted at a support level.
    #[diesel(sql_type = BigInt)]
    accepted: i64,
    /// Those of `accepted` by the level's due time.
    #[diesel(sql_type = BigInt)]
    accepted_in_time: i64,
    /// Tickets solved.
    #[diesel(sql_type = BigInt)]
    solved: i64,
}

/// The escalations of the period.
#[derive(Serialize, QueryableByName, ToSchema)]
pub struct Escalations {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    to_level_2: i64,
    #[diesel(sql_type = BigInt)]
    to_level_3: i64,
}

/// The surveys of the period.
#[derive(Serialize, ToSchema)]
pub struct Surveys {
    /// Offered in the period.
    sent: i64,
    /// Answered in the period.
    answered: i64,
    /// The mean of each rating answered in the period, from 1 to 5.
    mean: MeanRatings,
}

/// The mean of each rating; `null` without an answer.
#[derive(Serialize, ToSchema)]
pub struct MeanRatings {
    overall: Option<f64>,
    timeliness: Option<f64>,
    courtesy: Option<f64>,
    solution: Option<f64>,
}

#[derive(QueryableByName)]
struct SurveyRow {
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    answered: i64,
    #[diesel(sql_type = Nullable<Double>)]
    overall: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    timeliness: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    courtesy: Option<f64>,
    #[diesel(sql_type = Nullable<Double>)]
    solution: Option<f64>,
}

const TICKETS: &str = "SELECT \
    (SELECT count(*) FROM tickets WHERE received_at >= $1 AND received_at < $2) AS received, \
    (SELECT count(*) FROM tickets WHERE solved_at >= $1 AND solved_at < $2) AS solved, \
    (SELECT count(*) FROM tickets WHERE closed_at >= $1 AND closed_at < $2) AS closed, \
    (SELECT count(*) FROM tickets WHERE archived_at >= $1 AND archived_at < $2) AS archived, \
    (SELECT count(*) FROM tickets WHERE received_at < $2 \
        AND (solved_at IS NULL OR solved_at >= $2) AND (archived_at IS NULL OR archived_at >= $2)) AS open";

const BY_CRITICALITY: &str = "\
    SELECT levels.criticality, count(t.id) AS received, \
        count(*) FILTER (WHERE t.attended_at <= t.first_attention_due_at) AS attended_in_time, \
        count(*) FILTER (WHERE t.attended_at > t.first_attention_due_at) AS attended_late, \
        count(*) FILTER (WHERE t.id IS NOT NULL AND t.attended_at IS NULL AND t.archived_at IS NULL) AS waiting, \
        count(*) FILTER (WHERE t.attended_at IS NULL AND t.archived_at IS NULL \
            AND t.first_attention_due_at < CASE WHEN t.information_deadline IS NULL THEN $3 ELSE \
                (SELECT h.started_at FROM holds h WHERE h.ticket_id = t.id AND h.ended_at IS NULL) END) AS waiting_overdue, \
        avg(minutes(t.received_at, t.attended_at)) AS attention_minutes_mean, \
        percentile_cont(0.9) WITHIN GROUP (ORDER BY minutes(t.received_at, t.attended_at)) AS attention_minutes_p90, \
        avg(minutes(t.received_at, t.solved_at)) AS solution_minutes_mean, \
        percentile_cont(0.9) WITHIN GROUP (ORDER BY minutes(t.received_at, t.solved_at)) AS solution_minutes_p90 \
    FROM (VALUES (1, 'critical'), (2, 'high'), (3, 'medium'), (4, 'low'), (5, NULL)) AS levels (place, criticality) \
    LEFT JOIN tickets t ON t.criticality IS NOT DISTINCT FROM levels.criticality \
        AND t.received_at >= $1 AND t.received_at < $2 \
    GROUP BY levels.place, levels.criticality ORDER BY levels.place";

const BY_UNIT: &str = "\
    SELECT u.id, u.name, g.received, g.solved FROM ( \
        SELECT requester_unit_id, count(*) AS received, count(solved_at) AS solved FROM tickets \
        WHERE received_at >= $1 AND received_at < $2 GROUP BY requester_unit_id) AS g \
    LEFT JOIN units u ON u.id = g.requester_unit_id ORDER BY g.received DESC, u.name";

const BY_CATEGORY: &str = "\
    SELECT c.id, c.name, g.received, g.solved FROM ( \
        SELECT category_id, count(*) AS received, count(solved_at) AS solved FROM tickets \
        WHERE received_at >= $1 AND received_at < $2 GROUP BY category_id) AS g \
    LEFT JOIN categories c ON c.id = g.category_id ORDER BY g.received DESC, c.name";

const BY_CHANNEL: &str = "\
    SELECT channel, count(*) AS received, count(solved_at) AS solved FROM tickets \
    WHERE received_at >= $1 AND received_at < $2 GROUP BY channel ORDER BY received DESC, channel";

const BY_PERSON: &str = "\
    SELECT u.id, u.full_name, coalesce(a.accepted, 0) AS accepted, coalesce(a.in_time, 0) AS accepted_in_time, \
        coalesce(s.solved, 0) AS solved \
    FROM users u \
    LEFT JOIN (SELECT accepted_by, count(*) AS accepted, count(*) FILTER (WHERE accepted_at <= due_at) AS in_time \
        FROM attentions WHERE accepted_at >= $1 AND accepted_at < $2 GROUP BY accepted_by) AS a ON a.accepted_by = u.id \
    LEFT JOIN (SELECT solved_by_id, count(*) AS solved FROM tickets \
        WHERE solved_at >= $1 AND solved_at < $2 GROUP BY solved_by_id) AS s ON s.solved_by_id = u.id \
    WHERE a.accepted > 0 OR s.solved > 0 ORDER BY solved DESC, accepted DESC, u.full_name";

const ESCALATIONS: &str = "\
    SELECT count(*) AS count, count(*) FILTER (WHERE to_level = 2) AS to_level_2, \
        count(*) FILTER (WHERE to_level = 3) AS to_level_3 \
    FROM escalations WHERE created_at >= $1 AND created_at < $2";

const SURVEYS: &str = "\
    SELECT (SELECT count(*) FROM surveys WHERE created_at >= $1 AND created_at < $2) AS sent, \
        count(*) AS answered, avg(overall)::float8 AS overall, avg(timeliness)::float8 AS timeliness, \
        avg(courtesy)::float8 AS courtesy, avg(solution)::float8 AS solution \
    FROM surveys WHERE answered_at >= $1 AND answered_at < $2";

/// The figures of the days `from` to `to`, which begin at `begin` and are over at `end`, as things stand `now`.
///
/// # Errors
/// What the database answers.
pub fn reckon(
    db: &mut PgConnection,
    from: NaiveDate,
    to: NaiveDate,
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Statistics> {
    macro_rules! figures {
        ($sql:expr) => {
            diesel::sql_query($sql).bind::<Timestamptz, _>(begin).bind::<Timestamptz, _>(end)
        };
    }
    // One snapshot, so that the figures agree with one another.
    db.build_transaction().repeatable_read().read_only().run(|tx| {
        let surveys: SurveyRow = figures!(SURVEYS).get_result(tx)?;
        Ok(Statistics {
            from,
            to,
            tickets: figures!(TICKETS).get_result(tx)?,
            by_criticality: figures!(BY_CRITICALITY).bind::<Timestamptz, _>(now).load(tx)?,
            by_unit: figures!(BY_UNIT).load(tx)?,
            by_category: figures!(BY_CATEGORY).load(tx)?,
            by_channel: figures!(BY_CHANNEL).load(tx)?,
            by_person: figures!(BY_PERSON).load(tx)?,
            escalations: figures!(ESCALATIONS).get_result(tx)?,
            surveys: Surveys {
                sent: surveys.sent,
                answered: surveys.answered,
                mean: MeanRatings {
                    overall: surveys.overall,
                    timeliness: surveys.timeliness,
                    courtesy: surveys.courtesy,
                    solution: surveys.solution,
                },
            },
        })
    })
}
