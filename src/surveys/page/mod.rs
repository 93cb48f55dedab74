//! The page that the link in the mail opens. It shows the form, stores the answer and confirms it, without script and
//! without signing in.

mod form;
mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use self::form::Form;
use self::view::{PAGE, State, View};
use super::links::{self, Opened};
use super::submission::is_over;
use super::{SurveyStatus, questions};
use crate::http::desk::Desk;
use crate::http::form::FormBytes;
use crate::language::locale::{self, Locale};
use crate::problem::{Code, Problem, Result};
use crate::tickets::workflow::TicketStatus;

pub fn routes(config: &mut ServiceConfig) {
    config.service(open).service(send);
}

/// The result of a visit: the language of the requester, if the link is valid, and what the page shows.
type Visit = (Locale, Shown);

enum Shown {
    /// Boxed, because it is much larger than the other variants.
    Asked(Box<(Opened, Form)>),
    Answered {
        ticket_id: i64,
        at: DateTime<Utc>,
    },
    /// The requester attended the ticket, and does not rate their own work.
    Attended,
    /// The ticket is in this state and cannot be rated.
    Unsolved(TicketStatus),
}

#[get("/s/{token}")]
async fn open(desk: Data<Desk>, request: HttpRequest, token: Path<String>) -> HttpResponse {
    let visit = move |db: &mut PgConnection| {
        let opened = links::open(db, &token)?;
        let locale = opened.locale;
        let shown = match (opened.row.status, opened.row.answered_at) {
            (SurveyStatus::Answered, Some(at)) => Shown::Answered { ticket_id: opened.row.ticket_id, at },
            _ if opened.attended => Shown::Attended,
            _ if !is_over(opened.ticket_status) => Shown::Unsolved(opened.ticket_status),
            _ => Shown::Asked(Box::new((opened, Form::empty(questions::asked(db)?)))),
        };
        Ok((locale, shown))
    };
    respond(&desk, &request, desk.db.read(visit).await, StatusCode::OK)
}

#[post("/s/{token}")]
async fn send(
    desk: Data<Desk>,
    request: HttpRequest,
    token: Path<String>,
    body: FormBytes,
) -> Result<HttpResponse> {
    let body = body.received()?;
    let visit = move |db: &mut PgConnection| {
        db.transaction::<_, Problem, _>(|tx| {
            let opened = links::open(tx, &token)?;
            if opened.row.status == SurveyStatus::Pending && opened.attended {
                return Ok((opened.locale, Shown::Attended));
            }
            if opened.row.status == SurveyStatus::Pending && !is_over(opened.ticket_status) {
                return Ok((opened.locale, Shown::Unsolved(opened.ticket_status)));
            }
            let form = Form::read(questions::asked(tx)?, &body.bytes);
            let locale = opened.locale;
            match form.answer() {
                None => Ok((locale, Shown::Asked(Box::new((opened, form))))),
                Some(answer) => {
                    let now = crate::db::now(tx)?;
                    let row = super::submission::submit(tx, opened.row.id, answer, now)?;
                    let at = row.answered_at.unwrap_or(row.created_at);
                    Ok((locale, Shown::Answered { ticket_id: row.ticket_id, at }))
                }
            }
        })
    };
    // A form that was not stored is shown again, with its errors.
    let visit = desk.db.run(visit).await;
    let status = match visit {
        Ok((_, Shown::Answered { .. })) => StatusCode::OK,
        Ok((_, Shown::Attended)) => StatusCode::FORBIDDEN,
        Ok((_, Shown::Unsolved(_))) => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(respond(&desk, &request, visit, status))
}

fn respond(desk: &Desk, request: &HttpRequest, visit: Result<Visit>, status: StatusCode) -> HttpResponse {
    let asked = locale::asked(request);
    let (locale, state, status) = match &visit {
        Ok((requesters, shown)) => {
            let locale = asked.unwrap_or(*requesters);
            let state = match shown {
                Shown::Asked(asked) => State::Form(&asked.0, &asked.1),
                Shown::Attended => State::Attended,
                Shown::Unsolved(status) => State::Unsolved { open: *status != TicketStatus::Archived },
                Shown::Answered { ticket_id, at } => {
                    State::Answered(*ticket_id, locale.moment(*at, desk.config.timezone))
                }
            };
            (locale, state, status)
        }
        Err(problem) => {
            if problem.code.status().is_server_error() {
                log::error!("{}", problem.log_line());
            }
            let state = match problem.code {
                Code::NotFound => State::Unknown,
                Code::SurveyExpired => State::Expired,
                Code::AlreadyAnswered => State::AnsweredBefore,
                // Reopened between the check and the answer.
                Code::WrongState => State::Unsolved { open: true },
                _ => State::Failed,
            };
            (asked.unwrap_or(Locale::Es), state, problem.code.status())
        }
    };
    PAGE.respond(status, locale, &desk.config.entity, View { locale, state }.context())
}
