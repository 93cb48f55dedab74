//! People, their working hours, and their administrative units.

mod account_rules;
pub mod accounts;
pub mod availability;
pub mod callers;
pub mod demo;
pub mod finding;
pub mod me;
mod named;
mod open_tickets;
pub mod password_reset;
pub mod schedules;
pub mod shifts;
pub mod units;
pub mod user;
pub mod users;

pub use self::named::Named;
pub use crate::auth::person::{self, Person};

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(me::read)
        .service(me::change)
        .service(me::password)
        .service(password_reset::send)
        .service(users::list)
        .service(users::create)
        .service(users::read)
        .service(users::change)
        .service(shifts::read)
        .service(shifts::replace)
        .service(units::list)
        .service(units::create)
        .service(units::read)
        .service(units::change);
}
