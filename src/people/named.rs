//! References to units and categories.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A unit or category, with id and name.
#[derive(Debug, Clone, Serialize, Deserialize, Queryable, ToSchema)]
pub struct Named {
    pub id: Uuid,
    #[schema(max_length = 200, example = "Secretaría de Hacienda")]
    pub name: String,
}
