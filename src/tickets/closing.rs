//! Automatic closing of solved tickets.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::model::TicketRow;
use super::steps::{self, Case};
use super::workflow::TicketStatus;
use crate::audit::kind::EventKind;
use crate::db::schema::tickets;
use crate::outbox::MessageKind;
use crate::problem::{Problem, Result};

/// How many tickets one transaction closes.
const BATCH: i64 = 100;

/// Closes the tickets that were solved at least `days` ago; returns how many. Concurrent instances of the server
/// share the work.
///
/// # Errors
/// A database error; tickets that were closed before remain closed.
pub fn close_solved(db: &mut PgConnection, days: i64, timezone: Tz, now: DateTime<Utc>) -> Result<usize> {
    let mut closed = 0;
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| {
            let rows: Vec<TicketRow> = tickets::table
                .filter(tickets::status.eq(TicketStatus::Solved))
                .filter(tickets::solved_at.le(now - Duration::days(days)))
                .order(tickets::solved_at)
                .limit(BATCH)
                .select(TicketRow::as_select())
                .for_update()
                .skip_locked()
                .load(tx)?;
            Ok(steps::each(tx, rows, |tx, row| {
                let mut case = Case::automatic(tx, row, timezone, now);
                case.ticket.status = TicketStatus::Closed;
                case.ticket.closed_at = Some(case.now);
                case.details.after_days = Some(days);
                case.notify_requester(MessageKind::Closed);
                case.record(EventKind::Closed).map(|_| ())
            }))
        })?;
        closed += batch;
        if batch == 0 {
            return Ok(closed);
        }
    }
}
