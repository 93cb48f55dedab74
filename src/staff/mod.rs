//! Staff: absences, availability, and the handover of open tickets.

mod absence_list;
pub mod absences;
pub mod availability;
pub mod handover;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(absence_list::list)
        .service(absences::list)
        .service(absences::record)
        .service(absences::read)
        .service(absences::change)
        .service(absences::remove)
        .service(availability::list)
        .service(handover::hand_over);
}
