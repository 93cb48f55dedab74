//! Requests that arrive while the server waits for its database and migrates it.

use std::time::Duration;

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::desk::{Desk, Phase};
use crate::problem::{Problem, Reason};

/// How long a request waits for the start. A balancer without health checks sends requests as soon as connections are
/// accepted.
const LONGEST: Duration = Duration::from_secs(10);

/// Paths that are answered immediately: they do not need the database, or are asked for whether it is ready.
const IMMEDIATE: [&str; 3] = ["/health/live", "/health/ready", "/metrics"];

/// Middleware of every path: until the start is complete a request waits, and then gets a 503.
pub async fn wait_for_start<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let desk = request.app_data::<Data<Desk>>();
    if let Some(desk) = desk.filter(|desk| desk.phase() == Phase::Starting)
        && !IMMEDIATE.contains(&request.path())
    {
        let mut phase = desk.phase.subscribe();
        let begun = tokio::time::timeout(LONGEST, phase.wait_for(|phase| *phase != Phase::Starting)).await;
        if begun.is_err() || desk.phase() == Phase::Stopping {
            let problem = Problem::unavailable("the server is starting").because(Reason::Database);
            return Ok(request.error_response(problem).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}
