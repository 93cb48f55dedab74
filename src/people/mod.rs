//! People, their working hours, and their administrative units.

mod account_rules;
pub mod accounts;
pub mod availability;
pub mod demo;
pub mod me;
mod named;
pub mod password_reset;
pub mod schedules;
pub mod shifts;
pub mod units;
pub mod user;
pub mod users;

pub use self::named::Named;
pub use crate::auth::person::{self, Person};

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
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
