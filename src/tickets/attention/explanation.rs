//! How the due times of a ticket were computed.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policies::kept_calendar;
use super::reckonings::bounded;
use crate::auth::policy::Action;
use crate::db::schema::{attention_clocks, attention_policies, calendars, holds, users};
use crate::holidays::sets;
use crate::http::{Answer, Call};
use crate::people::{Named, Person, person};
use crate::problem::Result;
use crate::tickets::clock::{Calendar, Span, Stretch, minutes};
use crate::tickets::holds::HoldKind;
use crate::tickets::model::Criticality;
use crate::tickets::store;

/// How the due times of a ticket were computed.
#[derive(Serialize, ToSchema)]
pub struct Attention {
    /// Number of the ticket.
    #[schema(example = 123)]
    ticket_id: i64,
    /// The moment for which the explanation is valid.
    #[serde(rename = "calculated_at")]
    now: DateTime<Utc>,
    /// The time zone of the opening hours.
    #[schema(max_length = 100, example = "America/Bogota")]
    timezone: String,
    /// One for each clock, in order: one for each support level that the ticket has had, and after a return another one
    /// for each level that it has had since. Before its classification the provisional one.
    #[schema(max_items = 1000)]
    levels: Vec<LevelAttention>,
    /// The periods in which the clock was paused, in order.
    pauses: Vec<AttentionPause>,
}

/// A period in which the clock was paused because the requester owed information.
#[derive(Serialize, Queryable, ToSchema)]
pub struct AttentionPause {
    /// When the information was requested, which paused the clock.
    #[serde(rename = "starts_at")]
    from: DateTime<Utc>,
    /// When the clock resumed; `null` until then.
    #[serde(rename = "ends_at")]
    to: Option<DateTime<Utc>>,
    /// The missing information, as the request states it.
    #[schema(max_length = 2000, example = "¿Cuál es la placa del equipo?")]
    missing: String,
}

/// An attention clock of a support level.
#[derive(Serialize, ToSchema)]
pub struct LevelAttention {
    /// The support level.
    #[schema(minimum = 1, maximum = 3, example = 1)]
    #[serde(rename = "support_level")]
    level: i16,
    /// When the clock started: at the reception, or when the ticket began to wait for its acceptance again: at the
    /// escalation or the return to this level, at the classification as critical of a ticket that had been accepted, or
    /// when its assignee could no longer attend to it.
    started_at: DateTime<Utc>,
    /// Whether the clock counts by the attention time of a provisional criticality (`MESA_PROVISIONAL_CRITICALITY`),
    /// because the ticket is not classified.
    provisional: bool,
    /// The attention time, in minutes.
    #[schema(minimum = 1, maximum = 525600, example = 120)]
    #[serde(rename = "within_minutes")]
    minutes: i32,
    /// The opening hours during which the minutes count.
    #[schema(max_length = 500, example = "Mo-Fr 08:00-12:00,14:00-18:00; PH off")]
    opening_hours: String,
    /// The source of the minutes and opening hours; `null` for a clock older than the record of policies.
    policy: Option<AppliedPolicy>,
    /// The time by which the ticket must be, or had to be, accepted at this level. `null` while the clock is paused
    /// because the requester owes information.
    due_at: Option<DateTime<Utc>>,
    /// The last assignee at this level; `null` if nobody was assigned.
    assignee: Option<Person>,
    /// When the last assignee at this level was assigned; `null` if nobody was assigned.
    assigned_at: Option<DateTime<Utc>>,
    /// The person who accepted the ticket at this level, which stopped the clock; `null` if nobody did.
    accepted_by: Option<Person>,
    /// When the ticket was accepted at this level; `null` if it was not.
    accepted_at: Option<DateTime<Utc>>,
    /// Minutes counted until the clock stopped, or until now.
    #[schema(minimum = 0, example = 35.5)]
    #[serde(rename = "counted_minutes")]
    minutes_counted: f64,
    /// Minutes left of the attention time; negative if overdue.
    #[schema(example = 84.5)]
    #[serde(rename = "remaining_minutes")]
    minutes_left: f64,
    /// Whether it was accepted by the due time; `null` if that is not yet known or no acceptance was required.
    #[serde(rename = "in_time")]
    met: Option<bool>,
    /// The stretches of time that counted or did not, from the start until the acceptance, or otherwise until the due
    /// time, or until now while the clock is paused; at most 1000.
    stretches: Vec<Stretch>,
    /// Whether `stretches` has all of that time; `false` if there are more than 1000 stretches.
    complete: bool,
}

/// The attention time and the calendar that applied.
#[derive(Serialize, ToSchema)]
pub struct AppliedPolicy {
    /// The criticality whose attention time applied.
    criticality: Criticality,
    /// With its current name; its hours may have changed since.
    calendar: Named,
    /// When the policy took effect.
    #[serde(rename = "effective_at")]
    effective_from: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = attention_clocks)]
struct Row {
    level: i16,
    started_at: DateTime<Utc>,
    minutes: i32,
    opening_hours: String,
    due_at: DateTime<Utc>,
    assigned_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    accepted_by: Option<Uuid>,
    holiday_set_id: Uuid,
}

type PolicyRow = (Criticality, DateTime<Utc>, Uuid, String);

/// Explain the due times of a ticket
///
/// For each clock: the support level, the attention time, the calendar and the public holidays in force at the reception
/// of the ticket, each stretch of time that counted or did not and why, the due time, the time left, and whether it was
/// met. The clock is paused while the requester owes information.
///
/// Until the classification a provisional clock counts from the reception by the attention time of the strictest
/// criticality, or of the one that is configured. The classification replaces it: the due time is then the reception plus
/// the attention time of the criticality. If a ticket that was accepted and not critical becomes critical, it waits for its
/// acceptance again, and a new clock starts at that moment with the attention time of critical tickets.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadTicket)), ("x-mesa-unversioned" = json!(true))),
    tag = "tickets", operation_id = "getTicketAttention", params(("ticket_id" = i64, Path, minimum = 1, description = "Number of the ticket.")),
    responses((status = 200, body = Attention, description = "The explanation"))
)]
#[get("/tickets/{ticket_id}/attention")]
pub async fn explain(call: Call, id: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, actor| {
        let ticket = store::visible(db, actor, *id)?;
        let rows: Vec<(Row, Option<PolicyRow>, Option<Person>)> = attention_clocks::table
            .left_join(attention_policies::table.inner_join(calendars::table))
            .left_join(users::table.on(attention_clocks::assignee_id.eq(users::id.nullable())))
            .filter(attention_clocks::ticket_id.eq(ticket.id))
            // Before a return the level only rises.
            .order((attention_clocks::round.asc().nulls_last(), attention_clocks::level))
            .select((
                Row::as_select(),
                (
                    attention_policies::criticality,
                    attention_policies::effective_from,
                    calendars::id,
                    calendars::name,
                )
                    .nullable(),
                Option::<Person>::as_select(),
            ))
            .load(db)?;
        let pauses: Vec<AttentionPause> = holds::table
            .filter(holds::ticket_id.eq(ticket.id))
            .filter(holds::kind.eq(HoldKind::Information))
            .order(holds::started_at)
            .select((holds::started_at, holds::ended_at, holds::reason))
            .load(db)?;
        let spans: Vec<Span> =
            pauses.iter().map(|pause| Span { from: pause.from, to: pause.to.unwrap_or(actor.now) }).collect();
        let stands_still_since = pauses
            .iter()
            .find(|pause| pause.to.is_none() && ticket.clock_stopped_at.is_none())
            .map(|pause| pause.from);
        // A clock stops at the acceptance, at the start of the next clock, or at the end of the ticket.
        let ended_at = ticket.archived_at.or(ticket.solved_at).unwrap_or(actor.now);
        let started: Vec<DateTime<Utc>> = rows.iter().map(|(row, _, _)| row.started_at).collect();
        let known = person::by_id(db, rows.iter().filter_map(|(row, _, _)| row.accepted_by))?;
        let holidays = sets::by_id(db, rows.iter().map(|(row, _, _)| row.holiday_set_id))?;
        let mut levels = Vec::new();
        for (index, (row, policy, assignee)) in rows.into_iter().enumerate() {
            let stopped_at = row.accepted_at.or(started.get(index + 1).copied()).unwrap_or(ended_at);
            // Only the last clock can be paused now.
            let stands_still_since = stands_still_since.filter(|_| index + 1 == started.len());
            let accepted_by = row.accepted_by.and_then(|id| known.get(&id).cloned());
            let people = (assignee, accepted_by);
            let holidays = sets::among(&holidays, row.holiday_set_id)?;
            let calendar = kept_calendar(&row.opening_hours, actor.timezone, holidays)?;
            let mut level =
                explained(row, policy, people, stopped_at, stands_still_since, &spans, &calendar)?;
            level.provisional = ticket.criticality.is_none();
            levels.push(level);
        }
        Answer::ok(&Attention {
            ticket_id: ticket.id,
            now: actor.now,
            timezone: actor.timezone.name().to_owned(),
            levels,
            pauses,
        })
    })
    .await
}

fn explained(
    row: Row,
    policy: Option<PolicyRow>,
    (assignee, accepted_by): (Option<Person>, Option<Person>),
    stopped_at: DateTime<Utc>,
    stands_still_since: Option<DateTime<Utc>>,
    pauses: &[Span],
    calendar: &Calendar,
) -> Result<LevelAttention> {
    let counted = calendar.counted(row.started_at, stopped_at, pauses)?;
    let until = match stands_still_since {
        Some(_) => stopped_at,
        None => row.accepted_at.unwrap_or(row.due_at),
    };
    let (stretches, complete) = bounded(calendar.stretches(row.started_at, until, pauses));
    let met = match row.accepted_at {
        Some(accepted_at) => Some(accepted_at <= row.due_at),
        None => (stands_still_since.unwrap_or(stopped_at) > row.due_at).then_some(false),
    };
    Ok(LevelAttention {
        level: row.level,
        started_at: row.started_at,
        provisional: false,
        minutes: row.minutes,
        opening_hours: row.opening_hours,
        policy: policy.map(|(criticality, effective_from, id, name)| AppliedPolicy {
            criticality,
            calendar: Named { id, name },
            effective_from,
        }),
        due_at: stands_still_since.is_none().then_some(row.due_at),
        assignee,
        assigned_at: row.assigned_at,
        accepted_by,
        accepted_at: row.accepted_at,
        minutes_counted: minutes(counted),
        minutes_left: minutes(TimeDelta::minutes(row.minutes.into()) - counted),
        met,
        stretches,
        complete,
    })
}
