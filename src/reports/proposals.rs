//! The improvement actions of a report: those that are open or proposed.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{improvement_actions as actions, users};
use crate::improvement::actions::ActionStatus;
use crate::problem::Result;

/// An improvement action that is open or proposed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportAction {
    /// Identifier of the improvement action.
    pub improvement_action_id: Uuid,
    /// Consecutive number of the action (No.).
    #[schema(minimum = 1, example = 7)]
    pub number: i32,
    /// What is to be done (acción).
    #[schema(max_length = 4000, example = "Establecer un turno los sábados.")]
    pub action: String,
    /// The full name of the person who carries it out (responsable).
    #[schema(max_length = 200, example = "Ana María Restrepo")]
    pub owner_full_name: String,
    /// The last day for carrying it out (fecha límite).
    #[schema(example = "2026-12-31")]
    pub due_on: NaiveDate,
    /// `draft` if it is proposed, `open` if it is to be carried out.
    pub status: ActionStatus,
    /// `true` if the action is `open` and `due_on` has passed.
    pub overdue: bool,
}

/// The maximum number of actions in a report.
const MOST: i64 = 200;

/// The actions that are open or proposed on this day, by due date.
pub fn actions(tx: &mut PgConnection, day: NaiveDate) -> Result<Vec<ReportAction>> {
    type Row = (Uuid, i32, String, String, NaiveDate, ActionStatus);
    let rows: Vec<Row> = actions::table
        .inner_join(users::table.on(users::id.eq(actions::owner_id)))
        .filter(actions::status.eq_any([ActionStatus::Draft, ActionStatus::Open]))
        .order((actions::due_on, actions::number))
        .limit(MOST)
        .select((
            actions::id,
            actions::number,
            actions::action,
            users::full_name,
            actions::due_on,
            actions::status,
        ))
        .load(tx)?;
    let action =
        |(improvement_action_id, number, action, owner_full_name, due_on, status): Row| ReportAction {
            improvement_action_id,
            number,
            action,
            owner_full_name,
            due_on,
            status,
            overdue: status == ActionStatus::Open && due_on < day,
        };
    Ok(rows.into_iter().map(action).collect())
}
