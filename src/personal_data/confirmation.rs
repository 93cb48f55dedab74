//! The director's confirmation of removals from texts of other people. Pure.

use std::collections::BTreeMap;

use super::places::{AnonymizationPlace, FIELDS};
use super::terms::Terms;
use crate::problem::{FieldCode, FieldError, Problem, Result, Text};

/// The data to remove from texts of other people.
#[derive(Debug, Default)]
pub struct Confirmation {
    /// The ids of the terms that are removed everywhere.
    pub terms: Vec<String>,
    /// The terms that are removed from individual texts, by table, column and row.
    pub places: BTreeMap<(&'static str, &'static str), BTreeMap<String, Vec<String>>>,
}

impl Confirmation {
    /// # Errors
    /// A 422 for each term and each place that does not belong to the person.
    pub fn read(terms: &Terms, confirmed_terms: Vec<String>, confirmed_places: &[String]) -> Result<Self> {
        let mut faults = Vec::new();
        let is_known = |id: &str| terms.all.iter().any(|term| term.id == id);
        for (index, id) in confirmed_terms.iter().enumerate() {
            if !is_known(id) {
                faults.push(unknown(format!("/term_ids/{index}")));
            }
        }
        let mut confirmation = Confirmation { terms: confirmed_terms, ..Confirmation::default() };
        for (index, id) in confirmed_places.iter().enumerate() {
            let Some((field, row, term)) = parts(id).filter(|(_, _, term)| is_known(term)) else {
                faults.push(unknown(format!("/place_ids/{index}")));
                continue;
            };
            let rows = confirmation.places.entry(field).or_default();
            rows.entry(row.to_owned()).or_default().push(term.to_owned());
        }
        if faults.is_empty() { Ok(confirmation) } else { Err(Problem::fields(faults)) }
    }

    /// Whether the data in this place are removed.
    pub fn removes(&self, place: &AnonymizationPlace) -> bool {
        let confirmed = |(field, row, term): ((&'static str, &'static str), &str, &str)| {
            let rows = self.places.get(&field);
            rows.and_then(|rows| rows.get(row)).is_some_and(|terms| terms.iter().any(|known| known == term))
        };
        place.removed_by_default
            || self.terms.contains(&place.term)
            || parts(&place.id).is_some_and(confirmed)
    }
}

/// The table and the column, the row and the term of a place.
fn parts(id: &str) -> Option<((&'static str, &'static str), &str, &str)> {
    let (resource, rest) = id.split_once(':')?;
    let (rest, term) = rest.rsplit_once(':')?;
    let (row, column) = rest.rsplit_once(':')?;
    let field = FIELDS.iter().find(|field| field.resource.as_str() == resource && field.column == column)?;
    Some(((field.table, field.column), row, term))
}

fn unknown(pointer: String) -> FieldError {
    let detail = Text::new(
        "No aparece en la vista previa de la anonimización de esta persona.",
        "It is not in the anonymization preview of this person.",
    );
    FieldError::new(pointer, FieldCode::NotFound, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_place_names_table_column_row_and_term() {
        assert_eq!(parts("followup:a-b:body:9f"), Some((("followups", "body"), "a-b", "9f")));
        assert_eq!(
            parts("article_revision:a/1:content:9f"),
            Some((("article_revisions", "content"), "a/1", "9f"))
        );
        for unknown in ["", "followup:a:body", "followup:a:author_id:9f", "user:a:email:9f"] {
            assert_eq!(parts(unknown), None, "{unknown}");
        }
    }
}
