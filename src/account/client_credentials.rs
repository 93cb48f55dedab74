//! Access tokens for service accounts, by the grant `client_credentials` (RFC 6749, section 4.4).

use actix_web::HttpResponse;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::web::Data;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::PgConnection;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::sessions;
use crate::auth::keys::{self, KeyOwner};
use crate::auth::tokens::ACCESS_SECONDS;
use crate::http::ClientAddress;
use crate::http::account::Account;
use crate::http::credential::Subject;
use crate::http::desk::Desk;
use crate::http::known_keys;
use crate::problem::{Code, Problem, Result, Text};

/// Id and secret of the client by HTTP Basic (RFC 6749, section 2.3.1).
pub fn of_basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let text = |part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned());
    Some((text(id)?, text(secret)?))
}

/// An access token that ends with the key of the service account.
///
/// # Errors
/// [`Code::InvalidCredentials`] if the key is not a valid one of this service account.
pub async fn issue(
    desk: Data<Desk>,
    from: ClientAddress,
    client_id: &str,
    client_secret: &str,
) -> Result<HttpResponse> {
    let hash = match keys::read(client_secret) {
        Some((KeyOwner::ServiceAccount, hash)) => hash,
        Some((KeyOwner::Person, _)) | None => return Err(wrong()),
    };
    let Ok(client_id) = client_id.parse::<Uuid>() else { return Err(wrong()) };
    let records = !desk.db.reads_only();
    let find = move |db: &mut PgConnection| {
        let account = Account::read(db, Subject::Key(hash))?;
        let key = account.key.filter(|_| account.id == client_id);
        if let Some(key) = key.filter(|_| records) {
            known_keys::record_use(db, key.id, from.0)?;
        }
        Ok((account, key))
    };
    let found = if records { desk.db.run(find).await } else { desk.db.read(find).await };
    let (account, key) = found.map_err(|problem| match problem.code {
        Code::Unauthenticated => wrong(),
        _ => problem,
    })?;
    let key = key.ok_or_else(wrong)?;
    let lasts = (key.expires_at - account.now).num_seconds().clamp(1, ACCESS_SECONDS);
    let access_token = desk.tokens.sign_for_key(account.id, account.locale, account.era, key.id, lasts)?;
    // RFC 6749, section 4.4.3: there is no refresh token. The field stays: clients of the other grants rely on it.
    let answer = sessions::tokens(access_token, lasts, String::new())?;
    Ok(sessions::secret(answer))
}

fn wrong() -> Problem {
    Problem::new(
        Code::InvalidCredentials,
        Text::new("Revise `client_id` y `client_secret`.", "Check `client_id` and `client_secret`."),
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn id_and_secret_are_read_from_basic_credentials() {
        let read = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(text));
            of_basic(&headers)
        };
        // "a%2Db:c:d"
        assert_eq!(read("basic YSUyRGI6Yzpk"), Some(("a-b".to_owned(), "c:d".to_owned())));
        for other in ["Bearer YTpi", "Basic", "Basic !", "Basic YWI=", "Basic /w=="] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
