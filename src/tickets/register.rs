//! Registering a request: activities 1 and 2 of the procedure.

use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::limit::not_within;
use super::minimum_data::AnswerTime;
use super::model::{Channel, Ticket, TicketRow};
use super::registration::{self, Known, Request};
use super::requester::{Account, RequesterData};
use super::steps::Setting;
use super::{on_behalf, store};
use crate::auth::policy::Action;
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::{Problem, Result};

/// A request for support. Fields omitted from `requester` are taken from the requester's account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketCreate {
    /// A short summary of the request.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "La impresora del despacho no imprime"
    )]
    subject: String,
    /// The full text of the request.
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Desde esta mañana muestra atasco y no hay papel dentro."
    )]
    description: String,
    /// Identifier of an active category. If it requires a head of unit and the requester is not the head of the unit of
    /// the request, the ticket is registered and archived as `profile_not_authorized`. Without a category if omitted.
    category_id: Option<Uuid>,
    /// The channel by which the request was made; `api` if omitted. `phone` and `in_person` are for staff.
    channel: Option<Channel>,
    /// Identifier of the requester on whose behalf staff register the ticket: an active user. If omitted, the person
    /// whom `requester` identifies, otherwise the caller.
    #[expect(
        dead_code,
        reason = "used while the body is read, to find the account that supplies missing data"
    )]
    requester_id: Option<Uuid>,
    /// The requester's data for this ticket, if they differ from those of the account.
    requester: Option<RequesterData>,
}

/// Register a ticket
///
/// Returns the ticket with its number. The minimum data are the subject, the description and the requester's full name,
/// identity document, one means of contact and unit. If data are missing from both the body and the requester's
/// account, the response is one 422 that names every field.
///
/// Staff register on behalf of a person, for example by telephone or at the counter: for an account with
/// `requester_id`, or for the person whose `document_id` or `email` is in `requester`. Numbers of a document that differ
/// only in grouping (`43.111.222`, `C.C. 43111222`) are the same. If no account has this document or this address, one
/// without a password is created with these data, which must then be complete; the address is optional. The person is the requester of the ticket: they receive its mail and the survey, and `registered_by` names
/// the member of staff. `GET /tickets/{ticket_id}/receipt` is a page to print for them.
///
/// If the category requires a head of unit and the requester is not the head of the unit of the request, the ticket is
/// registered and archived as `profile_not_authorized`, and the requester is notified: the response is a 201 with the
/// archived ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::RegisterTicket))),
    tag = "tickets", operation_id = "createTicket", request_body = TicketCreate,
    responses(
        (status = 201, body = Ticket, description = "The registered ticket"),
        (status = 409, description = "`contract_ended`: the requester's contract has ended; `person_conflict`: the document and the address belong to different people, whose accounts are in `user_ids`"),
    )
)]
#[post("/tickets")]
pub async fn register(call: Call, body: Body<TicketCreate>) -> Result<HttpResponse> {
    let setting = Setting::of(&call);
    call.write(body, move |tx, actor, body| apply(tx, actor, &setting, body)).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    body: Body<TicketCreate>,
) -> Result<Answer> {
    let (request, account) = requested(tx, actor, setting, body, &mut Known::default())?;
    let row = request.register(tx, actor, account)?;
    created(tx, actor, row)
}

/// Why several registrations were not written.
pub struct Refused {
    /// The body that is refused, if it is one of them.
    pub index: Option<usize>,
    pub problem: Problem,
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Refused { index: None, problem: error.into() }
    }
}

/// The same for several bodies, in their order, with a few statements for all of them.
///
/// # Errors
/// Those of the first operation that is refused before anything is written, or of the first that cannot be written.
pub fn apply_all(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    bodies: impl Iterator<Item = Body<TicketCreate>>,
) -> std::result::Result<Vec<Answer>, Refused> {
    let mut known = Known::default();
    let mut plans = Vec::new();
    for (index, body) in bodies.enumerate() {
        let refused = |problem| Refused { index: Some(index), problem };
        let (request, account) = requested(tx, actor, setting, body, &mut known).map_err(refused)?;
        plans.push(request.plan(tx, actor, account, &mut known).map_err(refused)?);
    }
    let rows = registration::carry_out_all(tx, actor, plans)?;
    let versions: Vec<(i64, i32)> = rows.iter().map(|row| (row.id, row.version)).collect();
    let tickets = store::present(tx, actor, rows)?;
    let answers = tickets.iter().zip(versions).map(|(ticket, (id, version))| {
        let answer = Answer::created(path(id), ticket)?;
        Ok(answer.version(id, version))
    });
    Ok(answers.collect::<Result<_>>()?)
}

/// What a body asks for, and the account that it is for.
fn requested(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    body: Body<TicketCreate>,
    known: &mut Known,
) -> Result<(Request, Account)> {
    let config = &setting.desk.config;
    let mut chosen = None;
    let new = body.read_with(|value| {
        let (found, faults) = on_behalf::choose(tx, actor, config, value, known)?;
        // Before what the account lacks is told.
        if found.as_ref().is_some_and(|chosen| !chosen.is_within(actor)) {
            return Err(not_within("/requester_id"));
        }
        chosen = found;
        Ok(faults)
    })?;
    let chosen = chosen.ok_or_else(|| Problem::internal("a ticket without an account"))?;
    let requester = new.requester.unwrap_or_default().trimmed();
    let account = chosen.keep(tx, actor, &requester, known)?;
    let request = Request {
        subject: new.subject,
        description: new.description,
        category_id: new.category_id,
        channel: new.channel,
        requester,
        resubmission_of: None,
        within: AnswerTime { days: config.information_days },
        provisional: config.provisional_criticality,
        automatic: false,
        acknowledged: true,
        reply_to: None,
    };
    Ok((request, account))
}

/// The response for a new ticket.
pub fn created(tx: &mut PgConnection, actor: &Actor, row: TicketRow) -> Result<Answer> {
    let id = row.id;
    let answer = store::answer(tx, actor, row)?;
    Ok(Answer { status: actix_web::http::StatusCode::CREATED, location: Some(path(id)), ..answer })
}

fn path(id: i64) -> String {
    format!("/api/v1/tickets/{id}")
}
