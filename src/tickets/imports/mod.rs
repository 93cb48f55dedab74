//! Importing tickets of another system that have ended.

pub mod model;
mod requester;

use actix_web::{HttpResponse, post};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text as SqlText, Uuid as SqlUuid};
use uuid::Uuid;

use self::model::TicketImportCreate;
use self::requester::Requester;
use super::event_details::Details;
use super::model::{Channel, Ticket, TicketRow};
use super::permitted::LOWEST_LEVEL;
use super::register;
use super::steps::{Case, Setting, resubmit};
use super::store;
use super::workflow::TicketStatus;
use crate::audit;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::Statement;
use crate::db::schema::tickets;
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Import a ticket of another system
///
/// For the history of the system that the desk replaces: a ticket that has ended there is kept here with its dates, its state and
/// its solution. Nothing is mailed, no attention clock runs, no survey is offered, and no statistic, indicator or report counts it.
/// `import` says where it came from; `GET /tickets?imported=true` lists what was imported. A ticket that is still open is
/// registered with `POST /tickets` instead, and its attention time begins then.
///
/// `external_source` and `external_id` identify the ticket. If it was imported before (200 instead of 201), it becomes what this
/// body says: fields that are omitted are emptied, and an import without a difference changes nothing. Only the requester and
/// their data stay as they were at first: a document or an address of another account is refused, and other data are ignored.
///
/// Up to 1,000 imports are one request, as operations `import` of `POST /tickets/bulk`, whose body has up to 1 MiB.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ImportTickets))),
    tag = "tickets", operation_id = "importTicket", request_body = TicketImportCreate,
    responses(
        (status = 201, body = Ticket, description = "The imported ticket"),
        (status = 200, body = Ticket, description = "The ticket after the repeated import"),
        (status = 409, description = "`person_conflict`: the document and the address belong to different people, whose accounts are in `user_ids`; `anonymized`: the data of the requester were removed by law"),
    )
)]
#[post("/tickets/imports")]
pub async fn import(call: Call, body: Body<TicketImportCreate>) -> Result<HttpResponse> {
    let setting = Setting::of(&call);
    call.write(body, move |tx, actor, body| apply(tx, actor, &setting, body)).await
}

/// # Errors
/// Those of the operation.
pub fn apply(
    tx: &mut PgConnection,
    actor: &Actor,
    setting: &Setting,
    body: Body<TicketImportCreate>,
) -> Result<Answer> {
    let new = body.read()?.rounded();
    let faults = new.faults(actor.now);
    if !faults.is_empty() {
        return Err(Problem::fields(faults));
    }
    // As everywhere, tickets are locked before people.
    if let Some(known) = locked(tx, &new)? {
        return again(tx, actor, known, new);
    }
    let found = requester::find(tx, &setting.desk.config, &new)?;
    // Another import of the same ticket may have ended meanwhile.
    match locked(tx, &new)? {
        Some(known) => again(tx, actor, known, new),
        None => first(tx, actor, found, new),
    }
}

/// The ticket that was imported with these identifiers, locked until the end of the transaction.
fn locked(tx: &mut PgConnection, new: &TicketImportCreate) -> Result<Option<TicketRow>> {
    let known = tickets::table
        .filter(tickets::external_id.eq(&new.external_id))
        .filter(tickets::external_source.eq(&new.external_source))
        .filter(tickets::imported_at.is_not_null());
    Ok(known.select(TicketRow::as_select()).for_update().get_result(tx).optional()?)
}

fn first(
    tx: &mut PgConnection,
    actor: &Actor,
    found: Option<Uuid>,
    mut new: TicketImportCreate,
) -> Result<Answer> {
    actor.check_absent()?;
    let unit = check_references(tx, &new)?;
    let given = new.requester.take().unwrap_or_default();
    let requester = requester::keep(tx, actor, found, (given, unit))?;
    let row = insert(tx, actor, new, requester)?;
    let data = audit::Data { changes: vec![], details: details(&row).into_json()? };
    audit::record(tx, row.id, EventKind::Imported, Some(actor.id), actor.now, &data)?;
    register::created(tx, actor, row)
}

/// Imports a ticket that was imported before.
fn again(tx: &mut PgConnection, actor: &Actor, row: TicketRow, new: TicketImportCreate) -> Result<Answer> {
    actor.check_version(row.id, row.version)?;
    if requester::is_anonymized(tx, row.requester_id)? {
        return Err(requester::anonymized());
    }
    if requester::is_another(tx, &new, row.requester_id)? {
        let pointer = if new.requester.is_some() { "/requester" } else { "/requester_id" };
        let detail = Text::new(
            "El caso se importó para otra persona, que no se puede cambiar.",
            "The ticket was imported for another person, which cannot be changed.",
        );
        return Err(Problem::field(FieldError::new(pointer, FieldCode::NotAllowed, detail)));
    }
    if new.solution.is_some() && resubmit::resubmitted_as(tx, row.id)?.is_some() {
        let detail = Text::new(
            "La solicitud archivada se presentó nuevamente como otro caso.",
            "The archived request was resubmitted as another ticket.",
        );
        return Err(Problem::field(FieldError::new("/solution", FieldCode::NotAllowed, detail)));
    }
    check_references(tx, &new)?;
    let mut case = Case::open(tx, row, actor);
    let before = case.ticket.clone();
    fill(&mut case.ticket, new);
    if case.ticket == before {
        return store::answer(tx, actor, before);
    }
    case.details = details(&before);
    let row = case.record(EventKind::Imported)?;
    store::answer(tx, actor, row)
}

/// The fields of the ticket that an import sets each time.
fn fill(row: &mut TicketRow, new: TicketImportCreate) {
    row.status = if new.solution.is_some() { TicketStatus::Closed } else { TicketStatus::Archived };
    row.closed_at = new.closed_at();
    row.subject = new.subject;
    row.description = new.description;
    row.category_id = new.category_id;
    row.criticality = new.criticality;
    row.channel = new.channel.unwrap_or(Channel::Api);
    row.support_level = new.support_level.unwrap_or(LOWEST_LEVEL);
    row.assignee_id = new.assignee_id;
    row.received_at = new.received_at;
    row.attended_at = new.attended_at;
    row.solved_at = new.solution.as_ref().map(|solution| solution.solved_at);
    row.solved_by_id = new.solution.as_ref().and_then(|solution| solution.solved_by_id);
    row.solution = new.solution.map(|solution| solution.description);
    row.archived_at = new.archive.as_ref().map(|archive| archive.archived_at);
    row.archive_reason = new.archive.as_ref().map(|archive| archive.reason);
    row.archive_note = new.archive.and_then(|archive| archive.note);
}

fn insert(
    tx: &mut PgConnection,
    actor: &Actor,
    new: TicketImportCreate,
    requester: Requester,
) -> Result<TicketRow> {
    let closed_at = new.closed_at();
    let is_solved = new.solution.is_some();
    let (solution, solved_at, solved_by_id) = new.solution.map_or((None, None, None), |solution| {
        (Some(solution.description), Some(solution.solved_at), solution.solved_by_id)
    });
    let (archived_at, reason, note) = new.archive.map_or((None, None, None), |archive| {
        (Some(archive.archived_at), Some(archive.reason), archive.note)
    });
    let (unit_id, unit_name) = requester.unit.unzip();
    let values = (
        (
            tickets::external_source.eq(new.external_source),
            tickets::external_id.eq(new.external_id),
            tickets::imported_at.eq(actor.now),
            tickets::updated_at.eq(actor.now),
            tickets::registered_by_id.eq(actor.id),
            tickets::subject.eq(new.subject),
            tickets::description.eq(new.description),
            tickets::status.eq(if is_solved { TicketStatus::Closed } else { TicketStatus::Archived }),
            tickets::criticality.eq(new.criticality),
            tickets::channel.eq(new.channel.unwrap_or(Channel::Api)),
            tickets::support_level.eq(new.support_level.unwrap_or(LOWEST_LEVEL)),
            tickets::category_id.eq(new.category_id),
            tickets::assignee_id.eq(new.assignee_id),
        ),
        (
            tickets::received_at.eq(new.received_at),
            tickets::attended_at.eq(new.attended_at),
            tickets::solution.eq(solution),
            tickets::solved_at.eq(solved_at),
            tickets::solved_by_id.eq(solved_by_id),
            tickets::closed_at.eq(closed_at),
            tickets::archived_at.eq(archived_at),
            tickets::archive_reason.eq(reason),
            tickets::archive_note.eq(note),
        ),
        (
            tickets::requester_id.eq(requester.id),
            tickets::requester_full_name.eq(requester.full_name),
            tickets::requester_document_id.eq(requester.document_id),
            tickets::requester_email.eq(requester.email),
            tickets::requester_landline.eq(requester.contact.landline),
            tickets::requester_extension.eq(requester.contact.extension),
            tickets::requester_mobile.eq(requester.contact.mobile),
            tickets::requester_unit_id.eq(unit_id),
            tickets::requester_unit_name.eq(unit_name),
        ),
    );
    let inserted = diesel::insert_into(tickets::table).values(values);
    Ok(inserted.returning(TicketRow::as_returning()).get_result(tx)?)
}

/// What the event records of the origin.
fn details(row: &TicketRow) -> Details {
    Details {
        external_source: row.external_source.clone(),
        external_id: row.external_id.clone(),
        ..Details::default()
    }
}

/// Whether there is a category, a person or a unit with each identifier; returns the unit.
///
/// # Errors
/// A 422 that names every one that does not exist.
fn check_references(tx: &mut PgConnection, new: &TicketImportCreate) -> Result<Option<(Uuid, String)>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        category_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        assignee_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        solved_by_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlText>)]
        unit_name: Option<String>,
    }
    let solved_by_id = new.solution.as_ref().and_then(|solution| solution.solved_by_id);
    let unit_id = new.requester.as_ref().and_then(|requester| requester.unit_id);
    let found: Found = Statement::new("SELECT (SELECT id FROM categories WHERE id = ")
        .bind::<Nullable<SqlUuid>, _>(new.category_id)
        .sql(") AS category_id, (SELECT id FROM users WHERE account_kind = 'person' AND id = ")
        .bind::<Nullable<SqlUuid>, _>(new.assignee_id)
        .sql(") AS assignee_id, (SELECT id FROM users WHERE account_kind = 'person' AND id = ")
        .bind::<Nullable<SqlUuid>, _>(solved_by_id)
        .sql(") AS solved_by_id, (SELECT name FROM units WHERE id = ")
        .bind::<Nullable<SqlUuid>, _>(unit_id)
        .sql(") AS unit_name")
        .get_result(tx)?;
    let unit = unit_id.zip(found.unit_name);
    let unknown = [
        ("/category_id", new.category_id != found.category_id),
        ("/assignee_id", new.assignee_id != found.assignee_id),
        ("/solution/solved_by_id", solved_by_id != found.solved_by_id),
        ("/requester/unit_id", unit_id.is_some() && unit.is_none()),
    ];
    let unknown = unknown.into_iter().filter(|(_, is_unknown)| *is_unknown);
    let faults: Vec<FieldError> = unknown.map(|(pointer, _)| requester::unknown_id(pointer)).collect();
    if faults.is_empty() { Ok(unit) } else { Err(Problem::fields(faults)) }
}
