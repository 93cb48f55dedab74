//! How many requests somebody may make: a limit that keeps one client from taking this copy of the server from all others.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
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
use crate::desk::Desk;
use crate::problem::{Code, Problem, Text};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// After how many requests those are forgotten who have all of theirs left.
const TIDY_EVERY: u32 = 4096;

/// Whose requests are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Who {
    /// Whoever showed a valid access token.
    User(Uuid),
    /// Whoever did not, by the network they come from.
    Network(String),
}

type Limiter = RateLimiter<Who, DashMapStateStore<Who>, DefaultClock, StateInformationMiddleware>;

/// Counts requests, in this process: what one copy of the server can bear is its own affair, and what must hold for all
/// copies, such as wrong passwords, is counted in the database.
pub struct Limits {
    /// None where there is no limit.
    limiter: Option<Limiter>,
    clock: DefaultClock,
    seen: AtomicU32,
}

/// How somebody stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Requests a minute.
    quota: u32,
    remaining: u32,
    /// In how many seconds all of the quota is there again.
    reset: u64,
}

impl Limits {
    /// At most so many requests a minute from one person; 0 for no limit.
    pub fn new(requests_a_minute: u32) -> Self {
        let limiter = NonZeroU32::new(requests_a_minute)
            .map(|quota| RateLimiter::keyed(Quota::per_minute(quota)).with_middleware());
        Limits { limiter, clock: DefaultClock::default(), seen: AtomicU32::new(0) }
    }

    /// One more request: how they stand now, or after which time there may be another.
    fn take(&self, who: &Who) -> Option<(Standing, Result<(), Duration>)> {
        let limiter = self.limiter.as_ref()?;
        if self.seen.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            limiter.retain_recent();
        }
        Some(match limiter.check_key(who) {
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

/// Whole seconds after which the time has passed.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Middleware of the API: a request past the limit is a 429, and every answer says how its client stands.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(desk) = request.app_data::<Data<Desk>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let claims = bearer(request.headers()).and_then(|token| desk.tokens.verify(token));
    let who = match &claims {
        Some(claims) => Who::User(claims.sub),
        None => {
            let peer = request.peer_addr().map(|peer| peer.ip());
            Who::Network(ClientAddress::of(peer, request.headers(), &desk.config.trusted_proxies).network())
        }
    };
    if let Some(claims) = claims {
        request.extensions_mut().insert(claims);
    }
    let Some((standing, allowed)) = desk.limits.take(&who) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    request.extensions_mut().insert(standing);
    match allowed {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(wait) => {
            let mut problem = Problem::new(
                Code::TooManyRequests,
                Text::new("Espere un momento y repita la petición.", "Wait a moment and repeat the request."),
            );
            problem.retry_after = Some(i64::try_from(seconds(wait).max(1)).unwrap_or(60));
            Ok(request.error_response(problem).map_into_right_body())
        }
    }
}

/// Tells the client how it stands (draft-ietf-httpapi-ratelimit-headers).
pub fn tell(response: &mut ServiceResponse) {
    let Some(Standing { quota, remaining, reset }) =
        response.request().extensions().get::<Standing>().copied()
    else {
        return;
    };
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&format!("\"client\";q={quota};w=60")) {
        headers.insert(POLICY, policy);
    }
    if let Ok(standing) = HeaderValue::from_str(&format!("\"client\";r={remaining};t={reset}")) {
        headers.insert(LIMIT, standing);
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_used_up_by_one_and_not_by_another() {
        let limits = Limits::new(3);
        let (one, other) = (Who::User(Uuid::from_u128(1)), Who::Network("203.0.113.7".to_owned()));
        for left in [2, 1, 0] {
            let (standing, allowed) = limits.take(&one).unwrap();
            assert_eq!((standing.quota, standing.remaining, allowed), (3, left, Ok(())));
        }
        let (standing, refused) = limits.take(&one).unwrap();
        assert_eq!(standing.remaining, 0);
        assert!(refused.is_err_and(|wait| wait <= Duration::from_secs(20)));
        assert!(limits.take(&other).unwrap().1.is_ok());
        assert!(Limits::new(0).take(&one).is_none());
    }
}
