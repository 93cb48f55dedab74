//! Webhooks: events of the log, sent to other systems by HTTP as Standard Webhooks 1.0 describe it.

mod address;
pub mod claim;
pub mod client;
mod deliveries;
mod ending;
pub mod fan_out;
mod outcome;
mod owner;
pub mod removal;
mod replay;
mod schedule;
mod secret;
mod secrets;
mod webhook;
pub mod worker;
mod write;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(webhook::list)
        .service(write::create)
        .service(webhook::read)
        .service(write::change)
        .service(write::delete)
        .service(secrets::rotate)
        .service(replay::test)
        .service(replay::span)
        .service(deliveries::list)
        .service(deliveries::read)
        .service(replay::one);
}
