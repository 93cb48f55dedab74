//! Signing in, staying signed in, signing out.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::Duration;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attempts::Attempt;
use super::audit::record_account_event;
use super::reading;
use crate::audit::log::AuditKind;
use crate::auth::person::PersonKind;
use crate::auth::{passwords, tokens};
use crate::db::lower;
use crate::db::schema::{refresh_tokens, users};
use crate::http::desk::Desk;
use crate::http::{Answer, Body, ClientAddress};
use crate::language::locale::Locale;
use crate::problem::{Code, Problem, Result, Text};

/// The credentials to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The email address of the account. Upper and lower case are the same.
    #[schema(example = "technician@mesa.test", max_length = 254)]
    email: String,
    /// The password of the account.
    #[schema(example = "una-clave-larga", max_length = 200, format = Password)]
    password: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The `refresh_token` of the last response.
    #[schema(example = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E", max_length = 200)]
    pub(super) refresh_token: String,
}

/// The tokens with which a client calls the API for the user.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// The access token, a JWT, for the header `Authorization: Bearer …`.
    #[schema(max_length = 2000)]
    access_token: String,
    /// Always `Bearer`.
    #[schema(max_length = 20, example = "Bearer")]
    token_type: &'static str,
    /// How long the access token is valid, in seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// The refresh token: it can be exchanged once, within 30 days, with `POST /auth/refresh`, which returns the next
    /// one. Empty for the grant `client_credentials`: a new access token is requested with the key.
    #[schema(max_length = 200)]
    refresh_token: String,
}

/// Sign in
///
/// Returns an access token for 15 minutes and a refresh token. Keep the refresh token where scripts of other origins
/// cannot read it.
///
/// After five wrong passwords for one email from one network, whether it has an account or not, each further wrong
/// password doubles the wait before the next attempt, up to fifteen minutes; a right one clears the count. After
/// twenty from many networks the same applies to all of them together. Networks from which any user signed in during
/// the last 90 days are counted separately from the others.
///
/// While the desk is read-only, the refresh token is valid for twelve hours and only until the desk accepts changes again;
/// `POST /auth/refresh` returns the same one.
#[utoipa::path(
    tag = "auth", operation_id = "login", request_body = LoginRequest,
    responses(
        (status = 200, body = Session, description = "The new access token and refresh token"),
        (status = 401, description = "`invalid_credentials`: the email or the password is wrong, or the account is not active"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/login")]
pub async fn login(desk: Data<Desk>, from: ClientAddress, body: Body<LoginRequest>) -> Result<HttpResponse> {
    let LoginRequest { email, password } = body.read()?;
    sign_in(desk, from, email, password).await
}

/// Returns a new sign-in if the password is right.
///
/// # Errors
/// A 401 if it is not, a 429 if it was wrong too often.
pub async fn sign_in(
    desk: Data<Desk>,
    from: ClientAddress,
    email: String,
    password: String,
) -> Result<HttpResponse> {
    if desk.db.reads_only() {
        return reading::sign_in(desk, from, email, password).await;
    }
    let (found, attempt) = desk
        .db
        .run(move |db| {
            let attempt = Attempt::count(db, &email, from)?;
            Ok((find(db, &email)?, attempt))
        })
        .await?;
    let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
    let right = match verify(desk.clone(), password, hash).await {
        Ok(right) => right,
        Err(busy) => {
            desk.db.run(move |db| attempt.take_back(db)).await?;
            return Err(busy);
        }
    };
    if let Some((user_id, _)) = found.as_ref().filter(|_| !right) {
        record_failure(desk.clone(), *user_id);
    }
    let Some((user_id, verified)) = found.filter(|_| right) else { return Err(wrong()) };
    let ours = desk.clone();
    let answer = desk
        .db
        .run(move |db| {
            db.transaction(|tx| {
                let account = Account::lock(tx, user_id)?;
                // The password may have been changed, or the account closed, while this one was verified.
                if !account.active || account.password_hash != verified {
                    return Err(wrong());
                }
                attempt.was_right(tx)?;
                record_account_event(tx, AuditKind::SignedIn, user_id, Some(user_id))?;
                let token = tokens::random()?;
                begin(tx, &ours, user_id, &account, Uuid::now_v7(), token)
            })
        })
        .await?;
    Ok(secret(answer))
}

/// Whether it is the password with this hash; takes as long without a hash.
///
/// # Errors
/// A 503 if too many passwords are being computed.
pub(super) async fn verify(desk: Data<Desk>, password: String, hash: Option<String>) -> Result<bool> {
    passwords::compute(move || {
        desk.traffic.password();
        passwords::verify(&password, hash.as_deref())
    })
    .await
}

/// The account of a person with this email, and its password.
pub(super) fn find(db: &mut PgConnection, email: &str) -> Result<Option<(Uuid, Option<String>)>> {
    Ok(users::table
        .filter(lower(users::email).eq(email.to_lowercase()))
        .filter(users::account_kind.eq(PersonKind::Person))
        .select((users::id, users::password_hash))
        .first(db)
        .optional()?)
}

/// Records a failed sign-in after the response: the time of the response does not reveal that the account exists. The
/// waits limit their number.
fn record_failure(desk: Data<Desk>, user_id: Uuid) {
    actix_web::rt::spawn(async move {
        let record = move |db: &mut PgConnection| {
            db.transaction(|tx| record_account_event(tx, AuditKind::SignInFailed, user_id, None))
        };
        if let Err(problem) = desk.db.run(record).await {
            log::warn!("a failed sign-in was not recorded: {}", problem.log_line());
        }
    });
}

/// Tokens are not stored by caches (RFC 6749, section 5.1).
pub fn secret(answer: Answer) -> HttpResponse {
    let mut response = answer.respond(None, ("", ""));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(super) fn wrong() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        Text::new("Revise el correo y la contraseña.", "Check the email and the password."),
    )
}

/// Sign out
///
/// Ends the sign-in of this refresh token. Access tokens remain valid until they expire, within 15 minutes.
#[utoipa::path(
    tag = "auth", operation_id = "logout", request_body = RefreshRequest,
    responses((status = 204, description = "Signed out, or there was no such sign-in")),
    security(())
)]
#[post("/auth/logout")]
pub async fn logout(desk: Data<Desk>, body: Body<RefreshRequest>) -> Result<HttpResponse> {
    let answer = desk
        .db
        .run(move |db| {
            let token = tokens::hash(&body.read()?.refresh_token);
            db.transaction(|tx| {
                if let Some((family, user_id)) = family_of(tx, &token)? {
                    Account::lock(tx, user_id)?;
                    // A sign-in that has ended already leaves no event: the log cannot be filled with an old token.
                    if end_family(tx, family)? {
                        record_account_event(tx, AuditKind::SignedOut, user_id, Some(user_id))?;
                    }
                }
                Ok(Answer::no_content())
            })
        })
        .await?;
    Ok(answer.respond(None, ("", "")))
}

/// The data of an account that a sign-in depends on. All code that begins, continues or ends sign-ins locks the
/// account first, so that of two concurrent changes the later one sees the earlier one.
pub struct Account {
    /// `None` if the account was created from received mail and has no password.
    pub password_hash: Option<String>,
    pub active: bool,
    locale: Locale,
    pub(super) era: i32,
}

impl Account {
    /// Reads the account without locking it, for what changes nothing.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub(super) fn read(db: &mut PgConnection, user_id: Uuid) -> Result<Self> {
        let (password_hash, active, locale, era) = users::table
            .find(user_id)
            .select((users::password_hash, users::active, users::locale, users::sign_in_era))
            .get_result(db)?;
        Ok(Account { password_hash, active, locale, era })
    }

    /// Reads the account and locks it until the transaction ends.
    ///
    /// # Errors
    /// A 404 if there is none.
    pub fn lock(tx: &mut PgConnection, user_id: Uuid) -> Result<Self> {
        let (password_hash, active, locale, era) = users::table
            .find(user_id)
            .select((users::password_hash, users::active, users::locale, users::sign_in_era))
            .for_no_key_update()
            .get_result(tx)?;
        Ok(Account { password_hash, active, locale, era })
    }
}

pub(super) fn family_of(db: &mut PgConnection, token: &[u8]) -> Result<Option<(Uuid, Uuid)>> {
    let columns = (refresh_tokens::family_id, refresh_tokens::user_id);
    Ok(refresh_tokens::table.find(token).select(columns).get_result(db).optional()?)
}

/// Stores the next token of a family and returns it.
pub(super) fn begin(
    db: &mut PgConnection,
    desk: &Desk,
    user_id: Uuid,
    account: &Account,
    family: Uuid,
    refresh_token: String,
) -> Result<Answer> {
    let expires_at = crate::db::now(db)? + Duration::days(tokens::REFRESH_DAYS);
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(tokens::hash(&refresh_token)),
            refresh_tokens::family_id.eq(family),
            refresh_tokens::user_id.eq(user_id),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(db)?;
    session(desk, user_id, account, refresh_token)
}

/// The response with a new access token and this refresh token.
pub(super) fn session(
    desk: &Desk,
    user_id: Uuid,
    account: &Account,
    refresh_token: String,
) -> Result<Answer> {
    let access_token = desk.tokens.sign(user_id, account.locale, account.era)?;
    tokens(access_token, tokens::ACCESS_SECONDS, refresh_token)
}

/// The response with these tokens; the access token is valid for this many seconds.
pub(super) fn tokens(access_token: String, expires_in: i64, refresh_token: String) -> Result<Answer> {
    Answer::ok(&Session { access_token, token_type: "Bearer", expires_in, refresh_token })
}

/// Ends the sign-in that these refresh tokens continue.
pub(super) fn end_family(db: &mut PgConnection, family: Uuid) -> Result<bool> {
    let ended = diesel::update(refresh_tokens::table.filter(refresh_tokens::family_id.eq(family)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(db)?;
    Ok(ended > 0)
}

/// Ends every sign-in of a person, their access tokens included.
pub fn end_all(tx: &mut PgConnection, user_id: Uuid) -> Result<()> {
    let account = Account::lock(tx, user_id)?;
    diesel::update(users::table.find(user_id)).set(users::sign_in_era.eq(account.era + 1)).execute(tx)?;
    diesel::update(refresh_tokens::table.filter(refresh_tokens::user_id.eq(user_id)))
        .filter(refresh_tokens::revoked_at.is_null())
        .set(refresh_tokens::revoked_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(())
}
