//! Attention times: how long a case may wait for its acceptance, the calendar on which that time counts, and the
//! explanation of a due time.

mod application;
pub mod calendars;
mod due;
mod explanation;
mod holiday_dates;
mod holiday_fields;
mod holidays;
pub mod policies;
pub mod reckonings;
pub mod running;
pub mod times;
pub mod working;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(times::list)
        .service(application::apply)
        .service(times::read)
        .service(times::change)
        .service(calendars::list)
        .service(calendars::create)
        .service(calendars::read)
        .service(calendars::change)
        .service(due::due)
        .service(holidays::list)
        .service(holidays::create)
        .service(holidays::read)
        .service(holidays::change)
        .service(holidays::remove)
        .service(holiday_dates::list)
        .service(explanation::explain)
        .service(reckonings::reckon);
}
