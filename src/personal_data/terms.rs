//! The data of a person that are searched for in texts: those of the account and those of their tickets.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::traces::{self, SHORTEST};
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The kind of a person's datum.
    pub enum PersonalDatum {
        FullName = "full_name",
        Email = "email",
        DocumentId = "document_id",
        Telephone = "telephone",
    }
}

/// A datum of a person that is searched for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AnonymizationTerm {
    /// The key of the term, for the confirmation. It is the same in every preview that searches for the same datum.
    #[schema(example = "9f86d081884c7d65", max_length = 16)]
    pub id: String,
    /// The kind of datum.
    pub datum: PersonalDatum,
    /// The text that is searched for.
    #[schema(example = "Ana María Restrepo", max_length = 320)]
    pub text: String,
    /// Whether it is a current value of the account; otherwise it comes from one of the person's tickets.
    pub current: bool,
}

/// The maximum number of terms.
const MOST_TERMS: usize = 30;

/// The maximum number of characters of all terms: the cost of the search grows with it.
const MOST_CHARACTERS: usize = 1000;

/// The number of different data that are considered; a person may have given others with each ticket.
const CONSIDERED: i64 = 500;

/// The terms of a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    pub all: Vec<AnonymizationTerm>,
    /// The number of terms beyond the limit.
    pub left_out: usize,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    datum: PersonalDatum,
    #[diesel(sql_type = Text)]
    text: String,
    #[diesel(sql_type = Bool)]
    current: bool,
}

impl Terms {
    /// The data of the account, followed by those of the person's tickets, the latest first.
    pub fn load(db: &mut PgConnection, user_id: Uuid) -> Result<Self> {
        let known: Vec<Known> = diesel::sql_query(format!(
            "SELECT datum, text, bool_or(current) AS current FROM ( \
                 SELECT d.datum, trim(d.text) AS text, true AS current, u.created_at AS at FROM users u CROSS JOIN LATERAL (VALUES \
                     ('email', u.email), ('document_id', u.document_id), ('telephone', u.landline), ('telephone', u.mobile), \
                     ('full_name', u.full_name)) AS d (datum, text) WHERE u.id = $1 \
                 UNION ALL \
                 SELECT d.datum, trim(d.text), false, t.received_at FROM tickets t CROSS JOIN LATERAL (VALUES \
                     ('email', t.requester_email), ('document_id', t.requester_document_id), \
                     ('telephone', t.requester_landline), ('telephone', t.requester_mobile), \
                     ('full_name', t.requester_full_name)) AS d (datum, text) WHERE t.requester_id = $1) AS known \
             WHERE text IS NOT NULL GROUP BY datum, text ORDER BY bool_or(current) DESC, max(at) DESC, datum, text LIMIT {CONSIDERED}"
        ))
        .bind::<SqlUuid, _>(user_id)
        .load(db)?;
        Ok(Self::new(known.into_iter().map(|known| (known.datum, known.text, known.current))))
    }

    /// Selects the data that can be searched for, up to the limits.
    fn new(known: impl IntoIterator<Item = (PersonalDatum, String, bool)>) -> Self {
        let mut terms = Terms::default();
        let (mut seen, mut characters) = (HashSet::new(), 0);
        for (datum, text, current) in known {
            let key = traces::normalized(&text);
            if !can_be_looked_for(datum, &text) || !seen.insert(key.clone()) {
                continue;
            }
            let length = text.chars().count();
            if terms.all.len() == MOST_TERMS || characters + length > MOST_CHARACTERS {
                terms.left_out += 1;
                continue;
            }
            characters += length;
            let digest = Sha256::digest(format!("{} {key}", datum.as_str()));
            let id = hex::encode(&digest[..8]);
            terms.all.push(AnonymizationTerm { id, datum, text, current });
        }
        terms
    }

    /// A pattern that matches any of the terms.
    pub fn pattern(&self) -> String {
        traces::pattern(self.all.iter().map(|term| term.text.as_str()))
    }

    /// A pattern that matches the terms with these ids.
    pub fn pattern_of(&self, ids: &[String]) -> String {
        let chosen = self.all.iter().filter(|term| ids.contains(&term.id));
        traces::pattern(chosen.map(|term| term.text.as_str()))
    }

    /// The term to which this match of `pattern` belongs.
    pub fn found_as(&self, text: &str) -> Option<&AnonymizationTerm> {
        let key = traces::normalized(text);
        // A number of any length may be written with the international prefix.
        let is_it = |term: &&AnonymizationTerm| {
            let known = traces::normalized(&term.text);
            known == key || key.strip_prefix("57").is_some_and(|own| own == known)
        };
        self.all.iter().find(is_it)
    }
}

/// Whether the text is a datum of this kind, and long enough to be distinguished from other words.
fn can_be_looked_for(datum: PersonalDatum, text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let long = text.chars().count() >= SHORTEST;
    match datum {
        PersonalDatum::FullName => long,
        PersonalDatum::Email => long && text.contains('@'),
        PersonalDatum::DocumentId => digits >= SHORTEST,
        PersonalDatum::Telephone => digits >= 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(known: &[(PersonalDatum, &str)]) -> Terms {
        Terms::new(known.iter().map(|(datum, text)| (*datum, (*text).to_owned(), false)))
    }

    #[test]
    fn what_is_no_such_datum_is_not_looked_for() {
        let found = terms(&[
            (PersonalDatum::FullName, "Ana"),
            (PersonalDatum::FullName, "Ana María Restrepo"),
            (PersonalDatum::FullName, "ANA MARIA  RESTREPO"),
            (PersonalDatum::Email, "amenazas graves"),
            (PersonalDatum::DocumentId, "amenazas graves"),
            (PersonalDatum::DocumentId, "1.036.999"),
            (PersonalDatum::Telephone, "1432"),
            (PersonalDatum::Telephone, "(604) 373 76 76"),
        ]);
        let texts: Vec<&str> = found.all.iter().map(|term| term.text.as_str()).collect();
        assert_eq!(texts, ["Ana María Restrepo", "1.036.999", "(604) 373 76 76"]);
        assert_eq!(found.left_out, 0);
        assert_eq!(
            found.found_as("ana_maria_RESTREPO").map(|term| term.datum),
            Some(PersonalDatum::FullName)
        );
        assert_eq!(found.found_as("+57 604 3737676").map(|term| term.datum), Some(PersonalDatum::Telephone));
        assert_eq!(found.found_as("María Restrepo"), None);
    }

    #[test]
    fn the_terms_are_bounded_in_number_and_length() {
        let name = |number: usize| (PersonalDatum::FullName, format!("Persona número {number}"), false);
        let many = Terms::new((0..60).map(name));
        assert_eq!((many.all.len(), many.left_out), (MOST_TERMS, 30));
        let long =
            |number: usize| (PersonalDatum::FullName, format!("{number} {}", "una ".repeat(50)), false);
        let long = Terms::new((0..60).map(long));
        assert!(long.all.len() < 6 && long.all.len() + long.left_out == 60);
        assert!(long.pattern().len() < 20 * MOST_CHARACTERS);
    }
}
