//! Reading and answering the survey of one ticket.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use diesel::prelude::*;

use super::submission::{SurveyAnswerCreate, submit};
use super::{Row, Survey, present_one};
use crate::auth::policy::Action;
use crate::db::schema::surveys;
use crate::http::{Answer, Body, Call};
use crate::problem::Result;
use crate::tickets::store;

/// Read the survey of a ticket
///
/// The requester reads their own; professionals and the director read all. The survey exists from the solution of the
/// ticket on. There is none for a requester who attended the ticket, or who has neither an address nor a password.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!([Action::AnswerSurvey, Action::ReadSurveyAnswers]))),
    tag = "surveys", operation_id = "getTicketSurvey",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, body = Survey, description = "The survey"))
)]
#[get("/tickets/{ticket_id}/survey")]
pub async fn read(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let row: Row =
            surveys::table.filter(surveys::ticket_id.eq(ticket.id)).select(Row::as_select()).first(db)?;
        let (id, version) = (row.id, row.version());
        Ok(Answer::ok(&present_one(db, row)?)?.version(id, version))
    })
    .await
}

/// Answer the survey of a ticket
///
/// Only the requester may answer it, and only once. A requester who attended the ticket (who has it, had accepted it or
/// solved it) may not.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::AnswerSurvey))),
    tag = "surveys", operation_id = "answerTicketSurvey",
    params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body = SurveyAnswerCreate,
    responses(
        (status = 201, body = Survey, description = "The answered survey"),
        (status = 403, description = "`attended_by_requester`: nobody rates their own work; or `forbidden`"),
        (status = 409, description = "`already_answered`, or `wrong_state`: the ticket is open again"),
    )
)]
#[post("/tickets/{ticket_id}/survey")]
pub async fn answer(call: Call, id: Path<i64>, body: Body<SurveyAnswerCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let ticket = store::visible(tx, actor, *id)?;
        let found = surveys::table.filter(surveys::ticket_id.eq(ticket.id));
        let row: Row = found.select(Row::as_select()).first(tx)?;
        let answer = body.read()?;
        actor.check_version(row.id, row.version())?;
        let row = submit(tx, row.id, answer, actor.now)?;
        let (row_id, version) = (row.id, row.version());
        let location = format!("/api/v1/tickets/{}/survey", row.ticket_id);
        Ok(Answer::created(location, &present_one(tx, row)?)?.version(row_id, version))
    })
    .await
}
