//! Signing in, staying signed in, signing out.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attempts::Attempt;
use super::{passwords, tokens};
use crate::db::schema::{refresh_tokens, users};
use crate::desk::Desk;
use crate::http::locale::Locale;
use crate::http::{Answer, Body, ClientAddress};
use crate::problem::{Code, Problem, Result, Text};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Upper and lower case are the same.
    #[schema(example = "technician@mesa.test", max_length = 254)]
    email: String,
    #[schema(example = "una-clave-larga", max_length = 200, format = Password)]
    password: String,
}

/// The refresh token to turn over or to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    #[schema(example = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E", max_length = 200)]
    refresh_token: String,
}

/// What a client needs to call on somebody's behalf.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// For `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// How long the access token is valid, in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// Good for one use of `POST /auth/refresh`, within 30 days.
    refresh_token: String,
}

/// Sign in
///
/// Answers an access token for 15 minutes and a refresh token. Keep the refresh token where scripts of others cannot
/// read it.
///
/// After five wrong passwords for one email from one place, whether it has an account or not, each further one makes the
/// next attempt wait twice as long, up to fifteen minutes; a right one clears the count. Attempts from many places on one
/// account hold up those alone that it was never signed in from.
#[utoipa::path(
    tag = "auth", operation_id = "login", request_body = Login,
    responses(
        (status = 200, body = Session),
        (status = 401, description = "`invalid_credentials`"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/login")]
pub async fn login(desk: Data<Desk>, from: ClientAddress, body: Body<Login>) -> Result<HttpResponse> {
    let Login { email, password } = body.read()?;
    sign_in(desk, from, email, password).await
}

/// Answers a new sign-in, where the password is right.
///
/// # Errors
/// A 401 where it is not, a 429 where it was wrong too often.
pub async fn sign_in(
    desk: Data<Desk>,
    from: ClientAddress,
    email: String,
    password: String,
) -> Result<HttpResponse> {
    let (found, attempt) = desk
        .db
        .run(move |db| {
            let attempt = Attempt::count(db, &email, from)?;
            let found: Option<(Uuid, Option<String>)> = users::table
                .filter(lower(users::email).eq(email.to_lowercase()))
                .select((users::id, users::password_hash))
                .first(db)
                .optional()?;
            Ok((found, attempt))
        })
        .await?;
    let place = match passwords::turn().await {
        Ok(place) => place,
        Err(busy) => {
            desk.db.run(move |db| attempt.take_back(db)).await?;
            return Err(busy);
        }
    };
    let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
    let counting = desk.clone();
    // Outside of the pool: reckoning the hash takes longer than any statement.
    let right = actix_web::web::block(move || {
        let _place = place;
        counting.traffic.password();
        passwords::verify(&password, hash.as_deref())
    })
    .await
    .map_err(Problem::internal)?;
    let Some((user_id, verified)) = found.filter(|_| right) else { return Err(wrong()) };
    let ours = desk.clone();
    let answer = desk
        .db
        .run(move |db| {
            db.transaction(|tx| {
                let account = Account::lock(tx, user_id)?;
                // The password may have been changed, or the account closed, while this one was looked at.
                if !account.active || account.password_hash != verified {
                    return Err(wrong());
                }
                attempt.was_right(tx)?;
                begin(tx, &ours, user_id, &account, Uuid::now_v7())
            })
        })
        .await?;
    Ok(secret(answer))
}

/// Tokens are kept by nobody on the way (RFC 6749, section 5.1).
fn secret(answer: Answer) -> HttpResponse {
    let mut response = answer.respond(None, ("", ""));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn wrong() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        Text::new("Revise el correo y la contraseña.", "See the email and the password."),
    )
}

/// Turn the refresh token over
///
/// Answers a new access token and a new refresh token; the one sent is used up. Presenting a used one again ends the
/// whole sign-in: somebody else may have it.
#[utoipa::path(
    tag = "auth", operation_id = "refreshSession", request_body = Refresh,
    responses((status = 200, body = Session), (status = 401, description = "`invalid_refresh_token`: sign in again")),
    security(())
)]
#[post("/auth/refresh")]
pub async fn refresh(desk: Data<Desk>, body: Body<Refresh>) -> Result<HttpResponse> {
    go_on(desk, body.read()?.refresh_token).await
}

/// Answers the next tokens of a sign-in, where this refresh token is its latest.
///
/// # Errors
/// A 401 where it is not.
pub async fn go_on(desk: Data<Desk>, refresh_token: String) -> Result<HttpResponse> {
    let ours = desk.clone();
    let answer = desk
        .db
        .run(move |db| {
            let token = tokens::hash(&refresh_token);
            db.transaction(|tx| turn_over(tx, &ours, &token))
        })
        .await?;
    // A reuse is an error for the client and a change that must stay: the transaction is committed by now.
    Ok(secret(answer?))
}

/// Sign out
///
/// Ends the sign-in of this refresh token. Access tokens run out by themselves within 15 minutes.
#[utoipa::path(
    tag = "auth", operation_id = "logout", request_body = Refresh,
    responses((status = 204, description = "Signed out, or there was no such sign-in")),
    security(())
)]
#[post("/auth/logout")]
pub async fn logout(desk: Data<Desk>, body: Body<Refresh>) -> Result<HttpResponse> {
    let answer = desk
        .db
        .run(move |db| {
            let token = tokens::hash(&body.read()?.refresh_token);
            db.transaction(|tx| {
                if let Some((family, user_id)) = family_of(tx, &token)? {
                    Account::lock(tx, user_id)?;
                    end_family(tx, family)?;
                }
                Ok(Answer::no_content())
            })
        })
        .await?;
    Ok(answer.respond(None, ("", "")))
}

/// What a sign-in relies on. Whatever begins, continues or ends sign-ins holds the account first, so that of two at the
/// same moment the later one sees what the earlier one did.
pub struct Account {
    /// None of somebody whom the desk knows by their mail alone.
    pub password_hash: Option<String>,
    active: bool,
    locale: Locale,
    era: i32,
}

impl Account {
    /// The account, held until the transaction ends.
    ///
    /// # Errors
    /// A 404 where there is none.
    pub fn lock(tx: &mut PgConnection, user_id: Uuid) -> Result<Self> {
        let (password_hash, active, locale, era) = users::table
            .find(user_id)
            .select((users::password_hash, users::active, users::locale, users::sign_in_era))
            .for_no_key_update()
            .first(tx)?;
        Ok(Account { password_hash, active, locale, era })
    }
}

fn family_of(db: &mut PgConnection, token: &[u8]) -> Result<Option<(Uuid, Uuid)>> {
    let columns = (refresh_tokens::family_id, refresh_tokens::user_id);
    Ok(refresh_tokens::table.find(token).select(columns).first(db).optional()?)
}

/// The next token of a family, with the answer that carries it.
fn begin(
    db: &mut PgConnection,
    desk: &Desk,
    user_id: Uuid,
    account: &Account,
    family: Uuid,
) -> Result<Answer> {
    let refresh_token = tokens::random()?;
    let expires_at = crate::db::now(db)? + Duration::days(tokens::REFRESH_DAYS);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(tokens::hash(&refresh_token)),
            refresh_tokens::family_id.eq(family),
            refresh_tokens::user_id.eq(user_id),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(db)?;
    Answer::ok(&Session {
        access_token: desk.tokens.sign(user_id, account.locale, account.era)?,
        token_type: "Bearer",
        expires_in: tokens::ACCESS_SECONDS,
        refresh_token,
    })
}

/// The outer result is the database's, the inner one the client's.
fn turn_over(tx: &mut PgConnection, desk: &Desk, token: &[u8]) -> Result<Result<Answer>> {
    let ended =
        || Problem::new(Code::InvalidRefreshToken, Text::new("Inicie sesión de nuevo.", "Sign in again."));
    let Some((family, user_id)) = family_of(tx, token)? else { return Ok(Err(ended())) };
    let account = Account::lock(tx, user_id)?;
    let row = refresh_tokens::table
        .find(token)
        .select((refresh_tokens::expires_at, refresh_tokens::used_at, refresh_tokens::revoked_at))
        .first::<(DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>)>(tx)
        .optional()?;
    let Some((expires_at, used_at, revoked_at)) = row else { return Ok(Err(ended())) };
    if used_at.is_some() {
        end_family(tx, family)?;
        return Ok(Err(ended()));
    }
    if revoked_at.is_some() || expires_at <= crate::db::now(tx)? || !account.active {
        return Ok(Err(ended()));
    }
    diesel::update(refresh_tokens::table.find(token))
        .set(refresh_tokens::used_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(Ok(begin(tx, desk, user_id, &account, family)?))
}

fn end_family(db: &mut PgConnection, family: Uuid) -> Result<()> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::family_id.eq(family)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(db)?;
    Ok(())
}

/// Ends every sign-in of a person, their access tokens included.
///
/// # Errors
/// What the database answers.
pub fn end_all(tx: &mut PgConnection, user_id: Uuid) -> Result<()> {
    let account = Account::lock(tx, user_id)?;
    diesel::update(users::table.find(user_id)).set(users::sign_in_era.eq(account.era + 1)).execute(tx)?;
    diesel::update(refresh_tokens::table.filter(refresh_tokens::user_id.eq(user_id)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(())
}

diesel::define_sql_function! {
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
