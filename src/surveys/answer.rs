//! The survey of one ticket: read and answered.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Ratings, Row, Survey, SurveyStatus};
use crate::auth::policy::{self, Action, Scope};
use crate::db::schema::surveys;
use crate::http::{Answer, Body, Call};
use crate::problem::{Code, Problem, Result, Text};
use crate::tickets::store;

/// An answer to the survey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveyAnswer {
    ratings: Ratings,
    #[schema(max_length = 2000, example = "Muy amables.")]
    comment: Option<String>,
}

/// Read the survey of a ticket
///
/// The requester reads their own; professionals and the director read anybody's. There is one from the ticket's
/// solution on.
#[utoipa::path(
    tag = "surveys", operation_id = "getSurvey", params(("ticket_id" = i64, Path, minimum = 1)),
    responses((status = 200, body = Survey))
)]
#[get("/tickets/{ticket_id}/survey")]
pub async fn read(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(Action::ReadTicket, move |db, actor| {
        let answers = policy::scope(actor.role, Action::ReadSurveyAnswers);
        if actor.is_staff() && answers != Some(Scope::Any) {
            return Err(Problem::forbidden());
        }
        let ticket = store::visible(db, actor, *id)?;
        let row =
            surveys::table.filter(surveys::ticket_id.eq(ticket.id)).select(Row::as_select()).first(db)?;
        let version = if row.status == SurveyStatus::Answered { 2 } else { 1 };
        Ok(Answer::ok(&Survey::from(row))?.version(version))
    })
    .await
}

/// Answer the survey of a ticket
///
/// Once, by the requester.
#[utoipa::path(
    tag = "surveys", operation_id = "answerSurvey", params(("ticket_id" = i64, Path, minimum = 1)),
    request_body = SurveyAnswer,
    responses((status = 201, body = Survey), (status = 409, description = "`already_answered`"))
)]
#[post("/tickets/{ticket_id}/survey")]
pub async fn answer(call: Call, id: Path<i64>, body: Body<SurveyAnswer>) -> Result<HttpResponse> {
    call.write(Action::AnswerSurvey, body, move |tx, actor, body| {
        let ticket = store::visible(tx, actor, *id)?;
        let found = surveys::table.filter(surveys::ticket_id.eq(ticket.id));
        let row = found.select(Row::as_select()).for_update().first(tx)?;
        let SurveyAnswer { ratings, comment } = body.read()?;
        if row.status == SurveyStatus::Answered {
            return Err(Problem::new(
                Code::AlreadyAnswered,
                Text::new(
                    "Gracias: su respuesta ya está guardada.",
                    "Thank you: your answer is kept already.",
                ),
            ));
        }
        let row: Row = diesel::update(surveys::table.find(row.id))
            .set((
                surveys::status.eq(SurveyStatus::Answered),
                surveys::overall.eq(ratings.overall),
                surveys::timeliness.eq(ratings.timeliness),
                surveys::courtesy.eq(ratings.courtesy),
                surveys::solution.eq(ratings.solution),
                surveys::comment.eq(comment),
                surveys::answered_at.eq(actor.now.max(row.created_at)),
            ))
            .returning(Row::as_returning())
            .get_result(tx)?;
        Ok(Answer::created(format!("/api/v1/tickets/{}/survey", row.ticket_id), &Survey::from(row))?
            .version(2))
    })
    .await
}
