//! Signing in as OAuth 2 has it, for tools that know it: Swagger UI's *Authorize*, clients made by a generator.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::sessions::{self, Session};
use crate::desk::Desk;
use crate::http::body;
use crate::problem::{FieldError, Problem, Result, Text};

/// The form of RFC 6749, sections 4.3.2 and 6. Further fields that clients send, such as `scope`, are of no account: the
/// role says what one may do.
#[derive(Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `password` or `refresh_token`.
    #[serde(default)]
    #[schema(example = "password", pattern = "^(password|refresh_token)$", max_length = 13)]
    grant_type: String,
    /// The email, for the grant `password`; upper and lower case are the same.
    #[serde(default)]
    #[schema(example = "technician@mesa.test", max_length = 254)]
    username: String,
    /// For the grant `password`.
    #[serde(default)]
    #[schema(example = "una-clave-larga", max_length = 200, format = Password)]
    password: String,
    /// For the grant `refresh_token`.
    #[serde(default)]
    #[schema(max_length = 200)]
    refresh_token: String,
}

/// Sign in as OAuth 2 has it
///
/// The same as `POST /auth/login` and `POST /auth/refresh`, for tools that know OAuth 2: a form instead of JSON, with the
/// grants `password` and `refresh_token`.
#[utoipa::path(
    tag = "auth", operation_id = "issueToken",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Session),
        (status = 401, description = "`invalid_credentials` or `invalid_refresh_token`"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/token")]
pub async fn issue(desk: Data<Desk>, form: body::Form<TokenRequest>) -> Result<HttpResponse> {
    let form = form.read()?;
    let of_the_grant = match form.grant_type.as_str() {
        "password" => vec![("/username", &form.username, 254), ("/password", &form.password, 200)],
        "refresh_token" => vec![("/refresh_token", &form.refresh_token, 200)],
        _ => {
            let detail = Text::new(
                "Se admiten `password` y `refresh_token`.",
                "It can be `password` or `refresh_token`.",
            );
            return Err(Problem::field(FieldError::new("/grant_type", "not_allowed", detail)));
        }
    };
    let errors: Vec<FieldError> = of_the_grant.into_iter().filter_map(fault).collect();
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    match form.grant_type.as_str() {
        "password" => sessions::sign_in(desk, form.username, form.password).await,
        _ => sessions::go_on(desk, form.refresh_token).await,
    }
}

/// What is wrong with a field that the grant asks for.
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
    (!fits).then(|| FieldError::new(pointer, "too_long", detail()))
}
