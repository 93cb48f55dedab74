//! Removal of expired records: in batches, each with a record in the same transaction.

use chrono::{DateTime, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::records::Limits;
use super::{RetentionKind, mail, records, surveys};
use crate::db::schema::{retention_rules, retention_runs};
use crate::problem::{Problem, Result};
use crate::statistics::midnight;

/// The number of rows that one transaction removes, for kinds with many records.
const BATCH: i64 = 500;

/// The maximum number of batches per round of the routine.
const BATCHES: usize = 20;

/// Records that were removed, or are to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub kind: RetentionKind,
    pub months: i32,
    /// Records that ended before this moment.
    pub up_to: DateTime<Utc>,
    pub count: i64,
}

/// The rules to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// The rules that have not been applied on the current day.
    NotYetToday,
}

/// Kinds that are removed together, because forms refer to one another.
const TOGETHER: [&[RetentionKind]; 4] = [
    &[RetentionKind::Surveys],
    &[
        RetentionKind::Minutes,
        RetentionKind::Measurements,
        RetentionKind::ImprovementActions,
        RetentionKind::Risks,
    ],
    &[RetentionKind::Messages],
    &[RetentionKind::InboundEmails],
];

/// The retention limit on this day: records that ended before it were kept for at least so many months.
fn limit(timezone: Tz, today: NaiveDate, months: i32) -> Option<DateTime<Utc>> {
    midnight(timezone, today.checked_sub_months(Months::new(u32::try_from(months).ok()?)))
}

/// A rule with its limit.
#[derive(Debug, Clone, Copy)]
struct Rule {
    kind: RetentionKind,
    months: i32,
    up_to: DateTime<Utc>,
}

impl Rule {
    fn found(timezone: Tz, today: NaiveDate, (kind, months): (RetentionKind, Option<i32>)) -> Option<Self> {
        let months = months?;
        Some(Rule { kind, months, up_to: limit(timezone, today, months)? })
    }

    fn removed(self, count: i64) -> Removed {
        let Rule { kind, months, up_to } = self;
        Removed { kind, months, up_to, count }
    }
}

fn limits(rules: &[Rule]) -> Limits {
    let of = |kind| rules.iter().find(|rule| rule.kind == kind).map(|rule| rule.up_to);
    Limits {
        minutes: of(RetentionKind::Minutes),
        measurements: of(RetentionKind::Measurements),
        improvement_actions: of(RetentionKind::ImprovementActions),
        risks: of(RetentionKind::Risks),
    }
}

/// What would be removed now, by kind, without removing it.
pub fn due(db: &mut PgConnection, timezone: Tz, now: DateTime<Utc>) -> Result<Vec<Removed>> {
    db.build_transaction().repeatable_read().read_only().run(|tx| {
        let today = now.with_timezone(&timezone).date_naive();
        let known: Vec<(RetentionKind, Option<i32>)> =
            retention_rules::table.select((retention_rules::kind, retention_rules::months)).load(tx)?;
        let mut rules: Vec<Rule> =
            known.into_iter().filter_map(|known| Rule::found(timezone, today, known)).collect();
        rules.sort_by_key(|rule| rule.kind);
        let forms = records::due(tx, limits(&rules))?;
        let mut all = Vec::new();
        for rule in rules {
            let count = match rule.kind {
                RetentionKind::Tickets => 0,
                RetentionKind::Surveys => surveys::due(tx, rule.up_to)?,
                RetentionKind::Messages => mail::sent_due(tx, rule.up_to)?,
                RetentionKind::InboundEmails => mail::received_due(tx, rule.up_to)?,
                kind => i64::try_from(forms.ids(kind).len()).map_err(Problem::internal)?,
            };
            all.push(rule.removed(count));
        }
        Ok(all)
    })
}

/// Removes the records whose retention period has passed; returns the counts, one entry per kind. Concurrent
/// instances of the server take turns, and the second one finds nothing left.
///
/// A failure for some records does not prevent the removal of the others; the first error is returned with what was
/// removed and recorded, and the next run tries again.
pub fn remove(
    db: &mut PgConnection,
    timezone: Tz,
    now: DateTime<Utc>,
    which: Which,
) -> (Vec<Removed>, Result<()>) {
    let today = now.with_timezone(&timezone).date_naive();
    let (mut all, mut outcome): (Vec<Removed>, _) = (Vec::new(), Ok(()));
    // The rest continues in the next round, so that the other tasks of the routine are not delayed.
    let mut batches = if which == Which::All { usize::MAX } else { BATCHES };
    for together in TOGETHER {
        while batches > 0 {
            batches -= 1;
            let gone = db.transaction::<_, Problem, _>(|tx| batch(tx, timezone, today, together, which));
            let (removed, goes_on) = gone.unwrap_or_else(|problem| {
                if outcome.is_ok() {
                    outcome = Err(problem);
                }
                (Vec::new(), false)
            });
            for one in removed {
                match all.iter_mut().find(|known| known.kind == one.kind) {
                    Some(known) => known.count += one.count,
                    None => all.push(one),
                }
            }
            if !goes_on {
                break;
            }
        }
    }
    (all, outcome)
}

/// Removes a batch and records it; returns what was removed and whether there is more.
fn batch(
    tx: &mut PgConnection,
    timezone: Tz,
    today: NaiveDate,
    together: &[RetentionKind],
    which: Which,
) -> Result<(Vec<Removed>, bool)> {
    // The transaction that locks the rules removes; a transaction that waited for the lock sees what is left.
    let all = (which == Which::All).into_sql::<Bool>();
    let known: Vec<(RetentionKind, Option<i32>)> = retention_rules::table
        .filter(retention_rules::kind.eq_any(together))
        .filter(retention_rules::months.is_not_null())
        .filter(retention_rules::applied_on.is_distinct_from(today).or(all))
        .order(retention_rules::kind)
        .select((retention_rules::kind, retention_rules::months))
        .for_update()
        .load(tx)?;
    let rules: Vec<Rule> =
        known.into_iter().filter_map(|known| Rule::found(timezone, today, known)).collect();
    let Some(first) = rules.first().copied() else { return Ok((Vec::new(), false)) };
    let now = crate::db::now(tx)?;
    let removed: Vec<Removed> = match first.kind {
        RetentionKind::Tickets => Vec::new(),
        RetentionKind::Surveys => vec![first.removed(surveys::remove(tx, timezone, first.up_to, BATCH)?)],
        RetentionKind::Messages => vec![first.removed(mail::remove_sent(tx, first.up_to, BATCH)?)],
        RetentionKind::InboundEmails => {
            vec![first.removed(mail::remove_received(tx, first.up_to, BATCH, now)?)]
        }
        // Forms are few and are removed at once, because they refer to one another.
        _ => {
            let going = records::due(tx, limits(&rules))?;
            records::remove(tx, &going, now)?;
            let count = |rule: Rule| i64::try_from(going.ids(rule.kind).len()).map_err(Problem::internal);
            rules.iter().map(|rule| Ok(rule.removed(count(*rule)?))).collect::<Result<_>>()?
        }
    };
    let removed: Vec<Removed> = removed.into_iter().filter(|one| one.count > 0).collect();
    let mut runs = Vec::new();
    for one in &removed {
        runs.push((
            retention_runs::id.eq(Uuid::now_v7()),
            retention_runs::kind.eq(one.kind),
            retention_runs::months.eq(one.months),
            retention_runs::up_to.eq(one.up_to),
            retention_runs::removed.eq(i32::try_from(one.count).map_err(Problem::internal)?),
            retention_runs::removed_at.eq(now),
        ));
    }
    diesel::insert_into(retention_runs::table).values(runs).execute(tx)?;
    let goes_on = together.len() == 1 && removed.iter().any(|one| one.count >= BATCH);
    if !goes_on {
        let kinds: Vec<RetentionKind> = rules.iter().map(|rule| rule.kind).collect();
        diesel::update(retention_rules::table.filter(retention_rules::kind.eq_any(kinds)))
            .set(retention_rules::applied_on.eq(today))
            .execute(tx)?;
    }
    Ok((removed, goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_the_calendars_and_begin_at_the_entitys_midnight() {
        for (today, months, expected) in [
            ("2026-11-24", 24, "2024-11-24T05:00:00+00:00"),
            ("2028-02-29", 24, "2026-02-28T05:00:00+00:00"),
            ("2026-03-31", 1, "2026-02-28T05:00:00+00:00"),
        ] {
            let found = limit(chrono_tz::America::Bogota, today.parse().unwrap(), months).unwrap();
            assert_eq!(found.to_rfc3339(), expected, "{today} less {months}");
        }
        assert_eq!(limit(chrono_tz::UTC, "2026-11-24".parse().unwrap(), i32::MAX), None);
    }
}
