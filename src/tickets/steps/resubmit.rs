//! Submitting an archived request again, as a new ticket.

use actix_web::web::Path;
use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Case, Setting, change};
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::tickets;
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::{Code, FieldError, Problem, Result, Text};
use crate::tickets::attachments;
use crate::tickets::minimum_data::AnswerTime;
use crate::tickets::model::{Channel, Ticket, TicketRow};
use crate::tickets::on_behalf;
use crate::tickets::permitted;
use crate::tickets::register;
use crate::tickets::registration::Request;
use crate::tickets::requester::{Account, RequesterData};
use crate::tickets::store;
use crate::tickets::workflow::Step;

/// The fields that differ. If omitted, subject, description and category are those of the archived ticket. Fields
/// omitted from `requester` are taken from the requester's current account, or from the archived ticket if the
/// account lacks them. Data that staff give and the account
/// lacks are kept in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResubmissionCreate {
    /// A short summary of the request; that of the archived ticket if omitted.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "La impresora del despacho no imprime"
    )]
    subject: Option<String>,
    /// The full text of the request; that of the archived ticket if omitted.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Muestra atasco desde ayer. La placa es 10432."
    )]
    description: Option<String>,
    /// Identifier of an active category; the category of the archived ticket if omitted.
    category_id: Option<Uuid>,
    /// The channel by which the request was submitted again; `api` if omitted. `phone` and `in_person` are for staff.
    channel: Option<Channel>,
    /// The requester's data for the new ticket, if they differ from those of the account.
    requester: Option<RequesterData>,
}

/// Resubmit an archived ticket
///
/// Registers a new ticket of the same requester, with its own number and time of reception, by the rules of every
/// registration: if the category requires a profile that the requester does not have, the new ticket is archived as
/// well. It gets the files of the archived ticket that its requester could see, including those of followups;
/// followups are not copied. The new ticket refers to the archived one in `resubmission_of_id`, and the archived one to
/// the new one in `archive.resubmitted_as_id`. A ticket can be resubmitted only once; after that the response is a 409
/// `already_exists` with the existing ticket in `resubmitted_as_id`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Resubmit))),
    tag = "ticket steps", operation_id = "resubmitTicket", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    request_body(content = Option<ResubmissionCreate>),
    responses(
        (status = 201, body = Ticket, description = "The new ticket"),
        (status = 409, description = "`step_not_allowed`: the ticket is not archived; `contract_ended`: the requester's contract has ended; `already_exists`: it was resubmitted before, as the ticket in `resubmitted_as_id`"),
    )
)]
#[post("/tickets/{ticket_id}/resubmission")]
pub async fn resubmit(call: Call, id: Path<i64>, body: Body<ResubmissionCreate>) -> Result<HttpResponse> {
    change(call, *id, body, apply).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    id: i64,
    body: Body<ResubmissionCreate>,
) -> Result<Answer> {
    let within = AnswerTime { days: setting.desk.config.information_days };
    let provisional = setting.desk.config.provisional_criticality;
    let archived = store::lock(tx, actor, id)?;
    let account = Account::active(tx, archived.requester_id)?.map(|account| account.or_as_in(&archived));
    let new = body.read_with(|value| {
        let mut faults = match &account {
            Some(account) => account.gaps(&value["requester"]),
            None => vec![FieldError::unknown_id("/requester")],
        };
        faults.extend(on_behalf::channel_fault(actor, value));
        faults.extend((!value["requester"]["email"].is_null()).then(on_behalf::email_not_used));
        Ok(faults)
    })?;
    let account = account.ok_or_else(|| Problem::internal("a ticket without an account"))?;
    actor.check_version(archived.id, archived.version)?;
    permitted::check(actor, &archived, Step::Resubmit)?;
    if let Some(known) = resubmitted_as(tx, archived.id)? {
        return Err(already_resubmitted(known));
    }
    let requester = new.requester.unwrap_or_default();
    if actor.is_staff() {
        on_behalf::keep(tx, actor, account.id(), &requester)?;
    }
    let request = Request {
        subject: new.subject.unwrap_or_else(|| archived.subject.clone()),
        description: new.description.unwrap_or_else(|| archived.description.clone()),
        category_id: new.category_id.or(archived.category_id),
        channel: new.channel,
        requester,
        resubmission_of: Some(archived.id),
        within,
        provisional,
        automatic: archived.automatic,
        acknowledged: true,
        reply_to: archived.reply_to.clone(),
    };
    let row = request.register(tx, actor, account)?;
    carry_over(tx, actor, archived, &row)?;
    register::created(tx, actor, row)
}

/// The ticket that resubmits an archived one, if there is one.
pub fn resubmitted_as(tx: &mut PgConnection, archived: i64) -> Result<Option<i64>> {
    let known = tickets::table.filter(tickets::resubmission_of.eq(archived)).select(tickets::id);
    Ok(known.get_result(tx).optional()?)
}

/// Attaches the files of the archived ticket to the new one, and records an event in the archived ticket.
pub fn carry_over(tx: &mut PgConnection, actor: &Actor, archived: TicketRow, new: &TicketRow) -> Result<()> {
    attachments::copy_public(tx, archived.id, new.id, new.received_at)?;
    let mut case = Case::open(tx, archived, actor);
    case.note_mail(actor);
    case.details.resubmitted_as = Some(new.id);
    case.touch();
    case.record(EventKind::Resubmitted)?;
    Ok(())
}

fn already_resubmitted(known: i64) -> Problem {
    let mut problem = Problem::new(
        Code::AlreadyExists,
        Text::made(
            format!("Ya se presentó nuevamente, como la solicitud {known}."),
            format!("It was already resubmitted as ticket {known}."),
        ),
    );
    problem.members.insert("resubmitted_as_id".to_owned(), known.into());
    problem
}
