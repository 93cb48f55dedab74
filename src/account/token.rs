//! Sign-in by OAuth 2, for tools that support it: Swagger UI's *Authorize*, generated clients.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::sessions::{self, Session};
use super::{client_credentials, refresh};
use crate::http::desk::Desk;
use crate::http::{ClientAddress, form};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The form of RFC 6749, sections 4.3.2, 4.4.2 and 6, as received. Further fields that clients send, such as `scope`,
/// are ignored: role and scopes of the account determine the permissions.
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
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

/// The grant `password` with `username` and `password`, the grant `refresh_token` with the `refresh_token` of the last
/// response, or the grant `client_credentials` with id and key of a service account (RFC 6749, sections 4.3.2, 6 and
/// 4.4.2). Further fields, such as `scope`, are ignored: role and scopes of the account determine the permissions.
#[derive(ToSchema)]
#[expect(dead_code, reason = "declares in the contract what `Form` reads")]
pub struct TokenRequest {
    /// `password` to sign in, `refresh_token` to exchange a refresh token for new tokens, `client_credentials` for an
    /// access token of a service account.
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
    /// The id of the service account; required for `client_credentials`, here or by HTTP Basic.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    client_id: Option<String>,
    /// A key of the service account; required for `client_credentials`, here or by HTTP Basic.
    #[schema(min_length = 1, max_length = 200, format = Password, nullable = false)]
    client_secret: Option<String>,
}

/// `password`: sign in. `refresh_token`: exchange a refresh token for new tokens. `client_credentials`: an access token of
/// a service account.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "declares in the contract what `Form` reads")]
pub enum GrantType {
    Password,
    RefreshToken,
    ClientCredentials,
}

/// Sign in or renew tokens with OAuth 2
///
/// The same as `POST /auth/login` and `POST /auth/refresh`, for tools that support OAuth 2: a form instead of JSON,
/// with the grants `password` and `refresh_token`. For service accounts the grant `client_credentials`: `client_id` is the
/// id of the service account and `client_secret` one of its keys, in the form or by HTTP Basic. The access token ends with
/// the key.
#[utoipa::path(
    tag = "auth", operation_id = "issueToken",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = Session, description = "The new access token, and the refresh token unless the grant is `client_credentials`"),
        (status = 401, description = "`invalid_credentials`: the email or the password is wrong, or the account is not active, or the key is not a valid one of the service account; `invalid_refresh_token`: sign in again"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/token")]
pub async fn issue(
    request: HttpRequest,
    desk: Data<Desk>,
    from: ClientAddress,
    form: form::Form<Form>,
) -> Result<HttpResponse> {
    let mut form = form.read()?;
    if form.client_id.is_empty()
        && form.client_secret.is_empty()
        && let Some(basic) = client_credentials::of_basic(request.headers())
    {
        (form.client_id, form.client_secret) = basic;
    }
    let of_the_grant = match form.grant_type.as_str() {
        "password" => vec![("/username", &form.username, 254), ("/password", &form.password, 200)],
        "refresh_token" => vec![("/refresh_token", &form.refresh_token, 200)],
        CLIENT_CREDENTIALS => {
            vec![("/client_id", &form.client_id, 200), ("/client_secret", &form.client_secret, 200)]
        }
        _ => {
            let detail = Text::new(
                "Debe ser `password`, `refresh_token` o `client_credentials`.",
                "It can be `password`, `refresh_token` or `client_credentials`.",
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
        CLIENT_CREDENTIALS => {
            client_credentials::issue(desk, from, &form.client_id, &form.client_secret).await
        }
        _ => refresh::refresh_session(desk, form.refresh_token).await,
    };
    answer.map_err(|mut problem| {
        // Tools that support RFC 6749 (section 5.2) may not support problem details.
        if problem.code.status() == StatusCode::UNAUTHORIZED {
            let error =
                if form.grant_type == CLIENT_CREDENTIALS { "invalid_client" } else { "invalid_grant" };
            problem.members.insert("error".to_owned(), error.into());
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
