//! The part of the perception survey that tickets depend on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::surveys;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// Whether a survey was answered.
    pub enum SurveyStatus {
        /// It was offered and not answered yet.
        Pending = "pending",
        /// It was answered.
        Answered = "answered",
    }
}

/// Creates the survey of a solved ticket. A ticket that was solved before keeps its survey, which is offered again if
/// it is not answered.
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
