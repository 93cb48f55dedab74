//! Creating, reading and changing an improvement action.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ActionKind, ActionStatus, ImprovementAction, actions, form, lock};
use crate::auth::policy::Action;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{Found, serve};
use crate::http::actor::next_version;
use crate::http::body::{Content, Patch};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::improvement::origin::{OriginInput, origin_values};
use crate::improvement::{owner_fault, today};
use crate::language::text_enum;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// The states of an improvement action that a client can set; the others follow from its completion and
    /// verification.
    pub enum ActionStage {
        /// Proposed.
        Draft = "draft",
        /// To be carried out.
        Open = "open",
    }
}

/// The writable fields of an improvement action.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImprovementActionCreate {
    /// Corrective, preventive or improvement (tipo de acción).
    kind: ActionKind,
    /// The finding (hallazgo u oportunidad).
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "El 18 % de los casos críticos se atendió después de una hora."
    )]
    finding: String,
    /// The cause (análisis de causa).
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "No hay turno de soporte los sábados."
    )]
    cause: String,
    /// What is to be done (acción).
    #[schema(
        min_length = 1,
        max_length = 4000,
        pattern = r"\S",
        example = "Establecer un turno los sábados."
    )]
    action: String,
    /// Identifier of the person who carries it out: an active member of staff (responsable). An owner that is already
    /// set may stay, even if they are no longer active.
    owner_id: Uuid,
    /// The last day for carrying it out, by the entity's clock (fecha límite).
    #[schema(example = "2026-12-31")]
    due_on: NaiveDate,
    /// What the action results from (fuente).
    origin: OriginInput,
    /// `draft` or `open`; at creation `draft` if omitted. Technicians may only write drafts. An action that was `open`
    /// cannot become a `draft` again.
    #[serde(default = "draft")]
    #[schema(required = false)]
    status: ActionStage,
}

fn draft() -> ActionStage {
    ActionStage::Draft
}

impl From<ActionStage> for ActionStatus {
    fn from(stage: ActionStage) -> Self {
        match stage {
            ActionStage::Draft => ActionStatus::Draft,
            ActionStage::Open => ActionStatus::Open,
        }
    }
}

impl ImprovementActionCreate {
    /// Checks that the owner is allowed and the origin complete; a previous owner may remain.
    fn check(&self, tx: &mut PgConnection, before: Option<Uuid>) -> Result<()> {
        let mut faults = self.origin.faults(tx)?;
        if before != Some(self.owner_id) {
            faults.extend(owner_fault(tx, self.owner_id, "/owner_id")?);
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
    }
}

/// Read an improvement action
///
/// The finding, the action and its efficacy. As JSON, or with its followups as the form FO-EM-15 Plan de Mejoramiento for
/// people.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "improvement actions", operation_id = "getImprovementAction",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action."), FormatQuery),
    responses((status = 200, description = "The improvement action", content(
        (ImprovementAction = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/improvement-actions/{action_id}")]
pub async fn read(
    call: Call,
    id: Path<Uuid>,
    query: Query<FormatQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let load = move |db: &mut PgConnection, actor: &Actor, accept: &str| {
        let format = query.read()?.or_accepted(accept);
        if format == ReportFormat::Json {
            return ImprovementAction::answer(db, *id, actor).map(Found::Json);
        }
        let action = ImprovementAction::find(db, *id, today(actor))?;
        let (id, version) = (action.id, action.version);
        Ok(Found::one(format, form::one(db, action)?, id, version))
    };
    serve(call, request, form::KIND, load, form::document).await
}

/// Write an improvement action
///
/// A technician writes drafts; a professional or the director makes them `open`, and from then on the owner has until
/// `due_on`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "improvement actions", operation_id = "createImprovementAction", request_body = ImprovementActionCreate,
    responses((status = 201, body = ImprovementAction, description = "The new improvement action"))
)]
#[post("/improvement-actions")]
pub async fn create(call: Call, body: Body<ImprovementActionCreate>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let content = body.read()?;
        content.check(tx, None)?;
        actor.may_write(content.status == ActionStage::Draft)?;
        let id = Uuid::now_v7();
        diesel::insert_into(actions::table)
            .values((
                actions::id.eq(id),
                actions::kind.eq(content.kind),
                actions::finding.eq(content.finding),
                actions::cause.eq(content.cause),
                actions::action.eq(content.action),
                actions::owner_id.eq(content.owner_id),
                actions::due_on.eq(content.due_on),
                actions::status.eq(ActionStatus::from(content.status)),
                origin_values!(actions, content.origin),
                actions::created_by.eq(actor.id),
                actions::created_at.eq(actor.now),
                actions::updated_at.eq(actor.now),
            ))
            .execute(tx)?;
        let action = ImprovementAction::find(tx, id, today(actor))?;
        Ok(Answer::created(format!("/api/v1/improvement-actions/{id}"), &action)?
            .version(action.id, action.version))
    })
    .await
}

/// Change an improvement action
///
/// Until it is carried out. After a change of `due_on` the owner and the directors are notified again by mail once the
/// new date has passed. An action that was `open` cannot become a draft again.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "improvement actions", operation_id = "updateImprovementAction",
    params(("action_id" = Uuid, Path, description = "Identifier of the improvement action.")),
    request_body(content = ImprovementActionCreate, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = ImprovementAction, description = "The improvement action after the change"),
        (status = 409, description = "`wrong_state`"),
    )
)]
#[patch("/improvement-actions/{action_id}")]
pub async fn change(
    call: Call,
    id: Path<Uuid>,
    body: Body<Patch<ImprovementActionCreate>>,
) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let (row, origin) = lock(tx, *id)?;
        let is_draft = row.status == ActionStatus::Draft;
        let (content, changes) = body.merge(&ImprovementActionCreate {
            kind: row.kind,
            finding: row.finding,
            cause: row.cause,
            action: row.action,
            owner_id: row.owner_id,
            due_on: row.due_on,
            origin,
            status: if is_draft { ActionStage::Draft } else { ActionStage::Open },
        })?;
        content.check(tx, Some(row.owner_id))?;
        if !is_draft && content.status == ActionStage::Draft {
            return Err(Problem::field(FieldError::new(
                "/status",
                FieldCode::NotAllowed,
                Text::new("Ya no es un borrador.", "It is no longer a draft."),
            )));
        }
        if !matches!(row.status, ActionStatus::Draft | ActionStatus::Open) {
            return Err(Problem::wrong_state(row.status.as_str()));
        }
        actor.may_write(content.status == ActionStage::Draft)?;
        actor.check_version(row.id, row.version)?;
        diesel::update(actions::table.find(row.id))
            .set((
                actions::kind.eq(content.kind),
                actions::finding.eq(content.finding),
                actions::cause.eq(content.cause),
                actions::action.eq(content.action),
                actions::owner_id.eq(content.owner_id),
                actions::due_on.eq(content.due_on),
                actions::status.eq(ActionStatus::from(content.status)),
                origin_values!(actions, content.origin),
                (content.due_on != row.due_on).then(|| actions::overdue_told_at.eq(None::<DateTime<Utc>>)),
                changes.then(|| next_version!(actions, row.version, actor)),
            ))
            .execute(tx)?;
        ImprovementAction::answer(tx, row.id, actor)
    })
    .await
}
