//! The policies that attention is counted by, and since when each holds.
//!
//! An attention time is counted by what held when its ticket was received, however late it is classified. So every
//! change of an attention time or of its calendar writes a new policy, and none is ever changed.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

use crate::db::schema::{attention_applications, attention_policies, attention_times, calendars};
use crate::problem::{Problem, Result};
use crate::tickets::clock::Calendar;
use crate::tickets::model::{Criticality, TicketRow};

/// Minutes, counted on a calendar as it was then.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = attention_policies)]
pub struct Policy {
    pub id: Uuid,
    pub criticality: Criticality,
    pub calendar_id: Uuid,
    pub minutes: i32,
    pub opening_hours: String,
    pub effective_from: DateTime<Utc>,
}

impl Policy {
    /// What its time is counted on.
    ///
    /// # Errors
    /// A fault of the server: only what can be counted on is kept.
    pub fn calendar(&self, timezone: Tz) -> Result<Calendar> {
        kept_calendar(&self.opening_hours, timezone)
    }
}

/// An expression from the database as a calendar.
///
/// # Errors
/// A fault of the server: only what can be counted on is kept.
pub fn kept_calendar(opening_hours: &str, timezone: Tz) -> Result<Calendar> {
    Calendar::parse(opening_hours, timezone)
        .map_err(|unusable| Problem::internal(format!("the calendar {opening_hours:?}: {unusable:?}")))
}

/// The policy that a new clock of this ticket counts by: the one that held at its reception, or at the last time since
/// then that the policies were applied to the open tickets.
///
/// # Errors
/// What the database answers.
pub fn of_ticket(db: &mut PgConnection, ticket: &TicketRow, criticality: Criticality) -> Result<Policy> {
    let applied: Option<DateTime<Utc>> =
        attention_applications::table.select(max(attention_applications::applied_at)).first(db)?;
    at(db, criticality, applied.map_or(ticket.received_at, |applied| applied.max(ticket.received_at)))
}

/// The policy of a criticality that held at a moment.
fn at(db: &mut PgConnection, criticality: Criticality, moment: DateTime<Utc>) -> Result<Policy> {
    let policy = attention_policies::table
        .filter(attention_policies::criticality.eq(criticality))
        .filter(attention_policies::effective_from.le(moment))
        .order(attention_policies::effective_from.desc())
        .select(Policy::as_select())
        .first(db)?;
    Ok(policy)
}

/// The policies that hold at a moment, one for each criticality.
///
/// # Errors
/// What the database answers.
pub fn all_at(db: &mut PgConnection, moment: DateTime<Utc>) -> Result<Vec<Policy>> {
    let policies = attention_policies::table
        .filter(attention_policies::effective_from.le(moment))
        .distinct_on(attention_policies::criticality)
        .order((attention_policies::criticality, attention_policies::effective_from.desc()))
        .select(Policy::as_select())
        .load(db)?;
    Ok(policies)
}

/// Lets one change of attention times and calendars wait for the other, until the transaction ends: their policies
/// follow each other in the order in which they are written.
///
/// # Errors
/// What the database answers.
pub fn lock(tx: &mut PgConnection) -> Result<()> {
    const LOCK: i64 = 0x4d45_5341_0003;
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
    Ok(())
}

/// Writes what these attention times and their calendars say now as the policies that hold from `now` on. `lock` must
/// be held.
///
/// # Errors
/// What the database answers.
pub fn append(tx: &mut PgConnection, criticalities: &[Criticality], now: DateTime<Utc>) -> Result<()> {
    let latest: Option<DateTime<Utc>> =
        attention_policies::table.select(max(attention_policies::effective_from)).first(tx)?;
    let effective_from = latest.map_or(now, |latest| now.max(latest + TimeDelta::microseconds(1)));
    let times: Vec<(Criticality, Uuid, i32, String)> = attention_times::table
        .inner_join(calendars::table)
        .filter(attention_times::criticality.eq_any(criticalities))
        .select((
            attention_times::criticality,
            attention_times::calendar_id,
            attention_times::minutes,
            calendars::opening_hours,
        ))
        .load(tx)?;
    let policies: Vec<Policy> = times
        .into_iter()
        .map(|(criticality, calendar_id, minutes, opening_hours)| Policy {
            id: Uuid::now_v7(),
            criticality,
            calendar_id,
            minutes,
            opening_hours,
            effective_from,
        })
        .collect();
    diesel::insert_into(attention_policies::table).values(policies).execute(tx)?;
    Ok(())
}
