//! A risk: the possible event, its cause, its effect, its assessment and its treatment.

pub mod attachments;
mod form;
mod heat_map;
pub mod level;
pub mod list;
pub mod matrix;
mod svg;
pub mod write;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use self::level::RiskLevel;
use super::origin::{Origin, OriginInput, origin_columns};
use crate::db::schema::risks;
use crate::http::Answer;
use crate::language::text_enum;
use crate::people::{Person, person};
use crate::problem::{Problem, Result};

text_enum! {
    /// The treatment of a risk (opción de tratamiento).
    pub enum RiskTreatment {
        /// It is accepted and monitored (aceptar).
        Accept = "accept",
        /// Its probability or its impact is reduced (reducir, mitigar).
        Reduce = "reduce",
        /// It is transferred to a third party (transferir, compartir).
        Transfer = "transfer",
        /// Its source is avoided (evitar).
        Avoid = "avoid",
    }
}

text_enum! {
    /// The state of a risk.
    pub enum RiskStatus {
        /// Proposed.
        Draft = "draft",
        /// In the matrix.
        Active = "active",
        /// The risk no longer exists.
        Closed = "closed",
    }
}

/// A risk of the FO-DE-11 Matriz de Riesgos.
#[derive(Debug, Serialize, ToSchema)]
pub struct Risk {
    /// Identifier of the risk.
    id: Uuid,
    /// Consecutive number of the risk; the image of the matrix shows it as `R7`.
    #[schema(minimum = 1, example = 7)]
    number: i32,
    /// The cause (causa).
    #[schema(max_length = 4000, example = "El sistema de respaldo no se prueba.")]
    cause: String,
    /// The possible event (riesgo).
    #[schema(max_length = 500, example = "Pérdida del registro de solicitudes")]
    risk: String,
    /// The effect (efecto, consecuencia).
    #[schema(max_length = 4000, example = "No se podría demostrar la oportunidad de la atención.")]
    effect: String,
    /// Probability without controls, from 1 (muy baja) to 5 (muy alta).
    #[schema(minimum = 1, maximum = 5, example = 3)]
    probability: i16,
    /// Impact without controls, from 1 (leve) to 5 (catastrófico).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    impact: i16,
    /// The level without controls (riesgo inherente), computed from `probability` and `impact`.
    #[serde(rename = "risk_level")]
    level: RiskLevel,
    /// The existing controls (controles); `null` if none are stated.
    #[schema(max_length = 4000, example = "Copia diaria en otro edificio.")]
    controls: Option<String>,
    /// The assessment with controls (riesgo residual); `null` if none was made.
    residual: Option<RiskAssessment>,
    /// How the entity deals with the risk (opción de tratamiento).
    treatment: RiskTreatment,
    /// The measures of the treatment (acciones de tratamiento); `null` if none are stated.
    #[schema(max_length = 4000, example = "Restaurar una copia cada trimestre.")]
    treatment_plan: Option<String>,
    /// The person responsible for the risk (responsable).
    owner: Person,
    /// The date of the next review (fecha de revisión).
    #[schema(example = "2027-03-31")]
    review_on: NaiveDate,
    /// The state of the risk. The matrix shows `active` risks only.
    status: RiskStatus,
    /// What the risk results from (fuente), with a link to it.
    origin: Origin,
    /// The person who created the risk.
    created_by: Person,
    /// The time at which the risk was created.
    created_at: DateTime<Utc>,
    /// The time of the last change of the risk.
    updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// Probability and impact with the resulting level.
#[derive(Debug, Serialize, ToSchema)]
pub struct RiskAssessment {
    /// Probability, from 1 (muy baja) to 5 (muy alta).
    #[schema(minimum = 1, maximum = 5, example = 2)]
    probability: i16,
    /// Impact, from 1 (leve) to 5 (catastrófico).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    impact: i16,
    /// The level (zona de riesgo), computed from `probability` and `impact`.
    #[serde(rename = "risk_level")]
    level: RiskLevel,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = risks)]
struct Row {
    id: Uuid,
    number: i32,
    cause: String,
    risk: String,
    effect: String,
    probability: i16,
    impact: i16,
    level: RiskLevel,
    controls: Option<String>,
    residual_probability: Option<i16>,
    residual_impact: Option<i16>,
    residual_level: Option<RiskLevel>,
    treatment: RiskTreatment,
    treatment_plan: Option<String>,
    owner_id: Uuid,
    review_on: NaiveDate,
    status: RiskStatus,
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
            <crate::improvement::risks::Row as diesel::SelectableHelper<diesel::pg::Pg>>::as_select(),
            origin_columns!(risks),
        )
    };
}
use found;

impl Risk {
    /// The risks with the names of their people, in two statements for a whole page.
    fn present(db: &mut PgConnection, found: Vec<Found>) -> Result<Vec<Self>> {
        let people = person::by_id(db, found.iter().flat_map(|(row, _)| [row.owner_id, row.created_by]))?;
        let person = |id| people.get(&id).cloned().ok_or_else(|| Problem::internal("a risk of nobody"));
        let risk = |(row, origin): Found| {
            let residual = match (row.residual_probability, row.residual_impact, row.residual_level) {
                (Some(probability), Some(impact), Some(level)) => {
                    Some(RiskAssessment { probability, impact, level })
                }
                _ => None,
            };
            Ok(Risk {
                id: row.id,
                number: row.number,
                cause: row.cause,
                risk: row.risk,
                effect: row.effect,
                probability: row.probability,
                impact: row.impact,
                level: row.level,
                controls: row.controls,
                residual,
                treatment: row.treatment,
                treatment_plan: row.treatment_plan,
                owner: person(row.owner_id)?,
                review_on: row.review_on,
                status: row.status,
                origin: origin.into(),
                created_by: person(row.created_by)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            })
        };
        found.into_iter().map(risk).collect()
    }

    fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        let found: Found = risks::table.find(id).select(found!()).get_result(db)?;
        Self::present(db, vec![found])?.pop().ok_or_else(Problem::not_found)
    }

    /// As a response, with its version.
    fn answer(db: &mut PgConnection, id: Uuid) -> Result<Answer> {
        let risk = Self::find(db, id)?;
        Ok(Answer::ok(&risk)?.version(risk.id, risk.version))
    }
}
