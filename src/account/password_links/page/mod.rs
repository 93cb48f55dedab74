//! The page that the link in the mail opens: it asks for a new password, without script and without signing in.

mod view;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;

use self::view::{PAGE, State};
use super::confirmation::set_password;
use super::links::{self, Opened};
use crate::auth::passwords::{LONGEST, SHORTEST};
use crate::http::desk::Desk;
use crate::http::form::Form;
use crate::language::locale::{self, Locale};
use crate::problem::{Code, Problem, Result, Text};

pub fn routes(config: &mut ServiceConfig) {
    config.service(open).service(send);
}

/// The form as it was filled in.
#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

/// The pointer in the fault of a password; the page shows only the text.
const POINTER: &str = "/password";

/// Opening the page does not use up the link: programs that check mail for harmful links open it as well.
#[get("/p/{token}")]
async fn open(desk: Data<Desk>, request: HttpRequest, token: Path<String>) -> HttpResponse {
    match find(&desk, &token).await {
        Ok(opened) => respond(&desk, &request, opened.locale, &State::Form(&opened, None), StatusCode::OK),
        Err(problem) => refuse(&desk, &request, &problem),
    }
}

#[post("/p/{token}")]
async fn send(
    desk: Data<Desk>,
    request: HttpRequest,
    token: Path<String>,
    form: Form<NewPassword>,
) -> Result<HttpResponse> {
    let NewPassword { password, repeated } = form.read()?;
    let opened = match find(&desk, &token).await {
        Ok(opened) => opened,
        Err(problem) => return Ok(refuse(&desk, &request, &problem)),
    };
    let asked_again = |fault: &Text| {
        let state = State::Form(&opened, Some(fault));
        respond(&desk, &request, opened.locale, &state, StatusCode::UNPROCESSABLE_ENTITY)
    };
    if let Some(fault) = mistyped(&password, &repeated) {
        return Ok(asked_again(&fault));
    }
    Ok(match set_password(&desk, token.into_inner(), password, POINTER).await {
        Ok(()) => respond(&desk, &request, opened.locale, &State::Set(&opened), StatusCode::OK),
        Err(problem) => match problem.errors.first() {
            Some(fault) => asked_again(&fault.detail),
            None => refuse(&desk, &request, &problem),
        },
    })
}

async fn find(desk: &Data<Desk>, token: &str) -> Result<Opened> {
    let token = token.to_owned();
    desk.db.read(move |db| links::open(db, &token)).await
}

fn mistyped(password: &str, repeated: &str) -> Option<Text> {
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST).contains(&length) || password.contains('\0') {
        return Some(Text::made(
            format!("Debe tener entre {SHORTEST} y {LONGEST} caracteres."),
            format!("It must have between {SHORTEST} and {LONGEST} characters."),
        ));
    }
    (password != repeated).then(|| Text::new("Las contraseñas no coinciden.", "The passwords do not match."))
}

fn refuse(desk: &Desk, request: &HttpRequest, problem: &Problem) -> HttpResponse {
    if problem.code.status().is_server_error() {
        log::error!("{}", problem.log_line());
    }
    let state = match problem.code {
        Code::PasswordLinkInvalid => State::Invalid,
        Code::TooManyAttempts => State::TooMany,
        _ => State::Failed,
    };
    let mut response = respond(desk, request, Locale::Es, &state, problem.code.status());
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn respond(
    desk: &Desk,
    request: &HttpRequest,
    of_account: Locale,
    state: &State,
    status: StatusCode,
) -> HttpResponse {
    let locale = locale::asked(request).unwrap_or(of_account);
    PAGE.respond(status, locale, &desk.config.entity, state.context(locale))
}
