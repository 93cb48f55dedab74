//! An improvement action: the finding, its cause, the action, the person responsible, the due date, and the efficacy.

pub mod attachments;
pub mod completion;
pub mod followups;
mod form;
pub mod list;
pub mod overdue;
pub mod verification;
pub mod write;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::origin::{Origin, OriginInput, origin_columns};
use super::today;
use crate::db::schema::improvement_actions as actions;
use crate::http::{Actor, Answer};
use crate::language::text_enum;
use crate::people::{Person, person};
use crate::problem::{Problem, Result};

text_enum! {
    /// The kind of an improvement action (tipo de acción).
    pub enum ActionKind {
        /// Removes the cause of a nonconformity (correctiva).
        Corrective = "corrective",
        /// Removes the cause of a possible nonconformity (preventiva).
        Preventive = "preventive",
        /// Improves what already conforms (de mejora).
        Improvement = "improvement",
    }
}

text_enum! {
    /// The state of an improvement action (estado).
    pub enum ActionStatus {
        /// Proposed.
        Draft = "draft",
        /// To be carried out (abierta).
        Open = "open",
        /// Carried out, its efficacy not verified.
        Completed = "completed",
        /// Verified as effective (cerrada).
        Effective = "effective",
        /// Verified as not effective (cerrada no eficaz); a further measure is another action.
        Ineffective = "ineffective",
    }
}

/// An improvement action of the FO-EM-15 Plan de Mejoramiento.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementAction {
    /// Identifier of the improvement action.
    id: Uuid,
    /// Consecutive number of the action (No.).
    #[schema(minimum = 1, example = 7)]
    number: i32,
    /// Corrective, preventive or improvement (tipo de acción).
    kind: ActionKind,
    /// The finding (hallazgo u oportunidad).
    #[schema(max_length = 4000, example = "El 18 % de los casos críticos se atendió después de una hora.")]
    finding: String,
    /// The cause (análisis de causa).
    #[schema(max_length = 4000, example = "No hay turno de soporte los sábados.")]
    cause: String,
    /// What is to be done (acción).
    #[schema(max_length = 4000, example = "Establecer un turno los sábados.")]
    action: String,
    /// The person who carries it out (responsable).
    owner: Person,
    /// The last day for carrying it out, by the entity's clock (fecha límite).
    #[schema(example = "2026-12-31")]
    due_on: NaiveDate,
    /// The state of the action (estado).
    status: ActionStatus,
    /// `true` if the action is `open` and `due_on` has passed by the entity's clock.
    overdue: bool,
    /// What the action results from (fuente), with a link to it.
    origin: Origin,
    /// When, by whom and how it was carried out; `null` until the action is completed.
    completion: Option<ActionCompletion>,
    /// The result of the verification of its efficacy; `null` until its efficacy is verified.
    verification: Option<EfficacyVerification>,
    /// The person who wrote the action.
    created_by: Person,
    /// The time at which the action was created.
    created_at: DateTime<Utc>,
    /// The time of the last change of the action itself; followups and attachments do not count as changes.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The completion of an action (cumplimiento).
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionCompletion {
    /// The work that was carried out.
    #[schema(max_length = 4000, example = "El turno se presta desde el 5 de diciembre.")]
    note: String,
    /// The person who recorded the completion.
    completed_by: Person,
    /// The time at which the completion was recorded.
    completed_at: DateTime<Utc>,
}

/// The verification of the efficacy of an action (verificación de la eficacia).
#[derive(Debug, Serialize, ToSchema)]
pub struct EfficacyVerification {
    /// `true` if the action removed the cause: its state is then `effective`, otherwise `ineffective`.
    effective: bool,
    /// The evidence for the result.
    #[schema(max_length = 4000, example = "Desde el cambio ningún caso crítico se atendió tarde.")]
    note: String,
    /// The person who verified the efficacy; never the owner of the action at that time.
    verified_by: Person,
    /// The time of the verification.
    verified_at: DateTime<Utc>,
}

/// The row of an action, without its origin.
#[derive(Queryable, Selectable)]
#[diesel(table_name = actions)]
struct Row {
    id: Uuid,
    number: i32,
    kind: ActionKind,
    finding: String,
    cause: String,
    action: String,
    owner_id: Uuid,
    due_on: NaiveDate,
    status: ActionStatus,
    completed_at: Option<DateTime<Utc>>,
    completed_by: Option<Uuid>,
    completion_note: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    verified_by: Option<Uuid>,
    verification_note: Option<String>,
    created_by: Uuid,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

type Found = (Row, OriginInput);

/// The columns of a row and of its origin.
macro_rules! found {
    () => {
        (
            <crate::improvement::actions::Row as diesel::SelectableHelper<diesel::pg::Pg>>::as_select(),
            origin_columns!(actions),
        )
    };
}
use found;

impl ImprovementAction {
    /// The actions with the names of their people, in two statements for a whole page.
    fn present(db: &mut PgConnection, found: Vec<Found>, day: NaiveDate) -> Result<Vec<Self>> {
        let ids = found.iter().flat_map(|(row, _)| {
            [Some(row.owner_id), Some(row.created_by), row.completed_by, row.verified_by]
        });
        let people = person::by_id(db, ids.flatten())?;
        let person = |id| people.get(&id).cloned().ok_or_else(|| Problem::internal("an action of nobody"));
        let action = |(row, origin): Found| {
            let completion = match (row.completed_by, row.completed_at, row.completion_note) {
                (Some(by), Some(completed_at), Some(note)) => {
                    Some(ActionCompletion { note, completed_by: person(by)?, completed_at })
                }
                _ => None,
            };
            let verification = match (row.verified_by, row.verified_at, row.verification_note) {
                (Some(by), Some(verified_at), Some(note)) => Some(EfficacyVerification {
                    effective: row.status == ActionStatus::Effective,
                    note,
                    verified_by: person(by)?,
                    verified_at,
                }),
                _ => None,
            };
            Ok(ImprovementAction {
                id: row.id,
                number: row.number,
                kind: row.kind,
                finding: row.finding,
                cause: row.cause,
                action: row.action,
                owner: person(row.owner_id)?,
                due_on: row.due_on,
                status: row.status,
                overdue: row.status == ActionStatus::Open && row.due_on < day,
                origin: origin.into(),
                completion,
                verification,
                created_by: person(row.created_by)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            })
        };
        found.into_iter().map(action).collect()
    }

    fn find(db: &mut PgConnection, id: Uuid, day: NaiveDate) -> Result<Self> {
        let found: Found = actions::table.find(id).select(found!()).get_result(db)?;
        Self::present(db, vec![found], day)?.pop().ok_or_else(Problem::not_found)
    }

    /// As a response, with its version.
    fn answer(db: &mut PgConnection, id: Uuid, actor: &Actor) -> Result<Answer> {
        let action = Self::find(db, id, today(actor))?;
        Ok(Answer::ok(&action)?.version(action.id, action.version))
    }
}

/// The action, locked until the transaction ends.
fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Found> {
    Ok(actions::table.find(id).select(found!()).for_update().get_result(tx)?)
}

/// Checks that the action exists.
///
/// # Errors
/// A 404 if it does not.
pub fn check_exists(db: &mut PgConnection, id: Uuid) -> Result<()> {
    actions::table.find(id).select(actions::id).get_result::<Uuid>(db)?;
    Ok(())
}

/// The owner and the status; in a transaction they cannot change until the end.
///
/// # Errors
/// A 404 if there is none.
pub fn standing(db: &mut PgConnection, id: Uuid) -> Result<(Uuid, ActionStatus)> {
    Ok(actions::table.find(id).select((actions::owner_id, actions::status)).for_share().get_result(db)?)
}
