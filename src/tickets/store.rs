//! The queries on tickets that several modules share.

use std::collections::HashMap;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use super::clock::Span;
use super::holds::{self as on_hold, HoldKind};
use super::model::{Requester, Solution, ThirdPartyWork, Ticket, TicketHold, TicketRow};
use super::names::{ASSIGNEE, Names, REGISTERED_BY, SOLVED_BY};
use super::others::Shown;
use super::{archiving, information, permitted};
use crate::auth::no_address;
use crate::auth::policy::PermissionScope;
use crate::db::schema::{categories, holds, tickets, users};
use crate::db::{Statement, among};
use crate::http::{Actor, Answer};
use crate::people::user::Contact;
use crate::people::{Named, Person};
use crate::problem::{Problem, Result};

/// The ticket with this number, if the caller may see it.
///
/// # Errors
/// A 404 otherwise: another requester's ticket does not exist for a requester.
pub fn visible(db: &mut PgConnection, actor: &Actor, id: i64) -> Result<TicketRow> {
    own(actor, tickets::table.find(id).select(TicketRow::as_select()).get_result(db)?)
}

/// The ticket with this number as the API represents it to this person, and its version; names included, in one statement
/// unless it is on hold or archived.
///
/// # Errors
/// As `visible`.
pub fn read(db: &mut PgConnection, actor: &Actor, id: i64) -> Result<(Ticket, i32)> {
    let TicketWithNames { ticket, registered_by, assignee, solved_by, category } = with_names(db, id)?;
    let row = own(actor, ticket)?;
    let version = row.version;
    let names = Names::of([registered_by, assignee, solved_by].into_iter().flatten(), category);
    let ticket = named(db, actor, vec![row], names)?.pop().ok_or_else(Problem::not_found)?;
    Ok((ticket, version))
}

/// A ticket and the names that it refers to.
struct TicketWithNames {
    ticket: TicketRow,
    registered_by: Option<Person>,
    assignee: Option<Person>,
    solved_by: Option<Person>,
    category: Option<(Uuid, String)>,
}

/// Reads them in one statement. Diesel would write the text of its sixty columns again for each reader.
fn with_names(db: &mut PgConnection, id: i64) -> Result<TicketWithNames> {
    static TEXT: OnceLock<String> = OnceLock::new();
    let columns = (users::id, users::full_name, users::role, users::account_kind);
    let query = tickets::table
        .left_join(REGISTERED_BY.on(REGISTERED_BY.field(users::id).eq(tickets::registered_by_id)))
        .left_join(ASSIGNEE.on(ASSIGNEE.field(users::id).nullable().eq(tickets::assignee_id)))
        .left_join(SOLVED_BY.on(SOLVED_BY.field(users::id).nullable().eq(tickets::solved_by_id)))
        .left_join(categories::table.on(categories::id.nullable().eq(tickets::category_id)))
        .select((
            TicketRow::as_select(),
            REGISTERED_BY.fields(columns).nullable(),
            ASSIGNEE.fields(columns).nullable(),
            SOLVED_BY.fields(columns).nullable(),
            (categories::id, categories::name).nullable(),
        ));
    let (ticket, registered_by, assignee, solved_by, category) = Statement::of_query(&TEXT, &query)?
        .sql(" WHERE tickets.id = ")
        .bind::<BigInt, _>(id)
        .get_result(db)?;
    Ok(TicketWithNames { ticket, registered_by, assignee, solved_by, category })
}

/// The row of the ticket, locked until the end of the transaction.
///
/// # Errors
/// As `visible`.
pub fn lock(tx: &mut PgConnection, actor: &Actor, id: i64) -> Result<TicketRow> {
    own(actor, tickets::table.find(id).select(TicketRow::as_select()).for_update().get_result(tx)?)
}

/// Two tickets, locked until the end of the transaction in the order of their numbers, to avoid deadlocks.
///
/// # Errors
/// A 404 if one does not exist.
pub fn lock_both(tx: &mut PgConnection, first: i64, second: i64) -> Result<(TicketRow, TicketRow)> {
    let rows: Vec<TicketRow> = tickets::table
        .filter(tickets::id.eq_any([first, second]))
        .order(tickets::id)
        .select(TicketRow::as_select())
        .for_update()
        .load(tx)?;
    match <[TicketRow; 2]>::try_from(rows) {
        Ok([low, high]) if low.id == first => Ok((low, high)),
        Ok([low, high]) => Ok((high, low)),
        Err(_) => Err(Problem::not_found()),
    }
}

/// The row, if the caller may see it now that it is locked.
///
/// # Errors
/// A 404 otherwise.
#[track_caller]
pub fn own(actor: &Actor, row: TicketRow) -> Result<TicketRow> {
    let theirs = row.requester_id == actor.id;
    let is_within = actor.limit.includes(row.requester_unit_id, row.category_id);
    if (actor.scope == PermissionScope::Own || !actor.is_staff()) && !theirs || !is_within {
        Err(Problem::not_found())
    } else {
        Ok(row)
    }
}

/// The periods in which the attention clock of each of these tickets was paused because its requester owed
/// information; a pause that has not ended ends at `now`. Tickets without pauses are omitted.
pub fn pauses(db: &mut PgConnection, tickets: &[i64], now: DateTime<Utc>) -> Result<HashMap<i64, Vec<Span>>> {
    let waits: Vec<(i64, DateTime<Utc>, Option<DateTime<Utc>>)> = holds::table
        .filter(among(holds::ticket_id, tickets.iter().copied()))
        .filter(holds::kind.eq(HoldKind::Information))
        .select((holds::ticket_id, holds::started_at, holds::ended_at))
        .load(db)?;
    let mut pauses: HashMap<i64, Vec<Span>> = HashMap::new();
    for (ticket, from, ended_at) in waits {
        pauses.entry(ticket).or_default().push(Span { from, to: ended_at.unwrap_or(now) });
    }
    Ok(pauses)
}

/// The same for one ticket.
pub fn pauses_of(db: &mut PgConnection, ticket: i64, now: DateTime<Utc>) -> Result<Vec<Span>> {
    Ok(pauses(db, &[ticket], now)?.remove(&ticket).unwrap_or_default())
}

/// The tickets as the API represents them to this person, with the names of people and categories.
pub fn present(db: &mut PgConnection, actor: &Actor, rows: Vec<TicketRow>) -> Result<Vec<Ticket>> {
    let people = rows.iter().flat_map(|row| [Some(row.registered_by_id), row.assignee_id, row.solved_by_id]);
    let names =
        Names::load(db, actor.person(), people.flatten(), rows.iter().filter_map(|row| row.category_id))?;
    named(db, actor, rows, names)
}

/// The same, where the names of the rows are known.
fn named(
    db: &mut PgConnection,
    actor: &Actor,
    rows: Vec<TicketRow>,
    mut names: Names,
) -> Result<Vec<Ticket>> {
    let mut held = on_hold::running(db, &rows)?;
    names.add_people(db, held.values().map(|hold| hold.started_by))?;
    let mut requests = information::requested(db, &rows)?;
    let mut archives = archiving::archives(db, &rows)?;
    let others = archives.values().filter_map(|archive| archive.resubmitted_as);
    let shown = Shown::of(db, actor, others.chain(rows.iter().filter_map(|row| row.resubmission_of)))?;
    for archive in archives.values_mut() {
        archive.resubmitted_as = archive.resubmitted_as.filter(|id| shown.has(*id));
    }
    let tickets = rows.into_iter().map(|row| Ticket {
        allowed_steps: permitted::steps(actor, &row),
        import: row.import(),
        id: row.id,
        subject: row.subject,
        description: row.description,
        status: row.status,
        criticality: row.criticality,
        channel: row.channel,
        automatic: row.automatic,
        support_level: row.support_level,
        category: names.category(row.category_id),
        requester: Requester {
            id: row.requester_id,
            full_name: row.requester_full_name,
            document_id: row.requester_document_id,
            has_email: no_address::is_deliverable(&row.requester_email),
            email: row.requester_email,
            contact: Contact {
                landline: row.requester_landline,
                extension: row.requester_extension,
                mobile: row.requester_mobile,
            },
            unit: row.requester_unit_id.zip(row.requester_unit_name).map(|(id, name)| Named { id, name }),
        },
        registered_by: names.person(Some(row.registered_by_id)),
        assignee: names.person(row.assignee_id),
        received_at: row.received_at,
        classified_at: row.classified_at,
        assigned_at: row.assigned_at,
        accepted_at: row.accepted_at,
        scheduled_for: row.scheduled_for,
        attention_due_at: row.attention_due_at,
        attended_at: row.attended_at,
        solution: row.solution.zip(row.solved_at).map(|(description, solved_at)| Solution {
            description,
            solved_by: names.person(row.solved_by_id),
            solved_at,
        }),
        closed_at: row.closed_at,
        third_party_work: row
            .third_party
            .map(|name| ThirdPartyWork { name, promised_for: row.third_party_promised_for }),
        resumes_to: row.resumes_to,
        hold: held.remove(&row.id).map(|hold| TicketHold {
            reason: hold.reason,
            held_at: hold.started_at,
            held_by: names.person(Some(hold.started_by)),
        }),
        information_request: requests.remove(&row.id),
        archive: archives.remove(&row.id),
        resubmission_of: row.resubmission_of.filter(|id| shown.has(*id)),
        reopened_count: row.reopened_count,
        updated_at: row.updated_at,
        expanded: None,
        warnings: Vec::new(),
    });
    Ok(tickets.collect())
}

/// The response with one ticket and its ETag.
pub fn answer(db: &mut PgConnection, actor: &Actor, row: TicketRow) -> Result<Answer> {
    let (id, version) = (row.id, row.version);
    Ok(Answer::ok(&one(db, actor, row)?)?.version(id, version))
}

/// One ticket as the API represents it to this person.
pub fn one(db: &mut PgConnection, actor: &Actor, row: TicketRow) -> Result<Ticket> {
    present(db, actor, vec![row])?.pop().ok_or_else(Problem::not_found)
}
