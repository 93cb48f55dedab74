//! Assigns positions to the entries of the log.
//!
//! An entry is written in the transaction of its event, without a position, because transactions commit in another
//! order than they draw numbers. One sequencer at a time assigns positions to the committed entries, from the highest
//! position on. Entries without a position are in a partition of their own: with the position they move to the others,
//! which are written once and in order. A reader who has read up to a position has therefore read all entries before it: the tree only grows
//! by new leaves, and a reader of the log can resume after the last position it has read. Events of one ticket are
//! written while its row is locked, so that they are in the order of its history.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};

use crate::db::schema::log_entries as rows;
use crate::problem::Result;

/// The advisory lock of the one sequencer.
const LOCK: i64 = 0x4d45_5341_0600;

/// How many entries get their positions in one transaction.
const BATCH: i64 = 2000;

/// Time limit of one call if many entries wait; a statement for a request takes less.
const LONGEST: Duration = Duration::from_secs(5);

/// What to do if another sequencer is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    /// Leave the entries to it.
    Return,
    /// Wait for the end of its batch: every committed entry must have its position afterwards.
    Wait,
}

/// Assigns positions to the waiting entries, for a few seconds at most; returns how many.
pub fn run(db: &mut PgConnection, if_busy: IfBusy) -> Result<usize> {
    let begun = Instant::now();
    let mut placed = 0;
    loop {
        let batch = batch(db, if_busy)?;
        placed += batch;
        if i64::try_from(batch).unwrap_or_default() < BATCH || begun.elapsed() > LONGEST {
            return Ok(placed);
        }
    }
}

fn batch(db: &mut PgConnection, if_busy: IfBusy) -> Result<usize> {
    #[derive(QueryableByName)]
    struct Lock {
        #[diesel(sql_type = Bool)]
        held: bool,
    }
    // Each statement sees the data committed when it begins: the update must begin after the lock was taken.
    db.build_transaction().read_committed().run(|tx| {
        let lock = match if_busy {
            IfBusy::Return => "SELECT pg_try_advisory_xact_lock($1) AS held",
            IfBusy::Wait => "SELECT true AS held FROM pg_advisory_xact_lock($1)",
        };
        let lock: Lock = diesel::sql_query(lock).bind::<BigInt, _>(LOCK).get_result(tx)?;
        if !lock.held {
            return Ok(0);
        }
        let waiting: Vec<i64> = rows::table
            .filter(rows::position.is_null())
            .order(rows::ordinal)
            .limit(BATCH)
            .select(rows::ordinal)
            .load(tx)?;
        if waiting.is_empty() {
            return Ok(0);
        }
        // The ordinals are passed: a plan for a join over all waiting entries might take quadratic time. Both conditions
        // on the position restrict the statement to one partition.
        let placed = diesel::sql_query(
            "UPDATE log_entries l SET position = highest.position + waiting.number \
             FROM (SELECT coalesce(max(position), -1) AS position FROM log_entries WHERE position >= 0) AS highest, \
                  unnest($1) WITH ORDINALITY AS waiting (ordinal, number) \
             WHERE l.ordinal = waiting.ordinal AND l.position IS NULL",
        )
        .bind::<Array<BigInt>, _>(waiting)
        .execute(tx)?;
        Ok(placed)
    })
}
