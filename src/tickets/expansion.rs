//! Related data included with tickets, so that a client needs no further request per ticket.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::followups::{self, Followup};
use super::model::Ticket;
use super::summary::TicketSummary;
use crate::auth::policy::Action;
use crate::http::{Actor, query};
use crate::language::text_enum;
use crate::people::user::User;
use crate::problem::{Result, Text};

text_enum! {
    /// Related data to include with a ticket.
    pub enum Expand {
        /// The current account of the requester. For staff.
        Requester = "requester",
        /// The account of the assignee. For staff.
        Assignee = "assignee",
        /// The most recent followups.
        Followups = "followups",
    }
}

/// The related data to include with tickets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Expansions {
    /// Related data to include with each ticket, in `expanded`; repeat it for more than one. `requester` and `assignee`
    /// are for staff only.
    #[serde(default)]
    #[param(required = false, inline, max_items = 3)]
    expand: Vec<Expand>,
}

/// The related data that `expand` requested.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Expanded {
    /// The current account of the requester. Only present if `expand` requested `requester`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    requester: Option<User>,
    /// The account of the assignee. Only present if `expand` requested `assignee` and the ticket has an assignee.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    assignee: Option<User>,
    /// The newest 20 followups that the caller may read, the newest first; for all see `GET
    /// /tickets/{ticket_id}/followups`. Only present if `expand` requested `followups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    followups: Option<Vec<Followup>>,
}

/// How many followups are included with a ticket.
const FOLLOWUPS: i64 = 20;

/// A ticket to which related data can be added.
pub trait Expandable {
    fn id(&self) -> i64;
    fn requester_id(&self) -> Uuid;
    fn assignee_id(&self) -> Option<Uuid>;
    fn expand(&mut self, expanded: Expanded);
}

macro_rules! expandable {
    ($($ticket:ty),+) => {
        $(impl Expandable for $ticket {
            fn id(&self) -> i64 {
                self.id
            }

            fn requester_id(&self) -> Uuid {
                self.requester.id
            }

            fn assignee_id(&self) -> Option<Uuid> {
                self.assignee.as_ref().map(|person| person.id)
            }

            fn expand(&mut self, expanded: Expanded) {
                self.expanded = Some(expanded);
            }
        })+
    };
}

expandable!(Ticket, TicketSummary);

/// Adds the requested data; the number of statements does not depend on the number of tickets.
///
/// # Errors
/// A 400 if the caller may not read the data.
pub fn expand(
    db: &mut PgConnection,
    actor: &Actor,
    wanted: &Expansions,
    tickets: &mut [impl Expandable],
) -> Result<()> {
    let wants = |what| wanted.expand.contains(&what);
    let (requester, assignee) = (wants(Expand::Requester), wants(Expand::Assignee));
    if (requester || assignee) && actor.rights().scope(Action::ReadUsers).is_none() {
        let detail =
            Text::new("Solo el personal puede consultar las cuentas.", "Accounts are visible to staff only.");
        return Err(query::invalid("expand", detail));
    }
    if wanted.expand.is_empty() {
        return Ok(());
    }
    let people: HashSet<Uuid> = tickets
        .iter()
        .flat_map(|ticket| {
            [Some(ticket.requester_id()).filter(|_| requester), ticket.assignee_id().filter(|_| assignee)]
        })
        .flatten()
        .collect();
    let people = User::by_ids(db, people)?;
    let numbers: Vec<i64> = tickets.iter().map(Expandable::id).collect();
    let mut written = if wants(Expand::Followups) { Some(newest(db, actor, numbers)?) } else { None };
    for ticket in tickets {
        let account =
            |id: Option<Uuid>, wanted: bool| id.filter(|_| wanted).and_then(|id| people.get(&id)).cloned();
        ticket.expand(Expanded {
            requester: account(Some(ticket.requester_id()), requester),
            assignee: account(ticket.assignee_id(), assignee),
            followups: written.as_mut().map(|written| written.remove(&ticket.id()).unwrap_or_default()),
        });
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The newest followups of each ticket that the caller may read, the newest first.
fn newest(db: &mut PgConnection, actor: &Actor, tickets: Vec<i64>) -> Result<HashMap<i64, Vec<Followup>>> {
    let ids: Vec<Id> = diesel::sql_query(
        "SELECT f.id FROM unnest($1) AS t (id) CROSS JOIN LATERAL ( \
             SELECT id FROM followups WHERE ticket_id = t.id AND ($2 OR visibility = 'public') \
             ORDER BY created_at DESC, id DESC LIMIT $3 \
         ) AS f",
    )
    .bind::<Array<BigInt>, _>(tickets)
    .bind::<Bool, _>(actor.reads_private())
    .bind::<BigInt, _>(FOLLOWUPS)
    .load(db)?;
    let ids: Vec<Uuid> = ids.into_iter().map(|row| row.id).collect();
    let mut found = followups::by_ids(db, actor, &ids)?;
    found.sort_by_key(|followup| std::cmp::Reverse((followup.created_at, followup.id)));
    let mut of_each: HashMap<i64, Vec<Followup>> = HashMap::new();
    for followup in found {
        of_each.entry(followup.ticket_id).or_default().push(followup);
    }
    Ok(of_each)
}
