//! Registering a request: activities 1 and 2 of the procedure.

use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::categories::Profile;
use super::model::{ArchiveReason, Channel, Ticket, TicketRow};
use super::store;
use super::workflow::Status;
use crate::audit;
use crate::auth::policy::{Action, Scope};
use crate::db::schema::{categories, tickets, units, users};
use crate::http::{Answer, Body, Call};
use crate::outbox;
use crate::people::users::Contact;
use crate::problem::{FieldError, Problem, Result};

/// A request for support. What `requester` leaves out comes from the requester's account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTicket {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "La impresora del despacho no imprime"
    )]
    subject: String,
    #[schema(
        min_length = 1,
        max_length = 20000,
        pattern = r"\S",
        example = "Desde esta mañana muestra atasco y no hay papel dentro."
    )]
    description: String,
    /// What it is about. A category may ask for a profile: `unit_head` is for heads of units alone.
    category_id: Option<Uuid>,
    /// How the request came in; `api` where it is left out.
    channel: Option<Channel>,
    /// On whose behalf staff register it; one's own where it is left out.
    #[expect(
        dead_code,
        reason = "looked at while the body is read, to find the account that fills the gaps"
    )]
    requester_id: Option<Uuid>,
    requester: Option<RequesterData>,
}

/// The requester's data for this ticket, where they differ from those of the account.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequesterData {
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Rosa Pérez Gómez")]
    full_name: Option<String>,
    #[schema(min_length = 1, max_length = 30, pattern = r"\S", example = "43111220")]
    document_id: Option<String>,
    contact: Option<Contact>,
    unit_id: Option<Uuid>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Account {
    id: Uuid,
    full_name: String,
    email: String,
    document_id: Option<String>,
    #[diesel(embed)]
    contact: Contact,
    unit_id: Option<Uuid>,
}

impl Account {
    /// The minimum data that neither the call nor the account give.
    fn gaps(&self, given: &Value) -> Vec<FieldError> {
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

/// Register a ticket
///
/// Answers the ticket with its number. The minimum data are subject, description and the requester's full name,
/// identity document, one way of contact and unit: what is missing after the account has filled in its part is one
/// 422 that names every field. Where the category asks for a head of unit and the requester is none, the ticket is
/// registered and archived as `profile_not_authorized`, and the requester is told.
#[utoipa::path(
    tag = "tickets", operation_id = "registerTicket", request_body = NewTicket,
    responses((status = 201, body = Ticket))
)]
#[post("/tickets")]
pub async fn register(call: Call, body: Body<NewTicket>) -> Result<HttpResponse> {
    call.write(Action::RegisterTicket, body, |tx, actor, body| {
        let mut account = None;
        let new = body.read_with(|value| {
            let id = value["requester_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(actor.id);
            if actor.scope == Scope::Own && id != actor.id {
                return Err(Problem::forbidden());
            }
            account = users::table
                .find(id)
                .filter(users::active)
                .select(Account::as_select())
                .first(tx)
                .optional()?;
            Ok(match &account {
                Some(account) => account.gaps(&value["requester"]),
                None => vec![FieldError::unknown_id("/requester_id")],
            })
        })?;
        let account = account.ok_or_else(|| Problem::internal("a ticket without an account"))?;
        let given = new.requester.unwrap_or_default();
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
        let (unit_id, unit_name, head_id): (Uuid, String, Option<Uuid>) =
            unit.ok_or_else(|| Problem::field(FieldError::unknown_id("/requester/unit_id")))?;
        let profile = match new.category_id {
            Some(id) => {
                let found = categories::table.find(id).filter(categories::active);
                let profile: Option<Profile> =
                    found.select(categories::required_profile).first(tx).optional()?;
                profile.ok_or_else(|| Problem::field(FieldError::unknown_id("/category_id")))?
            }
            None => Profile::Any,
        };
        let authorized = profile == Profile::Any || head_id == Some(account.id);
        let archived_at = (!authorized).then_some(actor.now);

        let row: TicketRow = diesel::insert_into(tickets::table)
            .values((
                (
                    tickets::subject.eq(new.subject),
                    tickets::description.eq(new.description),
                    tickets::status.eq(if authorized { Status::Received } else { Status::Archived }),
                    tickets::channel.eq(new.channel.unwrap_or(Channel::Api)),
                    tickets::category_id.eq(new.category_id),
                    tickets::received_at.eq(actor.now),
                    tickets::updated_at.eq(actor.now),
                    tickets::registered_by_id.eq(actor.id),
                    tickets::archived_at.eq(archived_at),
                    tickets::archive_reason.eq(archived_at.map(|_| ArchiveReason::ProfileNotAuthorized)),
                ),
                (
                    tickets::requester_id.eq(account.id),
                    tickets::requester_full_name.eq(given.full_name.unwrap_or(account.full_name)),
                    tickets::requester_document_id
                        .eq(given.document_id.or(account.document_id).unwrap_or_default()),
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
        let record = |tx: &mut PgConnection, kind, details| {
            audit::record(
                tx,
                row.id,
                kind,
                Some(actor.id),
                actor.now,
                &audit::Data { changes: vec![], details },
            )?;
            outbox::queue(tx, row.id, kind, row.requester_id, json!({}), actor.now)
        };
        record(tx, "received", json!({"channel": row.channel}))?;
        if !authorized {
            record(tx, "archived", json!({"reason": row.archive_reason}))?;
        }
        let id = row.id;
        let answer = store::answer(tx, row)?;
        Ok(Answer {
            status: actix_web::http::StatusCode::CREATED,
            location: Some(format!("/api/v1/tickets/{id}")),
            ..answer
        })
    })
    .await
}
