//! Tickets on hold: for an external cause, or for information from the requester.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::attention::running;
use super::model::TicketRow;
use super::steps::Case;
use super::workflow::TicketStatus;
use crate::db::among;
use crate::db::schema::holds;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// What a ticket on hold waits for.
    pub enum HoldKind {
        /// An external cause; the attention clock keeps running.
        Hold = "hold",
        /// Information from the requester; the attention clock is paused.
        Information = "information",
    }
}

/// A hold that has ended.
#[derive(Queryable, Selectable)]
#[diesel(table_name = holds)]
pub struct Ended {
    pub kind: HoldKind,
    /// The person who put the ticket on hold; the requester if the server asked for the minimum data by itself.
    pub started_by: Uuid,
}

/// A hold for an external cause that has not ended.
pub struct Running {
    pub reason: String,
    pub started_at: DateTime<Utc>,
    pub started_by: Uuid,
}

/// The holds of those of these tickets that wait for an external cause, by ticket number.
pub fn running(db: &mut PgConnection, tickets: &[TicketRow]) -> Result<HashMap<i64, Running>> {
    let waits = |row: &&TicketRow| row.status == TicketStatus::OnHold && row.information_deadline.is_none();
    let waiting: Vec<i64> = tickets.iter().filter(waits).map(|row| row.id).collect();
    if waiting.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(i64, String, DateTime<Utc>, Uuid)> = holds::table
        .filter(among(holds::ticket_id, waiting))
        .filter(holds::kind.eq(HoldKind::Hold))
        .filter(holds::ended_at.is_null())
        .select((holds::ticket_id, holds::reason, holds::started_at, holds::started_by))
        .load(db)?;
    let hold = |(id, reason, started_at, started_by)| (id, Running { reason, started_at, started_by });
    Ok(found.into_iter().map(hold).collect())
}

/// Puts the ticket on hold; it will return to its current state.
pub fn begin(case: &mut Case<'_>, kind: HoldKind, reason: &str) -> Result<()> {
    // The server asks for the minimum data of a request by itself: the requester is then the one who caused it.
    let started_by = case.actor_id.unwrap_or(case.ticket.requester_id);
    diesel::insert_into(holds::table)
        .values((
            holds::id.eq(Uuid::now_v7()),
            holds::ticket_id.eq(case.ticket.id),
            holds::kind.eq(kind),
            holds::reason.eq(reason),
            holds::started_at.eq(case.now),
            holds::started_by.eq(started_by),
        ))
        .execute(case.tx)?;
    case.ticket.resumes_to = Some(case.ticket.status);
    case.ticket.status = TicketStatus::OnHold;
    Ok(())
}

/// Changes what the requester is asked for.
pub fn change_reason(case: &mut Case<'_>, reason: &str) -> Result<()> {
    let open = holds::table.filter(holds::ticket_id.eq(case.ticket.id)).filter(holds::ended_at.is_null());
    diesel::update(open).set(holds::reason.eq(reason)).execute(case.tx)?;
    Ok(())
}

diesel::define_sql_function! {
    fn greatest(one: diesel::sql_types::Timestamptz, other: diesel::sql_types::Timestamptz) -> diesel::sql_types::Timestamptz;
}

/// Returns the ticket to its previous state and resumes its attention clock; `None` if it is not on hold.
pub fn end(case: &mut Case<'_>) -> Result<Option<Ended>> {
    let Some(status) = case.ticket.resumes_to.take() else { return Ok(None) };
    case.ticket.status = status;
    case.ticket.information_deadline = None;
    let open = holds::table.filter(holds::ticket_id.eq(case.ticket.id)).filter(holds::ended_at.is_null());
    let ended = diesel::update(open)
        // Not before its beginning, even if the system clock was set back since.
        .set((
            holds::ended_at.eq(greatest(holds::started_at, case.now).nullable()),
            holds::ended_by.eq(case.actor_id),
        ))
        .returning(Ended::as_returning())
        .get_result(case.tx)?;
    running::resume(case)?;
    Ok(Some(ended))
}
