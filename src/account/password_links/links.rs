//! The links themselves. Each mail has a separate link, made when the mail is composed: the token is only in that
//! mail, the database keeps its hash, and it is never logged.

use std::collections::HashMap;

use chrono::Duration;
use diesel::prelude::*;
use diesel::upsert::excluded;
use uuid::Uuid;

use crate::auth::tokens;
use crate::config::Config;
use crate::db::schema::{password_links, users};
use crate::language::locale::Locale;
use crate::language::text_enum;
use crate::problem::{Code, Problem, Result, Text};

/// How long a link to replace a password is valid, in minutes.
pub const RESET_MINUTES: i64 = 60;
/// How long a link to set the first password is valid, in days.
pub const INVITATION_DAYS: i64 = 7;

text_enum! {
    /// The purpose of a link to set a password.
    pub enum Purpose {
        /// To replace a password, or to set the first one of an account that was created from received mail.
        Reset = "reset",
        /// To set the first password of an account that staff created.
        Invitation = "invitation",
    }
}

impl Purpose {
    fn valid_for(self) -> Duration {
        match self {
            Purpose::Reset => Duration::minutes(RESET_MINUTES),
            Purpose::Invitation => Duration::days(INVITATION_DAYS),
        }
    }
}

/// The URL of a link, from its token or the placeholder that is shown instead.
pub fn url(config: &Config, token: &str) -> String {
    format!("{}/p/{token}", config.links_from())
}

/// Ends the links of these tokens, where there are some.
pub fn revoke(tx: &mut PgConnection, token_hashes: &[Vec<u8>]) -> Result<()> {
    diesel::delete(password_links::table.filter(password_links::token_hash.eq_any(token_hashes)))
        .execute(tx)?;
    Ok(())
}

/// Makes a new link for each of these accounts, replacing the one of the same purpose; none for an inactive account.
pub fn make(
    db: &mut PgConnection,
    wanted: &[(Uuid, Purpose)],
    config: &Config,
) -> Result<HashMap<(Uuid, Purpose), String>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let active: Vec<Uuid> = users::table
        .filter(users::id.eq_any(wanted.iter().map(|(user_id, _)| user_id)))
        .filter(users::active)
        .select(users::id)
        .load(db)?;
    let (now, mut links, mut rows) = (crate::db::now(db)?, HashMap::new(), Vec::new());
    for (user_id, purpose) in wanted.iter().copied().filter(|(user_id, _)| active.contains(user_id)) {
        if links.contains_key(&(user_id, purpose)) {
            continue;
        }
        let token = tokens::random()?;
        rows.push((
            password_links::user_id.eq(user_id),
            password_links::purpose.eq(purpose),
            password_links::token_hash.eq(tokens::hash(&token)),
            password_links::created_at.eq(now),
            password_links::expires_at.eq(now + purpose.valid_for()),
        ));
        links.insert((user_id, purpose), url(config, &token));
    }
    if rows.is_empty() {
        return Ok(links);
    }
    diesel::insert_into(password_links::table)
        .values(rows)
        .on_conflict((password_links::user_id, password_links::purpose))
        .do_update()
        .set((
            password_links::token_hash.eq(excluded(password_links::token_hash)),
            password_links::created_at.eq(excluded(password_links::created_at)),
            password_links::expires_at.eq(excluded(password_links::expires_at)),
        ))
        .execute(db)?;
    Ok(links)
}

/// The account whose password a link sets.
pub struct Opened {
    pub user_id: Uuid,
    pub purpose: Purpose,
    pub email: String,
    pub full_name: String,
    pub locale: Locale,
}

/// Opens a link without using it up.
///
/// # Errors
/// [`Code::PasswordLinkInvalid`] if there is no such link, it has expired, or the account is not active.
pub fn open(db: &mut PgConnection, token: &str) -> Result<Opened> {
    let now = crate::db::now(db)?;
    let found: Option<(Uuid, Purpose, String, String, Locale)> = password_links::table
        .inner_join(users::table)
        .filter(password_links::token_hash.eq(tokens::hash(token)))
        .filter(password_links::expires_at.gt(now))
        .filter(users::active)
        .select((users::id, password_links::purpose, users::email, users::full_name, users::locale))
        .first(db)
        .optional()?;
    let (user_id, purpose, email, full_name, locale) = found.ok_or_else(invalid)?;
    Ok(Opened { user_id, purpose, email, full_name, locale })
}

/// The same problem for every reason, so that it does not reveal which links existed.
pub fn invalid() -> Problem {
    Problem::new(
        Code::PasswordLinkInvalid,
        Text::new(
            "El enlace venció, ya se usó o no está completo. Solicite uno nuevo.",
            "The link has expired, was used or is incomplete. Request a new one.",
        ),
    )
}

/// Removes all links of an account.
pub fn remove(tx: &mut PgConnection, user_id: Uuid) -> Result<()> {
    diesel::delete(password_links::table.filter(password_links::user_id.eq(user_id))).execute(tx)?;
    Ok(())
}

/// Removes expired links; returns how many.
pub fn remove_expired(db: &mut PgConnection) -> Result<usize> {
    let now = crate::db::now(db)?;
    Ok(diesel::delete(password_links::table.filter(password_links::expires_at.le(now))).execute(db)?)
}
