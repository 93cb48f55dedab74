//! Who can be given work: what an administrator looks at before assigning.

use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::auth::policy::{Action, Role};
use crate::db::schema::users;
use crate::holidays::sets;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::query::invalid;
use crate::http::{Call, Query};
use crate::people::availability::EntityClock;
use crate::people::users::NameSort;
use crate::people::{Person, schedules};
use crate::problem::{Result, Text};
use crate::tickets::workload;

/// Whether a member of staff can be given work at a moment, and how much they have.
#[derive(Serialize, ToSchema)]
pub struct Availability {
    user: Person,
    #[schema(minimum = 1, maximum = 3, example = 1)]
    support_level: i16,
    /// Whether the moment lies inside one of their shifts; always where they have none.
    on_shift: bool,
    absent: bool,
    /// Whether their contract's last day is over.
    contract_ended: bool,
    /// The first moment from the one asked about on at which they are on shift, not absent and under contract: that
    /// moment itself where they are available. `null` where there is none within a year of a shift.
    next_available_at: Option<DateTime<Utc>>,
    /// The tickets they have in hand now: `assigned`, `in_progress`, `on_hold`.
    #[schema(minimum = 0, example = 3)]
    open_tickets: i64,
    /// The same, each counted by its criticality: critical 8, high 4, medium 2, low 1. Automatic assignment compares it.
    #[schema(minimum = 0, example = 14)]
    open_work: i64,
    /// When they were last given a ticket, other than those that were given to somebody else of the same level since.
    last_assigned_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    full_name_key: String,
}

/// Of whom, and when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AvailabilityFilters {
    /// The moment asked about, within ten years of now; now where it is left out. Open work is that of now in any case.
    /// Such as `2026-11-24T20:00:00Z`.
    at: Option<DateTime<Utc>>,
    /// Staff of this support level alone.
    #[param(minimum = 1, maximum = 3)]
    support_level: Option<i16>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// How far from now one may ask, in days.
const FARTHEST: i64 = 3_660;

/// List who is available
///
/// The active staff, with their shifts, absences and contracts looked at for one moment. A person who is not available
/// can still be assigned a ticket by name.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadUsers))),
    tag = "staff", operation_id = "listAvailability", params(Paging, AvailabilityFilters),
    responses((status = 200, body = Page<Availability>))
)]
#[get("/availability")]
pub async fn list(call: Call, query: Query<AvailabilityFilters>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let (paging, filters) = query.read_list()?;
        let at = filters.at.unwrap_or(actor.now);
        if (at - actor.now).num_days().abs() > FARTHEST {
            return Err(invalid(
                "at",
                Text::new("Debe estar a menos de diez años.", "It must be within ten years."),
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
        let mut schedules = schedules::of(db, &ids, at)?;
        let mut workloads = workload::of(db, &ids)?;
        let holidays = sets::current(db)?;
        let clock = EntityClock { timezone: actor.timezone, holidays: &holidays };
        let items = people.into_iter().map(|(user, full_name_key)| {
            let schedule = schedules.remove(&user.id).unwrap_or_default();
            let work = workloads.remove(&user.id).unwrap_or_default();
            Availability {
                support_level: user.role.support_level().unwrap_or_default(),
                on_shift: schedule.is_on_shift(clock, at),
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
