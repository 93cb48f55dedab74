//! Finding the account of a person by the identity document or the email address.

use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text as SqlText};
use serde_json::json;
use uuid::Uuid;

use crate::problem::{Code, FieldCode, FieldError, Problem, Result, Text};

/// An account with this document or this address.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
struct Candidate {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlText>)]
    document_id: Option<String>,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    has_document: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    has_email: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    active: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    has_address: bool,
    /// Its owner stated the document in mail: it does not identify them.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_declared: bool,
}

/// Why no account was chosen.
#[derive(Debug, PartialEq)]
enum Refusal {
    /// The document and the address belong to these different people, or the document to several.
    Different(Vec<Uuid>),
    /// The account with this field is not active.
    Inactive(&'static str),
}

/// Whether the account of a person who is no longer active is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inactive {
    Refused,
    Found,
}

/// Until the transaction ends, no other transaction looks for a person.
///
/// # Errors
/// An error of the database.
pub fn lock(tx: &mut PgConnection) -> Result<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('people by document', 0))")
        .execute(tx)?;
    Ok(())
}

/// The account of the person with this document (however the number is grouped: `document_key`) or this address (upper and lower case are
/// the same). Until the transaction ends, no other transaction looks for a person, so that a person who is not found
/// can be created.
///
/// # Errors
/// [Code::PersonConflict] if document and address belong to different people, or the document to several; a 422 if the
/// account is not active and is to be.
pub fn find(
    tx: &mut PgConnection,
    document_id: Option<&str>,
    email: Option<&str>,
    inactive: Inactive,
) -> Result<Option<Uuid>> {
    lock(tx)?;
    let mut found = candidates(tx, document_id, email)?;
    let mut chosen = choose(&found, document_id.is_some(), email.is_some());
    if inactive == Inactive::Found && matches!(chosen, Err(Refusal::Inactive(_))) {
        found.iter_mut().for_each(|candidate| candidate.active = true);
        chosen = choose(&found, document_id.is_some(), email.is_some());
    }
    chosen.map_err(|refusal| match refusal {
        Refusal::Different(ids) => different(&ids),
        Refusal::Inactive(pointer) => Problem::field(FieldError::new(
            pointer,
            FieldCode::NotAllowed,
            Text::new(
                "La cuenta de esta persona no está activa.",
                "The account of this person is not active.",
            ),
        )),
    })
}

/// The accounts of people with this document or this address, active or not.
///
/// # Errors
/// An error of the database.
pub fn matching(tx: &mut PgConnection, document_id: Option<&str>, email: Option<&str>) -> Result<Vec<Uuid>> {
    Ok(candidates(tx, document_id, email)?.into_iter().map(|candidate| candidate.id).collect())
}

fn candidates(
    tx: &mut PgConnection,
    document_id: Option<&str>,
    email: Option<&str>,
) -> Result<Vec<Candidate>> {
    let email = email.map(str::to_lowercase);
    let found = diesel::sql_query(
        "SELECT id, document_id, email NOT LIKE '%@no-address.invalid' AS has_address, document_declared AS is_declared, \
            coalesce(document_key(document_id) = document_key($1), false) AS has_document, \
            coalesce(lower(email) = $2, false) AS has_email, active \
         FROM users WHERE account_kind = 'person' AND (document_key(document_id) = document_key($1) OR lower(email) = ANY ($3)) ORDER BY created_at, id LIMIT 20",
    )
    .bind::<Nullable<SqlText>, _>(document_id)
    .bind::<Nullable<SqlText>, _>(email.as_deref())
    .bind::<Array<SqlText>, _>(email.iter().collect::<Vec<_>>())
    .load(tx)?;
    Ok(found)
}

fn choose(
    found: &[Candidate],
    by_document: bool,
    by_email: bool,
) -> std::result::Result<Option<Uuid>, Refusal> {
    let with_document = || found.iter().filter(|one| one.has_document);
    let of_document: Vec<&Candidate> = with_document().filter(|one| !one.is_declared).collect();
    let active: Vec<&Candidate> = of_document.iter().copied().filter(|one| one.active).collect();
    let ids = |all: &[&Candidate]| all.iter().map(|one| one.id).collect::<Vec<_>>();
    if let Some(owner) = found.iter().find(|one| one.has_email) {
        // An address of somebody with another document is not the caller's.
        let is_another = by_document && !owner.has_document && owner.document_id.is_some();
        return match (is_another || !owner.has_document && !of_document.is_empty(), owner.active) {
            (true, _) => Err(Refusal::Different([ids(&of_document), vec![owner.id]].concat())),
            (false, true) => Ok(Some(owner.id)),
            (false, false) => Err(Refusal::Inactive("/requester/email")),
        };
    }
    match &active[..] {
        // Staff choose, because whoever wrote the document in mail may not be its owner.
        [] if of_document.is_empty() && with_document().count() > 0 => {
            Err(Refusal::Different(with_document().map(|one| one.id).collect()))
        }
        [] if of_document.is_empty() => Ok(None),
        [] => Err(Refusal::Inactive("/requester/document_id")),
        // Mail would go to another address than the caller's.
        [only] if by_email && only.has_address => Err(Refusal::Different(vec![only.id])),
        [only] => Ok(Some(only.id)),
        several => Err(Refusal::Different(ids(several))),
    }
}

fn different(ids: &[Uuid]) -> Problem {
    let mut problem = Problem::new(
        Code::PersonConflict,
        Text::new(
            "El documento y el correo son de personas distintas, o varias cuentas tienen ese documento: están en \
             `user_ids`. Corrija los datos, o registre con `requester_id` la solicitud de la persona correcta.",
            "The document and the email address belong to different people, or several accounts have this document: \
             they are in `user_ids`. Correct the data, or register the request with the `requester_id` of the right person.",
        ),
    );
    problem.members.insert("user_ids".to_owned(), json!(ids));
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(number: u128, document: Option<&str>, matches: (bool, bool), active: bool) -> Candidate {
        let (has_document, has_email) = matches;
        let document_id = document.map(str::to_owned);
        Candidate {
            id: Uuid::from_u128(number),
            document_id,
            has_document,
            has_email,
            active,
            has_address: true,
            is_declared: false,
        }
    }

    #[test]
    fn a_person_is_found_by_document_or_address_and_never_two_people_at_once() {
        let id = |number| Ok(Some(Uuid::from_u128(number)));
        let both = one(1, Some("1"), (true, true), true);
        let document = one(2, Some("1"), (true, false), true);
        let gone = one(3, Some("1"), (true, false), false);
        let address = one(4, None, (false, true), true);
        let anothers = one(5, Some("9"), (false, true), true);
        let left = one(6, None, (false, true), false);
        let different = |numbers: &[u128]| {
            Err(Refusal::Different(numbers.iter().map(|number| Uuid::from_u128(*number)).collect()))
        };
        for (found, by_document, expected) in [
            (vec![], true, Ok(None)),
            (vec![&both], true, id(1)),
            (vec![&document], true, id(2)),
            (vec![&document, &both], true, id(1)),
            (vec![&document, &gone], true, id(2)),
            (vec![&gone], true, Err(Refusal::Inactive("/requester/document_id"))),
            (vec![&address], true, id(4)),
            (vec![&left], false, Err(Refusal::Inactive("/requester/email"))),
            (vec![&document, &address], true, different(&[2, 4])),
            (vec![&anothers], true, different(&[5])),
            (vec![&anothers], false, id(5)),
            (vec![&document, &one(7, Some("1"), (true, false), true)], true, different(&[2, 7])),
        ] {
            let found: Vec<Candidate> = found.into_iter().cloned().collect();
            assert_eq!(choose(&found, by_document, false), expected, "{found:?}");
        }
    }
}
