//! Creating, reading and changing a risk.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Found, Risk, RiskStatus, RiskTreatment, form, found, risks};
use crate::auth::policy::Action;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response as documents;
use crate::http::actor::next_version;
use crate::http::body::{Content, Patch};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::improvement::origin::{OriginInput, origin_columns, origin_values};
use crate::improvement::owner_fault;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Probability and impact.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskAssessmentInput {
    /// Probability, from 1 (muy baja) to 5 (muy alta).
    #[schema(minimum = 1, maximum = 5, example = 2)]
    probability: i16,
    /// Impact, from 1 (leve) to 5 (catastrófico).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    impact: i16,
}

/// The writable fields of a risk.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskCreate {
    /// The cause (causa).
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "El sistema de respaldo no se prueba."
    )]
    cause: String,
    /// The possible event (riesgo).
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"\S",
        example = "Pérdida del registro de solicitudes"
    )]
    risk: String,
    /// The effect (efecto, consecuencia).
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "No se podría demostrar la oportunidad de la atención."
    )]
    effect: String,
    /// Probability without controls, from 1 (muy baja) to 5 (muy alta).
    #[schema(minimum = 1, maximum = 5, example = 3)]
    probability: i16,
    /// Impact without controls, from 1 (leve) to 5 (catastrófico).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    impact: i16,
    /// The existing controls (controles). Optional.
    #[schema(min_length = 1, max_length = 4000, pattern = r"\S", example = "Copia diaria en otro edificio.")]
    controls: Option<String>,
    /// The assessment with controls (riesgo residual). Optional. Neither of its values may be higher than the value
    /// without controls.
    residual: Option<RiskAssessmentInput>,
    /// How the entity deals with the risk (opción de tratamiento).
    treatment: RiskTreatment,
    /// The measures of the treatment (acciones de tratamiento). Optional.
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "Restaurar una copia cada trimestre."
    )]
    treatment_plan: Option<String>,
    /// Identifier of the person responsible: an active member of staff (responsable). An owner that is already set may
    /// stay, even if they are no longer active.
    owner_id: Uuid,
    /// The date of the next review (fecha de revisión).
    #[schema(example = "2027-03-31")]
    review_on: NaiveDate,
    /// What the risk results from (fuente).
    origin: OriginInput,
    /// At creation `draft` if omitted. Technicians may only write drafts. A risk that is no longer a draft cannot
    /// become one again.
    #[serde(default = "draft")]
    #[schema(required = false)]
    status: RiskStatus,
}

fn draft() -> RiskStatus {
    RiskStatus::Draft
}

impl RiskCreate {
    /// Checks that the owner is allowed, the origin complete, and the assessment with controls not higher; a previous
    /// owner may remain.
    fn check(&self, tx: &mut PgConnection, before: Option<Uuid>) -> Result<()> {
        let mut faults = self.origin.faults(tx)?;
        if before != Some(self.owner_id) {
            faults.extend(owner_fault(tx, self.owner_id, "/owner_id")?);
        }
        if let Some(residual) = self.residual {
            let mut compare = |pointer, left: i16, without: i16| {
                if left > without {
                    faults.push(FieldError::new(
                        pointer,
                        FieldCode::OutOfRange,
                        Text::new(
                            "Los controles no pueden aumentar el riesgo.",
                            "Controls cannot increase the risk.",
                        ),
                    ));
                }
            };
            compare("/residual/probability", residual.probability, self.probability);
            compare("/residual/impact", residual.impact, self.impact);
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
    }
}

/// The columns of a risk with their values.
macro_rules! values {
    ($content:expr) => {{
        let content = $content;
        (
            risks::cause.eq(content.cause),
            risks::risk.eq(content.risk),
            risks::effect.eq(content.effect),
            risks::probability.eq(content.probability),
            risks::impact.eq(content.impact),
            risks::controls.eq(content.controls),
            risks::residual_probability.eq(content.residual.map(|residual| residual.probability)),
            risks::residual_impact.eq(content.residual.map(|residual| residual.impact)),
            risks::treatment.eq(content.treatment),
            risks::treatment_plan.eq(content.treatment_plan),
            risks::owner_id.eq(content.owner_id),
            risks::review_on.eq(content.review_on),
            risks::status.eq(content.status),
            origin_values!(risks, content.origin),
        )
    }};
}

/// Read a risk
///
/// The assessment with and without controls, and the treatment. As JSON, or as the form FO-DE-11 Matriz de Riesgos for
/// people.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "risks", operation_id = "getRisk",
    params(("risk_id" = Uuid, Path, description = "Identifier of the risk."), FormatQuery),
    responses((status = 200, description = "The risk", content(
        (Risk = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/risks/{risk_id}")]
pub async fn read(
    call: Call,
    id: Path<Uuid>,
    query: Query<FormatQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let load = move |db: &mut PgConnection, _: &Actor, accept: &str| {
        let format = query.read()?.or_accepted(accept);
        if format == ReportFormat::Json {
            return Risk::answer(db, *id).map(documents::Found::Json);
        }
        let risk = Risk::find(db, *id)?;
        let (id, version) = (risk.id, risk.version);
        Ok(documents::Found::one(format, risk, id, version))
    };
    documents::serve(call, request, form::KIND, load, form::document).await
}

/// Create a risk
///
/// A technician writes drafts; a professional or the director makes them `active`, and then the matrix shows them.
/// The level follows from probability and impact.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "risks", operation_id = "createRisk", request_body = RiskCreate,
    responses((status = 201, body = Risk, description = "The new risk"))
)]
#[post("/risks")]
pub async fn create(call: Call, body: Body<RiskCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let content = body.read()?;
        content.check(tx, None)?;
        actor.may_write(content.status == RiskStatus::Draft)?;
        let id = Uuid::now_v7();
        diesel::insert_into(risks::table)
            .values((
                risks::id.eq(id),
                values!(content),
                risks::created_by.eq(actor.id),
                risks::created_at.eq(actor.now),
                risks::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        let risk = Risk::find(tx, id)?;
        Ok(Answer::created(format!("/api/v1/risks/{id}"), &risk)?.version(risk.id, risk.version))
    })
    .await
}

/// Change a risk
///
/// For example after a review, with a new assessment and a later `review_on`. A technician changes drafts; a risk
/// that is no longer a draft cannot become one again.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "risks", operation_id = "updateRisk",
    params(("risk_id" = Uuid, Path, description = "Identifier of the risk.")),
    request_body(content = RiskCreate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Risk, description = "The risk after the change"))
)]
#[patch("/risks/{risk_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<RiskCreate>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let (row, origin): Found = risks::table.find(*id).select(found!()).for_update().get_result(tx)?;
        let residual = row.residual_probability.zip(row.residual_impact);
        let (content, changes) = body.merge(&RiskCreate {
            cause: row.cause,
            risk: row.risk,
            effect: row.effect,
            probability: row.probability,
            impact: row.impact,
            controls: row.controls,
            residual: residual.map(|(probability, impact)| RiskAssessmentInput { probability, impact }),
            treatment: row.treatment,
            treatment_plan: row.treatment_plan,
            owner_id: row.owner_id,
            review_on: row.review_on,
            origin,
            status: row.status,
        })?;
        content.check(tx, Some(row.owner_id))?;
        let is_draft = row.status == RiskStatus::Draft;
        if !is_draft && content.status == RiskStatus::Draft {
            return Err(Problem::field(FieldError::new(
                "/status",
                FieldCode::NotAllowed,
                Text::new("Ya no es un borrador.", "It is no longer a draft."),
            )));
        }
        actor.may_write(content.status == RiskStatus::Draft)?;
        actor.check_version(row.id, row.version)?;
        diesel::update(risks::table.find(row.id))
            .set((values!(content), changes.then(|| next_version!(risks, row.version, actor))))
            .execute(tx)?;
        Risk::answer(tx, row.id)
    })
    .await
}
