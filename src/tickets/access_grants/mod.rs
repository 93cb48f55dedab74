//! Access that the solution of a ticket granted, for the check of activity 9: whether the head of the unit had requested
//! it.

pub mod list;
pub mod revocation;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::steps::Case;
use crate::db::schema::{access_grants, categories};
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// Access that was granted to a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessGrantInput {
    /// The full name of the person who got the access.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Luz Elena Toro")]
    beneficiary: String,
    /// The system to which access was granted.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Sistema de impuestos")]
    system: String,
    /// The profile or role in the system.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S", example = "Consulta")]
    profile: String,
    /// The last day of the access, not before today in the entity's time zone; `null` or omitted for no end.
    #[schema(example = "2030-12-31")]
    ends_on: Option<NaiveDate>,
}

/// Records what the solution of the case grants.
///
/// # Errors
/// A 422 if the category of the ticket requires the grants and none were given, or if one has already ended.
pub fn record(case: &mut Case<'_>, granted_by: Uuid, grants: Option<Vec<AccessGrantInput>>) -> Result<()> {
    let Some(grants) = grants else { return must_not_be_required(case) };
    let today = case.now.with_timezone(&case.timezone).date_naive();
    let past = grants.iter().position(|grant| grant.ends_on.is_some_and(|last_day| last_day < today));
    if let Some(place) = past {
        return Err(Problem::field(FieldError::new(
            format!("/access_grants/{place}/ends_on"),
            FieldCode::OutOfRange,
            Text::new("Ya pasó.", "It is in the past."),
        )));
    }
    // The requester, the unit and whether its head requested it are those of the ticket: the database sets them.
    let rows: Vec<_> = grants
        .iter()
        .map(|grant| {
            (
                access_grants::id.eq(Uuid::now_v7()),
                access_grants::ticket_id.eq(case.ticket.id),
                access_grants::beneficiary.eq(grant.beneficiary.trim()),
                access_grants::system.eq(grant.system.trim()),
                access_grants::profile.eq(grant.profile.trim()),
                access_grants::ends_on.eq(grant.ends_on),
                access_grants::granted_by.eq(granted_by),
                access_grants::granted_at.eq(case.now),
            )
        })
        .collect();
    diesel::insert_into(access_grants::table).values(rows).execute(case.tx)?;
    Ok(())
}

fn must_not_be_required(case: &mut Case<'_>) -> Result<()> {
    let Some(category) = case.ticket.category_id else { return Ok(()) };
    let required = categories::table.find(category).select(categories::records_access_grants);
    match required.first::<bool>(case.tx)? {
        false => Ok(()),
        true => Err(Problem::field(FieldError::new(
            "/access_grants",
            FieldCode::Required,
            Text::new(
                "La categoría registra los accesos que se conceden: indíquelos, o una lista vacía si no se concedió ninguno.",
                "The category records granted access: name it, or send an empty list if none was granted.",
            ),
        ))),
    }
}
