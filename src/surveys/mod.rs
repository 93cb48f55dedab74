//! Activity 10: the perception survey.

pub mod answer;
pub mod list;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::db::schema::surveys;
use crate::db::text_enum;
use crate::problem::Result;

pub fn routes(config: &mut ServiceConfig) {
    config.service(answer::read).service(answer::answer).service(list::list);
}

text_enum! {
    /// Whether a survey was answered.
    pub enum SurveyStatus {
        Pending = "pending",
        Answered = "answered",
    }
}

/// From 1, very bad, to 5, very good.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratings {
    /// The service as a whole.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub overall: i16,
    /// How soon it came.
    #[schema(minimum = 1, maximum = 5, example = 4)]
    pub timeliness: i16,
    /// How one was treated.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub courtesy: i16,
    /// How well it solved the matter.
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub solution: i16,
}

/// The survey of a ticket.
#[derive(Serialize, ToSchema)]
pub struct Survey {
    pub id: Uuid,
    #[schema(example = 123)]
    pub ticket_id: i64,
    pub status: SurveyStatus,
    /// `null` until it is answered.
    pub ratings: Option<Ratings>,
    #[schema(example = "Muy amables.")]
    pub comment: Option<String>,
    pub created_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = surveys)]
struct Row {
    id: Uuid,
    ticket_id: i64,
    status: SurveyStatus,
    overall: Option<i16>,
    timeliness: Option<i16>,
    courtesy: Option<i16>,
    solution: Option<i16>,
    comment: Option<String>,
    created_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
}

impl From<Row> for Survey {
    fn from(row: Row) -> Self {
        let ratings = match (row.overall, row.timeliness, row.courtesy, row.solution) {
            (Some(overall), Some(timeliness), Some(courtesy), Some(solution)) => {
                Some(Ratings { overall, timeliness, courtesy, solution })
            }
            _ => None,
        };
        Survey {
            id: row.id,
            ticket_id: row.ticket_id,
            status: row.status,
            ratings,
            comment: row.comment,
            created_at: row.created_at,
            answered_at: row.answered_at,
        }
    }
}

/// Makes the survey of a ticket that is solved; one that was solved before keeps the one it has.
///
/// # Errors
/// What the database answers.
pub fn offer(tx: &mut PgConnection, ticket_id: i64, requester_id: Uuid, now: DateTime<Utc>) -> Result<()> {
    diesel::insert_into(surveys::table)
        .values((
            surveys::id.eq(Uuid::now_v7()),
            surveys::ticket_id.eq(ticket_id),
            surveys::requester_id.eq(requester_id),
            surveys::created_at.eq(now),
        ))
        .on_conflict(surveys::ticket_id)
        .do_nothing()
        .execute(tx)?;
    Ok(())
}
