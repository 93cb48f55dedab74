//! The policies by which attention time is counted, and when each took effect.
//!
//! Attention time is counted by the policy in force at the reception of the ticket, even if it is classified later.
//! Therefore every change of an attention time, of its calendar or of a public holiday writes a new policy; policies
//! are never modified.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText, Timestamptz};
use uuid::Uuid;

use crate::db::Statement;
use crate::db::schema::{attention_policies, attention_times, calendars, holidays};
use crate::holidays::{HolidayRule, Holidays, sets};
use crate::problem::{Code, Problem, Result, Text};
use crate::tickets::clock::Calendar;
use crate::tickets::model::{Criticality, TicketRow};

/// A number of minutes, with the opening hours of the calendar at that time.
#[derive(Debug, Clone, PartialEq, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = attention_policies)]
pub struct Policy {
    pub id: Uuid,
    pub criticality: Criticality,
    pub calendar_id: Uuid,
    pub minutes: i32,
    pub opening_hours: String,
    pub effective_from: DateTime<Utc>,
    /// The public holidays that were in force.
    pub holiday_set_id: Uuid,
}

impl Policy {
    /// The calendar of the policy; at most one query.
    pub fn calendar(&self, db: &mut PgConnection, timezone: Tz) -> Result<Calendar> {
        kept_calendar(&self.opening_hours, timezone, &sets::one(db, self.holiday_set_id)?)
    }
}

/// Builds a calendar from an expression stored in the database.
///
/// # Errors
/// `Code::Internal` if it cannot be evaluated: every stored expression was checked before.
pub fn kept_calendar(opening_hours: &str, timezone: Tz, holidays: &Holidays) -> Result<Calendar> {
    Calendar::stored(opening_hours, timezone, holidays)
        .map_err(|unusable| Problem::internal(format!("the calendar {opening_hours:?}: {unusable:?}")))
}

/// The policy for a new clock of this ticket: the one in force at its reception, or at the last application of the
/// policies to open tickets if that was later.
pub fn of_ticket(db: &mut PgConnection, ticket: &TicketRow, criticality: Criticality) -> Result<Policy> {
    Ok(for_new_clock(criticality, ticket.received_at).get_result(db)?)
}

/// The statement that selects this policy.
pub fn for_new_clock(criticality: Criticality, received_at: DateTime<Utc>) -> Statement<'static> {
    // A prepared statement with `*` fails once a later version adds a column.
    Statement::new(
        "SELECT id, criticality, calendar_id, minutes, opening_hours, effective_from, holiday_set_id \
             FROM attention_policies WHERE criticality = ",
    )
    .bind::<SqlText, _>(criticality)
    .sql(" AND effective_from <= greatest(")
    .bind::<Timestamptz, _>(received_at)
    .sql(", (SELECT max(applied_at) FROM attention_applications)) ORDER BY effective_from DESC LIMIT 1")
}

/// The policies in force at a moment, one for each criticality.
pub fn all_at(db: &mut PgConnection, moment: DateTime<Utc>) -> Result<Vec<Policy>> {
    let policies = attention_policies::table
        .filter(attention_policies::effective_from.le(moment))
        .distinct_on(attention_policies::criticality)
        .order((attention_policies::criticality, attention_policies::effective_from.desc()))
        .select(Policy::as_select())
        .load(db)?;
    Ok(policies)
}

/// Serializes changes of attention times, calendars and public holidays until the end of the transaction, so that
/// their policies are written in order.
pub fn lock(tx: &mut PgConnection) -> Result<()> {
    const LOCK: i64 = 0x4d45_5341_0003;
    diesel::sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK).execute(tx)?;
    Ok(())
}

/// The maximum number of holidays.
const MOST_HOLIDAYS: usize = 500;

/// Applies the stored holidays from `now` on, for every criticality. `lock` must be held.
///
/// # Errors
/// `Code::NoDueTime` if the calendar of an attention time would not be open for that long; `Code::TooManyHolidays` if
/// there are too many.
pub fn renew_holidays(tx: &mut PgConnection, timezone: Tz, now: DateTime<Utc>) -> Result<()> {
    let rules: Vec<HolidayRule> =
        holidays::table.order(holidays::id).select(HolidayRule::as_select()).load(tx)?;
    if rules.len() > MOST_HOLIDAYS {
        return Err(Problem::new(
            Code::TooManyHolidays,
            Text::new("Se pueden registrar hasta 500 festivos.", "The maximum is 500 holidays."),
        ));
    }
    let (_, in_force) = sets::append(tx, &rules, now)?;
    let times: Vec<(Criticality, i32, String)> = attention_times::table
        .inner_join(calendars::table)
        .select((attention_times::criticality, attention_times::minutes, calendars::opening_hours))
        .load(tx)?;
    for (_, minutes, opening_hours) in &times {
        kept_calendar(opening_hours, timezone, &in_force)?.due(now, *minutes, &[])?;
    }
    let criticalities: Vec<Criticality> = times.iter().map(|(criticality, _, _)| *criticality).collect();
    append(tx, &criticalities, now)
}

/// Writes new policies, effective from `now`, with the current values of these attention times, their calendars and
/// the public holidays. `lock` must be held.
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
    let holiday_set_id = sets::current_id(tx)?;
    let policies: Vec<Policy> = times
        .into_iter()
        .map(|(criticality, calendar_id, minutes, opening_hours)| Policy {
            id: Uuid::now_v7(),
            criticality,
            calendar_id,
            minutes,
            opening_hours,
            effective_from,
            holiday_set_id,
        })
        .collect();
    diesel::insert_into(attention_policies::table).values(policies).execute(tx)?;
    Ok(())
}
