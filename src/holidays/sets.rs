//! Stored sets of holidays. Every change of a holiday writes a new set; sets never change, so that a due time can be
//! computed again with the holidays that it was computed with.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{HolidayRule, Holidays};
use crate::db::schema::holiday_sets;
use crate::problem::{Problem, Result};

/// How many sets are cached in the process.
const CACHED: usize = 64;

/// Sets that were loaded before. A set never changes, so that no copy of the server can hold an outdated one.
static KNOWN: LazyLock<Mutex<HashMap<Uuid, Holidays>>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, HashMap<Uuid, Holidays>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The holidays in force now.
pub fn current(db: &mut PgConnection) -> Result<Holidays> {
    let id = current_id(db)?;
    one(db, id)
}

/// The id of the set that is in force now.
pub fn current_id(db: &mut PgConnection) -> Result<Uuid> {
    Ok(holiday_sets::table
        .order((holiday_sets::effective_from.desc(), holiday_sets::id.desc()))
        .select(holiday_sets::id)
        .first(db)?)
}

/// One stored set.
pub fn one(db: &mut PgConnection, id: Uuid) -> Result<Holidays> {
    among(&by_id(db, [id])?, id).cloned()
}

/// One of several loaded sets.
///
/// # Errors
/// `Code::Internal` if it is not among them: the database prevents a missing set.
pub fn among(sets: &HashMap<Uuid, Holidays>, id: Uuid) -> Result<&Holidays> {
    sets.get(&id).ok_or_else(|| Problem::internal("a set of holidays is missing"))
}

/// Stored sets by id, with at most one query.
pub fn by_id(db: &mut PgConnection, ids: impl IntoIterator<Item = Uuid>) -> Result<HashMap<Uuid, Holidays>> {
    let mut found = HashMap::new();
    let mut missing = Vec::new();
    {
        let known = known();
        for id in ids {
            match known.get(&id) {
                Some(holidays) => drop(found.insert(id, holidays.clone())),
                None => missing.push(id),
            }
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let loaded: Vec<(Uuid, Value)> = holiday_sets::table
        .filter(holiday_sets::id.eq_any(&missing))
        .select((holiday_sets::id, holiday_sets::rules))
        .load(db)?;
    let mut known = known();
    for (id, rules) in loaded {
        let rules: Vec<HolidayRule> = serde_json::from_value(rules).map_err(Problem::internal)?;
        let holidays = Holidays::new(rules);
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(id, holidays.clone());
        found.insert(id, holidays);
    }
    Ok(found)
}

/// Stores the rules as a new set that is in force from `now` on, after every earlier set.
pub fn append(tx: &mut PgConnection, rules: &[HolidayRule], now: DateTime<Utc>) -> Result<(Uuid, Holidays)> {
    let latest: Option<DateTime<Utc>> =
        holiday_sets::table.select(max(holiday_sets::effective_from)).first(tx)?;
    let effective_from = latest.map_or(now, |latest| now.max(latest + TimeDelta::microseconds(1)));
    let id = Uuid::now_v7();
    diesel::insert_into(holiday_sets::table)
        .values((
            holiday_sets::id.eq(id),
            holiday_sets::rules.eq(serde_json::to_value(rules).map_err(Problem::internal)?),
            holiday_sets::effective_from.eq(effective_from),
        ))
        .execute(tx)?;
    Ok((id, Holidays::new(rules.to_vec())))
}
