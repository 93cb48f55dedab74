//! The origin of an improvement action or a risk, with a link to it.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::schema::{measurements, minutes, risks};
use crate::language::{Locale, text_enum};
use crate::problem::{FieldCode, FieldError, Result, Text};

text_enum! {
    /// The kind of an origin (fuente u origen).
    pub enum OriginKind {
        /// A figure, by the `path` of this API that returns it.
        Figure = "figure",
        /// The report of a quarter, by `year` and `quarter`.
        Report = "report",
        /// A measurement of an indicator, by `measurement_id`.
        Measurement = "measurement",
        /// A risk, by `risk_id`.
        Risk = "risk",
        /// Minutes of the Comité Primario, by `minutes_id`.
        Minutes = "minutes",
        /// An audit.
        Audit = "audit",
        /// Anything else, described in `note`.
        Other = "other",
    }
}

/// The origin: its kind, and the fields that identify it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OriginInput {
    /// The kind of origin. It decides which of the other fields are required.
    pub kind: OriginKind,
    /// Path in this API of the figure. Required for the kind `figure`, not allowed for other kinds.
    #[schema(
        max_length = 2000,
        pattern = "^/api/v1/[!-~]+$",
        example = "/api/v1/statistics?from_date=2026-07-01&through_date=2026-09-30"
    )]
    pub path: Option<String>,
    /// Year of the quarterly report. Required for the kind `report`, not allowed for other kinds.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    pub year: Option<i16>,
    /// Quarter of the report, 1 to 4. Required for the kind `report`, not allowed for other kinds.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    pub quarter: Option<i16>,
    /// Identifier of an existing measurement. Required for the kind `measurement`, not allowed for other kinds.
    pub measurement_id: Option<Uuid>,
    /// Identifier of an existing risk. Required for the kind `risk`, not allowed for other kinds.
    pub risk_id: Option<Uuid>,
    /// Identifier of existing minutes. Required for the kind `minutes`, not allowed for other kinds.
    pub minutes_id: Option<Uuid>,
    /// A description of the origin. Required for the kind `other`, optional for all other kinds.
    #[schema(min_length = 1, max_length = 500, pattern = r"\S", example = "Auditoría interna de 2026")]
    pub note: Option<String>,
}

/// The origin of an improvement action or a risk.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Origin {
    /// The kind of origin. It decides which of the other fields have a value.
    kind: OriginKind,
    /// Path in this API of the figure; `null` for kinds other than `figure`.
    #[schema(max_length = 2000, example = "/api/v1/statistics?from_date=2026-07-01&through_date=2026-09-30")]
    path: Option<String>,
    /// Year of the quarterly report; `null` for kinds other than `report`.
    #[schema(minimum = 2000, maximum = 9998, example = 2026)]
    year: Option<i16>,
    /// Quarter of the report, 1 to 4; `null` for kinds other than `report`.
    #[schema(minimum = 1, maximum = 4, example = 3)]
    quarter: Option<i16>,
    /// Identifier of the measurement; `null` for kinds other than `measurement`.
    measurement_id: Option<Uuid>,
    /// Identifier of the risk; `null` for kinds other than `risk`.
    risk_id: Option<Uuid>,
    /// Identifier of the minutes; `null` for kinds other than `minutes`.
    minutes_id: Option<Uuid>,
    /// A description of the origin; `null` if none was given. Always present for the kind `other`.
    #[schema(max_length = 4000, example = "Auditoría interna de 2026")]
    note: Option<String>,
    /// The path of the origin in this API, built from the other fields; `null` for the kinds `audit` and `other`.
    #[schema(max_length = 2000, example = "/api/v1/statistics?from_date=2026-07-01&through_date=2026-09-30")]
    link: Option<String>,
}

impl From<OriginInput> for Origin {
    fn from(content: OriginInput) -> Self {
        let link = match content.kind {
            OriginKind::Figure => content.path.clone(),
            OriginKind::Report => content
                .year
                .zip(content.quarter)
                .map(|(year, quarter)| format!("/api/v1/reports/quarterly/{year}/{quarter}")),
            OriginKind::Risk => content.risk_id.map(|id| format!("/api/v1/risks/{id}")),
            OriginKind::Measurement => content.measurement_id.map(|id| format!("/api/v1/measurements/{id}")),
            OriginKind::Minutes => content.minutes_id.map(|id| format!("/api/v1/meeting-minutes/{id}")),
            OriginKind::Audit | OriginKind::Other => None,
        };
        let OriginInput { kind, path, year, quarter, measurement_id, risk_id, minutes_id, note } = content;
        Origin { kind, path, year, quarter, measurement_id, risk_id, minutes_id, note, link }
    }
}

impl Origin {
    /// For people: the kind, what it names, and the note.
    pub fn shown(&self, locale: Locale) -> String {
        let kind = match self.kind {
            OriginKind::Figure => Text::new("Cifra de las estadísticas", "Figure of the statistics"),
            OriginKind::Report => Text::new("Informe trimestral", "Quarterly report"),
            OriginKind::Measurement => Text::new("Medición de un indicador", "Measurement of an indicator"),
            OriginKind::Risk => Text::new("Riesgo", "Risk"),
            OriginKind::Minutes => Text::new("Acta de Comité Primario", "Minutes of the Comité Primario"),
            OriginKind::Audit => Text::new("Auditoría", "Audit"),
            OriginKind::Other => Text::new("Otra", "Other"),
        };
        let quarter = self.year.zip(self.quarter).map(|(year, quarter)| format!(" {year}-{quarter}"));
        let note = self.note.as_ref().map(|note| format!(": {note}"));
        format!("{}{}{}", kind.in_locale(locale), quarter.unwrap_or_default(), note.unwrap_or_default())
    }
}

/// The columns of an origin in a table that has them, in the order of `OriginInput`.
macro_rules! origin_columns {
    ($table:ident) => {
        (
            $table::origin_kind,
            $table::origin_path,
            $table::origin_year,
            $table::origin_quarter,
            $table::origin_measurement_id,
            $table::origin_risk_id,
            $table::origin_minutes_id,
            $table::origin_note,
        )
    };
}
pub(super) use origin_columns;

/// The same with their values, for a statement.
macro_rules! origin_values {
    ($table:ident, $origin:expr) => {{
        let origin = $origin;
        (
            $table::origin_kind.eq(origin.kind),
            $table::origin_path.eq(origin.path),
            $table::origin_year.eq(origin.year),
            $table::origin_quarter.eq(origin.quarter),
            $table::origin_measurement_id.eq(origin.measurement_id),
            $table::origin_risk_id.eq(origin.risk_id),
            $table::origin_minutes_id.eq(origin.minutes_id),
            $table::origin_note.eq(origin.note),
        )
    }};
}
pub(super) use origin_values;

impl OriginInput {
    /// The faults: missing and unexpected fields for this kind, and references to missing resources.
    pub fn faults(&self, tx: &mut PgConnection) -> Result<Vec<FieldError>> {
        let is = |kind| self.kind == kind;
        let parts = [
            ("/origin/path", is(OriginKind::Figure), self.path.is_some()),
            ("/origin/year", is(OriginKind::Report), self.year.is_some()),
            ("/origin/quarter", is(OriginKind::Report), self.quarter.is_some()),
            ("/origin/measurement_id", is(OriginKind::Measurement), self.measurement_id.is_some()),
            ("/origin/risk_id", is(OriginKind::Risk), self.risk_id.is_some()),
            ("/origin/minutes_id", is(OriginKind::Minutes), self.minutes_id.is_some()),
        ];
        let mut faults: Vec<FieldError> =
            parts.iter().filter_map(|(pointer, wanted, there)| fault(pointer, *wanted, *there)).collect();
        if is(OriginKind::Other) && self.note.is_none() {
            faults.push(FieldError::required("/origin/note"));
        }
        if let Some(id) = self.risk_id.filter(|_| is(OriginKind::Risk))
            && !diesel::select(diesel::dsl::exists(risks::table.find(id))).get_result::<bool>(tx)?
        {
            faults.push(FieldError::unknown_id("/origin/risk_id"));
        }
        if let Some(id) = self.measurement_id.filter(|_| is(OriginKind::Measurement))
            && !diesel::select(diesel::dsl::exists(measurements::table.find(id))).get_result::<bool>(tx)?
        {
            faults.push(FieldError::unknown_id("/origin/measurement_id"));
        }
        if let Some(id) = self.minutes_id.filter(|_| is(OriginKind::Minutes))
            && !diesel::select(diesel::dsl::exists(minutes::table.find(id))).get_result::<bool>(tx)?
        {
            faults.push(FieldError::unknown_id("/origin/minutes_id"));
        }
        Ok(faults)
    }
}

fn fault(pointer: &str, wanted: bool, there: bool) -> Option<FieldError> {
    match (wanted, there) {
        (true, false) => Some(FieldError::required(pointer)),
        (false, true) => Some(FieldError::new(
            pointer,
            FieldCode::NotAllowed,
            Text::new("No corresponde a este `kind`.", "It does not belong to this `kind`."),
        )),
        _ => None,
    }
}
