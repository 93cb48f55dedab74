//! Access tokens (JWT, HS256 only) and refresh tokens (random, kept as a hash).

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::language::locale::Locale;
use crate::problem::{Problem, Result};

/// How long an access token is valid, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// How long a refresh token is valid unused, in days.
pub const REFRESH_DAYS: i64 = 30;

/// How long a refresh token that is not stored is valid, in seconds.
const UNSTORED_SECONDS: i64 = 12 * 3600;

/// How far ahead the clock of another copy of the server may be, in seconds. A token from further ahead comes from a
/// wrong clock, and would be valid for too long.
const AHEAD: i64 = 60;

/// How long after its expiry a token is still accepted, in seconds: the clocks of two copies differ.
const LEEWAY: i64 = 5;

const ISSUER: &str = "mesa";

/// The audience of tokens that were issued for a key. Another than that of sign-ins: a version of the server that does not
/// know keys would accept such a token as the sign-in of a person.
const FOR_KEYS: &str = "mesa-keys";

/// The same from a copy of the server that only reads, and only for such copies: signing in there is neither recorded nor ended by
/// a sign-out.
const FOR_READING: &str = "mesa-read-only";
const FOR_READING_BY_KEYS: &str = "mesa-read-only-keys";

/// The number of tokens whose verified claims are kept.
const KEPT: usize = 4096;

/// The claims of an access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The language that the user chose, for the texts of errors.
    pub locale: Locale,
    /// The token is valid until all sign-ins of the user are ended; tokens from before eras existed belong to the
    /// first one.
    #[serde(default)]
    pub era: i32,
    /// The key that the token was issued for: the token ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Uuid>,
    pub iss: String,
    pub aud: String,
    pub iat: i64,
    pub exp: i64,
}

struct Key {
    id: String,
    decoding: DecodingKey,
}

/// The server's keys: the current one, which signs, and the previous one, whose tokens are still valid.
pub struct Tokens {
    encoding: EncodingKey,
    header: Header,
    keys: Vec<Key>,
    validation: Validation,
    /// Whether the server only reads.
    reads_only: bool,
    /// From the current secret and the previous one.
    fingerprints: Vec<EncodingKey>,
    /// The claims of tokens with a good signature: a client sends the same token with each request.
    signed: RwLock<HashMap<Box<str>, Claims>>,
}

impl Tokens {
    pub fn new(secret: &str, previous: Option<&str>) -> Self {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key_id(secret));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER, FOR_KEYS]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = LEEWAY.unsigned_abs();
        validation.validate_nbf = true;
        let secrets = || std::iter::once(secret).chain(previous);
        let fingerprints = secrets()
            .map(|secret| Sha256::new().chain_update("mesa fingerprint\0").chain_update(secret).finalize())
            .map(|key| EncodingKey::from_secret(&key))
            .collect();
        let keys = secrets()
            .map(|secret| Key { id: key_id(secret), decoding: DecodingKey::from_secret(secret.as_bytes()) })
            .collect();
        Tokens {
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            header,
            keys,
            validation,
            reads_only: false,
            fingerprints,
            signed: RwLock::default(),
        }
    }

    /// For a copy of the server that only reads: only such copies accept its tokens; those of others are accepted too.
    pub fn for_reading(mut self) -> Self {
        self.validation.set_audience(&[ISSUER, FOR_KEYS, FOR_READING, FOR_READING_BY_KEYS]);
        Tokens { reads_only: true, ..self }
    }

    /// # Errors
    /// A fault of the server.
    pub fn sign(&self, user_id: Uuid, locale: Locale, era: i32) -> Result<String> {
        self.issue(user_id, locale, era, None, ACCESS_SECONDS)
    }

    /// A token that ends with this key of the account, valid for this many seconds.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn sign_for_key(
        &self,
        user_id: Uuid,
        locale: Locale,
        era: i32,
        key_id: Uuid,
        seconds: i64,
    ) -> Result<String> {
        self.issue(user_id, locale, era, Some(key_id), seconds)
    }

    fn issue(
        &self,
        user_id: Uuid,
        locale: Locale,
        era: i32,
        key: Option<Uuid>,
        seconds: i64,
    ) -> Result<String> {
        let now = chrono::Utc::now().timestamp();
        let claims = Claims {
            sub: user_id,
            locale,
            era,
            key,
            iss: ISSUER.to_owned(),
            aud: match (self.reads_only, key) {
                (false, None) => ISSUER,
                (false, Some(_)) => FOR_KEYS,
                (true, None) => FOR_READING,
                (true, Some(_)) => FOR_READING_BY_KEYS,
            }
            .to_owned(),
            iat: now,
            exp: now + seconds,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.encoding).map_err(Problem::internal)
    }

    /// HMACs of a request that distinguish it from another without revealing its content in the database: with the
    /// current key and with the previous one.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn fingerprints(&self, request: &[u8]) -> Result<Vec<Vec<u8>>> {
        let keyed = self.fingerprints.iter();
        keyed
            .map(|key| jsonwebtoken::crypto::sign(request, key, Algorithm::HS256).map(String::into_bytes))
            .collect::<std::result::Result<_, _>>()
            .map_err(Problem::internal)
    }

    /// The successors of a refresh token, with the current key and with the previous one. They are derived from the
    /// token, so that a repeated refresh yields the same successor although no copy of the server keeps it in clear
    /// text.
    pub fn successors(&self, refresh_token: &str) -> Result<Vec<String>> {
        let successors = self.fingerprints(format!("refresh token successor\0{refresh_token}").as_bytes())?;
        successors.into_iter().map(|bytes| String::from_utf8(bytes).map_err(Problem::internal)).collect()
    }

    /// A refresh token that is not stored, from a server that changes nothing: for this account in this era.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn unstored_refresh_token(&self, user_id: Uuid, era: i32) -> Result<String> {
        let expires_at = chrono::Utc::now().timestamp() + UNSTORED_SECONDS;
        let content = URL_SAFE_NO_PAD
            .encode([&user_id.as_bytes()[..], &era.to_be_bytes(), &expires_at.to_be_bytes()].concat());
        let signatures = self.fingerprints(&unstored(&content))?;
        let signature = signatures.into_iter().next().ok_or_else(|| Problem::internal("no key"))?;
        Ok(format!("{content}.{}", String::from_utf8(signature).map_err(Problem::internal)?))
    }

    /// The account and the era of such a token, if it has not expired.
    ///
    /// # Errors
    /// A fault of the server.
    pub fn verify_unstored(&self, token: &str) -> Result<Option<(Uuid, i32)>> {
        let Some((content, signature)) = token.split_once('.') else { return Ok(None) };
        // Hashes, so that the time of the comparison reveals nothing of the signature.
        let signature = hash(signature);
        if !self
            .fingerprints(&unstored(content))?
            .iter()
            .any(|good| Sha256::digest(good)[..] == signature[..])
        {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(content).map_err(Problem::internal)?;
        let parts = bytes.split_first_chunk::<16>().and_then(|(id, rest)| {
            let (era, rest) = rest.split_first_chunk::<4>()?;
            Some((*id, *era, *rest.first_chunk::<8>()?))
        });
        let Some((id, era, expires_at)) = parts else { return Ok(None) };
        let is_valid = i64::from_be_bytes(expires_at) >= chrono::Utc::now().timestamp();
        Ok(is_valid.then(|| (Uuid::from_bytes(id), i32::from_be_bytes(era))))
    }

    /// The claims of the token, if one of the keys signed it, it has not expired, and it is not from the future.
    pub fn verify(&self, token: &str) -> Option<Claims> {
        let now = chrono::Utc::now().timestamp();
        let kept = self.signed.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        let claims = match kept {
            Some(claims) => claims,
            None => {
                let claims = self.verify_signature(token)?;
                let mut signed = self.signed.write().unwrap_or_else(PoisonError::into_inner);
                if signed.len() >= KEPT {
                    signed.retain(|_, claims| is_current(claims, now));
                }
                if signed.len() >= KEPT {
                    signed.clear();
                }
                signed.insert(token.into(), claims.clone());
                claims
            }
        };
        is_current(&claims, now).then_some(claims)
    }

    fn verify_signature(&self, token: &str) -> Option<Claims> {
        // Nearly all are signed with the first key: another one costs a second attempt.
        self.keys.iter().find_map(|key| {
            let data = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation).ok()?;
            let is_of_key = [FOR_KEYS, FOR_READING_BY_KEYS].contains(&data.claims.aud.as_str());
            let is_of_audience = data.claims.key.is_some() == is_of_key;
            (is_of_audience && data.header.kid.as_ref() == Some(&key.id)).then_some(data.claims)
        })
    }
}

/// What is signed of a refresh token that is not stored.
fn unstored(content: &str) -> Vec<u8> {
    format!("refresh token of a read-only server\0{content}").into_bytes()
}

/// Whether these claims, of a token with a good signature, have begun and not expired at this second of the Unix time.
fn is_current(claims: &Claims, now: i64) -> bool {
    claims.iat <= now + AHEAD && claims.exp >= now - LEEWAY
}

/// Identifies a secret without revealing it.
fn key_id(secret: &str) -> String {
    let digest = Sha256::new().chain_update("mesa key id\0").chain_update(secret).finalize();
    URL_SAFE_NO_PAD.encode(&digest[..9])
}

/// 32 random bytes as text: a refresh token, a made-up secret or password.
///
/// # Errors
/// A fault of the server: the system returns no random bytes.
pub fn random() -> Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The stored form of a refresh token.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old secret of thirty-two bytes";
    const NEW: &str = "a new secret of thirty-two bytes!";

    #[test]
    fn a_token_holds_across_a_change_of_keys_and_not_beyond() {
        let id = Uuid::now_v7();
        let token = Tokens::new(OLD, None).sign(id, Locale::Es, 0).unwrap();
        assert_eq!(Tokens::new(NEW, Some(OLD)).verify(&token).map(|claims| claims.sub), Some(id));
        assert!(Tokens::new(NEW, None).verify(&token).is_none());
    }

    #[test]
    fn a_successor_is_derived_from_token_and_secret_alone() {
        let successors = |secret, previous, token| Tokens::new(secret, previous).successors(token).unwrap();
        let [one, from_before] = &successors(NEW, Some(OLD), "a")[..] else { panic!() };
        assert_eq!(&successors(NEW, None, "a"), std::slice::from_ref(one));
        assert_eq!(&successors(OLD, None, "a"), std::slice::from_ref(from_before));
        assert!(one != from_before && successors(NEW, None, "b")[0] != *one && one.len() == 43);
    }

    #[test]
    fn an_unstored_refresh_token_holds_its_account_and_cannot_be_changed() {
        let tokens = Tokens::new(NEW, Some(OLD));
        let (id, old) = (Uuid::now_v7(), Tokens::new(OLD, None));
        let token = tokens.unstored_refresh_token(id, 7).unwrap();
        // Nor are its access tokens for other copies.
        let reading = Tokens::new(NEW, None).for_reading();
        for access in [reading.sign(id, Locale::Es, 7), reading.sign_for_key(id, Locale::Es, 7, id, 60)] {
            let access = access.unwrap();
            assert!(reading.verify(&access).is_some() && tokens.verify(&access).is_none());
        }
        assert!(reading.verify(&tokens.sign(id, Locale::Es, 7).unwrap()).is_some());
        assert!(token.len() <= 200);
        let verified = |tokens: &Tokens, token: &str| tokens.verify_unstored(token).unwrap();
        assert_eq!(verified(&tokens, &token), Some((id, 7)));
        assert_eq!(verified(&tokens, &old.unstored_refresh_token(id, 8).unwrap()), Some((id, 8)));
        assert_eq!(verified(&old, &token), None);
        let (content, signature) = token.split_once('.').unwrap();
        for other in [content, &format!("A{content}.{signature}"), &format!("{content}."), "", ".", "a.b"] {
            assert_eq!(verified(&tokens, other), None, "{other}");
        }
    }

    #[test]
    fn another_algorithm_no_signature_and_no_key_id_are_refused() {
        let tokens = Tokens::new(NEW, None);
        let good = tokens.sign(Uuid::now_v7(), Locale::Es, 0).unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let unsigned = URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"none\",\"kid\":\"{}\"}}", key_id(NEW)));
        assert!(tokens.verify(&format!("{unsigned}.{}.", parts[1])).is_none());
        let nameless = URL_SAFE_NO_PAD.encode("{\"alg\":\"HS256\"}");
        assert!(tokens.verify(&format!("{nameless}.{}.{}", parts[1], parts[2])).is_none());
        let mut header = Header::new(Algorithm::HS512);
        header.kid = Some(key_id(NEW));
        let claims = tokens.verify(&good).unwrap();
        let other =
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(NEW.as_bytes())).unwrap();
        assert!(tokens.verify(&other).is_none());
    }

    #[test]
    fn a_kept_token_expires_and_the_number_of_kept_ones_is_limited() {
        let tokens = Tokens::new(NEW, None);
        let good = tokens.sign(Uuid::now_v7(), Locale::Es, 0).unwrap();
        let claims = tokens.verify(&good).unwrap();
        let keep = |claims: Claims| tokens.signed.write().unwrap().insert(good.as_str().into(), claims);
        keep(Claims { exp: claims.iat - LEEWAY - 1, ..claims.clone() });
        assert!(tokens.verify(&good).is_none());
        keep(Claims { iat: claims.iat + 3600, ..claims });
        assert!(tokens.verify(&good).is_none());
        for _ in 0..KEPT + 10 {
            let other = tokens.sign(Uuid::now_v7(), Locale::Es, 0).unwrap();
            assert!(tokens.verify(&other).is_some() && tokens.verify(&format!("{other}A")).is_none());
        }
        assert!(tokens.signed.read().unwrap().len() <= KEPT);
    }

    #[test]
    fn an_expired_token_and_one_for_others_are_refused() {
        let tokens = Tokens::new(NEW, None);
        let claims = tokens.verify(&tokens.sign(Uuid::now_v7(), Locale::Es, 0).unwrap()).unwrap();
        let sign = |claims: &Claims| jsonwebtoken::encode(&tokens.header, claims, &tokens.encoding).unwrap();
        assert!(tokens.verify(&sign(&claims)).is_some());
        assert!(tokens.verify(&sign(&Claims { exp: claims.iat - 60, ..claims.clone() })).is_none());
        let ahead = |by: i64| Claims { iat: claims.iat + by, exp: claims.exp + by, ..claims.clone() };
        assert!(tokens.verify(&sign(&ahead(30))).is_some());
        assert!(tokens.verify(&sign(&ahead(3600))).is_none());
        assert!(tokens.verify(&sign(&Claims { iss: "other".into(), ..claims.clone() })).is_none());
        assert!(tokens.verify(&sign(&Claims { aud: "other".into(), ..claims.clone() })).is_none());
        let of_key = tokens.sign_for_key(claims.sub, Locale::Es, 0, Uuid::now_v7(), 60).unwrap();
        let of_key = tokens.verify(&of_key).unwrap();
        assert_eq!((of_key.aud.as_str(), of_key.exp - of_key.iat), (FOR_KEYS, 60));
        assert!(tokens.verify(&sign(&Claims { aud: ISSUER.into(), ..of_key })).is_none());
        assert!(tokens.verify(&sign(&Claims { aud: FOR_KEYS.into(), ..claims })).is_none());
    }
}
