//! The personal data of a requester (habeas data, Ley 1581 de 2012): given to them, and taken out of the desk.

pub mod anonymization;
mod audit_redaction;
mod confirmation;
mod erasure;
pub mod export;
mod places;
pub mod preview;
mod terms;
mod traces;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(export::read).service(preview::preview).service(anonymization::anonymize);
}

/// The person's tickets, as SQL: an array, which is made once, so that an index finds what belongs to them even where that is
/// one of two reasons to look for it. `$1` is the person.
const THEIRS: &str = "ARRAY(SELECT id FROM tickets WHERE requester_id = $1)";
