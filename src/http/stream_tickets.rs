//! Tickets with which a browser opens a stream of events: `EventSource` cannot send `Authorization`. Each is used once, by
//! one path, within `SECONDS`, at any copy of the server. Only a hash is kept.

use actix_web::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::account::{Account, unauthenticated};
use super::credential::{Credential, Proof};
use crate::auth::tokens;
use crate::language::locale::Locale;
use crate::problem::Result;

/// The only path that accepts a ticket.
pub const PATH: &str = "/api/v1/events/stream";
/// The parameter of that path.
pub const PARAMETER: &str = "ticket";

/// How long a ticket can be used, in seconds.
pub const SECONDS: i64 = 30;
/// The most unused tickets of an account: a new one replaces the oldest.
const MOST: i64 = 100;

/// The hash of the ticket of this request, if it is one that may have a ticket.
pub fn of_request(method: &Method, path: &str, query: &str) -> Option<Vec<u8>> {
    if *method != Method::GET || path != PATH {
        return None;
    }
    let mut tickets = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == PARAMETER)
        .map(|(_, value)| value);
    let ticket = tickets.next()?;
    tickets.next().is_none().then(|| tokens::hash(&ticket))
}

/// Makes a ticket for the account of this credential, which it ends with. Returns it, and until when it can be used.
///
/// # Errors
/// A fault of the server, or an error of the database.
pub fn create(
    tx: &mut PgConnection,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<(String, DateTime<Utc>)> {
    let account = Account::read(tx, credential.subject())?;
    if !credential.is_of_era(account.era) {
        return Err(unauthenticated());
    }
    let ends_at = credential.expires_at.and_then(|at| DateTime::from_timestamp(at, 0));
    let usual = now + TimeDelta::seconds(SECONDS);
    let expires_at = ends_at.map_or(usual, |ends_at| usual.min(ends_at));
    let ticket = tokens::random()?;
    diesel::sql_query(
        "WITH dropped AS (DELETE FROM stream_tickets WHERE token_hash IN \
             (SELECT token_hash FROM stream_tickets WHERE user_id = $2 ORDER BY expires_at DESC OFFSET $7)) \
         INSERT INTO stream_tickets (token_hash, user_id, era, key_id, credential_expires_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind::<Binary, _>(tokens::hash(&ticket))
    .bind::<SqlUuid, _>(account.id)
    .bind::<Integer, _>(account.era)
    .bind::<Nullable<SqlUuid>, _>(credential.key_id())
    .bind::<Nullable<Timestamptz>, _>(ends_at)
    .bind::<Timestamptz, _>(expires_at)
    .bind::<diesel::sql_types::BigInt, _>(MOST - 1)
    .execute(tx)?;
    Ok((ticket, expires_at))
}

/// Uses the ticket with this hash up: of several requests with it, one gets the credential that it was made with. `None` if it
/// is unknown, expired or was used. Whether the account, its sign-in and its key are still valid is checked like that of any
/// other credential.
///
/// # Errors
/// An error of the database.
pub fn claim(db: &mut PgConnection, hash: &[u8]) -> Result<Option<Credential>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        user_id: Uuid,
        #[diesel(sql_type = Integer)]
        era: i32,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        key_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        credential_expires_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = Text)]
        locale: Locale,
    }
    let row: Option<Row> = diesel::sql_query(
        "DELETE FROM stream_tickets USING users \
         WHERE token_hash = $1 AND expires_at > clock_timestamp() AND users.id = user_id \
         RETURNING user_id, era, key_id, credential_expires_at, users.locale",
    )
    .bind::<Binary, _>(hash)
    .get_result(db)
    .optional()?;
    Ok(row.map(|row| Credential {
        user_id: row.user_id,
        locale: row.locale,
        proof: match row.key_id {
            Some(key_id) => Proof::TokenOfKey { era: row.era, key_id },
            None => Proof::SignIn { era: row.era },
        },
        expires_at: row.credential_expires_at.map(|at| at.timestamp()),
    }))
}

/// Removes tickets that were not used in time.
///
/// # Errors
/// An error of the database.
pub fn remove_expired(db: &mut PgConnection) -> Result<usize> {
    Ok(diesel::sql_query("DELETE FROM stream_tickets WHERE expires_at < clock_timestamp()").execute(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_of_one_path_and_method_alone() {
        let hash = Some(tokens::hash("abc"));
        assert_eq!(of_request(&Method::GET, PATH, "type=x&ticket=abc"), hash);
        for (method, path, query) in [
            (Method::HEAD, PATH, "ticket=abc"),
            (Method::POST, PATH, "ticket=abc"),
            (Method::GET, "/api/v1/events", "ticket=abc"),
            (Method::GET, "/api/v1/events/stream/", "ticket=abc"),
            (Method::GET, "/api/v1/tickets", "ticket=abc"),
            (Method::GET, PATH, "tickets=abc"),
            (Method::GET, PATH, "ticket=abc&ticket=abd"),
            (Method::GET, PATH, ""),
        ] {
            assert_eq!(of_request(&method, path, query), None, "{method} {path}?{query}");
        }
    }
}
