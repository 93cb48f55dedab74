//! Registering a request: activities 1 and 2 of the procedure.

use actix_web::{HttpResponse, post};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attention::running;
use super::categories::RequiredProfile;
use super::event_details::Details;
use super::minimum_data::{self, AnswerTime};
use super::model::{ArchiveReason, CallCause, Channel, Criticality, Ticket, TicketRow};
use super::reception::{Choices, Terms};
use super::steps::Case;
use super::steps::Setting;
use super::workflow::TicketStatus;
use super::{archiving, on_behalf, store};
use crate::audit;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::Statement;
use crate::db::schema::{tickets, users};
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::outbox::{self, MessageKind};
use crate::people::callers::{self, PersonData};
use crate::people::user::{Contact, is_named};
use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

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

/// The requester's data for this ticket, if they differ from those of the account. A field that is omitted is taken
/// from the account. The account itself does not change, but what it lacks and staff give on behalf of its owner is
/// added to it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequesterData {
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    pub full_name: Option<String>,
    /// The number of the identity document. Required if the account has none.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    pub document_id: Option<String>,
    /// The telephone numbers; at least one of them. They replace those of the account as a whole. Required if the
    /// account has none.
    pub contact: Option<Contact>,
    /// The address by which staff find the person for whom they register a ticket, without `requester_id`; of a new
    /// person the address for mail. Optional: a person without an address gets no mail. Not for requesters, nor with
    /// an account that is already known.
    #[schema(format = "email", min_length = 3, max_length = 254, example = "ana.restrepo@example.gov.co")]
    pub email: Option<String>,
    /// Identifier of an active unit. Required if the account has no unit.
    pub unit_id: Option<Uuid>,
}

/// The data of the requester's account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Account {
    id: Uuid,
    full_name: String,
    email: String,
    document_id: Option<String>,
    #[diesel(embed)]
    contact: Contact,
    unit_id: Option<Uuid>,
    contract_ends_on: Option<NaiveDate>,
}

impl Account {
    /// The account to be created for a person who has none.
    pub fn unknown(full_name: &str, email: Option<&str>) -> Self {
        let id = Uuid::now_v7();
        Account {
            id,
            full_name: full_name.trim().to_owned(),
            email: callers::address(id, email),
            document_id: None,
            contact: Contact::default(),
            unit_id: None,
            contract_ends_on: None,
        }
    }

    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn unit_id(&self) -> Option<Uuid> {
        self.unit_id
    }

    /// The last day of the contract, if it is over in the entity's time zone.
    pub fn ended_contract(&self, actor: &Actor) -> Option<NaiveDate> {
        let today = actor.now.with_timezone(&actor.timezone).date_naive();
        self.contract_ends_on.filter(|last_day| *last_day < today)
    }

    /// The account of an active user; it stays active until the end of the transaction.
    pub fn active(tx: &mut PgConnection, id: Uuid) -> Result<Option<Self>> {
        let found = users::table.find(id).filter(users::active).select(Account::as_select());
        Ok(found.for_key_share().get_result(tx).optional()?)
    }

    /// Fills missing data with those of an earlier ticket.
    pub fn or_as_in(mut self, ticket: &TicketRow) -> Self {
        if !is_named(&self.full_name) {
            self.full_name.clone_from(&ticket.requester_full_name);
        }
        self.document_id = self.document_id.or_else(|| ticket.requester_document_id.clone());
        self.unit_id = self.unit_id.or(ticket.requester_unit_id);
        if self.contact.is_empty() {
            self.contact = Contact {
                landline: ticket.requester_landline.clone(),
                extension: ticket.requester_extension.clone(),
                mobile: ticket.requester_mobile.clone(),
            };
        }
        self
    }

    /// Fills missing data with others of the same person.
    pub fn or(mut self, data: PersonData) -> Self {
        if let Some(name) = data.full_name.filter(|_| !is_named(&self.full_name)) {
            self.full_name = name;
        }
        self.document_id = self.document_id.or(data.document_id);
        self.unit_id = self.unit_id.or(data.unit.map(|(id, _)| id));
        if self.contact.is_empty() {
            self.contact = data.contact;
        }
        self
    }

    /// The minimum data that are missing from both the call and the account.
    pub fn gaps(&self, given: &Value) -> Vec<FieldError> {
        let mut gaps = Vec::new();
        let mut need = |there: bool, name: &str| {
            if !there && given[name].is_null() {
                gaps.push(FieldError::required(format!("/requester/{name}")));
            }
        };
        need(is_named(&self.full_name), "full_name");
        need(self.document_id.is_some(), "document_id");
        need(self.unit_id.is_some(), "unit_id");
        need(!self.contact.is_empty(), "contact");
        if given["full_name"].as_str().is_some_and(|name| !is_named(name)) {
            gaps.push(FieldError::required("/requester/full_name"));
        }
        if given["contact"].as_object().is_some_and(|contact| contact.values().all(Value::is_null)) {
            gaps.push(FieldError::required("/requester/contact"));
        }
        gaps
    }
}

/// The data of a request to register.
pub struct Request {
    pub subject: String,
    pub description: String,
    pub category_id: Option<Uuid>,
    /// `api` if `None`.
    pub channel: Option<Channel>,
    /// The data that differ from the account.
    pub requester: RequesterData,
    /// The archived ticket that it resubmits.
    pub resubmission_of: Option<i64>,
    /// How long the requester may take to complete a request that came by mail.
    pub within: AnswerTime,
    /// The criticality whose attention time counts until the classification.
    pub provisional: Criticality,
    /// A program sent it by mail.
    pub automatic: bool,
    /// Whether a message confirms the reception to the requester. If minimum data are missing, they are asked for in
    /// any case.
    pub acknowledged: bool,
    /// Where mail to the requester about this ticket goes instead of the address of the account.
    pub reply_to: Option<String>,
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
    let config = &setting.desk.config;
    let within = AnswerTime { days: config.information_days };
    let provisional = config.provisional_criticality;
    let mut chosen = None;
    let new = body.read_with(|value| {
        let (found, faults) = on_behalf::choose(tx, actor, config, value)?;
        // Before what the account lacks is told.
        if found.as_ref().is_some_and(|chosen| !chosen.is_within(actor)) {
            return Err(not_within("/requester_id"));
        }
        chosen = found;
        Ok(faults)
    })?;
    let chosen = chosen.ok_or_else(|| Problem::internal("a ticket without an account"))?;
    let requester = new.requester.unwrap_or_default().trimmed();
    let account = chosen.keep(tx, actor, &requester)?;
    let request = Request {
        subject: new.subject,
        description: new.description,
        category_id: new.category_id,
        channel: new.channel,
        requester,
        resubmission_of: None,
        within,
        provisional,
        automatic: false,
        acknowledged: true,
        reply_to: None,
    };
    let row = request.register(tx, actor, account)?;
    created(tx, actor, row)
}

impl Request {
    /// Registers the ticket and queues a message to the requester. If minimum data are missing (see `Account::gaps`), it
    /// waits for them; if the requester does not have the profile that the category requires, it is archived.
    ///
    /// # Errors
    /// A 422 if the unit or the category cannot be used; a 409 if the requester's contract has ended.
    pub fn register(self, tx: &mut PgConnection, actor: &Actor, account: Account) -> Result<TicketRow> {
        if let Some(last_day) = account.ended_contract(actor) {
            return Err(contract_ended(last_day));
        }
        let given = self.requester;
        let contact = given.contact.unwrap_or(account.contact);
        let choices = Choices {
            received_at: actor.now,
            provisional: self.provisional,
            unit_id: given.unit_id.or(account.unit_id),
            may_be_inactive: given.unit_id.is_none(),
            category_id: self.category_id,
        };
        let Terms { policy, unit, profile } = choices.terms(tx)?;
        if unit.is_none() && given.unit_id.is_some() {
            return Err(Problem::field(FieldError::unknown_id("/requester/unit_id")));
        }
        let profile = match (self.category_id, profile) {
            (None, _) => RequiredProfile::Any,
            (Some(_), Some(profile)) => profile,
            (Some(_), None) => return Err(Problem::field(FieldError::unknown_id("/category_id"))),
        };
        let (unit_id, unit_name, head_id) =
            unit.map_or((None, None, None), |unit| (Some(unit.id), Some(unit.name), unit.head_id));
        let document_id = given.document_id.or(account.document_id);
        let full_name = given.full_name.unwrap_or(account.full_name);
        let is_complete = self.automatic
            || is_named(&full_name) && document_id.is_some() && !contact.is_empty() && unit_id.is_some();
        let is_authorized = profile == RequiredProfile::Any || head_id == Some(account.id);
        let due = match is_complete && is_authorized {
            true => running::provisional_due(tx, &policy, actor.now, &[], actor.timezone)?,
            false => None,
        };
        let mut row: TicketRow = diesel::insert_into(tickets::table)
            .values((
                (
                    tickets::subject.eq(self.subject),
                    tickets::description.eq(self.description),
                    tickets::status.eq(if is_complete {
                        TicketStatus::Received
                    } else {
                        TicketStatus::OnHold
                    }),
                    tickets::resumes_to.eq((!is_complete).then_some(TicketStatus::Received)),
                    tickets::information_deadline.eq((!is_complete).then_some(actor.now)),
                    tickets::channel.eq(self.channel.unwrap_or(Channel::Api)),
                    tickets::category_id.eq(self.category_id),
                    tickets::received_at.eq(actor.now),
                    tickets::updated_at.eq(actor.now),
                    tickets::registered_by_id.eq(actor.id),
                    tickets::resubmission_of.eq(self.resubmission_of),
                    tickets::staff_called_at.eq(Some(actor.now)),
                    tickets::staff_call_cause.eq(Some(CallCause::Received)),
                    tickets::automatic.eq(self.automatic),
                    tickets::reply_to.eq(self.reply_to),
                ),
                (
                    tickets::attention_due_at.eq(due.map(|due| due.due_at)),
                    tickets::attention_due_soon_at.eq(due.map(|due| due.due_soon_at)),
                    tickets::first_attention_due_at.eq(due.map(|due| due.first_due_at)),
                ),
                (
                    tickets::requester_id.eq(account.id),
                    tickets::requester_full_name.eq(full_name),
                    tickets::requester_document_id.eq(document_id),
                    tickets::requester_email.eq(account.email),
                    tickets::requester_landline.eq(contact.landline),
                    tickets::requester_extension.eq(contact.extension),
                    tickets::requester_mobile.eq(contact.mobile),
                    tickets::requester_unit_id.eq(unit_id),
                    tickets::requester_unit_name.eq(unit_name),
                    tickets::reception_head_id.eq(head_id),
                ),
            ))
            .returning(TicketRow::as_returning())
            .get_result(tx)?;
        check_limit(actor, &row)?;
        let mut details = Details {
            channel: Some(row.channel),
            resubmission_of: self.resubmission_of,
            ..Details::default()
        };
        if let Some(origin) = &actor.mail {
            details.set_mail(origin);
        }
        let data = audit::Data { changes: vec![], details: details.into_json()? };
        let received = audit::recording(row.id, EventKind::Received, Some(actor.id), actor.now, &data);
        let clock = due.map(|due| running::first_clock(&row, &policy, due));
        let (recipients, nothing) = ([row.requester_id], json!({}));
        let acknowledged = self.acknowledged && (is_complete || !is_authorized);
        let message = acknowledged
            .then(|| outbox::queueing(row.id, MessageKind::Received, &recipients, &nothing, actor.now));
        Statement::together(clock.into_iter().chain(message), received).execute(tx)?;
        if !is_complete {
            // The database accepts the incomplete row only while it waits; the history starts from the state before.
            (row.status, row.resumes_to, row.information_deadline) = (TicketStatus::Received, None, None);
        }
        if !is_complete && is_authorized {
            let missing = minimum_data::missing(&row);
            running::begin(tx, &mut row, self.provisional, actor.timezone)?;
            let mut case = Case::automatic(tx, row, actor.timezone, actor.now);
            case.note_mail(actor);
            minimum_data::wait_for(&mut case, &missing, self.within)?;
            return case.record(EventKind::InformationRequested);
        }
        if is_authorized {
            return Ok(row);
        }
        let mut case = Case::open(tx, row, actor);
        case.note_mail(actor);
        archiving::set_aside(&mut case, ArchiveReason::ProfileNotAuthorized, None, None)?;
        case.record(EventKind::Archived)
    }
}

fn contract_ended(last_day: NaiveDate) -> Problem {
    let mut problem = Problem::new(
        Code::ContractEnded,
        Text::made(
            format!(
                "El contrato del solicitante terminó el {}: no puede registrar solicitudes. Si continúa vinculado, la \
                 Mesa de Servicios actualiza la fecha.",
                Locale::Es.day(last_day)
            ),
            format!(
                "The requester's contract ended on {}: they cannot register requests. If the contract was renewed, the \
                 service desk updates the date.",
                Locale::En.day(last_day)
            ),
        ),
    );
    problem.members.insert("contract_ends_on".to_owned(), json!(last_day));
    problem
}

/// The response for a new ticket.
pub fn created(tx: &mut PgConnection, actor: &Actor, row: TicketRow) -> Result<Answer> {
    let id = row.id;
    let answer = store::answer(tx, actor, row)?;
    Ok(Answer {
        status: actix_web::http::StatusCode::CREATED,
        location: Some(format!("/api/v1/tickets/{id}")),
        ..answer
    })
}

/// # Errors
/// A 422 if a service account may not use this ticket.
pub fn check_limit(actor: &Actor, row: &TicketRow) -> Result<()> {
    let pointer = match actor.limit.includes(row.requester_unit_id, row.category_id) {
        true => return Ok(()),
        false if actor.limit.has_unit(row.requester_unit_id) => "/category_id",
        false => "/requester/unit_id",
    };
    Err(not_within(pointer))
}

fn not_within(pointer: &str) -> Problem {
    let detail = Text::new(
        "La cuenta de servicio no puede usar casos de esta dependencia o categoría.",
        "The service account may not use tickets of this unit or category.",
    );
    Problem::field(FieldError::new(pointer, FieldCode::NotAllowed, detail))
}
