//! The log of all changes, as integrators follow it: events of tickets, articles, surveys, people, catalogues and records
//! in the order of their commits.

mod cursor;
mod entry;
pub mod feed;
mod list;
mod model;
mod reader;
mod reading;
mod stream;
mod types;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes.service(list::list).service(stream::follow);
}
