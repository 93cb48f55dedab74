//! The new password, sent with the token of a link.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;

use super::links::{self, Opened};
use crate::account::attempts;
use crate::account::audit::record_account_event;
use crate::account::sessions::{self, Account};
use crate::audit::log::AuditKind;
use crate::auth::{passwords, tokens};
use crate::db::schema::{password_links, users};
use crate::http::desk::Desk;
use crate::http::{Answer, Body};
use crate::outbox::notices::{AccountChange, queue_account_notice};
use crate::problem::{Problem, Result};

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetConfirmationRequest {
    /// The token of the link: the last part of its address.
    #[schema(example = "kG7l0r3ZkX3y0m0pX9h0n1yqk0R0q3bT0s8mZ2v7Q4E", min_length = 1, max_length = 200)]
    token: String,
    /// The new password. One that is easy to guess, for example because it contains the person's name, is rejected with
    /// `too_guessable`.
    #[schema(min_length = 10, max_length = 200, format = Password, example = "otra-clave-larga")]
    new_password: String,
}

/// Set a new password with the token of a link
///
/// Uses up the link, makes all other links of the account invalid, and ends all its sign-ins, access tokens included.
/// A notice of the change is mailed to the person. A password that is rejected with a 422 does not use up the link;
/// after ten such passwords, each further one doubles the wait before the next, up to fifteen minutes.
#[utoipa::path(
    tag = "auth", operation_id = "confirmPasswordReset", request_body = PasswordResetConfirmationRequest,
    responses(
        (status = 204, description = "The password is set: sign in with it"),
        (status = 410, description = "`password_link_invalid`: request a new link"),
        (status = 429, description = "`too_many_attempts` or `too_many_requests`: try again after `Retry-After` seconds"),
    ),
    security(())
)]
#[post("/auth/password-reset/confirmation")]
pub async fn confirm(desk: Data<Desk>, body: Body<PasswordResetConfirmationRequest>) -> Result<HttpResponse> {
    let PasswordResetConfirmationRequest { token, new_password } = body.read()?;
    set_password(&desk, token, new_password, "/new_password").await?;
    Ok(Answer::no_content().respond(None, ("", "")))
}

/// Sets the password of the account that this token belongs to. Its length must have been checked.
///
/// [`crate::problem::Code::PasswordLinkInvalid`] if the token is not valid (any more); a fault at `pointer` if the
/// password is too easy to guess; [`crate::problem::Code::TooManyAttempts`] if too many were rejected.
pub async fn set_password(
    desk: &Data<Desk>,
    token: String,
    new_password: String,
    pointer: &'static str,
) -> Result<()> {
    let token_hash = tokens::hash(&token);
    let counted = token_hash.clone();
    let Opened { user_id, email, full_name, .. } = desk
        .db
        .run(move |db| {
            let opened = links::open(db, &token)?;
            attempts::count_link_use(db, &counted)?;
            Ok(opened)
        })
        .await?;
    let known = passwords::words_of([email.as_str(), full_name.as_str()]);
    let new_hash = passwords::check_and_hash(pointer, new_password, known).await?.map_err(Problem::field)?;
    let set = move |tx: &mut PgConnection| {
        let account = Account::lock(tx, user_id)?;
        let now = crate::db::now(tx)?;
        // It may have been used, replaced or removed since.
        let used = password_links::table
            .filter(password_links::token_hash.eq(token_hash))
            .filter(password_links::user_id.eq(user_id))
            .filter(password_links::expires_at.gt(now));
        if diesel::delete(used).execute(tx)? == 0 || !account.active {
            return Err(links::invalid());
        }
        links::remove(tx, user_id)?;
        diesel::update(users::table.find(user_id)).set(users::password_hash.eq(new_hash)).execute(tx)?;
        record_account_event(tx, AuditKind::PasswordReset, user_id, Some(user_id))?;
        queue_account_notice(tx, user_id, &email, AccountChange::Password { by_link: true }, now)?;
        sessions::end_all(tx, user_id)
    };
    desk.db.run(move |db| db.transaction(set)).await
}
