//! Refreshing a session: each refresh token is replaced by its successor, and its reuse is detected.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::audit::record_account_event;
use super::reading;
use super::sessions::{self, Account, RefreshRequest, Session};
use crate::audit::log::AuditKind;
use crate::auth::tokens;
use crate::db::schema::refresh_tokens;
use crate::http::desk::Desk;
use crate::http::{Answer, Body};
use crate::problem::{Code, Problem, Result, Text};

/// How long after its first use a refresh token may be sent again, in seconds.
const REPEATED_WITHIN: i64 = 30;

/// Exchange a refresh token for new tokens
///
/// Returns a new access token, valid for 15 minutes, and a new refresh token, which replaces the one that was sent and
/// is valid for 30 days.
///
/// If the response was lost, or two tabs send the same token, send it again: within 30 seconds of its first use the
/// response has the same new refresh token. Any later use of the same token ends the whole sign-in, because the token
/// may be stolen.
///
/// While the desk is read-only, the response has the refresh token that was sent.
#[utoipa::path(
    tag = "auth", operation_id = "refreshSession", request_body = RefreshRequest,
    responses((status = 200, body = Session, description = "The new access token and refresh token"), (status = 401, description = "`invalid_refresh_token`: sign in again")),
    security(())
)]
#[post("/auth/refresh")]
pub async fn refresh(desk: Data<Desk>, body: Body<RefreshRequest>) -> Result<HttpResponse> {
    refresh_session(desk, body.read()?.refresh_token).await
}

/// Returns the next tokens of the sign-in of this refresh token.
///
/// # Errors
/// [`Code::InvalidRefreshToken`] if it is unknown, expired or revoked, or was first used more than 30 seconds ago.
pub async fn refresh_session(desk: Data<Desk>, refresh_token: String) -> Result<HttpResponse> {
    if desk.db.reads_only() {
        return reading::refresh_session(desk, refresh_token).await;
    }
    let shared = desk.clone();
    let answer = desk.db.run(move |db| db.transaction(|tx| replace(tx, &shared, &refresh_token))).await?;
    // A reuse is an error for the client, but its change must persist: the transaction is committed by now.
    Ok(sessions::secret(answer?))
}

pub(super) fn ended() -> Problem {
    Problem::new(Code::InvalidRefreshToken, Text::new("Inicie sesión de nuevo.", "Sign in again."))
}

/// The outer result is an error of the database, the inner one an error of the client.
fn replace(tx: &mut PgConnection, desk: &Desk, refresh_token: &str) -> Result<Result<Answer>> {
    let token_hash = tokens::hash(refresh_token);
    let Some((family, user_id)) = sessions::family_of(tx, &token_hash)? else { return Ok(Err(ended())) };
    let account = Account::lock(tx, user_id)?;
    let row = refresh_tokens::table
        .find(&token_hash)
        .select((refresh_tokens::expires_at, refresh_tokens::used_at, refresh_tokens::revoked_at))
        .first::<(DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>)>(tx)
        .optional()?;
    let Some((expires_at, used_at, revoked_at)) = row else { return Ok(Err(ended())) };
    let now = crate::db::now(tx)?;
    let valid = revoked_at.is_none() && expires_at > now && account.active;
    let successors = desk.tokens.successors(refresh_token)?;
    if let Some(used_at) = used_at {
        // The first use may have begun later than this one, which waited for it.
        let just_now = (now - used_at).abs() <= Duration::seconds(REPEATED_WITHIN);
        if valid
            && just_now
            && let Some(successor) = stored(tx, family, successors)?
        {
            return Ok(Ok(sessions::session(desk, user_id, &account, successor)?));
        }
        if revoked_at.is_none() {
            sessions::end_family(tx, family)?;
            record_account_event(tx, AuditKind::RefreshTokenReused, user_id, None)?;
        }
        return Ok(Err(ended()));
    }
    let successor = successors.into_iter().next().filter(|_| valid);
    let Some(successor) = successor else { return Ok(Err(ended())) };
    diesel::update(refresh_tokens::table.find(&token_hash))
        .set(refresh_tokens::used_at.eq(diesel::dsl::now))
        .execute(tx)?;
    Ok(Ok(sessions::begin(tx, desk, user_id, &account, family, successor)?))
}

/// The token that belongs to the family: the server's secret may have changed since the first use.
fn stored(tx: &mut PgConnection, family: Uuid, successors: Vec<String>) -> Result<Option<String>> {
    let hashes: Vec<Vec<u8>> = successors.iter().map(|token| tokens::hash(token)).collect();
    let found: Option<Vec<u8>> = refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq_any(&hashes))
        .filter(refresh_tokens::family_id.eq(family))
        .filter(refresh_tokens::revoked_at.is_null())
        .select(refresh_tokens::token_hash)
        .first(tx)
        .optional()?;
    Ok(successors.into_iter().find(|token| found.as_ref() == Some(&tokens::hash(token))))
}
