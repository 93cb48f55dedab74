//! Checks on every request before its route: the number of requests of its client, and that its body has no content
//! coding.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use uuid::Uuid;

use super::ClientAddress;
use super::call::bearer;
use super::client_key::ClientKey;
use super::credential::{Credential, Proof, Subject};
use super::desk::Desk;
use super::envelope::WasHead;
use super::known_keys::KnownKey;
use super::stream_tickets;
use crate::auth::keys::{self, KeyHash};
use crate::problem::{Code, Problem, Text};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The number of requests after which clients with a full quota are removed from memory.
const TIDY_EVERY: u32 = 4096;

/// Requests a minute from one network for health checks and metrics, counted separately from its other requests.
const PROBES: NonZeroU32 = NonZeroU32::MIN.saturating_add(5999);

/// Requests that are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Counted {
    Api(ClientKey),
    /// Public pages and documents, by network.
    Page(ClientKey),
    /// Health checks and metrics, by network.
    Probe(ClientKey),
}

type Limiter = RateLimiter<Counted, DashMapStateStore<Counted>, DefaultClock, StateInformationMiddleware>;

/// Counts requests in this process: the limit protects one copy of the server. Counts that must be shared by all
/// copies, such as wrong passwords, are in the database.
pub struct Limits {
    /// `None` if there is no limit.
    limiters: Option<Limiters>,
    clock: DefaultClock,
    seen: AtomicU32,
}

struct Limiters {
    requests: Limiter,
    probes: Limiter,
}

/// The state of a client's quota after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Requests a minute.
    quota: u32,
    remaining: u32,
    /// The number of seconds until the whole quota is available again.
    reset: u64,
}

impl Limits {
    /// At most this number of requests a minute from one client; 0 for no limit.
    pub fn new(requests_a_minute: u32) -> Self {
        let limiter = |quota| RateLimiter::keyed(Quota::per_minute(quota)).with_middleware();
        let limiters = NonZeroU32::new(requests_a_minute)
            .map(|quota| Limiters { requests: limiter(quota), probes: limiter(PROBES.max(quota)) });
        Limits { limiters, clock: DefaultClock::default(), seen: AtomicU32::new(0) }
    }

    /// Counts one more request: returns the state of the quota, and how long to wait if it is exhausted.
    fn take(&self, counted: &Counted) -> Option<(Standing, Result<(), Duration>)> {
        let limiters = self.limiters.as_ref()?;
        if self.seen.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            limiters.requests.retain_recent();
            limiters.probes.retain_recent();
        }
        let limiter =
            if matches!(counted, Counted::Probe(_)) { &limiters.probes } else { &limiters.requests };
        Some(match limiter.check_key(counted) {
            Ok(state) => {
                let (quota, remaining) = (state.quota().burst_size().get(), state.remaining_burst_capacity());
                let used = state.quota().replenish_interval() * quota.saturating_sub(remaining);
                (Standing { quota, remaining, reset: seconds(used) }, Ok(()))
            }
            Err(refused) => {
                let quota = refused.quota();
                let wait = refused.wait_time_from(self.clock.now());
                let all = quota.burst_size_replenished_in();
                (Standing { quota: quota.burst_size().get(), remaining: 0, reset: seconds(all) }, Err(wait))
            }
        })
    }
}

/// The time in seconds, rounded up.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Middleware of every path: a request beyond the limit is a 429, a compressed body a 415, and every response has the
/// state of its client's quota.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let admitted = match admit(&request) {
        Ok(None) => Ok(()),
        Ok(Some(unknown)) => verify(&request, unknown).await,
        Err(problem) => Err(problem),
    };
    match admitted {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

fn desk_of(request: &ServiceRequest) -> Result<&Data<Desk>, Problem> {
    request.app_data::<Data<Desk>>().ok_or_else(|| Problem::internal("the app has no shared state"))
}

/// What the database has to be asked about who sends a request.
enum Unknown {
    Key(KeyHash),
    /// The hash of a ticket for a stream.
    StreamTicket(Vec<u8>),
}

/// Looks up a key that this copy of the server has not found valid within the last minute, or a ticket. If it never did, the
/// request was counted by its network: unknown keys and tickets neither avoid the limit nor use up that of others.
async fn verify(request: &ServiceRequest, unknown: Unknown) -> Result<(), Problem> {
    let desk = desk_of(request)?;
    let hash = match unknown {
        Unknown::Key(hash) => hash,
        Unknown::StreamTicket(hash) => {
            if let Some(credential) = desk.db.run(move |db| stream_tickets::claim(db, &hash)).await? {
                request.extensions_mut().insert(ClientKey::Account(credential.user_id));
                request.extensions_mut().insert(credential);
            }
            return Ok(());
        }
    };
    let admissions = Arc::clone(&desk.admissions);
    let found = desk.db.read(move |db| admissions.read(db, Subject::Key(hash))).await;
    let account = match found {
        Ok(account) => account,
        // The response is that to a request without a token.
        Err(problem) if problem.code == Code::Unauthenticated => {
            desk.admissions.keys.forget(&hash);
            return Ok(());
        }
        Err(problem) => return Err(problem),
    };
    if let Some(key) = account.key {
        let proof = Proof::Key { hash, key_id: key.id };
        let credential = Credential { user_id: account.id, locale: account.locale, proof, expires_at: None };
        desk.admissions.keys.add(&credential);
        request.extensions_mut().insert(ClientKey::Account(account.id));
        request.extensions_mut().insert(credential);
    }
    Ok(())
}

/// Who sends a request, as far as it is known without the database.
#[derive(Default)]
struct Sender {
    credential: Option<Credential>,
    /// The account that the request is counted with.
    account: Option<Uuid>,
    /// The key to look up.
    key: Option<KeyHash>,
}

fn identify(desk: &Desk, token: &str) -> Sender {
    let known = |credential: Credential| Sender {
        account: Some(credential.user_id),
        credential: Some(credential),
        key: None,
    };
    if !keys::is_like_key(token) {
        return desk.tokens.verify(token).map(Credential::of_token).map(known).unwrap_or_default();
    }
    let Some((_, hash)) = keys::read(token) else { return Sender::default() };
    match desk.admissions.keys.known(&hash) {
        Some(KnownKey::Fresh(credential)) => known(credential),
        Some(KnownKey::Stale { user_id }) => {
            Sender { credential: None, account: Some(user_id), key: Some(hash) }
        }
        None => Sender { key: Some(hash), ..Sender::default() },
    }
}

/// Returns a key or a ticket to look up.
fn admit(request: &ServiceRequest) -> Result<Option<Unknown>, Problem> {
    let desk = desk_of(request)?;
    // Decoded, as the router reads it.
    let path = request.match_info().as_str();
    let is_api = path.starts_with("/api/");
    let token = if is_api { bearer(request.headers()) } else { None };
    let Sender { credential, account, key } =
        token.map_or_else(Sender::default, |token| identify(desk, token));
    if let Some(credential) = credential {
        request.extensions_mut().insert(credential);
    }
    let client = match account {
        Some(account) => ClientKey::Account(account),
        None => {
            let peer = request.peer_addr().map(|peer| peer.ip());
            let address = ClientAddress::find(peer, request.headers(), &desk.config.trusted_proxies);
            ClientKey::Network(address.network())
        }
    };
    request.extensions_mut().insert(client.clone());
    let counted = match path {
        _ if is_api => Counted::Api(client),
        "/health/live" | "/health/ready" | "/metrics" => Counted::Probe(client),
        _ => Counted::Page(client),
    };
    if let Some((standing, allowed)) = desk.limits.take(&counted) {
        request.extensions_mut().insert(standing);
        if let Err(wait) = allowed {
            let mut problem = Problem::new(
                Code::TooManyRequests,
                Text::new("Espere un momento y repita la petición.", "Wait a moment and repeat the request."),
            );
            problem.retry_after = Some(i64::try_from(seconds(wait).max(1)).unwrap_or(60));
            return Err(problem);
        }
    }
    if has_body(request.headers()) && is_encoded(request.headers()) {
        let mut problem = Problem::new(
            Code::UnsupportedMediaType,
            Text::new(
                "Envíe el cuerpo sin comprimir, sin `Content-Encoding`.",
                "Send the body uncompressed, without `Content-Encoding`.",
            ),
        );
        problem.accept_encoding = Some("identity");
        return Err(problem);
    }
    // A HEAD would use a ticket up for nothing.
    if request.headers().contains_key(header::AUTHORIZATION) || request.extensions().contains::<WasHead>() {
        return Ok(key.map(Unknown::Key));
    }
    Ok(stream_tickets::of_request(request.method(), path, request.query_string()).map(Unknown::StreamTicket))
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

/// Whether the body has a content coding. Compressed bodies are rejected: a small one could expand to a large one.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).any(|value| {
        let codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.into_iter().any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    })
}

/// Adds the state of the quota (draft-ietf-httpapi-ratelimit-headers).
pub fn add_headers(response: &mut ServiceResponse) {
    let Some(Standing { quota, remaining, reset }) =
        response.request().extensions().get::<Standing>().copied()
    else {
        return;
    };
    let is_api = response.request().path().starts_with("/api/");
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&format!("\"client\";q={quota};w=60")) {
        headers.insert(POLICY, policy);
    }
    if let Ok(standing) = HeaderValue::from_str(&format!("\"client\";r={remaining};t={reset}")) {
        headers.insert(LIMIT, standing);
    }
    // Other responses do not depend on the caller.
    if is_api {
        headers.append(header::VARY, HeaderValue::from_static("Authorization"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_used_up_by_one_and_not_by_another() {
        let limits = Limits::new(3);
        let network = ClientKey::Network("203.0.113.7".to_owned());
        let one = Counted::Api(ClientKey::Account(Uuid::from_u128(1)));
        for left in [2, 1, 0] {
            let (standing, allowed) = limits.take(&one).unwrap();
            assert_eq!((standing.quota, standing.remaining, allowed), (3, left, Ok(())));
        }
        let (standing, refused) = limits.take(&one).unwrap();
        assert_eq!(standing.remaining, 0);
        assert!(refused.is_err_and(|wait| wait <= Duration::from_secs(20)));
        for other in [Counted::Api(network.clone()), Counted::Page(network.clone()), Counted::Probe(network)]
        {
            assert!(limits.take(&other).unwrap().1.is_ok());
        }
        assert!(Limits::new(0).take(&one).is_none());
    }

    #[test]
    fn every_content_coding_but_identity_is_one() {
        let encoded = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            is_encoded(&headers)
        };
        for plain in [&[][..], &[""], &["identity"], &["Identity, identity"], &["identity", "identity"]] {
            assert!(!encoded(plain), "{plain:?}");
        }
        for coded in [&["gzip"][..], &["identity, br"], &["identity", "deflate"], &["x-unknown"], &["GZIP,"]]
        {
            assert!(encoded(coded), "{coded:?}");
        }
    }
}
