//! Correcting a request before its classification.

use actix_web::web::Path;
use actix_web::{HttpResponse, patch};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::categories;
use super::information::{self, AnsweredBy};
use super::limit;
use super::minimum_data;
use super::model::{Ticket, TicketRow};
use super::permitted;
use super::steps::{self, Case, Setting};
use super::store;
use super::workflow::Step;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::units;
use crate::http::body::Patch;
use crate::http::{Actor, Answer, Body, Call};
use crate::people::callers::{self, PersonData};
use crate::people::user::Contact;
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
    /// The requester's data for this ticket. Data that staff give and the requester's account lacks are kept in it.
    requester: RequesterCorrection,
}

/// The requester's data that can be corrected. Data that the ticket has cannot be removed.
#[derive(PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequesterCorrection {
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    full_name: String,
    /// The number of the identity document.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    document_id: Option<String>,
    /// The telephone numbers; at least one of them.
    #[serde(default)]
    #[schema(required = false)]
    contact: Contact,
    /// Identifier of the unit; a new one must be active.
    unit_id: Option<Uuid>,
}

/// Correct a ticket before its classification
///
/// Applies to a ticket that is `received`, or `on_hold` with `received` in `resumes_to`. After the classification the
/// text cannot be changed: add a followup instead. If the ticket waits for information from its requester, a
/// correction by the requester that changes a field counts as the answer and ends the wait. A request by mail that waits
/// for minimum data of its requester waits until the data are complete, whoever completes them.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ChangeTicket))),
    tag = "tickets", operation_id = "updateTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = TicketRequest, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Ticket, description = "The ticket after the correction"), (status = 409, description = "`step_not_allowed`: the state of the ticket does not allow this; `allowed_steps` lists what the caller may do"))
)]
#[patch("/tickets/{ticket_id}")]
pub async fn change(call: Call, id: Path<i64>, body: Body<Patch<TicketRequest>>) -> Result<HttpResponse> {
    steps::change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    _: &Setting,
    id: i64,
    body: Body<Patch<TicketRequest>>,
) -> Result<Answer> {
    let row = store::lock(tx, actor, id)?;
    let (wanted, _) = body.merge(&TicketRequest {
        subject: row.subject.clone(),
        description: row.description.clone(),
        category_id: row.category_id,
        requester: RequesterCorrection::of(&row),
    })?;
    actor.check_version(row.id, row.version)?;
    permitted::check(actor, &row, Step::Change)?;
    if wanted.category_id != row.category_id {
        check_category(tx, wanted.category_id, row.id)?;
    }
    let (known, known_unit) = (row.version, row.requester_unit_id);
    let lacked = minimum_data::missing(&row).len();
    let mut case = Case::open(tx, row, actor);
    wanted.requester.apply(&mut case, actor.is_staff())?;
    case.ticket.subject = wanted.subject;
    case.ticket.description = wanted.description;
    case.ticket.category_id = wanted.category_id;
    let mut row = case.record(EventKind::Changed)?;
    limit::check(actor, &row)?;
    if row.requester_unit_id != known_unit {
        // Whoever heads another unit may not ask for what this category requires.
        check_category(tx, row.category_id, row.id)?;
    }
    if row.version != known {
        row = information::answered(tx, row, actor, AnsweredBy::Correction, false)?;
        row = minimum_data::resume_completed(tx, row, actor, lacked)?;
    }
    store::answer(tx, actor, row)
}

impl RequesterCorrection {
    fn of(row: &TicketRow) -> Self {
        RequesterCorrection {
            full_name: row.requester_full_name.clone(),
            document_id: row.requester_document_id.clone(),
            contact: Contact {
                landline: row.requester_landline.clone(),
                extension: row.requester_extension.clone(),
                mobile: row.requester_mobile.clone(),
            },
            unit_id: row.requester_unit_id,
        }
    }

    /// Writes the data into the ticket, and with `keeps` those that the account lacks into the account.
    fn apply(self, case: &mut Case<'_>, keeps: bool) -> Result<()> {
        if self == Self::of(&case.ticket) {
            return Ok(());
        }
        let lacked = minimum_data::missing(&case.ticket);
        let mut unit = None;
        if self.unit_id != case.ticket.requester_unit_id
            && let Some(id) = self.unit_id
        {
            let found = units::table.find(id).filter(units::active).select((units::id, units::name));
            let found: Option<(Uuid, String)> = found.first(case.tx).optional()?;
            unit = Some(found.ok_or_else(|| Problem::field(FieldError::unknown_id("/requester/unit_id")))?);
        }
        let ticket = &mut case.ticket;
        match &unit {
            Some((id, name)) => {
                (ticket.requester_unit_id, ticket.requester_unit_name) = (Some(*id), Some(name.clone()));
            }
            None if self.unit_id.is_none() => {
                (ticket.requester_unit_id, ticket.requester_unit_name) = (None, None);
            }
            None => {}
        }
        ticket.requester_full_name.clone_from(&self.full_name);
        ticket.requester_document_id.clone_from(&self.document_id);
        ticket.requester_landline.clone_from(&self.contact.landline);
        ticket.requester_extension.clone_from(&self.contact.extension);
        ticket.requester_mobile.clone_from(&self.contact.mobile);
        minimum_data::nothing_removed(ticket, &lacked)?;
        let data = PersonData {
            full_name: Some(self.full_name),
            document_id: self.document_id,
            contact: self.contact,
            unit,
        };
        if keeps {
            callers::complete(case.tx, case.ticket.requester_id, &data.known(), case.now)?;
        }
        Ok(())
    }
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
            "Esta categoría es exclusiva de los jefes de unidades administrativas.",
            "This category is for heads of administrative units only.",
        ),
    )))
}
