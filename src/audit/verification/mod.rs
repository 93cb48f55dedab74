//! Verifies the integrity of the history in batches, and sends the result while the verification runs.

mod ahead;
mod audit_events;
mod chains;
mod connections;
mod content;
mod document;
pub mod heads;
mod json_array;
pub mod log;
mod plan;
mod rows;
mod seen;
pub mod tickets;
mod verifier;

use actix_web::http::header::ContentEncoding;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use self::ahead::Ahead;
pub use self::connections::with_connections;
use self::document::{Document, Verification};
use self::heads::ForeignHead;
use self::plan::Plan;
use self::seen::Seen;
pub use self::verifier::{Found, Verifier, Whole, whole};
use crate::auth::policy::Action;
use crate::http::{Call, Query, query};
use crate::problem::{Problem, Result, Text};

/// What to verify.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerificationScope {
    /// One ticket; the whole history if omitted.
    #[param(minimum = 1)]
    ticket_id: Option<i64>,
    /// The size of a tree head that was kept elsewhere; together with `head_root`, and without `ticket_id`.
    #[param(minimum = 1)]
    head_size: Option<i64>,
    /// The root of that head in base64, as in the third line of its note.
    #[param(
        pattern = r"^([A-Za-z0-9+/ ]{42}|[A-Za-z0-9_-]{42})[AEIMQUYcgkosw048]=$",
        min_length = 44,
        max_length = 44
    )]
    head_root: Option<String>,
}

impl VerificationScope {
    fn foreign(&self) -> Result<Option<ForeignHead>> {
        match (self.head_size, &self.head_root) {
            (None, None) => Ok(None),
            (Some(size), Some(root)) if self.ticket_id.is_none() => {
                let wrong = || {
                    query::invalid(
                        "head_root",
                        Text::new(
                            "Se esperan 32 bytes en base64, como en la tercera línea del resumen firmado (tree head).",
                            "Expected 32 bytes in base64, as in the third line of the signed head.",
                        ),
                    )
                };
                let root = ForeignHead::parse_root(root).ok_or_else(wrong)?;
                Ok(Some(ForeignHead { size, root }))
            }
            _ => Err(query::invalid(
                if self.head_size.is_none() { "head_root" } else { "head_size" },
                Text::new(
                    "`head_size` y `head_root` van juntos, y sin `ticket_id`.",
                    "`head_size` and `head_root` go together, and without `ticket_id`.",
                ),
            )),
        }
    }
}

/// Verify the history
///
/// Computes the hash of every event again, follows the chain of each ticket, and compares its end with the last event
/// that was written, so that changed, removed and added events are found and listed. Then it verifies the audit
/// events, compares all events with the log of all events, computes the root of the Merkle tree over the log, and
/// compares it with every signed head that the server keeps (`GET /audit/heads`).
///
/// A person who can change every row of the database can recompute all of these. A head that was kept elsewhere
/// reveals the change: with `head_size` and `head_root`, `head.status` in the response says whether the history still
/// matches that head. A ticket that does not exist is a 404.
///
/// The response is one JSON document, written while batches are verified: `broken` comes first and `whole` last. A
/// fault during the verification ends the response early, so that it is not valid JSON: rely only on a complete
/// document. Each batch is read in one snapshot, different batches in different ones; the verification blocks no
/// other request, and data written meanwhile are not reported as broken.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::VerifyAudit)), ("x-mesa-unversioned" = json!(true))),
    tag = "history", operation_id = "verifyHistory", params(VerificationScope),
    responses(
        (status = 200, body = Verification, description = "The result of the verification"),
        (status = 404, description = "`not_found`: no such ticket"),
    )
)]
#[get("/audit/verification")]
pub async fn verify(call: Call, query: Query<VerificationScope>) -> Result<HttpResponse> {
    let keys = call.desk.config.audit.public_keys();
    // The first batch is verified before the response begins, so that a fault of the request is a problem.
    let first = call.look(|db, _| {
        let scope = query.read()?;
        let foreign = scope.foreign()?;
        let (plan, mut verifier) = match scope.ticket_id {
            Some(id) => (Plan::Ticket(id), Verifier::of_ticket()),
            None => (Plan::ALL, Verifier::of_all(keys, foreign)),
        };
        let mut next = Plan::Done;
        let seen = Seen::default();
        let batch = plan.verify(db, &seen, |plan| next = plan)?;
        let found = batch.map(|batch| verifier.add(batch));
        match scope.ticket_id {
            Some(_) if verifier.tickets == 0 && verifier.broken == 0 => Err(Problem::not_found()),
            _ => Ok((verifier, found, seen, next)),
        }
    });
    let (verifier, found, seen, next) = first.await?;
    let batches = Ahead::new(call.desk, seen, next);
    let state = State { batches, verifier, document: Document::default(), first: found, is_ended: false };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        // A compressor would delay the pieces that show progress to the client.
        .insert_header(ContentEncoding::Identity)
        .streaming(stream::try_unfold(state, State::step)))
}

/// The document as far as it is written.
struct State {
    batches: Ahead,
    verifier: Verifier,
    document: Document,
    /// The result of the first batch, until it is written.
    first: Option<Found>,
    is_ended: bool,
}

impl State {
    /// One piece of the document.
    async fn step(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.is_ended {
            return Ok(None);
        }
        let found = match self.first.take() {
            Some(found) => Some(found),
            None => {
                let batch = self.batches.next().await.inspect_err(|problem| {
                    ::log::error!("a verification ended early: {}", problem.log_line());
                })?;
                batch.map(|batch| self.verifier.add(batch))
            }
        };
        let piece = match found {
            Some(found) => self.document.add(&found)?,
            None => {
                self.is_ended = true;
                self.document.end(&self.verifier)?
            }
        };
        Ok(Some((piece.into(), self)))
    }
}
