//! Expired surveys: counted for the statistics, and removed.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::mail::Count;
use crate::db::schema::{survey_counts, surveys};
use crate::problem::{Problem, Result};
use crate::tickets::model::{Channel, Criticality};
use crate::tickets::survey::SurveyStatus;

/// Ended before `$1`. A closed or archived ticket gets no other survey, and its counts are final.
const DUE: &str = "\
    surveys s JOIN tickets t ON t.id = s.ticket_id \
    WHERE s.offered_at < $1 AND t.status IN ('closed', 'archived') \
    AND coalesce(s.answered_at, (SELECT max(k.expires_at) FROM survey_tokens k WHERE k.survey_id = s.id), s.offered_at) < $1";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    status: SurveyStatus,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    answered_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    overall: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    timeliness: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    courtesy: Option<i16>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    solution: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    criticality: Option<Criticality>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    unit_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    category_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    channel: Channel,
}

/// The properties by which the statistics distinguish surveys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Counted {
    fact: Fact,
    day: NaiveDate,
    criticality: Option<Criticality>,
    unit_id: Option<Uuid>,
    category_id: Option<Uuid>,
    channel: Channel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Fact {
    Sent(SurveyStatus),
    /// Overall, timeliness, courtesy, solution.
    Answered([Option<i16>; 4]),
}

/// Number of surveys that ended before this moment.
pub fn due(db: &mut PgConnection, up_to: DateTime<Utc>) -> Result<i64> {
    let count = diesel::sql_query(format!("SELECT count(*) AS count FROM {DUE}"));
    Ok(count.bind::<Timestamptz, _>(up_to).get_result::<Count>(db)?.count)
}

/// Removes the oldest expired surveys, with their links and answers, and stores their counts; returns how many.
pub fn remove(tx: &mut PgConnection, timezone: Tz, up_to: DateTime<Utc>, most: i64) -> Result<i64> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "SELECT s.id, s.status, s.created_at, s.answered_at, s.overall, s.timeliness, s.courtesy, s.solution, \
            t.criticality, t.requester_unit_id AS unit_id, t.category_id, t.channel \
         FROM {DUE} ORDER BY s.offered_at, s.id LIMIT $2 FOR UPDATE OF s SKIP LOCKED"
    ))
    .bind::<Timestamptz, _>(up_to)
    .bind::<BigInt, _>(most)
    .load(tx)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let counts: Vec<_> = counted(&rows, timezone)
        .into_iter()
        .map(|(Counted { fact, day, criticality, unit_id, category_id, channel }, surveys)| {
            let (fact, status, [overall, timeliness, courtesy, solution]) = match fact {
                Fact::Sent(status) => ("sent", Some(status), [None; 4]),
                Fact::Answered(ratings) => ("answered", None, ratings),
            };
            (
                survey_counts::fact.eq(fact),
                survey_counts::day.eq(day),
                survey_counts::criticality.eq(criticality),
                survey_counts::unit_id.eq(unit_id),
                survey_counts::category_id.eq(category_id),
                survey_counts::channel.eq(channel),
                survey_counts::status.eq(status),
                survey_counts::overall.eq(overall),
                survey_counts::timeliness.eq(timeliness),
                survey_counts::courtesy.eq(courtesy),
                survey_counts::solution.eq(solution),
                survey_counts::surveys.eq(surveys),
            )
        })
        .collect();
    diesel::insert_into(survey_counts::table).values(counts).execute(tx)?;
    let removed = diesel::delete(surveys::table.filter(surveys::id.eq_any(ids))).execute(tx)?;
    i64::try_from(removed).map_err(Problem::internal)
}

/// The number of surveys for each combination that the statistics distinguish, by day in the entity's time zone.
fn counted(rows: &[Row], timezone: Tz) -> HashMap<Counted, i32> {
    let mut counts = HashMap::new();
    for row in rows {
        let day = |at: DateTime<Utc>| at.with_timezone(&timezone).date_naive();
        let mut add = |fact, day| {
            let Row { criticality, unit_id, category_id, channel, .. } = *row;
            let counted = Counted { fact, day, criticality, unit_id, category_id, channel };
            *counts.entry(counted).or_default() += 1;
        };
        add(Fact::Sent(row.status), day(row.created_at));
        if let Some(at) = row.answered_at {
            add(Fact::Answered([row.overall, row.timeliness, row.courtesy, row.solution]), day(at));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_what_is_told_apart_is_counted_apart() {
        let survey = |answered: Option<&str>, overall, channel| Row {
            id: Uuid::now_v7(),
            status: if answered.is_some() { SurveyStatus::Answered } else { SurveyStatus::Pending },
            created_at: "2024-03-11T04:30:00Z".parse().unwrap(),
            answered_at: answered.map(|at| at.parse().unwrap()),
            overall,
            timeliness: overall,
            courtesy: overall,
            solution: overall,
            criticality: Some(Criticality::Low),
            unit_id: None,
            category_id: None,
            channel,
        };
        let answered = Some("2024-03-12T12:00:00Z");
        let rows = [
            survey(answered, Some(5), Channel::Web),
            survey(answered, Some(5), Channel::Web),
            survey(answered, Some(4), Channel::Web),
            survey(None, None, Channel::Web),
            survey(None, None, Channel::Email),
        ];
        let counts = counted(&rows, chrono_tz::America::Bogota);
        let of = |fact, day: &str, channel| {
            let counted = Counted {
                fact,
                day: day.parse().unwrap(),
                criticality: Some(Criticality::Low),
                unit_id: None,
                category_id: None,
                channel,
            };
            counts.get(&counted).copied()
        };
        // 23:30 in Bogotá is on the previous day.
        assert_eq!(of(Fact::Sent(SurveyStatus::Answered), "2024-03-10", Channel::Web), Some(3));
        assert_eq!(of(Fact::Sent(SurveyStatus::Pending), "2024-03-10", Channel::Web), Some(1));
        assert_eq!(of(Fact::Sent(SurveyStatus::Pending), "2024-03-10", Channel::Email), Some(1));
        assert_eq!(of(Fact::Answered([Some(5); 4]), "2024-03-12", Channel::Web), Some(2));
        assert_eq!(of(Fact::Answered([Some(4); 4]), "2024-03-12", Channel::Web), Some(1));
        assert_eq!(counts.len(), 5);
    }
}
