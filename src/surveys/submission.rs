//! Storing the answers to a survey, with the text of the questions as asked.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::questions::{self, SurveyQuestion};
use super::{Ratings, Row, SurveyStatus};
use crate::db::schema::{survey_answers, surveys, tickets};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};
use crate::tickets::survey::attended_ticket;
use crate::tickets::workflow::TicketStatus;

/// An answer to the survey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyAnswerCreate {
    /// The ratings of the four standing questions. All are required.
    pub ratings: Ratings,
    /// Answers to the active questions that are not `standing`, at most one for each. All are optional; none if
    /// omitted.
    #[serde(default)]
    #[schema(required = false, max_items = 100)]
    pub answers: Vec<QuestionAnswer>,
    /// A comment in free text. Optional.
    #[schema(max_length = 2000, example = "Muy amables.")]
    pub comment: Option<String>,
}

/// An answer to a question that is not `standing`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionAnswer {
    /// Identifier of the question: an active one that is not `standing`.
    pub question_id: Uuid,
    /// The rating, from 1 (very bad) to 5 (very good).
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub rating: i16,
}

/// Whether a ticket in this state can be rated.
pub fn is_over(status: TicketStatus) -> bool {
    matches!(status, TicketStatus::Solved | TicketStatus::Closed)
}

/// Stores the answer of a survey.
///
/// # Errors
/// A 409 if it was answered before or its ticket is no longer solved; a 403 if its requester attended the ticket; a 422 that names the answers to questions that
/// are not asked.
pub fn submit(
    tx: &mut PgConnection,
    id: Uuid,
    answer: SurveyAnswerCreate,
    now: DateTime<Utc>,
) -> Result<Row> {
    // Prevents a concurrent reopening; a step locks its ticket before the survey.
    let (ticket_id, attended): (i64, bool) = surveys::table
        .find(id)
        .select((surveys::ticket_id, attended_ticket(surveys::ticket_id, surveys::requester_id)))
        .get_result(tx)?;
    let status: TicketStatus =
        tickets::table.find(ticket_id).select(tickets::status).for_share().get_result(tx)?;
    let row: Row = surveys::table.find(id).select(Row::as_select()).for_update().get_result(tx)?;
    if row.status == SurveyStatus::Answered {
        return Err(Problem::new(
            Code::AlreadyAnswered,
            Text::new(
                "Su respuesta ya estaba guardada. Gracias por su opinión.",
                "Your answer was already stored. Thank you for your opinion.",
            ),
        ));
    }
    if attended {
        return Err(Problem::new(
            Code::AttendedByRequester,
            Text::new(
                "Usted atendió esta solicitud: quien la atiende no responde su encuesta.",
                "You attended this ticket: whoever attends a ticket does not answer its survey.",
            ),
        ));
    }
    if !is_over(status) {
        return Err(Problem::wrong_state(status.as_str()));
    }
    let asked = questions::asked(tx)?;
    let further = check(&asked, &answer.answers)?;
    let ratings = answer.ratings;
    let row: Row = diesel::update(surveys::table.find(row.id))
        .set((
            surveys::status.eq(SurveyStatus::Answered),
            surveys::overall.eq(ratings.overall),
            surveys::timeliness.eq(ratings.timeliness),
            surveys::courtesy.eq(ratings.courtesy),
            surveys::solution.eq(ratings.solution),
            surveys::comment.eq(answer.comment),
            surveys::answered_at.eq(now.max(row.created_at)),
        ))
        .returning(Row::as_returning())
        .get_result(tx)?;
    let standing = asked.iter().filter(|question| question.standing);
    let all = standing.filter_map(|question| Some((question, ratings.rating(&question.key)?))).chain(further);
    let rows: Vec<_> = all
        .map(|(question, rating)| {
            (
                survey_answers::survey_id.eq(row.id),
                survey_answers::question_id.eq(question.id),
                survey_answers::text_es.eq(&question.text.es),
                survey_answers::text_en.eq(&question.text.en),
                survey_answers::rating.eq(rating),
            )
        })
        .collect();
    diesel::insert_into(survey_answers::table).values(rows).execute(tx)?;
    Ok(row)
}

/// The answers to further questions, after checking that each question is active and answered only once.
fn check<'a>(
    asked: &'a [SurveyQuestion],
    answers: &[QuestionAnswer],
) -> Result<Vec<(&'a SurveyQuestion, i16)>> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (index, answer) in answers.iter().enumerate() {
        let pointer = format!("/answers/{index}/question_id");
        let question = asked.iter().find(|question| question.id == answer.question_id);
        match question {
            None => errors.push(FieldError::unknown_id(pointer)),
            Some(question) if question.standing => {
                let detail = Text::new("Califíquela en `ratings`.", "Rate it in `ratings`.");
                errors.push(FieldError::new(pointer, FieldCode::NotAllowed, detail));
            }
            Some(_) if answers[..index].iter().any(|other| other.question_id == answer.question_id) => {
                let detail = Text::new("Ya fue respondida.", "It was already answered.");
                errors.push(FieldError::new(pointer, FieldCode::Duplicate, detail));
            }
            Some(question) => found.push((question, answer.rating)),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Problem::fields(errors)) }
}
