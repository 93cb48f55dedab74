//! Correcting a request before its classification.

use actix_web::web::Path;
use actix_web::{HttpResponse, patch};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::categories;
use super::information::{self, AnsweredBy};
use super::model::Ticket;
use super::permitted;
use super::steps::Case;
use super::store;
use super::workflow::Step;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::http::body::Patch;
use crate::http::{Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The fields of a ticket that can be corrected.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// A short summary of the request.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "La impresora del despacho no imprime"
    )]
    subject: String,
    /// The full text of the request.
    #[schema(min_length = 1, max_length = 20000, pattern = r"\S", example = "Muestra atasco desde ayer.")]
    description: String,
    /// Identifier of the category. A new one must be active, and the requester must have had the profile that it requires when the
    /// ticket was received.
    /// `null` removes the category.
    category_id: Option<Uuid>,
}

/// Correct a ticket before its classification
///
/// Applies to a ticket that is `received`, or `on_hold` with `received` in `resumes_to`. After the classification the
/// text cannot be changed: add a followup instead. If the ticket waits for information from its requester, a
/// correction by the requester that changes a field counts as the answer and ends the wait.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ChangeTicket))),
    tag = "tickets", operation_id = "updateTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = TicketRequest, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Ticket, description = "The ticket after the correction"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[patch("/tickets/{ticket_id}")]
pub async fn change(call: Call, id: Path<i64>, body: Body<Patch<TicketRequest>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let row = store::lock(tx, actor, *id)?;
        let (wanted, _) = body.merge(&TicketRequest {
            subject: row.subject.clone(),
            description: row.description.clone(),
            category_id: row.category_id,
        })?;
        actor.check_version(row.id, row.version)?;
        permitted::check(actor, &row, Step::Change)?;
        if wanted.category_id != row.category_id {
            check_category(tx, wanted.category_id, row.id)?;
        }
        let known = row.version;
        let mut case = Case::open(tx, row, actor);
        case.ticket.subject = wanted.subject;
        case.ticket.description = wanted.description;
        case.ticket.category_id = wanted.category_id;
        let mut row = case.record(EventKind::Changed)?;
        if row.version != known {
            row = information::answered(tx, row, actor, AnsweredBy::Correction)?;
        }
        store::answer(tx, actor, row)
    })
    .await
}

/// Checks that the category exists and that the requester had the profile that it requires.
fn check_category(tx: &mut PgConnection, category: Option<Uuid>, ticket_id: i64) -> Result<()> {
    let Some(category) = category else { return Ok(()) };
    if categories::may_ask(tx, category, ticket_id)? {
        return Ok(());
    }
    Err(Problem::field(FieldError::new(
        "/category_id",
        FieldCode::NotAllowed,
        Text::new(
            "Esta categoría es para jefes de unidad administrativa.",
            "This category is for heads of administrative units.",
        ),
    )))
}
