//! Staff: absences, availability, and the handover of open tickets.

pub mod absences;
pub mod availability;
pub mod handover;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(absences::list)
        .service(absences::record)
        .service(absences::read)
        .service(absences::change)
        .service(absences::remove)
        .service(availability::list)
        .service(handover::hand_over);
}
