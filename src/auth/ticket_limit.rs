//! The tickets that a service account may use, of those that its role and scopes allow.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::schema::{categories, units};
use crate::problem::{FieldError, Problem, Result};

/// Only tickets of requesters of these units, and of these categories. An empty list is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketLimit {
    pub unit_ids: Vec<Uuid>,
    pub category_ids: Vec<Uuid>,
}

impl TicketLimit {
    /// Whether a ticket with this unit of the requester and this category is within the limit. One that lacks what is limited
    /// is not.
    pub fn includes(&self, unit_id: Option<Uuid>, category_id: Option<Uuid>) -> bool {
        self.has_unit(unit_id) && allows(&self.category_ids, category_id)
    }

    pub fn has_unit(&self, unit_id: Option<Uuid>) -> bool {
        allows(&self.unit_ids, unit_id)
    }

    /// Checks that all units and categories exist. `parent`: the pointer to the object that has both lists.
    ///
    /// # Errors
    /// A 422 that names each that does not.
    pub fn check_known(&self, db: &mut PgConnection, parent: &str) -> Result<()> {
        let units: Vec<Uuid> =
            units::table.filter(units::id.eq_any(&self.unit_ids)).select(units::id).load(db)?;
        let categories: Vec<Uuid> = categories::table
            .filter(categories::id.eq_any(&self.category_ids))
            .select(categories::id)
            .load(db)?;
        let unknown = |name: &str, wanted: &[Uuid], known: &[Uuid]| -> Vec<FieldError> {
            let places = wanted.iter().enumerate().filter(|(_, id)| !known.contains(id));
            places.map(|(place, _)| FieldError::unknown_id(format!("{parent}/{name}/{place}"))).collect()
        };
        let mut faults = unknown("unit_ids", &self.unit_ids, &units);
        faults.extend(unknown("category_ids", &self.category_ids, &categories));
        if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
    }

    pub fn is_any(&self) -> bool {
        self.unit_ids.is_empty() && self.category_ids.is_empty()
    }
}

fn allows(listed: &[Uuid], id: Option<Uuid>) -> bool {
    listed.is_empty() || id.is_some_and(|id| listed.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_must_be_within_both_lists_that_are_not_empty() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let none = TicketLimit::default();
        assert!(none.is_any() && none.includes(None, None) && none.includes(Some(one), Some(other)));
        let units = TicketLimit { unit_ids: vec![one], category_ids: vec![] };
        assert!(units.includes(Some(one), None) && units.includes(Some(one), Some(other)));
        assert!(!units.includes(Some(other), None) && !units.includes(None, None) && !units.is_any());
        let both = TicketLimit { unit_ids: vec![one], category_ids: vec![other] };
        assert!(both.includes(Some(one), Some(other)));
        assert!(!both.includes(Some(one), None) && !both.includes(Some(other), Some(other)));
    }
}
