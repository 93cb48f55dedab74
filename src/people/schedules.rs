//! The queries of working hours.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::availability::{Schedule, Shift};
use crate::db::schema::{absences, shifts, users};
use crate::problem::Result;

/// The working hours of these people, with their absences that end after `from`; three statements for all of them.
pub fn by_user(db: &mut PgConnection, ids: &[Uuid], from: DateTime<Utc>) -> Result<HashMap<Uuid, Schedule>> {
    let contracts: Vec<(Uuid, Option<NaiveDate>)> =
        users::table.filter(users::id.eq_any(ids)).select((users::id, users::contract_ends_on)).load(db)?;
    let mut schedules: HashMap<Uuid, Schedule> = contracts
        .into_iter()
        .map(|(id, contract_ends_on)| (id, Schedule { contract_ends_on, ..Schedule::default() }))
        .collect();
    let worked: Vec<(Uuid, Shift)> = shifts::table
        .filter(shifts::user_id.eq_any(ids))
        .select((shifts::user_id, Shift::as_select()))
        .load(db)?;
    for (id, shift) in worked {
        schedules.entry(id).or_default().shifts.push(shift);
    }
    let absent: Vec<(Uuid, DateTime<Utc>, DateTime<Utc>)> = absences::table
        .filter(absences::user_id.eq_any(ids))
        .filter(absences::ends_at.gt(from))
        .select((absences::user_id, absences::starts_at, absences::ends_at))
        .load(db)?;
    for (id, starts_at, ends_at) in absent {
        schedules.entry(id).or_default().absences.push(Range { start: starts_at, end: ends_at });
    }
    Ok(schedules)
}

/// The working hours of one person, with their absences that end after `from`.
pub fn for_user(db: &mut PgConnection, id: Uuid, from: DateTime<Utc>) -> Result<Schedule> {
    Ok(by_user(db, &[id], from)?.remove(&id).unwrap_or_default())
}
