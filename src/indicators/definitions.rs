//! The definition of an indicator: its name, objective, formula, target.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::form;
use super::frequency::IndicatorFrequency;
use super::light::{self, IndicatorDirection};
use super::measures::IndicatorMeasure;
use crate::auth::policy::Action;
use crate::db::schema::indicators;
use crate::documents::format::{FormatQuery, ReportFormat};
use crate::documents::response::{File, Found, serve, whole_list};
use crate::http::actor::next_version;
use crate::http::body::{Content, Patch};
use crate::http::catalogue::NameSort;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::language::text_enum;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

text_enum! {
    /// What an indicator says about the service (tipo).
    pub enum IndicatorKind {
        /// Whether the planned results are reached (eficacia).
        Efficacy = "efficacy",
        /// How the resources are used to reach them (eficiencia).
        Efficiency = "efficiency",
        /// The effect of the service on its users (efectividad).
        Effectiveness = "effectiveness",
    }
}

text_enum! {
    /// The state of an indicator.
    pub enum IndicatorStatus {
        /// Proposed.
        Draft = "draft",
        /// Measured in each period of its frequency.
        Active = "active",
        /// No longer measured; its measurements are kept.
        Retired = "retired",
    }
}

/// An indicator of the FO-DE-15 Ficha de Indicadores.
#[derive(Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = indicators)]
pub struct Indicator {
    /// Identifier of the indicator.
    pub id: Uuid,
    /// The name of the indicator (nombre).
    #[schema(max_length = 200, example = "Oportunidad en la atención")]
    pub name: String,
    /// The type of the indicator (tipo); `null` if none was stated.
    pub kind: Option<IndicatorKind>,
    /// The objective (objetivo).
    #[schema(max_length = 2000, example = "Medir si los casos se atienden a tiempo.")]
    pub(super) aim: String,
    /// How it is computed, in words (fórmula).
    #[schema(max_length = 2000, example = "Casos atendidos a tiempo / casos recibidos × 100")]
    pub(super) formula: String,
    /// The unit of the value, the target and the warning (unidad de medida). All measures except `manual` are computed
    /// in percent.
    #[schema(max_length = 50, example = "%")]
    #[serde(rename = "unit_of_measure")]
    pub unit: String,
    /// What is counted, and whether the server computes the value or a person enters it (`manual`).
    pub measure: IndicatorMeasure,
    /// For `timely_solution`: the number of hours from the reception within which a ticket must be solved, counted
    /// around the clock; `null` for other measures.
    #[schema(minimum = 1, maximum = 8760, example = 120)]
    pub within_hours: Option<i32>,
    /// The value to be reached, in the indicator's unit (meta).
    #[schema(example = 90.0)]
    pub target: f64,
    /// Whether values above or below the target are good (sentido).
    pub direction: IndicatorDirection,
    /// The limit of the yellow light, in the indicator's unit. A value that misses the target but not this limit is
    /// yellow; one that misses both is red.
    #[schema(example = 80.0)]
    pub warning: f64,
    /// The value from which the indicator started, in its unit (línea base); `null` if there is none.
    #[schema(example = 72.5)]
    pub(super) baseline_value: Option<f64>,
    /// The baseline in words, such as its date and its source; `null` if there is none.
    #[schema(max_length = 500, example = "Promedio de 2025, registro en GLPI")]
    pub(super) baseline_note: Option<String>,
    /// How often the indicator is measured (frecuencia). New measurements are of a period of this length.
    pub frequency: IndicatorFrequency,
    /// Where the data come from (fuente de información).
    #[schema(max_length = 500, example = "Registro de la Mesa de Servicios")]
    pub(super) source: String,
    /// The post of the person responsible (responsable).
    #[schema(max_length = 200, example = "Director Administrativo de las TIC")]
    pub(super) responsible: String,
    /// The state of the indicator. Only an `active` indicator can be measured.
    pub status: IndicatorStatus,
    /// The time at which the indicator was created.
    pub(super) created_at: DateTime<Utc>,
    /// The time of the last change of the definition; measurements do not count as changes.
    pub(super) updated_at: DateTime<Utc>,
    #[serde(skip)]
    version: i32,
}

/// The writable fields of an indicator.
#[derive(Serialize, Deserialize, Insertable, AsChangeset, ToSchema)]
#[diesel(table_name = indicators, treat_none_as_null = true)]
#[serde(deny_unknown_fields)]
pub struct IndicatorCreate {
    /// The name of the indicator (nombre).
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Oportunidad en la atención")]
    name: String,
    /// The type of the indicator (tipo); `null` or omitted if none is stated.
    kind: Option<IndicatorKind>,
    /// The objective (objetivo).
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Medir si los casos se atienden a tiempo."
    )]
    aim: String,
    /// How it is computed, in words (fórmula).
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"\S",
        example = "Casos atendidos a tiempo / casos recibidos × 100"
    )]
    formula: String,
    /// The unit of the value, the target and the warning (unidad de medida). All measures except `manual` are computed
    /// in percent: state `%` for them, since the server does not check it.
    #[schema(min_length = 1, max_length = 50, pattern = r"\S", example = "%")]
    #[serde(rename = "unit_of_measure")]
    unit: String,
    /// What is counted, and whether the server computes the value or a person enters it (`manual`). Cannot be changed
    /// once the indicator is no longer a draft.
    measure: IndicatorMeasure,
    /// The number of hours from the reception within which a ticket must be solved, counted around the clock. Required
    /// for the measure `timely_solution`, not allowed for other measures.
    #[schema(minimum = 1, maximum = 8760, example = 120)]
    within_hours: Option<i32>,
    /// The value to be reached, in the indicator's unit (meta).
    #[schema(minimum = -1e12, maximum = 1e12, example = 90.0)]
    target: f64,
    /// Whether values above or below the target are good (sentido).
    direction: IndicatorDirection,
    /// The limit of the yellow light, in the indicator's unit. With the direction `at_least` it must not be above the
    /// target, with `at_most` not below it.
    #[schema(minimum = -1e12, maximum = 1e12, example = 80.0)]
    warning: f64,
    /// The value from which the indicator started, in its unit (línea base); `null` or omitted if there is none.
    #[schema(minimum = -1e12, maximum = 1e12, example = 72.5)]
    baseline_value: Option<f64>,
    /// The baseline in words, such as its date and its source; `null` or omitted if there is none.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"\S",
        example = "Promedio de 2025, registro en GLPI"
    )]
    baseline_note: Option<String>,
    /// How often the indicator is measured (frecuencia). At creation `quarterly` if omitted. After a change, earlier
    /// measurements keep their periods.
    #[serde(default = "quarterly")]
    #[schema(required = false)]
    frequency: IndicatorFrequency,
    /// Where the data come from (fuente de información).
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"\S",
        example = "Registro de la Mesa de Servicios"
    )]
    source: String,
    /// The post of the person responsible (responsable).
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Director Administrativo de las TIC"
    )]
    responsible: String,
    /// At creation `draft` if omitted. Technicians may only write drafts. An indicator that is no longer a draft cannot
    /// become one again.
    #[serde(default = "draft")]
    #[schema(required = false)]
    status: IndicatorStatus,
}

fn quarterly() -> IndicatorFrequency {
    IndicatorFrequency::Quarterly
}

fn draft() -> IndicatorStatus {
    IndicatorStatus::Draft
}

impl IndicatorCreate {
    fn check(&self) -> Result<()> {
        let mut faults = Vec::new();
        match (self.measure == IndicatorMeasure::TimelySolution, self.within_hours.is_some()) {
            (true, false) => faults.push(FieldError::required("/within_hours")),
            (false, true) => faults.push(FieldError::new(
                "/within_hours",
                FieldCode::NotAllowed,
                Text::new("Solo se usa con `timely_solution`.", "It is for `timely_solution` only."),
            )),
            _ => {}
        }
        if !light::is_sound(self.target, self.direction, self.warning) {
            faults.push(FieldError::new(
                "/warning",
                FieldCode::OutOfRange,
                Text::new(
                    "Debe ser igual a la meta o incumplirla.",
                    "It must be equal to the target or miss it.",
                ),
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
    }
}

impl Indicator {
    pub fn find(db: &mut PgConnection, id: Uuid) -> Result<Self> {
        Ok(indicators::table.find(id).select(Indicator::as_select()).get_result(db)?)
    }

    /// Locked until the transaction ends, so that only one request at a time measures a period.
    pub fn lock(tx: &mut PgConnection, id: Uuid) -> Result<Self> {
        Ok(indicators::table.find(id).select(Indicator::as_select()).for_update().get_result(tx)?)
    }

    fn answer(&self) -> Result<Answer> {
        Ok(Answer::ok(self)?.version(self.id, self.version))
    }
}

/// The filters of the list of indicators.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IndicatorFilters {
    /// Indicators in this state. Repeat it to include several states.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<IndicatorStatus>,
    /// `name` (the default) or `-name`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List indicators
///
/// By name (FO-DE-15 Ficha de Indicadores). Four exist from the beginning: timely attention, timely solution,
/// satisfaction and resolution at the first level. With a `format` other than `json`, the whole list as one document with
/// the measurements, whatever `limit` and `cursor` are: up to 200 indicators, otherwise a 400.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "indicators", operation_id = "listIndicators", params(Paging, IndicatorFilters, FormatQuery),
    responses((status = 200, description = "One page of the indicators", content(
        (Page<Indicator> = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/indicators")]
pub async fn list(call: Call, query: Query<IndicatorFilters>, request: HttpRequest) -> Result<HttpResponse> {
    let load = |db: &mut PgConnection, actor: &Actor, accept: &str| {
        let (paging, format, filters): (_, FormatQuery, IndicatorFilters) =
            query.read_list_apart("format")?;
        let format = format.or_accepted(accept);
        let paging = if format == ReportFormat::Json { paging } else { whole_list() };
        let sort = filters.sort.unwrap_or(NameSort::Ascending).as_str();
        let filtered = || {
            let query = indicators::table.into_boxed();
            match filters.status.is_empty() {
                true => query,
                false => query.filter(indicators::status.eq_any(&filters.status)),
            }
        };
        let (items, total): (Vec<Indicator>, _) = read_page!(
            db,
            paging,
            sort,
            filtered,
            (indicators::name as String, indicators::id as Uuid),
            Indicator::as_select()
        );
        match format {
            ReportFormat::Json => paging
                .answer(sort, items, total, |indicator| (indicator.name.clone(), indicator.id))
                .map(Found::Json),
            format => Found::all(format, form::sheets(db, items, actor.rights())?),
        }
    };
    serve(call, request, form::KIND, load, form::document).await
}

/// Read an indicator
///
/// The definition of the indicator, with its target. As JSON, or with its measurements as the form FO-DE-15 Ficha de
/// Indicadores for people.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords))),
    tag = "indicators", operation_id = "getIndicator",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator."), FormatQuery),
    responses((status = 200, description = "The indicator", content(
        (Indicator = "application/json"),
        (Content = "text/html"),
        (Content = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (Content = "application/pdf"),
    )))
)]
#[get("/indicators/{indicator_id}")]
pub async fn read(
    call: Call,
    id: Path<Uuid>,
    query: Query<FormatQuery>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    let load = move |db: &mut PgConnection, actor: &Actor, accept: &str| {
        let format = query.read()?.or_accepted(accept);
        let indicator = Indicator::find(db, *id)?;
        if format == ReportFormat::Json {
            return indicator.answer().map(Found::Json);
        }
        let version = Some((indicator.id, indicator.version));
        let records = form::sheets(db, vec![indicator], actor.rights())?;
        Ok(Found::File(File { format, records, version }))
    };
    serve(call, request, form::KIND, load, form::document).await
}

/// Define an indicator
///
/// A technician writes drafts; a professional or the director makes them `active`, and only then they are measured.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "indicators", operation_id = "createIndicator", request_body = IndicatorCreate,
    responses((status = 201, body = Indicator, description = "The new indicator"))
)]
#[post("/indicators")]
pub async fn create(call: Call, body: Body<IndicatorCreate>) -> Result<HttpResponse> {
    call.write(body, |tx, actor, body| {
        let content = body.read()?;
        content.check()?;
        actor.may_write(content.status == IndicatorStatus::Draft)?;
        let indicator: Indicator = diesel::insert_into(indicators::table)
            .values((
                indicators::id.eq(Uuid::now_v7()),
                content,
                indicators::created_at.eq(actor.now),
                indicators::updated_at.eq(actor.now),
            ))
            .returning(Indicator::as_returning())
            .get_result(tx)?;
        let location = format!("/api/v1/indicators/{}", indicator.id);
        Ok(Answer::created(location, &indicator)?.version(indicator.id, indicator.version))
    })
    .await
}

/// Change an indicator
///
/// Earlier measurements keep the target and the period of their time. An indicator that is no longer a draft cannot become
/// one again, and keeps its `measure`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::WriteRecords))),
    tag = "indicators", operation_id = "updateIndicator",
    params(("indicator_id" = Uuid, Path, description = "Identifier of the indicator.")),
    request_body(content = IndicatorCreate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Indicator, description = "The indicator after the change"))
)]
#[patch("/indicators/{indicator_id}")]
pub async fn change(call: Call, id: Path<Uuid>, body: Body<Patch<IndicatorCreate>>) -> Result<HttpResponse> {
    call.write(body, move |tx, actor, body| {
        let before = Indicator::lock(tx, *id)?;
        let (content, changes) = body.merge(&IndicatorCreate {
            name: before.name,
            kind: before.kind,
            aim: before.aim,
            formula: before.formula,
            unit: before.unit,
            measure: before.measure,
            within_hours: before.within_hours,
            target: before.target,
            direction: before.direction,
            warning: before.warning,
            baseline_value: before.baseline_value,
            baseline_note: before.baseline_note,
            frequency: before.frequency,
            source: before.source,
            responsible: before.responsible,
            status: before.status,
        })?;
        content.check()?;
        if before.status != IndicatorStatus::Draft {
            let fixed = [
                ("/status", content.status == IndicatorStatus::Draft),
                ("/measure", content.measure != before.measure),
            ];
            let text = Text::new("Ya no es un borrador.", "It is no longer a draft.");
            let fault = |pointer| FieldError::new(pointer, FieldCode::NotAllowed, text.clone());
            let faults: Vec<FieldError> =
                fixed.iter().filter(|(_, changes)| *changes).map(|(pointer, _)| fault(*pointer)).collect();
            if !faults.is_empty() {
                return Err(Problem::fields(faults));
            }
        }
        actor.may_write(content.status == IndicatorStatus::Draft)?;
        actor.check_version(before.id, before.version)?;
        let indicator: Indicator = diesel::update(indicators::table.find(before.id))
            .set((content, changes.then(|| next_version!(indicators, before.version, actor))))
            .returning(Indicator::as_returning())
            .get_result(tx)?;
        indicator.answer()
    })
    .await
}
