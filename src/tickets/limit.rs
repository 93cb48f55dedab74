//! The tickets of a service account that is limited to units or categories.

use uuid::Uuid;

use super::model::TicketRow;
use crate::http::Actor;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// # Errors
/// A 422 if a service account may not use this ticket.
pub fn check(actor: &Actor, row: &TicketRow) -> Result<()> {
    check_new(actor, row.requester_unit_id, row.category_id)
}

/// The same, before the ticket is written.
///
/// # Errors
/// As `check`.
pub fn check_new(actor: &Actor, unit_id: Option<Uuid>, category_id: Option<Uuid>) -> Result<()> {
    let pointer = match actor.limit.includes(unit_id, category_id) {
        true => return Ok(()),
        false if actor.limit.has_unit(unit_id) => "/category_id",
        false => "/requester/unit_id",
    };
    Err(not_within(pointer))
}

/// The error of a field that leads outside of the limit.
pub fn not_within(pointer: &str) -> Problem {
    let detail = Text::new(
        "La cuenta de servicio no puede usar casos de esta dependencia o categoría.",
        "The service account may not use tickets of this unit or category.",
    );
    Problem::field(FieldError::new(pointer, FieldCode::NotAllowed, detail))
}
