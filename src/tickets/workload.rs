//! The open work of people.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::Criticality;
use super::workflow::TicketStatus;
use crate::db::Literal;
use crate::db::schema::tickets;
use crate::problem::Result;

impl Criticality {
    /// The weight of an open ticket in the comparison of people's work.
    pub fn weight(self) -> i64 {
        match self {
            Criticality::Critical => 8,
            Criticality::High => 4,
            Criticality::Medium => 2,
            Criticality::Low => 1,
        }
    }
}

/// The tickets that people are working on. A literal, so that the index over open work can be used.
pub fn is_open() -> Literal<Bool> {
    Literal::new("status IN ('assigned', 'in_progress', 'on_hold')")
}

/// The open work of one person.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    pub open_tickets: i64,
    /// The weighted sum of the tickets, by criticality.
    pub open_work: i64,
    pub last_assigned_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct LastAssigned {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    at: Option<DateTime<Utc>>,
}

/// The open work of each of these people, in two statements for all of them.
pub fn by_user(db: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Workload>> {
    let assigned: Vec<LastAssigned> = diesel::sql_query(
        "SELECT u.id, (SELECT max(a.assigned_at) FROM attention_clocks a WHERE a.assignee_id = u.id) AS at \
         FROM unnest($1) AS u(id)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .load(db)?;
    let mut workloads: HashMap<Uuid, Workload> = assigned
        .into_iter()
        .map(|row| (row.id, Workload { last_assigned_at: row.at, ..Workload::default() }))
        .collect();
    let counts: Vec<(Option<Uuid>, Option<Criticality>, i64)> = tickets::table
        .filter(tickets::assignee_id.eq_any(ids))
        .filter(is_open())
        .group_by((tickets::assignee_id, tickets::criticality))
        .select((tickets::assignee_id, tickets::criticality, diesel::dsl::count_star()))
        .load(db)?;
    for (id, criticality, count) in counts {
        if let Some(work) = id.and_then(|id| workloads.get_mut(&id)) {
            work.open_tickets += count;
            work.open_work += count * criticality.map_or(0, Criticality::weight);
        }
    }
    Ok(workloads)
}

/// A ticket that a person is working on.
#[derive(Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = tickets)]
pub struct OpenTicket {
    /// Number of the ticket.
    #[schema(example = 123, minimum = 1)]
    id: i64,
    /// The subject of the ticket.
    #[schema(max_length = 200, example = "La impresora del despacho no imprime")]
    subject: String,
    /// The state of the ticket: `assigned`, `in_progress` or `on_hold`.
    status: TicketStatus,
    /// The criticality of the ticket.
    criticality: Option<Criticality>,
    /// The current support level of the ticket.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    support_level: i16,
    /// When the requester will be attended; `null` if no appointment was set.
    scheduled_for: Option<DateTime<Utc>>,
    /// The time by which the ticket must be accepted at its current support level; `null` while the clock is paused
    /// because the requester owes information.
    attention_due_at: Option<DateTime<Utc>>,
}

/// All tickets that a person is working on, the most critical first.
pub fn open_tickets(db: &mut PgConnection, id: Uuid) -> Result<Vec<OpenTicket>> {
    let mut open: Vec<OpenTicket> = tickets::table
        .filter(tickets::assignee_id.eq(id))
        .filter(is_open())
        .order(tickets::id)
        .select(OpenTicket::as_select())
        .load(db)?;
    open.sort_by_key(|ticket| ticket.criticality);
    Ok(open)
}
