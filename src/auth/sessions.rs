//! Signing in, staying signed in, signing out.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::{Duration, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{passwords, tokens};
use crate::db::schema::{refresh_tokens, users};
use crate::desk::Desk;
use crate::http::locale::Locale;
use crate::http::{Answer, Body};
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
#[utoipa::path(
    tag = "auth", operation_id = "login", request_body = Login,
    responses((status = 200, body = Session), (status = 401, description = "`invalid_credentials`")),
    security(())
)]
#[post("/auth/login")]
pub async fn login(desk: Data<Desk>, body: Body<Login>) -> Result<HttpResponse> {
    let Login { email, password } = body.read()?;
    let found: Option<(Uuid, Option<String>, bool, Locale)> = desk
        .db
        .run(move |db| {
            Ok(users::table
                .filter(lower(users::email).eq(email.to_lowercase()))
                .select((users::id, users::password_hash, users::active, users::locale))
                .first(db)
                .optional()?)
        })
        .await?;
    let hash = found.as_ref().and_then(|(_, hash, _, _)| hash.clone());
    // Outside of the pool: reckoning the hash takes longer than any statement.
    let right = actix_web::web::block(move || passwords::verify(&password, hash.as_deref()))
        .await
        .map_err(Problem::internal)?;
    match found {
        Some((user_id, _, true, locale)) if right => {
            let access_token = desk.tokens.sign(user_id, locale)?;
            let answer = desk.db.run(move |db| begin(db, user_id, Uuid::now_v7(), access_token)).await?;
            Ok(answer.respond(None, ("", "")))
        }
        _ => Err(Problem::new(
            Code::InvalidCredentials,
            Text::new("Revise el correo y la contraseña.", "See the email and the password."),
        )),
    }
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
    let token = tokens::hash(&body.read()?.refresh_token);
    let ours = desk.clone();
    let answer = desk.db.run(move |db| db.transaction(|tx| turn_over(tx, &ours, &token))).await?;
    // A reuse is an error for the client and a change that must stay: the transaction is committed by now.
    Ok(answer?.respond(None, ("", "")))
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
    let token = tokens::hash(&body.read()?.refresh_token);
    let answer = desk
        .db
        .run(move |db| {
            let family: Option<Uuid> =
                refresh_tokens::table.find(token).select(refresh_tokens::family_id).first(db).optional()?;
            if let Some(family) = family {
                end_family(db, family)?;
            }
            Ok(Answer::no_content())
        })
        .await?;
    Ok(answer.respond(None, ("", "")))
}

/// The next token of a family, with the answer that carries it.
fn begin(db: &mut PgConnection, user_id: Uuid, family: Uuid, access_token: String) -> Result<Answer> {
    let refresh_token = tokens::random()?;
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(tokens::hash(&refresh_token)),
            refresh_tokens::family_id.eq(family),
            refresh_tokens::user_id.eq(user_id),
            refresh_tokens::expires_at.eq(Utc::now() + Duration::days(tokens::REFRESH_DAYS)),
        ))
        .execute(db)?;
    Answer::ok(&Session {
        access_token,
        token_type: "Bearer",
        expires_in: tokens::ACCESS_SECONDS,
        refresh_token,
    })
}

/// The outer result is the database's, the inner one the client's.
fn turn_over(tx: &mut PgConnection, desk: &Desk, token: &[u8]) -> Result<Result<Answer>> {
    let ended =
        || Problem::new(Code::InvalidRefreshToken, Text::new("Inicie sesión de nuevo.", "Sign in again."));
    let row = refresh_tokens::table
        .find(token)
        .select((
            refresh_tokens::family_id,
            refresh_tokens::user_id,
            refresh_tokens::expires_at,
            refresh_tokens::used_at,
            refresh_tokens::revoked_at,
        ))
        .for_update()
        .first::<(Uuid, Uuid, chrono::DateTime<Utc>, Option<chrono::DateTime<Utc>>, Option<chrono::DateTime<Utc>>)>(tx)
        .optional()?;
    let Some((family, user_id, expires_at, used_at, revoked_at)) = row else { return Ok(Err(ended())) };
    if used_at.is_some() {
        end_family(tx, family)?;
        return Ok(Err(ended()));
    }
    let (active, locale): (bool, Locale) =
        users::table.find(user_id).select((users::active, users::locale)).first(tx)?;
    if revoked_at.is_some() || expires_at <= Utc::now() || !active {
        return Ok(Err(ended()));
    }
    diesel::update(refresh_tokens::table.find(token))
        .set(refresh_tokens::used_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(Ok(begin(tx, user_id, family, desk.tokens.sign(user_id, locale)?)?))
}

fn end_family(db: &mut PgConnection, family: Uuid) -> Result<()> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::family_id.eq(family)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(db)?;
    Ok(())
}

/// Ends every sign-in of a person.
pub fn end_all(db: &mut PgConnection, user_id: Uuid) -> Result<()> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::user_id.eq(user_id)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(db)?;
    Ok(())
}

diesel::define_sql_function! {
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}
