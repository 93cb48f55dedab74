//! Who attends: absences, who can be given work, and the handing over of what somebody has in hand.

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
