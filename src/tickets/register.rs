//! Registering a request: activities 1 and 2 of the procedure.

use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attention::running;
use super::categories::RequiredProfile;
use super::event_details::Details;
use super::model::{ArchiveReason, CallCause, Channel, Criticality, Ticket, TicketRow};
use super::steps::Case;
use super::workflow::TicketStatus;
use super::{archiving, store};
use crate::audit;
use crate::audit::kind::EventKind;
use crate::auth::policy::{Action, PermissionScope};
use crate::db::schema::{categories, tickets, units, users};
use crate::http::{Actor, Answer, Body, Call};
use crate::language::locale::Locale;
use crate::outbox::{self, MessageKind};
use crate::people;
use crate::people::user::Contact;
use crate::problem::{FieldError, Problem, Result, Text};

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
    /// The channel by which the request was made; `api` if omitted.
    channel: Option<Channel>,
    /// Identifier of the requester on whose behalf staff register the ticket: an active user. The caller if omitted.
    #[expect(
        dead_code,
        reason = "used while the body is read, to find the account that supplies missing data"
    )]
    requester_id: Option<Uuid>,
    /// The requester's data for this ticket, if they differ from those of the account.
    requester: Option<RequesterData>,
}

/// The requester's data for this ticket, if they differ from those of the account. A field that is omitted is taken
/// from the account. The account itself does not change.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequesterData {
    /// The full name.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    full_name: Option<String>,
    /// The number of the identity document. Required if the account has none.
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    document_id: Option<String>,
    /// The telephone numbers; at least one of them. They replace those of the account as a whole. Required if the
    /// account has none.
    contact: Option<Contact>,
    /// Identifier of an active unit. Required if the account has no unit.
    unit_id: Option<Uuid>,
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
}

impl Account {
    /// The account of an active user; it stays active until the end of the transaction.
    pub fn active(tx: &mut PgConnection, id: Uuid) -> Result<Option<Self>> {
        let found = users::table.find(id).filter(users::active).select(Account::as_select());
        Ok(found.for_key_share().first(tx).optional()?)
    }

    /// Fills missing data with those of an earlier ticket.
    pub fn or_as_in(mut self, ticket: &TicketRow) -> Self {
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

    /// The minimum data that are missing from both the call and the account.
    pub fn gaps(&self, given: &Value) -> Vec<FieldError> {
        let mut gaps = Vec::new();
        let mut need = |there: bool, name: &str| {
            if !there && given[name].is_null() {
                gaps.push(FieldError::required(format!("/requester/{name}")));
            }
        };
        need(self.document_id.is_some(), "document_id");
        need(self.unit_id.is_some(), "unit_id");
        need(!self.contact.is_empty(), "contact");
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
    /// The criticality whose attention time counts until the classification.
    pub provisional: Criticality,
}

/// Register a ticket
///
/// Returns the ticket with its number. The minimum data are the subject, the description and the requester's full name,
/// identity document, one means of contact and unit. If data are missing from both the body and the requester's
/// account, the response is one 422 that names every field.
///
/// If the category requires a head of unit and the requester is not the head of the unit of the request, the ticket is
/// registered and archived as `profile_not_authorized`, and the requester is notified: the response is a 201 with the
/// archived ticket.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::RegisterTicket))),
    tag = "tickets", operation_id = "createTicket", request_body = TicketCreate,
    responses((status = 201, body = Ticket, description = "The registered ticket"))
)]
#[post("/tickets")]
pub async fn register(call: Call, body: Body<TicketCreate>) -> Result<HttpResponse> {
    let provisional = call.desk.config.provisional_criticality;
    call.write(body, move |tx, actor, body| {
        let mut account = None;
        let new = body.read_with(|value| {
            let id = value["requester_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(actor.id);
            if actor.scope == PermissionScope::Own && id != actor.id {
                return Err(Problem::forbidden());
            }
            account = Account::active(tx, id)?;
            Ok(match &account {
                Some(account) => account.gaps(&value["requester"]),
                None => vec![FieldError::unknown_id("/requester_id")],
            })
        })?;
        let account = account.ok_or_else(|| Problem::internal("a ticket without an account"))?;
        let request = Request {
            subject: new.subject,
            description: new.description,
            category_id: new.category_id,
            channel: new.channel,
            requester: new.requester.unwrap_or_default(),
            resubmission_of: None,
            provisional,
        };
        let row = request.register(tx, actor, account)?;
        created(tx, actor, row)
    })
    .await
}

impl Request {
    /// Registers the ticket and queues a message to the requester; archives it immediately if minimum data are
    /// missing (see `Account::gaps`) or if the requester does not have the profile that the category requires.
    ///
    /// # Errors
    /// A 422 if the unit or the category cannot be used.
    pub fn register(self, tx: &mut PgConnection, actor: &Actor, account: Account) -> Result<TicketRow> {
        let given = self.requester;
        let contact = given.contact.unwrap_or(account.contact);
        let unit = match given.unit_id.or(account.unit_id) {
            Some(id) => {
                let mut known = units::table.find(id).into_boxed();
                if given.unit_id.is_some() {
                    known = known.filter(units::active);
                }
                known.select((units::id, units::name, units::head_id)).first(tx).optional()?
            }
            None => None,
        };
        if unit.is_none() && given.unit_id.is_some() {
            return Err(Problem::field(FieldError::unknown_id("/requester/unit_id")));
        }
        let (unit_id, unit_name, head_id): (Option<Uuid>, Option<String>, Option<Uuid>) =
            unit.map_or((None, None, None), |(id, name, head)| (Some(id), Some(name), head));
        let document_id = given.document_id.or(account.document_id);
        let missing = missing(document_id.is_some(), !contact.is_empty(), unit_id.is_some());
        let archived = (!missing.is_empty()).then_some((actor.now, ArchiveReason::MissingInformation));
        let profile = match self.category_id {
            Some(id) => {
                let found = categories::table.find(id).filter(categories::active);
                let profile: Option<RequiredProfile> =
                    found.select(categories::required_profile).first(tx).optional()?;
                profile.ok_or_else(|| Problem::field(FieldError::unknown_id("/category_id")))?
            }
            None => RequiredProfile::Any,
        };

        let mut row: TicketRow = diesel::insert_into(tickets::table)
            .values((
                (
                    tickets::subject.eq(self.subject),
                    tickets::description.eq(self.description),
                    tickets::status.eq(if archived.is_some() {
                        TicketStatus::Archived
                    } else {
                        TicketStatus::Received
                    }),
                    tickets::archived_at.eq(archived.map(|(at, _)| at)),
                    tickets::archive_reason.eq(archived.map(|(_, reason)| reason)),
                    tickets::channel.eq(self.channel.unwrap_or(Channel::Api)),
                    tickets::category_id.eq(self.category_id),
                    tickets::received_at.eq(actor.now),
                    tickets::updated_at.eq(actor.now),
                    tickets::registered_by_id.eq(actor.id),
                    tickets::resubmission_of.eq(self.resubmission_of),
                    tickets::staff_called_at.eq(archived.is_none().then_some(actor.now)),
                    tickets::staff_call_cause.eq(archived.is_none().then_some(CallCause::Received)),
                ),
                (
                    tickets::requester_id.eq(account.id),
                    tickets::requester_full_name.eq(given.full_name.unwrap_or(account.full_name)),
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
        let mut details = Details {
            channel: Some(row.channel),
            resubmission_of: self.resubmission_of,
            ..Details::default()
        };
        if let Some(origin) = &actor.mail {
            details.set_mail(origin);
        }
        let data = audit::Data { changes: vec![], details: details.into_json()? };
        audit::record(tx, row.id, EventKind::Received, Some(actor.id), actor.now, &data)?;
        outbox::queue(tx, row.id, MessageKind::Received, &[row.requester_id], &json!({}), actor.now)?;
        let (reason, note) = if archived.is_some() {
            // The database accepts the incomplete row only as archived; the history starts from the state before.
            (row.status, row.archived_at, row.archive_reason) = (TicketStatus::Received, None, None);
            let locale = people::users::locale(tx, account.id)?;
            (ArchiveReason::MissingInformation, Some(missing_text(&missing, locale)))
        } else if profile == RequiredProfile::Any || head_id == Some(account.id) {
            running::begin(tx, &mut row, self.provisional, actor.timezone)?;
            return Ok(row);
        } else {
            (ArchiveReason::ProfileNotAuthorized, None)
        };
        let mut case = Case::open(tx, row, actor);
        case.note_mail(actor);
        archiving::set_aside(&mut case, reason, note, None)?;
        case.record(EventKind::Archived)
    }
}

/// The missing minimum data, as texts for the requester.
fn missing(document_id: bool, contact: bool, unit: bool) -> Vec<Text> {
    let all = [
        (document_id, Text::new("número del documento de identidad", "number of the identity document")),
        (contact, Text::new("teléfono, extensión o celular", "landline, extension or mobile")),
        (unit, Text::new("unidad administrativa", "administrative unit")),
    ];
    all.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect()
}

fn missing_text(missing: &[Text], locale: Locale) -> String {
    let all: Vec<&str> = missing.iter().map(|what| what.in_locale(locale)).collect();
    let begin = Text::new("Faltan", "Missing");
    format!("{}: {}.", begin.in_locale(locale), all.join("; "))
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
