//! Activity 9, note: whether the profiles of requesters match what was requested.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Period;
use crate::auth::policy::Action;
use crate::db::schema::{categories, tickets, units};
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::people::{Named, Person, person};
use crate::problem::Result;
use crate::tickets::categories::RequiredProfile;
use crate::tickets::workflow::TicketStatus;

text_enum! {
    /// The finding about the profile of a requester.
    pub enum ProfileFindingKind {
        /// Its requester was not the head of the unit when it was received.
        NotHead = "not_head",
        /// Its requester was the head when it was received and is not now, or is now and was not then.
        HeadChanged = "head_changed",
    }
}

/// A request in a category for heads of unit only, with the head at its reception and the current one.
#[derive(Serialize, ToSchema)]
pub struct ProfileFinding {
    /// The number of the ticket.
    #[schema(example = 123, minimum = 1)]
    ticket_id: i64,
    /// The time at which the ticket was received.
    received_at: DateTime<Utc>,
    /// The current state of the ticket.
    status: TicketStatus,
    /// The current category of the ticket, which requires a head of unit.
    category: Named,
    /// The requester of the ticket.
    requester: Option<Person>,
    /// The requester's unit when the ticket was registered.
    unit: Named,
    /// The head of the unit at the reception of the ticket; `null` if it had none. For tickets older than this record,
    /// the head when the record began.
    head_at_reception: Option<Person>,
    /// The current head of the unit; `null` if it has none.
    head_now: Option<Person>,
    /// What is to be checked: one or both of the findings.
    findings: Vec<ProfileFindingKind>,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    received_at: DateTime<Utc>,
    status: TicketStatus,
    category: Named,
    requester_id: Uuid,
    unit: Named,
    head_then: Option<Uuid>,
    head_now: Option<Uuid>,
}

impl Row {
    fn findings(&self) -> Vec<ProfileFindingKind> {
        let (was, is) = (self.head_then == Some(self.requester_id), self.head_now == Some(self.requester_id));
        let not_head = (!was).then_some(ProfileFindingKind::NotHead);
        not_head.into_iter().chain((was != is).then_some(ProfileFindingKind::HeadChanged)).collect()
    }
}

/// List requests whose requester's profile is to be checked
///
/// The tickets received in the period, the oldest first, whose category currently requires a head of unit, and whose
/// requester was not the head of the unit at the reception (archived as `profile_not_authorized`, or moved to the
/// category later), or has become or ceased to be the head since. Days begin and end in the entity's time zone
/// (`MESA_TIMEZONE`).
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadAccessAudit))),
    tag = "history", operation_id = "listProfileFindings", params(Paging, Period),
    responses(
        (status = 200, body = Page<ProfileFinding>, description = "One page of the tickets whose profile is to be checked"),
    )
)]
#[get("/audit/profiles")]
pub async fn list(call: Call, query: Query<Period>) -> Result<HttpResponse> {
    call.from_standby()
        .await
        .read(move |db, actor| {
            let (paging, period) = query.read_list()?;
            let (begin, end) = period.bounds(actor.timezone)?;
            let filtered = || {
                let requester = tickets::requester_id.nullable();
                tickets::table
                    .inner_join(categories::table)
                    .inner_join(units::table.on(units::id.nullable().eq(tickets::requester_unit_id)))
                    .filter(categories::required_profile.eq(RequiredProfile::UnitHead))
                    // Who was the head when a ticket of another system was received is not known.
                    .filter(tickets::imported_at.is_null())
                    .filter(tickets::received_at.ge(begin).and(tickets::received_at.lt(end)))
                    .filter(
                        tickets::reception_head_id
                            .is_distinct_from(requester)
                            .or(units::head_id.is_distinct_from(requester)),
                    )
                    .into_boxed()
            };
            let (rows, total): (Vec<Row>, _) = read_page!(
                db,
                paging,
                "received_at",
                filtered,
                (tickets::received_at as DateTime<Utc>, tickets::id as i64),
                (
                    tickets::id,
                    tickets::received_at,
                    tickets::status,
                    (categories::id, categories::name),
                    tickets::requester_id,
                    (
                        tickets::requester_unit_id.assume_not_null(),
                        tickets::requester_unit_name.assume_not_null()
                    ),
                    tickets::reception_head_id,
                    units::head_id
                )
            );
            let ids = rows.iter().flat_map(|row| [Some(row.requester_id), row.head_then, row.head_now]);
            let people = person::by_id(db, ids.flatten())?;
            let person = |id: Option<Uuid>| id.and_then(|id| people.get(&id).cloned());
            let item = |row: Row| ProfileFinding {
                findings: row.findings(),
                ticket_id: row.id,
                received_at: row.received_at,
                status: row.status,
                category: row.category,
                requester: person(Some(row.requester_id)),
                unit: row.unit,
                head_at_reception: person(row.head_then),
                head_now: person(row.head_now),
            };
            let items: Vec<ProfileFinding> = rows.into_iter().map(item).collect();
            paging.answer("received_at", items, total, |item| (item.received_at, item.ticket_id))
        })
        .await
}
