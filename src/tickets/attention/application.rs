//! Applying changed attention times and calendars to open tickets.

use std::collections::HashMap;

use actix_web::{HttpResponse, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::policies::{self, Policy};
use super::running::Due;
use crate::audit::kind::EventKind;
use crate::auth::policy::Action;
use crate::db::schema::{attention_applications, attention_policies, attentions, tickets};
use crate::holidays::sets;
use crate::http::body::EmptyBody;
use crate::http::{Actor, Answer, Body, Call};
use crate::problem::Result;
use crate::tickets::clock::{Calendar, Span};
use crate::tickets::model::{Criticality, TicketRow};
use crate::tickets::steps::Case;
use crate::tickets::store;

/// How many tickets are recomputed at once.
const BATCH: i64 = 500;

/// The result of an application.
#[derive(Serialize, ToSchema)]
#[schema(as = AttentionTimesApplication)]
pub struct Application {
    /// Number of open tickets whose clock is running.
    #[schema(minimum = 0, example = 12)]
    #[serde(rename = "examined_count")]
    examined: usize,
    /// Number of examined tickets whose due time changed.
    #[schema(minimum = 0, example = 5)]
    #[serde(rename = "changed_count")]
    changed: usize,
}

/// A running clock.
#[derive(Queryable, Selectable)]
#[diesel(table_name = attentions)]
struct Clock {
    ticket_id: i64,
    level: i16,
    started_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    /// The policy by which it counted until now; `None` for a clock older than the record of policies.
    policy_id: Option<Uuid>,
}

/// A clock with its recomputed due time.
#[derive(Insertable)]
#[diesel(table_name = attentions)]
struct Reckoned {
    ticket_id: i64,
    level: i16,
    started_at: DateTime<Utc>,
    policy_id: Uuid,
    minutes: i32,
    opening_hours: String,
    due_at: DateTime<Utc>,
    holiday_set_id: Uuid,
}

type Policies = HashMap<Criticality, (Policy, Calendar)>;

/// Apply the attention times to the open tickets
///
/// Applies the current attention times, calendars and public holidays to every open ticket. The due time of each
/// ticket that is not yet accepted at its current support level is recomputed; a ticket whose due time changes gets
/// the event `due_changed`. Tickets that are classified or escalated later use them too, as does a paused clock when
/// it resumes. The application is atomic.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::Manage)), ("x-mesa-unversioned" = json!(true))),
    tag = "attention times", operation_id = "applyAttentionTimes",
    request_body(content = Option<EmptyBody>),
    responses((status = 200, body = Application, description = "The number of tickets whose due times were examined and changed"), (status = 409, description = "`no_due_time`: a calendar is not open for long enough"))
)]
#[post("/attention-times/application")]
pub async fn apply(call: Call, body: Body<EmptyBody>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        body.read()?;
        policies::lock(tx)?;
        // A concurrent change that this request waited for may be effective only after the request was admitted.
        let actor = &actor.clone().at(crate::db::now(tx)?);
        let now = actor.now;
        let mut in_force = Policies::new();
        let policies = policies::all_at(tx, now)?;
        let holidays = sets::by_id(tx, policies.iter().map(|policy| policy.holiday_set_id))?;
        for policy in policies {
            let holidays = sets::among(&holidays, policy.holiday_set_id)?;
            let calendar = policies::kept_calendar(&policy.opening_hours, actor.timezone, holidays)?;
            in_force.insert(policy.criticality, (policy, calendar));
        }
        diesel::insert_into(attention_applications::table)
            .values((
                attention_applications::id.eq(Uuid::now_v7()),
                attention_applications::applied_at.eq(now),
                attention_applications::applied_by.eq(actor.id),
            ))
            .execute(tx)?;
        let mut application = Application { examined: 0, changed: 0 };
        let mut after = 0;
        loop {
            let batch = running_after(tx, after)?;
            let Some((last, _)) = batch.last() else { break };
            after = last.id;
            application.examined += batch.len();
            application.changed += reckon(tx, batch, &in_force, actor)?;
        }
        Answer::ok(&application)
    })
    .await
}

/// The next tickets whose clock is running, by number; locked.
fn running_after(tx: &mut PgConnection, after: i64) -> Result<Vec<(TicketRow, Clock)>> {
    let clock = attentions::ticket_id.eq(tickets::id).and(attentions::level.eq(tickets::support_level));
    let batch = tickets::table
        .inner_join(attentions::table.on(clock))
        .filter(tickets::id.gt(after))
        .filter(tickets::clock_due_at.is_not_null())
        .order(tickets::id)
        .limit(BATCH)
        .select((TicketRow::as_select(), Clock::as_select()))
        .for_update()
        .load(tx)?;
    Ok(batch)
}

/// The criticalities by which the clocks of the unclassified tickets count, by policy.
fn provisional(tx: &mut PgConnection, batch: &[(TicketRow, Clock)]) -> Result<HashMap<Uuid, Criticality>> {
    let unclassified = batch.iter().filter(|(ticket, _)| ticket.criticality.is_none());
    let ids: Vec<Uuid> = unclassified.filter_map(|(_, clock)| clock.policy_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let known = attention_policies::table.filter(attention_policies::id.eq_any(ids));
    let known: Vec<(Uuid, Criticality)> =
        known.select((attention_policies::id, attention_policies::criticality)).load(tx)?;
    Ok(known.into_iter().collect())
}

/// Recomputes a batch; returns how many due times changed.
fn reckon(
    tx: &mut PgConnection,
    batch: Vec<(TicketRow, Clock)>,
    in_force: &Policies,
    actor: &Actor,
) -> Result<usize> {
    let ids: Vec<i64> = batch.iter().map(|(ticket, _)| ticket.id).collect();
    let pauses = store::pauses(tx, &ids, actor.now)?;
    let provisional = provisional(tx, &batch)?;
    let mut moved = Vec::new();
    for (ticket, clock) in batch {
        let counted_by = ticket
            .criticality
            .or_else(|| clock.policy_id.and_then(|policy_id| provisional.get(&policy_id).copied()));
        let Some((policy, calendar)) = counted_by.and_then(|criticality| in_force.get(&criticality)) else {
            continue;
        };
        let paused: &[Span] = pauses.get(&ticket.id).map_or(&[], Vec::as_slice);
        let due = Due::reckon(policy, calendar, clock.started_at, ticket.received_at, paused)?;
        if due.due_at == clock.due_at {
            continue;
        }
        let mut case = Case::open(tx, ticket, actor);
        due.write(&mut case.ticket, actor.now);
        case.details.minutes = Some(policy.minutes);
        case.details.opening_hours = Some(policy.opening_hours.clone());
        case.record(EventKind::DueChanged)?;
        moved.push(Reckoned {
            ticket_id: clock.ticket_id,
            level: clock.level,
            started_at: clock.started_at,
            policy_id: policy.id,
            minutes: policy.minutes,
            opening_hours: policy.opening_hours.clone(),
            due_at: due.due_at,
            holiday_set_id: policy.holiday_set_id,
        });
    }
    let count = moved.len();
    diesel::insert_into(attentions::table)
        .values(moved)
        .on_conflict((attentions::ticket_id, attentions::level))
        .do_update()
        .set((
            attentions::policy_id.eq(excluded(attentions::policy_id)),
            attentions::minutes.eq(excluded(attentions::minutes)),
            attentions::opening_hours.eq(excluded(attentions::opening_hours)),
            attentions::due_at.eq(excluded(attentions::due_at)),
            attentions::holiday_set_id.eq(excluded(attentions::holiday_set_id)),
        ))
        .execute(tx)?;
    Ok(count)
}
