//! Reading a request body into memory: bounded in size, in time and by the budget for all bodies.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::body_memory::{BodyMemory, Reservation};
use super::client_key::ClientKey;
use crate::problem::{Code, Problem, Result, Text};

/// A body, and its part of the budget, which is released when this is dropped.
pub struct ReceivedBody {
    pub bytes: Bytes,
    _memory: Reservation,
}

impl ReceivedBody {
    pub(super) fn new(bytes: Bytes, memory: Reservation) -> Self {
        ReceivedBody { bytes, _memory: memory }
    }
}

/// The limits of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Maximum length, in bytes.
    pub bytes: usize,
    /// The time limit for its arrival.
    pub time: Duration,
    /// The number of bytes that each add a second to that time; none if it is fixed.
    pub bytes_a_second: Option<u64>,
}

/// Why a body was not received.
#[derive(Debug)]
pub enum NotReceived {
    TooLarge,
    /// The client ended the connection, or the framing is wrong.
    Incomplete,
    /// It did not arrive in time (408), or there is no memory for it (503).
    Refused(Box<Problem>),
}

impl From<Problem> for NotReceived {
    fn from(problem: Problem) -> Self {
        NotReceived::Refused(Box::new(problem))
    }
}

impl BodyLimits {
    /// The deadline of a body of which this number of bytes has arrived.
    fn deadline(&self, started: Instant, arrived: usize) -> Instant {
        let arrived = u64::try_from(arrived).unwrap_or(u64::MAX);
        let earned = self.bytes_a_second.map_or(0, |rate| arrived / rate.max(1));
        started + self.time + Duration::from_secs(earned)
    }
}

/// Reads the body as it was sent: a content coding was rejected before.
///
/// # Errors
/// [`NotReceived`]
pub async fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
    limits: BodyLimits,
) -> Result<ReceivedBody, NotReceived> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limits.bytes) {
        return Err(NotReceived::TooLarge);
    }
    let budget = request
        .app_data::<Arc<BodyMemory>>()
        .ok_or_else(|| NotReceived::from(Problem::internal("the app has no memory budget for bodies")))?;
    let mut memory = budget.reserve(ClientKey::from_request(request))?;
    let (mut bytes, started) = (Vec::new(), Instant::now());
    loop {
        let next = timeout_at(limits.deadline(started, bytes.len()), payload.next()).await;
        let Some(chunk) = next.map_err(|_| NotReceived::from(too_slow()))? else { break };
        let chunk = chunk.map_err(|_| NotReceived::Incomplete)?;
        let needed = bytes.len() + chunk.len();
        if needed > limits.bytes {
            return Err(NotReceived::TooLarge);
        }
        if needed > bytes.capacity() {
            let capacity = needed.max(bytes.capacity() * 2).min(limits.bytes);
            memory.grow_to(capacity)?;
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(ReceivedBody::new(bytes.into(), memory))
}

/// A 408.
#[track_caller]
pub fn too_slow() -> Problem {
    Problem::new(
        Code::RequestTimeout,
        Text::new("El cuerpo no llegó a tiempo.", "The body did not arrive in time."),
    )
}

/// A 400.
#[track_caller]
pub fn incomplete() -> Problem {
    Problem::new(Code::BadRequest, Text::new("El cuerpo llegó incompleto.", "The body arrived incomplete."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_more_time_only_for_what_has_arrived() {
        let started = Instant::now();
        let fixed = BodyLimits { bytes: 1000, time: Duration::from_secs(10), bytes_a_second: None };
        assert_eq!(fixed.deadline(started, 900), started + Duration::from_secs(10));
        let paced = BodyLimits { bytes_a_second: Some(100), ..fixed };
        assert_eq!(paced.deadline(started, 0), started + Duration::from_secs(10));
        assert_eq!(paced.deadline(started, 900), started + Duration::from_secs(19));
    }
}
