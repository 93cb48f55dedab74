//! Automatic archiving of tickets whose requester did not answer a request for information.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::archiving;
use super::information;
use super::model::{ArchiveReason, TicketRow};
use super::steps::{self, Case};
use crate::audit::kind::EventKind;
use crate::db::schema::tickets;
use crate::problem::{Problem, Result};

/// How many tickets one transaction archives.
const BATCH: i64 = 100;

/// Archives the tickets whose deadline for the requester's answer is not after `now`; returns how many. Concurrent
/// instances of the server share the work.
///
/// # Errors
/// A database error; tickets that were archived before remain archived.
pub fn archive_unanswered(db: &mut PgConnection, now: DateTime<Utc>, timezone: Tz) -> Result<usize> {
    let mut archived = 0;
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| {
            let rows: Vec<TicketRow> = tickets::table
                .filter(tickets::information_deadline.le(now))
                .order(tickets::information_deadline)
                .limit(BATCH)
                .select(TicketRow::as_select())
                .for_update()
                .skip_locked()
                .load(tx)?;
            let mut requests = information::requested(tx, &rows)?;
            Ok(steps::each(tx, rows, |tx, row| {
                let missing = requests.remove(&row.id).map(|request| request.missing);
                let mut case = Case::automatic(tx, row, timezone, now);
                case.details.deadline = case.ticket.information_deadline;
                archiving::set_aside(&mut case, ArchiveReason::MissingInformation, missing, None)?;
                case.record(EventKind::Archived).map(|_| ())
            }))
        })?;
        archived += batch;
        if batch == 0 {
            return Ok(archived);
        }
    }
}
