//! A ticket with which `EventSource` opens the stream.

use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::account::sessions;
use crate::auth::policy::Action;
use crate::http::body::EmptyBody;
use crate::http::stream_tickets::{self, PARAMETER, PATH};
use crate::http::{Answer, Body, Call};
use crate::problem::Result;

/// A ticket with which a stream of events is opened once.
#[derive(Serialize, ToSchema)]
pub struct StreamTicket {
    /// The ticket, for the parameter `ticket` of `GET /events/stream`. It is only in this response.
    #[schema(min_length = 43, max_length = 43, pattern = "^[0-9A-Za-z_-]{43}$")]
    stream_ticket: String,
    /// Until when the stream can be opened with it.
    expires_at: DateTime<Utc>,
    /// The path of the stream with the ticket; add `&after=…` and `&type=…`.
    #[schema(max_length = 200)]
    link: String,
}

/// Request a ticket to open a stream
///
/// For `EventSource` of browsers, which cannot send `Authorization`: `GET /events/stream?ticket=…` is answered for the account
/// that requested the ticket, once, within 30 seconds, at any copy of the server. Nothing else accepts the ticket. The stream
/// ends when it would end with the access token or key that requested the ticket: with the token's expiry, with the sign-ins of
/// the account, with the key. A later connection needs a new ticket. An account has at most 100 unused tickets; a further one
/// replaces the oldest. `Idempotency-Key` is not supported, since the response would be kept with the ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::FollowEvents)), ("x-mesa-not-idempotent" = json!(true)), ("x-mesa-unversioned" = json!(true))),
    tag = "events", operation_id = "issueStreamTicket", request_body = Option<EmptyBody>,
    responses((status = 201, body = StreamTicket, description = "The ticket, which is shown only now"))
)]
#[post("/events/stream-tickets")]
pub async fn issue(call: Call, body: Body<EmptyBody>) -> Result<HttpResponse> {
    let credential = call.credential().clone();
    let answer = call.check(move |db, actor| {
        body.read()?;
        let (ticket, expires_at) = stream_tickets::create(db, &credential, actor.now)?;
        let link = format!("{PATH}?{PARAMETER}={ticket}");
        // Without the ticket: proxies write this header to logs.
        Answer::created(PATH.to_owned(), &StreamTicket { stream_ticket: ticket, expires_at, link })
    });
    Ok(sessions::secret(answer.await?))
}
