//! The survey as opened by its link, without signing in.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::questions::{self, SurveyQuestion};
use super::submission::{SurveyAnswerCreate, submit};
use super::{Survey, links, present_one};
use crate::http::desk::Desk;
use crate::http::{Answer, Body};
use crate::language::locale::Locale;
use crate::problem::Result;

/// A survey with its ticket and its questions.
#[derive(Serialize, ToSchema)]
pub struct LinkedSurvey {
    /// The survey, with the answers if it was answered.
    survey: Survey,
    /// The subject of the ticket.
    #[schema(max_length = 200, example = "La impresora del despacho no imprime")]
    subject: String,
    /// The solution of the ticket; `null` while it is open again.
    #[schema(max_length = 20_000, example = "Se cambió el rodillo.")]
    #[serde(rename = "solution_text")]
    solution: Option<String>,
    /// The language of the requester, for the page that shows the survey.
    locale: Locale,
    /// The questions that are currently asked, in their order. The standing ones are answered in `ratings`, the others
    /// in `answers`.
    #[schema(max_items = 50)]
    questions: Vec<SurveyQuestion>,
    /// The time at which the link expires; afterwards the response is a 410.
    expires_at: DateTime<Utc>,
}

/// Read the survey of a link
///
/// Requires no sign-in, only the link that was mailed to the requester. The token is the last part of the link and is
/// valid for this survey only.
#[utoipa::path(
    tag = "surveys", operation_id = "getSurveyLink",
    params(("token" = String, Path, max_length = 200, description = "The token of the link: its last part.")),
    responses((status = 200, body = LinkedSurvey, description = "The survey, with its ticket and its questions"), (status = 410, description = "`survey_expired`")),
    security(())
)]
#[get("/survey-links/{token}")]
pub async fn read(desk: Data<Desk>, request: HttpRequest, token: Path<String>) -> Result<HttpResponse> {
    let read = move |db: &mut PgConnection| {
        let opened = links::open(db, &token)?;
        let (id, version) = (opened.row.id, opened.row.version());
        let linked = LinkedSurvey {
            survey: present_one(db, opened.row)?,
            subject: opened.subject,
            solution: opened.solution,
            locale: opened.locale,
            questions: questions::asked(db)?,
            expires_at: opened.expires_at,
        };
        Ok(Answer::ok(&linked)?.version(id, version))
    };
    Ok(desk.db.read(read).await?.respond(None, (request.path(), "")))
}

/// Answer the survey of a link
///
/// Requires no sign-in, only the link. A survey can be answered only once.
#[utoipa::path(
    tag = "surveys", operation_id = "answerSurveyLink",
    params(("token" = String, Path, max_length = 200, description = "The token of the link: its last part.")),
    request_body = SurveyAnswerCreate,
    responses(
        (status = 201, body = Survey, description = "The answered survey"),
        (status = 403, description = "`attended_by_requester`: nobody rates their own work"),
        (status = 409, description = "`already_answered`, or `wrong_state`: the ticket is open again"),
        (status = 410, description = "`survey_expired`"),
    ),
    security(())
)]
#[post("/survey-links/{token}")]
pub async fn answer(
    desk: Data<Desk>,
    request: HttpRequest,
    token: Path<String>,
    body: Body<SurveyAnswerCreate>,
) -> Result<HttpResponse> {
    let location = request.path().to_owned();
    let write = move |db: &mut PgConnection| {
        db.transaction(|tx| {
            let id = links::open(tx, &token)?.row.id;
            let now = crate::db::now(tx)?;
            let row = submit(tx, id, body.read()?, now)?;
            let version = row.version();
            Ok(Answer::created(location, &present_one(tx, row)?)?.version(id, version))
        })
    };
    Ok(desk.db.run(write).await?.respond(None, (request.path(), "")))
}
