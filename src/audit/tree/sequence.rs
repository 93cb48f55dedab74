//! Gives the entries of the log their positions.
//!
//! An entry is written in the transaction of its event, without a position, for transactions commit in another order than
//! they draw numbers. One sequencer at a time gives positions to the entries that it sees, that is to committed ones, and
//! from the highest position on. A reader who has read up to a position has therefore read all before it, for ever: the
//! tree can grow by new leaves alone, and a reader of the log can resume after the last position that it has seen.
//! Events of one ticket are written while its row is locked, so that they are in the order of its history.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::problem::Result;

/// The advisory lock of the one sequencer.
const LOCK: i64 = 0x4d45_5341_0600;

/// How many entries get their positions in one transaction.
const BATCH: i64 = 2000;

/// How long one call goes on where many entries wait; a statement for a request takes less.
const LONGEST: Duration = Duration::from_secs(5);

/// What to do where another sequencer is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    /// Leave the entries to it.
    Return,
    /// Wait for the end of its batch: everything that is committed by now must have its position.
    Wait,
}

/// Gives positions to the entries that wait, for a few seconds at most; returns how many.
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
    // Each statement sees what was committed when it begins: the update is one after the lock was taken.
    db.build_transaction().read_committed().run(|tx| {
        let lock = match if_busy {
            IfBusy::Return => "SELECT pg_try_advisory_xact_lock($1) AS held",
            IfBusy::Wait => "SELECT true AS held FROM pg_advisory_xact_lock($1)",
        };
        let lock: Lock = diesel::sql_query(lock).bind::<BigInt, _>(LOCK).get_result(tx)?;
        if !lock.held {
            return Ok(0);
        }
        let placed = diesel::sql_query(
            "UPDATE log_entries l SET position = highest.position + waiting.number \
             FROM (SELECT coalesce(max(position), -1) AS position FROM log_entries) AS highest, \
                  (SELECT ordinal, row_number() OVER (ORDER BY ordinal) AS number \
                   FROM (SELECT ordinal FROM log_entries WHERE position IS NULL ORDER BY ordinal LIMIT $1) AS w) \
                      AS waiting \
             WHERE l.position IS NULL AND l.ordinal = waiting.ordinal",
        )
        .bind::<BigInt, _>(BATCH)
        .execute(tx)?;
        Ok(placed)
    })
}
