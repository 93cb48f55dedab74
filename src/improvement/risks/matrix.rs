//! The matrix of the active risks: probability against impact.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::level::RiskLevel;
use super::{RiskStatus, risks, svg};
use crate::auth::policy::Action;
use crate::http::body::Content;
use crate::http::negotiation::{self, Format};
use crate::http::{Call, Query};
use crate::language::text_enum;
use crate::problem::{Problem, Result};

/// The maximum number of risks in a matrix, the oldest first: more would not be readable.
const MOST: i64 = 1000;

text_enum! {
    /// The assessment of the risks that a matrix uses.
    pub enum RiskMatrixBasis {
        /// Without controls (riesgo inherente).
        Inherent = "inherent",
        /// With controls (riesgo residual); a risk without this assessment is shown by the one without controls.
        Residual = "residual",
    }
}

text_enum! {
    /// The format of a risk matrix.
    pub enum MatrixFormat {
        Json = "json",
        /// An image.
        Svg = "svg",
    }
}

impl Format for MatrixFormat {
    const ALL: &'static [Self] = MatrixFormat::ALL;

    fn media_type(self) -> &'static str {
        match self {
            MatrixFormat::Json => "application/json",
            MatrixFormat::Svg => "image/svg+xml",
        }
    }
}

/// The kind and the format of the matrix.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MatrixFilters {
    /// The assessment by which the risks are placed: `inherent` (the default) without controls, `residual` with
    /// controls.
    #[param(inline)]
    basis: Option<RiskMatrixBasis>,
    /// The format of the response. If omitted, the `Accept` header determines it; `json` if that names no supported
    /// format.
    #[param(inline)]
    format: Option<MatrixFormat>,
}

/// The 5 × 5 matrix.
#[derive(Serialize, ToSchema)]
pub struct RiskMatrix {
    /// The assessment by which the risks are placed: `inherent` without controls, `residual` with controls.
    pub(super) basis: RiskMatrixBasis,
    /// All 25 cells, ordered by probability from 1 to 5, then by impact from 1 to 5.
    #[schema(min_items = 25, max_items = 25)]
    pub(super) cells: Vec<RiskMatrixCell>,
}

/// The risks of one probability and impact.
#[derive(Serialize, ToSchema)]
pub struct RiskMatrixCell {
    /// Probability of the cell, from 1 (muy baja) to 5 (muy alta).
    #[schema(minimum = 1, maximum = 5, example = 3)]
    pub(super) probability: i16,
    /// Impact of the cell, from 1 (leve) to 5 (catastrófico).
    #[schema(minimum = 1, maximum = 5, example = 4)]
    pub(super) impact: i16,
    /// The level of every risk in this cell (zona de riesgo).
    #[serde(rename = "risk_level")]
    pub(super) level: RiskLevel,
    /// The active risks in this cell, the oldest first; empty if there are none. All cells together have at most 1000
    /// risks; newer ones are left out.
    #[schema(max_items = 1000)]
    pub(super) risks: Vec<RiskMatrixRisk>,
}

/// A risk in a matrix.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RiskMatrixRisk {
    /// Identifier of the risk.
    pub(super) id: Uuid,
    /// Consecutive number of the risk; the image of the matrix shows it as `R7`.
    #[schema(minimum = 1, example = 7)]
    pub(super) number: i32,
    /// The possible event (riesgo).
    #[schema(max_length = 500, example = "Pérdida del registro de solicitudes")]
    pub(super) risk: String,
}

type Row = (Uuid, i32, String, i16, i16, Option<i16>, Option<i16>);

impl RiskMatrix {
    fn load(db: &mut PgConnection, basis: RiskMatrixBasis) -> Result<Self> {
        let rows: Vec<Row> = risks::table
            .filter(risks::status.eq(RiskStatus::Active))
            .order((risks::created_at, risks::id))
            .limit(MOST)
            .select((
                risks::id,
                risks::number,
                risks::risk,
                risks::probability,
                risks::impact,
                risks::residual_probability,
                risks::residual_impact,
            ))
            .load(db)?;
        Ok(Self::new(basis, rows))
    }

    fn new(basis: RiskMatrixBasis, rows: Vec<Row>) -> Self {
        let mut cells: Vec<RiskMatrixCell> = (1..=5)
            .flat_map(|probability| (1..=5).map(move |impact| (probability, impact)))
            .map(|(probability, impact)| RiskMatrixCell {
                probability,
                impact,
                level: RiskLevel::assess(probability, impact),
                risks: Vec::new(),
            })
            .collect();
        for (id, number, risk, probability, impact, residual_probability, residual_impact) in rows {
            let place = match (basis, residual_probability, residual_impact) {
                (RiskMatrixBasis::Residual, Some(probability), Some(impact)) => (probability, impact),
                _ => (probability, impact),
            };
            if let Some(cell) = cells.iter_mut().find(|cell| (cell.probability, cell.impact) == place) {
                cell.risks.push(RiskMatrixRisk { id, number, risk });
            }
        }
        RiskMatrix { basis, cells }
    }
}

/// Read the risk matrix
///
/// The active risks, each in the cell of its probability and impact, as JSON or as an image. The levels are the zones of
/// the national guide (Función Pública, *Guía para la administración del riesgo*). The image (SVG, in Spanish) needs
/// neither scripts nor external fonts, can be printed, and repeats in text what its colours show. The format is chosen by
/// `format` or by `Accept`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadRecords)), ("x-mesa-unversioned" = json!(true))),
    tag = "risks", operation_id = "getRiskMatrix", params(MatrixFilters),
    responses((status = 200, description = "The matrix", content(
        (RiskMatrix = "application/json"),
        (Content = "image/svg+xml"),
    )))
)]
#[get("/risks/matrix")]
pub async fn read(call: Call, query: Query<MatrixFilters>, request: HttpRequest) -> Result<HttpResponse> {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let preferred = negotiation::accepted(accept);
    let read = call.look(|db, _| {
        let MatrixFilters { basis, format } = query.read()?;
        Ok((RiskMatrix::load(db, basis.unwrap_or(RiskMatrixBasis::Inherent))?, format))
    });
    let (matrix, format) = read.await?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((VARY, "Accept"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"));
    if format.or(preferred) != Some(MatrixFormat::Svg) {
        response.insert_header((CONTENT_DISPOSITION, "inline; filename=\"matriz-de-riesgos.json\""));
        return Ok(response.json(matrix));
    }
    // Drawn without a database connection.
    let image = web::block(move || svg::draw(&matrix)).await.map_err(Problem::internal)??;
    response
        .insert_header((CONTENT_TYPE, MatrixFormat::Svg.media_type()))
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"matriz-de-riesgos.svg\""));
    Ok(response.body(image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_risk_stands_in_the_cell_of_its_basis() {
        let rows = || {
            vec![
                (Uuid::nil(), 1, "a <b> & c".to_owned(), 4, 5, Some(2), Some(3)),
                (Uuid::nil(), 2, "d".to_owned(), 1, 1, None, None),
            ]
        };
        let at = |matrix: &RiskMatrix| -> Vec<(i16, i16, i32)> {
            let all = matrix.cells.iter();
            all.flat_map(|cell| cell.risks.iter().map(|risk| (cell.probability, cell.impact, risk.number)))
                .collect()
        };
        let inherent = RiskMatrix::new(RiskMatrixBasis::Inherent, rows());
        assert_eq!((inherent.cells.len(), at(&inherent)), (25, vec![(1, 1, 2), (4, 5, 1)]));
        let residual = RiskMatrix::new(RiskMatrixBasis::Residual, rows());
        assert_eq!(at(&residual), vec![(1, 1, 2), (2, 3, 1)]);
        let image = svg::draw(&inherent).unwrap();
        assert!(image.contains("R1: a &lt;b&gt; &amp; c"), "{image}");
        assert!(image.contains("Riesgo inherente") && !image.contains("<script"), "{image}");
    }
}
