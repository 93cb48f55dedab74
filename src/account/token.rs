//! Sign-in by OAuth 2, for tools that support it: Swagger UI's *Authorize*, generated clients.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::refresh;
use super::sessions::{self, Session};
use crate::http::desk::Desk;
use crate::http::{ClientAddress, form};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The form of RFC 6749, sections 4.3.2 and 6, as received. Further fields that clients send, such as `scope`, are
/// ignored: the role determines the permissions.
#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    refresh_token: String,
}

/// The grant `password` with `username` and `password`, or the grant `refresh_token` with the `refresh_token` of the
/// last response (RFC 6749, sections 4.3.2 and 6). Further fields, such as `scope` or `client_id`, are ignored: the
/// role determines the permissions.
#[derive(ToSchema)]
#[expect(dead_code, reason = "declares in the contract what `Form` reads")]
pub struct TokenRequest {
    /// `password` to sign in, `refresh_token` to exchange a refresh token for new tokens.
    #[schema(inline, example = "password")]
    grant_type: GrantType,
    /// The email address of the account; required for `password`. Upper and lower case are the same.
    #[schema(example = "technician@mesa.test", min_length = 1, max_length = 254, nullable = false)]
    username: Option<String>,
    /// The password of the account; required for `password`.
    #[schema(example = "una-clave-larga", min_length = 1, max_length = 200, format = Password, nullable = false)]
    password: Option<String>,
    /// The `refresh_token` of the last response; required for `refresh_token`.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    refresh_token: Option<String>,
}

/// `password`: sign in. `refresh_token`: exchange a refresh token for new tokens.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "declares in the contract what `Form` reads")]
pub enum GrantType {
    Password,
    RefreshToken,
}

/// Sign in or renew tokens with OAuth 2
///
/// The same as `POST /auth/login` and `POST /auth/refresh`, for tools that support OAuth 2: a form instead of JSON,
/// with the grants `password` and `refresh_token`.
#[utoipa::path(
    tag = "auth", operation_id = "issueToken",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Session, description = "The new access token and refresh token"),
        (status = 401, description = "`invalid_credentials`: the email or the password is wrong, or the account is not active; `invalid_refresh_token`: sign in again"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/token")]
pub async fn issue(desk: Data<Desk>, from: ClientAddress, form: form::Form<Form>) -> Result<HttpResponse> {
    let form = form.read()?;
    let of_the_grant = match form.grant_type.as_str() {
        "password" => vec![("/username", &form.username, 254), ("/password", &form.password, 200)],
        "refresh_token" => vec![("/refresh_token", &form.refresh_token, 200)],
        _ => {
            let detail = Text::new(
                "Debe ser `password` o `refresh_token`.",
                "It can be `password` or `refresh_token`.",
            );
            return Err(Problem::field(FieldError::new("/grant_type", FieldCode::NotAllowed, detail)));
        }
    };
    let errors: Vec<FieldError> = of_the_grant.into_iter().filter_map(fault).collect();
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    let answer = match form.grant_type.as_str() {
        "password" => sessions::sign_in(desk, from, form.username, form.password).await,
        _ => refresh::refresh_session(desk, form.refresh_token).await,
    };
    answer.map_err(|mut problem| {
        // Tools that support RFC 6749 (section 5.2) may not support problem details.
        if problem.code.status() == StatusCode::UNAUTHORIZED {
            problem.members.insert("error".to_owned(), "invalid_grant".into());
            problem.members.insert("error_description".to_owned(), problem.detail.en.clone().into());
        }
        problem
    })
}

/// The fault of a field that the grant requires.
fn fault((pointer, text, limit): (&str, &String, usize)) -> Option<FieldError> {
    if text.is_empty() {
        return Some(FieldError::required(pointer));
    }
    let fits = text.chars().count() <= limit && !text.contains('\0');
    let detail = || {
        Text::made(
            format!("Admite hasta {limit} caracteres, sin el carácter nulo."),
            format!("It takes up to {limit} characters, without the null character."),
        )
    };
    (!fits).then(|| FieldError::new(pointer, FieldCode::TooLong, detail()))
}
