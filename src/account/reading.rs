//! Signing in to a copy of the server that changes nothing: nothing is stored, neither attempts nor tokens.

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::attempts;
use super::refresh;
use super::sessions::{self, Account};
use crate::auth::tokens;
use crate::db::schema::refresh_tokens;
use crate::http::ClientAddress;
use crate::http::desk::Desk;
use crate::problem::Result;

/// A sign-in whose refresh token only copies of the server that change nothing accept.
///
/// # Errors
/// A 401 if the password is wrong, a 429 after many attempts.
pub(super) async fn sign_in(
    desk: Data<Desk>,
    from: ClientAddress,
    email: String,
    password: String,
) -> Result<HttpResponse> {
    let limits = desk.clone();
    let find = move |db: &mut PgConnection| {
        let network = from.network();
        let is_known = attempts::is_known(db, &network)?;
        limits.sign_in_limits.take(&email, &network, is_known).map_err(|wait| {
            let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).saturating_add(1);
            attempts::too_many(seconds)
        })?;
        sessions::find(db, &email)
    };
    let found = desk.db.read(find).await?;
    let hash = found.as_ref().and_then(|(_, hash)| hash.clone());
    let right = sessions::verify(desk.clone(), password, hash).await?;
    let Some((user_id, verified)) = found.filter(|_| right) else { return Err(sessions::wrong()) };
    let account = desk.db.read(move |db| Account::read(db, user_id)).await?;
    if !account.active || account.password_hash != verified {
        return Err(sessions::wrong());
    }
    let refresh_token = desk.tokens.unstored_refresh_token(user_id, account.era)?;
    Ok(sessions::secret(sessions::session(&desk, user_id, &account, refresh_token)?))
}

/// A new access token for the same refresh token: one of a sign-in here, or one that was stored before and not used yet.
///
/// # Errors
/// [`Code::InvalidRefreshToken`](crate::problem::Code::InvalidRefreshToken).
pub(super) async fn refresh_session(desk: Data<Desk>, refresh_token: String) -> Result<HttpResponse> {
    let unstored = desk.tokens.verify_unstored(&refresh_token)?;
    let token_hash = tokens::hash(&refresh_token);
    let valid = move |db: &mut PgConnection| {
        let (user_id, era) = match unstored {
            Some((user_id, era)) => (user_id, Some(era)),
            None => (stored(db, &token_hash)?.ok_or_else(refresh::ended)?, None),
        };
        let account = Account::read(db, user_id)?;
        let is_valid = account.active && era.is_none_or(|era| era == account.era);
        if is_valid { Ok((user_id, account)) } else { Err(refresh::ended()) }
    };
    let (user_id, account) = desk.db.read(valid).await?;
    Ok(sessions::secret(sessions::session(&desk, user_id, &account, refresh_token)?))
}

/// The account of a stored refresh token that can be used.
fn stored(db: &mut PgConnection, token_hash: &[u8]) -> Result<Option<uuid::Uuid>> {
    let now: DateTime<Utc> = crate::db::now(db)?;
    Ok(refresh_tokens::table
        .find(token_hash)
        .filter(refresh_tokens::used_at.is_null())
        .filter(refresh_tokens::revoked_at.is_null())
        .filter(refresh_tokens::expires_at.gt(now))
        .select(refresh_tokens::user_id)
        .first(db)
        .optional()?)
}
