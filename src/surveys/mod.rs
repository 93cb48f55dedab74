//! Activity 10: the perception survey.

pub mod answer;
mod by_link;
pub mod links;
pub mod list;
pub mod page;
pub mod questions;
pub mod reminder;
pub mod submission;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use self::questions::Wording;
use crate::db::schema::{survey_answers, survey_questions, surveys};
use crate::http::routes::Routes;
use crate::problem::{Problem, Result};
use crate::tickets::survey::SurveyStatus;

pub fn routes(routes: &mut Routes) {
    routes
        .service(answer::read)
        .service(answer::answer)
        .service(list::list)
        .service(list::read)
        .service(by_link::read)
        .service(by_link::answer)
        .service(questions::list)
        .service(questions::read)
        .service(questions::create)
        .service(questions::change);
}

/// From 1 (very bad) to 5 (very good).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratings {
    /// Rating of the service as a whole, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub overall: i16,
    /// Rating of the timeliness, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    pub timeliness: i16,
    /// Rating of the courtesy of the staff, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub courtesy: i16,
    /// Rating of the quality of the solution, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub solution: i16,
}

impl Ratings {
    /// The rating of the standing question with this key.
    fn rating(&self, key: &str) -> Option<i16> {
        match key {
            "overall" => Some(self.overall),
            "timeliness" => Some(self.timeliness),
            "courtesy" => Some(self.courtesy),
            "solution" => Some(self.solution),
            _ => None,
        }
    }
}

/// The survey of a ticket.
#[derive(Serialize, ToSchema)]
pub struct Survey {
    /// Identifier of the survey.
    pub id: Uuid,
    /// The number of the ticket.
    #[schema(example = 123)]
    pub ticket_id: i64,
    /// Whether the survey was answered. An answered survey cannot be answered again.
    pub status: SurveyStatus,
    /// The answers to the four standing questions; `null` until answered.
    pub ratings: Option<Ratings>,
    /// The answer to each question that was answered, the standing ones included, in the order of the questions; empty
    /// until answered.
    #[schema(max_items = 50)]
    pub answers: Vec<AnsweredQuestion>,
    /// The comment of the requester; `null` until answered, if none was given, or if it was removed by an
    /// anonymization.
    #[schema(max_length = 2000, example = "Muy amables.")]
    pub comment: Option<String>,
    /// The time at which the survey was created: that of the first solution of the ticket.
    pub created_at: DateTime<Utc>,
    /// The time of the answer; `null` until answered.
    pub answered_at: Option<DateTime<Utc>>,
}

/// The answer to one question.
#[derive(Serialize, ToSchema)]
pub struct AnsweredQuestion {
    /// Identifier of the question.
    pub question_id: Uuid,
    /// The key of the question, such as `overall`; it never changes.
    #[schema(max_length = 50, example = "overall")]
    pub key: String,
    /// The text of the question as it was asked, in both languages; the question may have been reworded since.
    #[serde(rename = "wording")]
    pub text: Wording,
    /// The rating, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub rating: i16,
}

/// The row of a survey.
#[derive(Queryable, Selectable)]
#[diesel(table_name = surveys)]
pub struct Row {
    id: Uuid,
    ticket_id: i64,
    status: SurveyStatus,
    overall: Option<i16>,
    timeliness: Option<i16>,
    courtesy: Option<i16>,
    solution: Option<i16>,
    comment: Option<String>,
    created_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
}

impl Row {
    fn ratings(&self) -> Option<Ratings> {
        let (overall, timeliness) = (self.overall?, self.timeliness?);
        Some(Ratings { overall, timeliness, courtesy: self.courtesy?, solution: self.solution? })
    }

    /// The version for the `ETag`: a survey changes once.
    fn version(&self) -> i32 {
        if self.status == SurveyStatus::Answered { 2 } else { 1 }
    }
}

/// The surveys as the API represents them, with their answers in the order of the questions.
pub fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Survey>> {
    type Found = (Uuid, Uuid, String, String, String, i16);
    let found: Vec<Found> = survey_answers::table
        .inner_join(survey_questions::table)
        .filter(survey_answers::survey_id.eq_any(rows.iter().map(|row| row.id)))
        .order((survey_questions::position, survey_questions::id))
        .select((
            survey_answers::survey_id,
            survey_answers::question_id,
            survey_questions::key,
            survey_answers::text_es,
            survey_answers::text_en,
            survey_answers::rating,
        ))
        .load(db)?;
    let mut answers: HashMap<Uuid, Vec<AnsweredQuestion>> = HashMap::new();
    for (survey_id, question_id, key, es, en, rating) in found {
        let answer = AnsweredQuestion { question_id, key, text: Wording { es, en }, rating };
        answers.entry(survey_id).or_default().push(answer);
    }
    let surveys = rows.into_iter().map(|row| Survey {
        id: row.id,
        ticket_id: row.ticket_id,
        status: row.status,
        ratings: row.ratings(),
        answers: answers.remove(&row.id).unwrap_or_default(),
        comment: row.comment,
        created_at: row.created_at,
        answered_at: row.answered_at,
    });
    Ok(surveys.collect())
}

/// The surveys with these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Survey>> {
    let rows = surveys::table.filter(surveys::id.eq_any(ids)).select(Row::as_select()).load(db)?;
    present(db, rows)
}

/// One survey as the API represents it.
pub fn present_one(db: &mut PgConnection, row: Row) -> Result<Survey> {
    present(db, vec![row])?.pop().ok_or_else(Problem::not_found)
}
