//! Attaching a file: the common part of all kinds of owners.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use diesel::prelude::*;

use super::upload::{self, Received};
use crate::http::call::Earlier;
use crate::http::upload_slots::UploadSlots;
use crate::http::{Actor, Answer, Call};
use crate::problem::Result;

/// What a file is attached to.
pub trait Target: Clone + Send + 'static {
    /// # Errors
    /// [Code::NotFound](crate::problem::Code::NotFound) if it does not exist or is not visible to the actor.
    fn check_visible(&self, db: &mut PgConnection, actor: &Actor) -> Result<()>;

    /// Everything else that can be checked without the file.
    ///
    /// # Errors
    /// The problem if the actor may not attach a file to it, or if its state does not allow it.
    fn check_open(&self, db: &mut PgConnection, actor: &Actor) -> Result<()>;

    /// Checks again, and writes the row of the file.
    fn write(self, tx: &mut PgConnection, actor: &Actor, file: &Received) -> Result<Answer>;
}

/// Checks the request before the file is received and again before its content is published; the transaction that
/// writes the row checks once more.
pub async fn attach_file<T: Target>(
    call: Call,
    target: T,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse> {
    let desk = call.desk.clone();
    // A repeated request is answered as before, even if the target has changed since.
    let may_be_repeat = call.has_known_key().await?;
    let before = target.clone();
    let user_id = call
        .check(move |db, actor| {
            before.check_visible(db, actor)?;
            if !may_be_repeat {
                before.check_open(db, actor)?;
            }
            Ok(actor.id)
        })
        .await?;
    let slot = UploadSlots::enter(&desk, user_id)?;
    let arrived = upload::receive(&desk, &request, payload).await?;
    let fingerprint = arrived.fingerprint();
    let again = target.clone();
    let answered = call
        .check_fingerprinted(&fingerprint, move |db, actor| {
            again.check_visible(db, actor)?;
            again.check_open(db, actor)
        })
        .await?;
    if let Earlier::Answer(answer) = answered {
        return Ok(call.respond(answer));
    }
    let file = arrived.publish(&desk).await?;
    drop(slot);
    call.write_fingerprinted(fingerprint, move |tx, actor| target.write(tx, actor, &file)).await
}
