//! The availability of staff, for an assignment.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::policy::{Action, Role};
use crate::db::schema::users;
use crate::holidays::sets;
use crate::http::catalogue::NameSort;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::query::invalid;
use crate::http::{Call, Query};
use crate::people::availability::EntityClock;
use crate::people::{Person, schedules};
use crate::problem::{Result, Text};
use crate::tickets::workload;

/// Whether a member of staff can be assigned work at a moment, and how much work they have.
#[derive(Serialize, ToSchema)]
pub struct Availability {
    /// The member of staff.
    user: Person,
    /// The support level that the person's role attends: 1 technician, 2 professional, 3 director.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    support_level: i16,
    /// Whether the moment is inside one of their shifts; always `true` if they have no shifts, also none on call.
    on_shift: bool,
    /// Whether the moment is inside one of their shifts on call, in which they can be reached outside of working time.
    on_call: bool,
    /// Whether the moment is inside one of their absences.
    absent: bool,
    /// Whether the last day of their contract has passed.
    contract_ended: bool,
    /// The first moment from `available_at` on at which they are on shift, not absent and under contract; equal to
    /// `available_at` if they are available then. `null` if there is none: their contract ends before, or they have no
    /// shift within a year.
    next_available_at: Option<DateTime<Utc>>,
    /// The number of tickets that they have now in the states `assigned`, `in_progress` and `on_hold`.
    #[schema(minimum = 0, example = 3)]
    #[serde(rename = "open_ticket_count")]
    open_tickets: i64,
    /// The same tickets, weighted by criticality: critical 8, high 4, medium 2, low 1. Automatic assignment compares
    /// this value.
    #[schema(minimum = 0, example = 14)]
    open_work: i64,
    /// When they were last assigned a ticket, excluding tickets that have since been reassigned to another person of
    /// the same level; `null` if there is no such ticket.
    last_assigned_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    full_name_key: String,
}

/// Filters for the list of available staff.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AvailabilityFilters {
    /// The moment for which availability is computed, within ten years of now, such as `2026-11-24T20:00:00Z`; now if
    /// omitted. Open work is always the current one.
    #[serde(rename = "available_at")]
    at: Option<DateTime<Utc>>,
    /// Only staff of this support level.
    #[param(minimum = 1, maximum = 3)]
    support_level: Option<i16>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// The maximum distance of `available_at` from now, in days.
const FARTHEST: i64 = 3_660;

/// List the availability of staff
///
/// The active staff, with their shifts, absences and contracts evaluated for one moment. A person who is not
/// available can still be assigned a ticket by name. Without `available_at` the page contains the current time, so that its
/// `ETag` differs from the previous one.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "availability", operation_id = "listAvailability", params(Paging, AvailabilityFilters),
    responses((status = 200, body = Page<Availability>, description = "One page of the active staff"))
)]
#[get("/availability")]
pub async fn list(call: Call, query: Query<AvailabilityFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (paging, filters) = query.read_list()?;
        let at = filters.at.unwrap_or(actor.now);
        if (at - actor.now).num_days().abs() > FARTHEST {
            return Err(invalid(
                "available_at",
                Text::new("Debe estar dentro de los próximos diez años.", "It must be within ten years."),
            ));
        }
        let roles: Vec<Role> = match filters.support_level {
            Some(level) => Role::of_support_level(level).into_iter().collect(),
            None => Role::ALL.iter().copied().filter(|role| role.support_level().is_some()).collect(),
        };
        let sort = filters.sort.unwrap_or(NameSort::Ascending).as_str();
        let filtered = || users::table.filter(users::active).filter(users::role.eq_any(&roles)).into_boxed();
        let (people, total): (Vec<(Person, String)>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (users::full_name_key as String, users::id as Uuid),
            (Person::as_select(), users::full_name_key)
        );
        let ids: Vec<Uuid> = people.iter().map(|(person, _)| person.id).collect();
        let mut schedules = schedules::by_user(db, &ids, at)?;
        let mut workloads = workload::by_user(db, &ids)?;
        let holidays = sets::current(db)?;
        let clock = EntityClock { timezone: actor.timezone, holidays: &holidays };
        let items = people.into_iter().map(|(user, full_name_key)| {
            let schedule = schedules.remove(&user.id).unwrap_or_default();
            let work = workloads.remove(&user.id).unwrap_or_default();
            Availability {
                support_level: user.role.support_level().unwrap_or_default(),
                on_shift: schedule.is_on_shift(clock, at),
                on_call: schedule.is_on_call(clock, at),
                absent: schedule.is_absent(at),
                contract_ended: schedule.has_contract_ended(clock, at),
                next_available_at: schedule.next_available(clock, at),
                open_tickets: work.open_tickets,
                open_work: work.open_work,
                last_assigned_at: work.last_assigned_at,
                user,
                full_name_key,
            }
        });
        paging.answer(sort, items.collect(), total, |item| (item.full_name_key.clone(), item.user.id))
    })
    .await
}
