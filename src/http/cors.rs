//! Which other origins a browser may let use the API.

use actix_cors::Cors;
use actix_web::middleware::Condition;

/// The headers of a response that a page may read.
const EXPOSED: [&str; 14] = [
    "Content-Disposition",
    "Content-Language",
    "Deprecation",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "Sunset",
    "WWW-Authenticate",
    "X-Request-Id",
];

/// How long a browser may cache a preflight response, in seconds.
const KEPT: usize = 3600;

/// Allows pages of these origins; of all for `*`; only of the server's own origin if the list is empty. Tokens are
/// sent in a header, never in a cookie, so no origin gets credentials.
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default().allow_any_method().allow_any_header().expose_headers(EXPOSED).max_age(KEPT);
    let cors = cors.block_on_origin_mismatch(false);
    let cors = match origins {
        [one] if one == "*" => cors.allow_any_origin().send_wildcard(),
        origins => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    };
    Condition::new(!origins.is_empty(), cors)
}
