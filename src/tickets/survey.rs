//! The perception survey of a ticket, as far as the ticket itself needs it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::surveys;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// Whether a survey was answered.
    pub enum SurveyStatus {
        Pending = "pending",
        Answered = "answered",
    }
}

/// Makes the survey of a ticket that is solved; one that was solved before keeps the one it has, offered anew where it is
/// not answered.
///
/// # Errors
/// What the database answers.
pub fn offer(tx: &mut PgConnection, ticket_id: i64, requester_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    let offer = diesel::insert_into(surveys::table)
        .values((
            surveys::id.eq(Uuid::now_v7()),
            surveys::ticket_id.eq(ticket_id),
            surveys::requester_id.eq(requester_id),
            surveys::created_at.eq(now),
            surveys::offered_at.eq(now),
        ))
        .on_conflict(surveys::ticket_id)
        .do_update()
        .set(surveys::offered_at.eq(now));
    diesel::query_dsl::methods::FilterDsl::filter(offer, surveys::status.eq(SurveyStatus::Pending))
        .execute(tx)?;
    Ok(())
}
