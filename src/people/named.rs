//! References to units and categories.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A unit, category or calendar, with its identifier and name.
#[derive(Debug, Clone, Serialize, Deserialize, Queryable, ToSchema)]
pub struct Named {
    /// Identifier of the unit, category or calendar.
    pub id: Uuid,
    /// The name of the unit, category or calendar.
    #[schema(max_length = 200, example = "Secretaría de Hacienda")]
    pub name: String,
}
