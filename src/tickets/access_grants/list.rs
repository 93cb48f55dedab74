//! Activity 9, note: the list of granted access.

use std::collections::HashSet;

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::policy::Action;
use crate::db::schema::{access_grants, units};
use crate::http::paging::{Page, Paging, among, read_page};
use crate::http::{Answer, Call, Query};
use crate::language::text_enum;
use crate::people::{Named, Person, person};
use crate::problem::{Problem, Result};

text_enum! {
    /// What is to be checked about granted access.
    pub enum AccessGrantFinding {
        /// Its requester was not the head of the unit when the ticket was received.
        NotHead = "not_head",
        /// Its requester was the head of the unit when the ticket was received, and is not now.
        NoLongerHead = "no_longer_head",
    }
}

text_enum! {
    /// The order of a list of granted access.
    pub enum AccessGrantSort {
        Descending = "-granted_at",
        Ascending = "granted_at",
    }
}

/// Access that was granted with the solution of a ticket.
#[derive(Serialize, ToSchema)]
pub struct AccessGrant {
    /// Identifier of the grant.
    id: Uuid,
    /// The number of the ticket that requested it.
    #[schema(example = 123, minimum = 1)]
    ticket_id: i64,
    /// The full name of the person who got the access; removed if the requester of the ticket was anonymized and is this
    /// person.
    #[schema(max_length = 200, example = "Luz Elena Toro")]
    beneficiary: String,
    /// The system to which access was granted.
    #[schema(max_length = 200, example = "Sistema de impuestos")]
    system: String,
    /// The profile or role in the system.
    #[schema(max_length = 200, example = "Consulta")]
    profile: String,
    /// The last day of the access, in the entity's time zone; `null` for no end.
    #[schema(example = "2030-12-31")]
    ends_on: Option<NaiveDate>,
    /// The requester of the ticket.
    requester: Option<Person>,
    /// The requester's unit when the ticket was registered, with its current name; `null` if it is not known.
    unit: Option<Named>,
    /// Whether the requester was the head of the unit when the ticket was received.
    requested_by_head: bool,
    /// The current head of the unit; `null` if it has none.
    head_now: Option<Person>,
    /// What is to be checked; empty if the requester was and is the head of the unit.
    #[schema(max_items = 2)]
    findings: Vec<AccessGrantFinding>,
    /// The person who granted it: who solved the ticket.
    granted_by: Option<Person>,
    /// When it was granted: when the ticket was solved.
    granted_at: DateTime<Utc>,
    /// When it was recorded that the access was revoked; `null` if it was not.
    revoked_at: Option<DateTime<Utc>>,
    /// The person who recorded it; `null` if nobody did.
    revoked_by: Option<Person>,
}

/// Filters for the list of granted access.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccessGrantFilters {
    /// Only access of this ticket. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    ticket_id: Vec<i64>,
    /// Only access that this person requested. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    requester_id: Vec<Uuid>,
    /// Only access that was requested for this unit. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    unit_id: Vec<Uuid>,
    /// `false`: only access whose requester was not the head of the unit when the ticket was received; `true`: only the
    /// other; all if omitted.
    requested_by_head: Option<bool>,
    /// Only access with this finding. Repeat it for access with one of several.
    #[serde(default)]
    #[param(required = false)]
    finding: Vec<AccessGrantFinding>,
    /// `false`: only access that was not revoked; `true`: only revoked access; all if omitted.
    revoked: Option<bool>,
    /// Only access granted at this time or later.
    granted_from: Option<DateTime<Utc>>,
    /// Only access granted before this time.
    granted_before: Option<DateTime<Utc>>,
    /// `-granted_at` (the default) or `granted_at`.
    #[param(inline)]
    sort: Option<AccessGrantSort>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = access_grants)]
struct Grant {
    id: Uuid,
    ticket_id: i64,
    beneficiary: String,
    system: String,
    profile: String,
    ends_on: Option<NaiveDate>,
    requester_id: Uuid,
    unit_id: Option<Uuid>,
    requested_by_head: bool,
    granted_by: Uuid,
    granted_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    revoked_by: Option<Uuid>,
}

/// The grant, and the name and the head of the unit.
type Row = (Grant, Option<(String, Option<Uuid>)>);

fn findings(requested_by_head: bool, is_head: bool) -> Vec<AccessGrantFinding> {
    match (requested_by_head, is_head) {
        (false, _) => vec![AccessGrantFinding::NotHead],
        (true, false) => vec![AccessGrantFinding::NoLongerHead],
        (true, true) => Vec::new(),
    }
}

fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<AccessGrant>> {
    let ids: HashSet<Uuid> = rows
        .iter()
        .flat_map(|(grant, unit)| {
            let head = unit.as_ref().and_then(|(_, head)| *head);
            [Some(grant.requester_id), Some(grant.granted_by), grant.revoked_by, head]
        })
        .flatten()
        .collect();
    let people = person::by_id(db, ids)?;
    let person = |id: Option<Uuid>| id.and_then(|id| people.get(&id).cloned());
    let grants = rows.into_iter().map(|(grant, unit)| {
        let (name, head) = unit.unzip();
        let head = head.flatten();
        AccessGrant {
            id: grant.id,
            ticket_id: grant.ticket_id,
            beneficiary: grant.beneficiary,
            system: grant.system,
            profile: grant.profile,
            ends_on: grant.ends_on,
            requester: person(Some(grant.requester_id)),
            unit: grant.unit_id.zip(name).map(|(id, name)| Named { id, name }),
            requested_by_head: grant.requested_by_head,
            head_now: person(head),
            findings: findings(grant.requested_by_head, head == Some(grant.requester_id)),
            granted_by: person(Some(grant.granted_by)),
            granted_at: grant.granted_at,
            revoked_at: grant.revoked_at,
            revoked_by: person(grant.revoked_by),
        }
    });
    Ok(grants.collect())
}

/// The grants with their units.
macro_rules! grants {
    () => {
        access_grants::table.left_join(units::table.on(units::id.nullable().eq(access_grants::unit_id)))
    };
}

/// List granted access
///
/// What was granted with the solutions of tickets, the latest first, with its requester. The note of activity 9 checks
/// that the profiles that were assigned correspond to requests of heads of units: `finding=not_head` and
/// `finding=no_longer_head` list the access whose requester was not, or is no longer, the head of the unit, and
/// `revoked=false` omits what was revoked since.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadAccessAudit))),
    tag = "history", operation_id = "listAccessGrants", params(Paging, AccessGrantFilters),
    responses((status = 200, body = Page<AccessGrant>, description = "One page of the granted access"))
)]
#[get("/audit/access-grants")]
pub async fn list(call: Call, query: Query<AccessGrantFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let sort = filters.sort.unwrap_or(AccessGrantSort::Descending).as_str();
        let filtered = || {
            let mut query = grants!().into_boxed();
            query = among!(query, access_grants::ticket_id, filters.ticket_id);
            query = among!(query, access_grants::requester_id, filters.requester_id);
            query = among!(query, access_grants::unit_id, filters.unit_id);
            // Written as the condition of the partial index.
            query = match filters.requested_by_head {
                Some(true) => query.filter(access_grants::requested_by_head),
                Some(false) => query.filter(diesel::dsl::not(access_grants::requested_by_head)),
                None => query,
            };
            let is_asked = |finding| filters.finding.contains(&finding);
            let no_longer = access_grants::requested_by_head
                .and(units::head_id.is_distinct_from(access_grants::requester_id.nullable()));
            query = match (is_asked(AccessGrantFinding::NotHead), is_asked(AccessGrantFinding::NoLongerHead))
            {
                (true, true) => {
                    query.filter(diesel::dsl::not(access_grants::requested_by_head).or(no_longer))
                }
                (true, false) => query.filter(diesel::dsl::not(access_grants::requested_by_head)),
                (false, true) => query.filter(no_longer),
                (false, false) => query,
            };
            query = match filters.revoked {
                Some(true) => query.filter(access_grants::revoked_at.is_not_null()),
                Some(false) => query.filter(access_grants::revoked_at.is_null()),
                None => query,
            };
            if let Some(from) = filters.granted_from {
                query = query.filter(access_grants::granted_at.ge(from));
            }
            if let Some(before) = filters.granted_before {
                query = query.filter(access_grants::granted_at.lt(before));
            }
            query
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (access_grants::granted_at as DateTime<Utc>, access_grants::id as Uuid),
            (Grant::as_select(), (units::name, units::head_id).nullable())
        );
        let items = present(db, rows)?;
        paging.answer(sort, items, total, |grant| (grant.granted_at, grant.id))
    })
    .await
}

/// Read granted access
///
/// With its requester, and whether they were and are the head of the unit.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadAccessAudit))),
    tag = "history", operation_id = "getAccessGrant",
    params(("access_grant_id" = Uuid, Path, description = "Identifier of the grant.")),
    responses((status = 200, body = AccessGrant, description = "The granted access"))
)]
#[get("/audit/access-grants/{access_grant_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| answer(db, *id)).await
}

/// One grant, with its ETag.
pub fn answer(db: &mut PgConnection, id: Uuid) -> Result<Answer> {
    let row: Row = grants!()
        .filter(access_grants::id.eq(id))
        .select((Grant::as_select(), (units::name, units::head_id).nullable()))
        .first(db)?;
    let grant = present(db, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    let version = version(grant.revoked_at.is_some());
    Ok(Answer::ok(&grant)?.version(id, version))
}

/// The version of a grant, which changes once.
pub fn version(is_revoked: bool) -> i32 {
    if is_revoked { 2 } else { 1 }
}
