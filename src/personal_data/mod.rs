//! The personal data of a requester (habeas data, Ley 1581 de 2012): their export, and their removal.

pub mod anonymization;
mod audit_redaction;
mod confirmation;
mod erasure;
pub mod export;
mod places;
pub mod preview;
mod terms;
mod traces;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes.service(export::read).service(preview::preview).service(anonymization::anonymize);
}

/// The person's tickets, as SQL: an array that is computed once, so that an index can be used even if the tickets are
/// one of two alternative conditions. `$1` is the person.
const THEIRS: &str = "ARRAY(SELECT id FROM tickets WHERE requester_id = $1)";
