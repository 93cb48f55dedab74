//! The facts of a period, as SQL: each fact is a row, and figures are counts over these rows.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{Array, Date, Text, Timestamptz, Uuid as SqlUuid};

use super::counts::{Counts, WorkCounts};
use super::links::Scope;
use crate::problem::Result;
use crate::tickets::filters::ATTENTION;

/// The facts to select, and the parts of the period to which they belong.
pub struct Facts<'a> {
    pub begin: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// The first moment of each part.
    pub parts: Vec<DateTime<Utc>>,
    /// The first and the last day, and the first day of each part: for surveys that retention removed only the day is
    /// known.
    pub days: (NaiveDate, NaiveDate),
    pub part_days: Vec<NaiveDate>,
    /// The moment of the backlog of each part.
    pub backlogs: Vec<DateTime<Utc>>,
    pub now: DateTime<Utc>,
    pub scope: &'a Scope,
}

/// `$1` and `$2` are the bounds of the period, `$3` the beginnings of its parts, `$4` the moments of the backlogs,
/// `$5` is now, and `$6` to `$9` filter the tickets; `$10` and `$11` are the first and the last day, `$12` the first
/// day of each part. `word` and `grade` distinguish facts of the same kind; times are in minutes, the age of the
/// backlog in days. Each branch begins with an index over the relevant time.
fn facts() -> String {
    let fact = |kind: &str, at: &str, word: &str, elapsed: &str, working: &str, grade: &str, from: &str| {
        format!(
            "SELECT '{kind}' AS kind, width_bucket({at}, $3) AS part, t.id, t.criticality, \
                t.requester_unit_id AS unit_id, t.category_id, t.channel, {word} AS word, {elapsed} AS elapsed, \
                {working} AS working, {grade} AS grade, \
                NULL::smallint AS timeliness, NULL::smallint AS courtesy, NULL::smallint AS solution \
             FROM {from} WHERE {at} >= $1 AND {at} < $2 {NARROWED}"
        )
    };
    let no_word = "NULL";
    // For an answered survey: the category of its ticket may still change.
    let open_again = "CASE WHEN t.status NOT IN ('closed', 'archived') THEN 'open' END";
    let no_time = "NULL::float8";
    let no_grade = "NULL::smallint";
    let state = format!("({})", ATTENTION.replace("$now", "$5"));
    // For removed surveys; each counts like an existing one.
    let kept = |kind: &str, word: &str, ratings: [&str; 4]| {
        let [overall, timeliness, courtesy, solution] = ratings;
        format!(
            "SELECT '{kind}', width_bucket(t.day, $12), NULL::bigint, t.criticality, t.requester_unit_id, t.category_id, \
                t.channel, {word}, NULL::float8, NULL::float8, {overall}, {timeliness}, {courtesy}, {solution} \
             FROM (SELECT *, unit_id AS requester_unit_id FROM survey_counts) AS t CROSS JOIN generate_series(1, t.surveys) \
             WHERE t.fact = '{kind}' AND t.day >= $10 AND t.day <= $11 {NARROWED}"
        )
    };
    let ticket_of = |table: &str| format!("{table} AS o JOIN tickets t ON t.id = o.ticket_id");
    let branches = [
        fact(
            "received",
            "t.received_at",
            &state,
            "minutes(t.received_at, t.attended_at)",
            "t.attended_working_minutes",
            "CASE WHEN t.solved_at IS NOT NULL THEN 1 WHEN t.archived_at IS NOT NULL THEN 2 END::smallint",
            "tickets t",
        ),
        fact(
            "solved",
            "o.ended_at",
            "CASE WHEN EXISTS (SELECT FROM articles a WHERE a.ticket_id = t.id) THEN 'article' END",
            "minutes(t.received_at, o.ended_at)",
            "o.working_minutes",
            "o.support_level",
            &ticket_of("(SELECT * FROM openings WHERE outcome = 'solved')"),
        ),
        fact("closed", "t.closed_at", no_word, no_time, no_time, no_grade, "tickets t"),
        fact("archived", "t.archived_at", "t.archive_reason", no_time, no_time, no_grade, "tickets t"),
        fact("reopened", "o.reopened_at", no_word, no_time, no_time, no_grade, &ticket_of("openings")),
        fact("escalated", "o.created_at", no_word, no_time, no_time, "o.to_level", &ticket_of(ESCALATED)),
        fact("sent", "o.created_at", "o.status", no_time, no_time, no_grade, &ticket_of("surveys")),
        fact("answered", "o.answered_at", open_again, no_time, no_time, "o.overall", &ticket_of("surveys"))
            .replace("NULL::smallint AS timeliness", "o.timeliness")
            .replace("NULL::smallint AS courtesy", "o.courtesy")
            .replace("NULL::smallint AS solution", "o.solution"),
        kept("sent", "t.status", [no_grade; 4]),
        kept("answered", no_word, ["t.overall", "t.timeliness", "t.courtesy", "t.solution"]),
        format!(
            "SELECT 'open', moments.part::integer, t.id, t.criticality, t.requester_unit_id, t.category_id, t.channel, \
                NULL, (extract(epoch FROM moments.at - t.received_at) / 86400)::float8, NULL::float8, NULL::smallint, \
                NULL::smallint, NULL::smallint, NULL::smallint \
             FROM unnest($4) WITH ORDINALITY AS moments (at, part) \
             JOIN openings o ON o.open_during @> moments.at JOIN tickets t ON t.id = o.ticket_id WHERE true {NARROWED}"
        ),
    ];
    branches.join(" UNION ALL ")
}

/// Without the returns to a lower level.
const ESCALATED: &str = "(SELECT * FROM escalations WHERE to_level > from_level)";

const NARROWED: &str = "AND (cardinality($6) = 0 OR t.criticality = ANY($6)) \
    AND (cardinality($7) = 0 OR t.channel = ANY($7)) \
    AND (cardinality($8) = 0 OR t.category_id = ANY($8)) \
    AND (cardinality($9) = 0 OR t.requester_unit_id = ANY($9))";

/// Mean, median and 90th percentile; without values, only a null mean.
fn spread(value: &str, kind: &str) -> String {
    let only = format!("FILTER (WHERE kind = '{kind}')");
    format!("avg({value}) {only} || percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {value}) {only}")
}

fn aggregates() -> String {
    let count = |name: &str, what: &str| format!("count(*) FILTER (WHERE {what}) AS {name}");
    // A ticket may be solved, reopened and escalated more than once in a period.
    let tickets = |name: &str, what: &str| format!("count(DISTINCT id) FILTER (WHERE {what}) AS {name}");
    let rating = |name: &str| format!("(avg({name}) FILTER (WHERE kind = 'answered'))::float8");
    [
        count("received", "kind = 'received'"),
        count("received_solved", "kind = 'received' AND grade = 1"),
        count("received_archived", "kind = 'received' AND grade = 2"),
        count("attended_in_time", "kind = 'received' AND word = 'in_time'"),
        count("attended_late", "kind = 'received' AND word = 'late'"),
        count("waiting", "kind = 'received' AND word IN ('waiting', 'waiting_overdue')"),
        count("waiting_overdue", "kind = 'received' AND word = 'waiting_overdue'"),
        format!("{} AS attention", spread("elapsed", "received")),
        format!("{} AS attention_working", spread("working", "received")),
        tickets("solved", "kind = 'solved'"),
        tickets("solved_at_level_1", "kind = 'solved' AND grade = 1"),
        tickets("solved_with_article", "kind = 'solved' AND word = 'article'"),
        format!("{} AS solution_times", spread("elapsed", "solved")),
        format!("{} AS solution_working", spread("working", "solved")),
        count("closed", "kind = 'closed'"),
        count("archived", "kind = 'archived'"),
        count("missing_information", "kind = 'archived' AND word = 'missing_information'"),
        count("profile_not_authorized", "kind = 'archived' AND word = 'profile_not_authorized'"),
        count("duplicate", "kind = 'archived' AND word = 'duplicate'"),
        count("withdrawn", "kind = 'archived' AND word = 'withdrawn'"),
        tickets("reopened", "kind = 'reopened'"),
        tickets("escalated", "kind = 'escalated'"),
        tickets("escalated_to_2", "kind = 'escalated' AND grade = 2"),
        tickets("escalated_to_3", "kind = 'escalated' AND grade = 3"),
        count("open", "kind = 'open'"),
        count("open_1", "kind = 'open' AND elapsed <= 1"),
        count("open_7", "kind = 'open' AND elapsed > 1 AND elapsed <= 7"),
        count("open_30", "kind = 'open' AND elapsed > 7 AND elapsed <= 30"),
        count("open_older", "kind = 'open' AND elapsed > 30"),
        format!("{} AS open_age", spread("elapsed", "open")),
        count("sent", "kind = 'sent'"),
        count("responded", "kind = 'sent' AND word = 'answered'"),
        count("answered", "kind = 'answered'"),
        count("satisfied", "kind = 'answered' AND grade >= 4"),
        count("not_final", "kind = 'answered' AND word = 'open'"),
        format!(
            "ARRAY[{}, {}, {}, {}] AS ratings",
            rating("grade"),
            rating("timeliness"),
            rating("courtesy"),
            rating("solution")
        ),
    ]
    .join(", ")
}

/// The facts of the work of staff. `$3` is a part of the period that contains all of them.
const WORK: &str = "\
    SELECT 'accepted' AS kind, o.ticket_id AS id, o.accepted_by AS person_id, o.level, o.accepted_at <= o.due_at AS good, \
        minutes(o.started_at, o.accepted_at) AS elapsed, o.working_minutes AS working \
    FROM attention_clocks o JOIN tickets t ON t.id = o.ticket_id WHERE o.accepted_at >= $1 AND o.accepted_at < $2 {narrowed} \
    UNION ALL \
    SELECT 'solved', o.ticket_id, o.solved_by_id, o.support_level, NULL, minutes(t.received_at, o.ended_at), o.working_minutes \
    FROM openings o JOIN tickets t ON t.id = o.ticket_id \
    WHERE o.outcome = 'solved' AND o.ended_at >= $1 AND o.ended_at < $2 {narrowed} \
    UNION ALL \
    SELECT 'reopened', o.ticket_id, o.solved_by_id, o.support_level, NULL, NULL, NULL \
    FROM openings o JOIN tickets t ON t.id = o.ticket_id WHERE o.reopened_at >= $1 AND o.reopened_at < $2 {narrowed} \
    UNION ALL \
    SELECT 'escalated', o.ticket_id, o.escalated_by, o.to_level, NULL, NULL, NULL \
    FROM escalations o JOIN tickets t ON t.id = o.ticket_id \
    WHERE o.to_level > o.from_level AND o.created_at >= $1 AND o.created_at < $2 {narrowed}";

impl Facts<'_> {
    /// The counts of the whole and of each group, for facts that belong to a single part.
    pub fn by_group(&self, db: &mut PgConnection) -> Result<Vec<Counts>> {
        let query = format!(
            "WITH facts AS ({}) SELECT 1 AS part, grouping(criticality, unit_id, category_id, channel) AS grouping, \
                criticality, unit_id, category_id, channel, {} \
             FROM facts GROUP BY GROUPING SETS ((), (criticality), (unit_id), (category_id), (channel))",
            facts(),
            aggregates()
        );
        Ok(self.bound(query).load(db)?)
    }

    /// The counts of each part that has facts.
    pub fn by_part(&self, db: &mut PgConnection) -> Result<Vec<Counts>> {
        let query = format!(
            "WITH facts AS ({}) SELECT part, -1 AS grouping, NULL::text AS criticality, NULL::uuid AS unit_id, \
                NULL::uuid AS category_id, NULL::text AS channel, {} \
             FROM facts GROUP BY part ORDER BY part",
            facts(),
            aggregates()
        );
        Ok(self.bound(query).load(db)?)
    }

    /// The counts of each person and each level.
    pub fn of_work(&self, db: &mut PgConnection) -> Result<Vec<WorkCounts>> {
        let tickets = |name: &str, what: &str| format!("count(DISTINCT id) FILTER (WHERE {what}) AS {name}");
        let aggregates = [
            tickets("accepted", "kind = 'accepted'"),
            tickets("accepted_in_time", "kind = 'accepted' AND good"),
            tickets("accepted_late", "kind = 'accepted' AND NOT good"),
            format!("{} AS acceptance", spread("elapsed", "accepted")),
            format!("{} AS acceptance_working", spread("working", "accepted")),
            tickets("solved", "kind = 'solved'"),
            format!("{} AS solution_times", spread("elapsed", "solved")),
            format!("{} AS solution_working", spread("working", "solved")),
            tickets("reopened", "kind = 'reopened'"),
            tickets("escalated", "kind = 'escalated'"),
        ];
        let query = format!(
            "WITH facts AS ({}), counted AS ( \
                SELECT person_id, level, grouping(level) AS of_people, {} \
                FROM facts GROUP BY GROUPING SETS ((person_id), (level))) \
             SELECT c.*, u.full_name FROM counted c LEFT JOIN users u ON u.id = c.person_id \
             WHERE of_people = 0 OR person_id IS NOT NULL \
             ORDER BY level, c.solved DESC, c.accepted DESC, u.full_name, c.person_id",
            WORK.replace("{narrowed}", NARROWED),
            aggregates.join(", ")
        );
        Ok(self.bound(query).load(db)?)
    }

    fn bound(&self, query: String) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        diesel::sql_query(query)
            .into_boxed::<Pg>()
            .bind::<Timestamptz, _>(self.begin)
            .bind::<Timestamptz, _>(self.end)
            .bind::<Array<Timestamptz>, _>(self.parts.clone())
            .bind::<Array<Timestamptz>, _>(self.backlogs.clone())
            .bind::<Timestamptz, _>(self.now)
            .bind::<Array<Text>, _>(self.scope.criticality.clone())
            .bind::<Array<Text>, _>(self.scope.channel.clone())
            .bind::<Array<SqlUuid>, _>(self.scope.category_id.clone())
            .bind::<Array<SqlUuid>, _>(self.scope.unit_id.clone())
            .bind::<Date, _>(self.days.0)
            .bind::<Date, _>(self.days.1)
            .bind::<Array<Date>, _>(self.part_days.clone())
    }
}
