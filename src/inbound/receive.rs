//! The first door: a message in the body of a request.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use diesel::PgConnection;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::emails::{self, InboundEmail};
use super::keep::{self, Kept};
use super::{Source, process};
use crate::attachments::upload::TIME;
use crate::auth::policy::Action;
use crate::http::Call;
use crate::http::body::{Content, in_time};
use crate::problem::{Code, Problem, Result, Text};

/// Submit a message
///
/// As a mail server has it, with its whole header. It is stored as it is, and then becomes a ticket or a followup, or is set
/// aside or ignored: the answer says which. The same message is accepted once, whichever way it comes: a repeat is a 200 with
/// what became of the first. Its author is that of its `From`, and is trusted as far as the message's own
/// `Authentication-Results` and the configuration (`MESA_MAIL_TRUST`) say; `submitted_by` names the account that calls.
#[utoipa::path(
    tag = "inbound mail", operation_id = "receiveEmail",
    request_body(content = Content, content_type = "message/rfc822"),
    responses(
        (status = 201, body = InboundEmail),
        (status = 200, body = InboundEmail, description = "It was accepted before"),
    )
)]
#[post("/inbound-emails")]
pub async fn receive(call: Call, request: HttpRequest, payload: Payload) -> Result<HttpResponse> {
    let submitted_by = call.check(Action::SubmitInboundEmails, |_, actor| Ok(actor.id)).await?;
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("message/rfc822") {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            Text::new("Envíe message/rfc822.", "Send message/rfc822."),
        ));
    }
    let bytes = in_time(TIME, whole(payload, call.desk.config.mail_max_bytes)).await??;
    let fingerprint = Sha256::digest(&bytes).to_vec();
    let desk = call.desk.clone();
    let work = async move {
        let kept = keep::keep(&desk, Source::Api, Some(submitted_by), bytes).await?;
        if kept.to_process {
            process::process(&desk, kept.id).await;
        }
        Ok(kept)
    };
    let end = |tx: &mut PgConnection, kept: Kept| emails::outcome(tx, kept.id, kept.is_new);
    call.work(Action::SubmitInboundEmails, Some(fingerprint), |_, _| Ok(()), work, end).await
}

async fn whole(mut payload: Payload, limit: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    let cut_off = |_| {
        Problem::new(
            Code::BadRequest,
            Text::new("El cuerpo llegó incompleto.", "The body arrived incomplete."),
        )
    };
    while let Some(chunk) = payload.try_next().await.map_err(cut_off)? {
        if bytes.len() + chunk.len() > limit {
            return Err(keep::too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
