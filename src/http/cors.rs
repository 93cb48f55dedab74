//! Which other sites' pages a browser lets at the API.

use actix_cors::Cors;
use actix_web::middleware::Condition;

/// What a page may read of an answer beside its body.
const EXPOSED: [&str; 11] = [
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-Request-Id",
];

/// How long a browser may keep what a preflight said, in seconds.
const KEPT: usize = 3600;

/// Pages of these origins; of all for `*`, of none but the server's own where there are none. Tokens travel in a header,
/// never in a cookie, so no origin gets credentials.
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default().allow_any_method().allow_any_header().expose_headers(EXPOSED).max_age(KEPT);
    let cors = cors.block_on_origin_mismatch(false);
    let cors = match origins {
        [one] if one == "*" => cors.allow_any_origin().send_wildcard(),
        origins => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    };
    Condition::new(!origins.is_empty(), cors)
}
