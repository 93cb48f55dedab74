//! The single reminder of an unanswered survey.

use chrono::{DateTime, Duration, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::SurveyStatus;
use crate::config::Config;
use crate::db::schema::{surveys, tickets};
use crate::outbox::{self, MessageKind};
use crate::problem::{Problem, Result};
use crate::tickets::survey::attended_ticket;
use crate::tickets::workflow::TicketStatus;

/// How many reminders one transaction queues.
const BATCH: i64 = 100;

/// Queues the reminder of each survey that was offered the configured number of days ago, but within the validity of
/// a link, and whose ticket is not open again; returns how many. Concurrent instances of the server share the work.
///
/// # Errors
/// A database error; reminders that were already queued remain queued.
pub fn send(db: &mut PgConnection, config: &Config, now: DateTime<Utc>) -> Result<usize> {
    if config.survey_reminder_days == 0 {
        return Ok(0);
    }
    let mut queued = 0;
    loop {
        let batch = db.transaction::<_, Problem, _>(|tx| {
            let over = tickets::table
                .filter(tickets::id.eq(surveys::ticket_id))
                .filter(tickets::status.eq_any([TicketStatus::Solved, TicketStatus::Closed]));
            let due: Vec<(Uuid, i64, Uuid)> = surveys::table
                .filter(surveys::status.eq(SurveyStatus::Pending))
                .filter(surveys::reminded_at.is_null())
                .filter(surveys::offered_at.le(now - Duration::days(config.survey_reminder_days)))
                .filter(surveys::offered_at.gt(now - Duration::days(config.survey_days)))
                .filter(diesel::dsl::exists(over))
                .filter(not(attended_ticket(surveys::ticket_id, surveys::requester_id)))
                .order(surveys::offered_at)
                .limit(BATCH)
                .select((surveys::id, surveys::ticket_id, surveys::requester_id))
                .for_update()
                .skip_locked()
                .load(tx)?;
            for (_, ticket_id, requester_id) in &due {
                outbox::queue(
                    tx,
                    *ticket_id,
                    MessageKind::SurveyReminder,
                    &[*requester_id],
                    &json!({}),
                    now,
                )?;
            }
            let ids: Vec<Uuid> = due.iter().map(|(id, _, _)| *id).collect();
            diesel::update(surveys::table.filter(surveys::id.eq_any(ids)))
                .set(surveys::reminded_at.eq(now))
                .execute(tx)?;
            Ok(due.len())
        })?;
        queued += batch;
        if batch == 0 {
            return Ok(queued);
        }
    }
}
