//! Receives a message in the body of a request.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse, post};
use diesel::PgConnection;
use sha2::{Digest, Sha256};

use super::emails::{self, InboundEmail};
use super::storage::{self, Kept};
use super::{InboundEmailSource, process};
use crate::auth::policy::Action;
use crate::http::Call;
use crate::http::body::Content;
use crate::http::receive::{BodyLimits, NotReceived, incomplete, read_body};
use crate::problem::{Code, Problem, Result, Text};

/// How long a message may take to arrive, and the number of bytes that each add a second to it.
const TIME: Duration = Duration::from_secs(30);
const SLOWEST: u64 = 64 * 1024;

/// Submit a received email
///
/// For a mail server or a program that receives mail for the entity. The body is the message as the mail server
/// received it, with its whole header (RFC 5322). It is stored unchanged. Then a ticket or a followup is created from
/// it, or it is set aside or ignored; the response states the result.
///
/// Each message is accepted once, from any source: a repeat is a 200 with the result of the first time. The author is
/// that of the message's `From`. It is trusted as far as the message's own `Authentication-Results` and the
/// configuration (`MESA_MAIL_TRUST`) allow. `submitted_by` is the account of the caller.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::SubmitInboundEmails))),
    tag = "inbound emails", operation_id = "createInboundEmail",
    request_body(content = Content, content_type = "message/rfc822"),
    responses(
        (status = 201, body = InboundEmail, description = "The message and its processing state"),
        (status = 200, body = InboundEmail, description = "The same message was accepted before: its result"),
    )
)]
#[post("/inbound-emails")]
pub async fn receive(call: Call, request: HttpRequest, payload: Payload) -> Result<HttpResponse> {
    let submitted_by = call.check(|_, actor| Ok(actor.id)).await?;
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("message/rfc822") {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            Text::new("Envíe message/rfc822.", "Send message/rfc822."),
        ));
    }
    let limit = call.desk.config.mail_max_bytes;
    let limits = BodyLimits { bytes: limit, time: TIME, bytes_a_second: Some(SLOWEST) };
    let body = read_body(&request, payload.into_inner(), limits).await.map_err(|why| match why {
        NotReceived::TooLarge => storage::too_large(limit),
        NotReceived::Incomplete => incomplete(),
        NotReceived::Refused(problem) => *problem,
    })?;
    let fingerprint = Sha256::digest(&body.bytes).to_vec();
    let desk = call.desk.clone();
    let work = async move {
        let kept =
            storage::store(&desk, InboundEmailSource::Api, Some(submitted_by), body.bytes.clone()).await?;
        if kept.to_process {
            process::process(&desk, kept.id).await;
        }
        Ok(kept)
    };
    let end = |tx: &mut PgConnection, kept: Kept| emails::outcome(tx, kept.id, kept.is_new);
    call.work(Some(fingerprint), |_, _| Ok(()), work, end).await
}
