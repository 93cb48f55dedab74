//! The log of all changes, as integrators follow it: events of tickets, articles, surveys, people, catalogues and records
//! in the order of their commits.

mod cursor;
pub mod entry;
pub mod feed;
mod list;
pub mod model;
mod places;
mod presence;
pub mod reader;
pub mod reading;
mod stream;
mod stream_ticket;
pub mod types;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes.service(list::list).service(stream::follow).service(stream_ticket::issue);
}
