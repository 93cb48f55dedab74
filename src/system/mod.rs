//! The state of the installation, for its administrators: metrics, background tasks, what waits.

mod hints;
pub mod metrics;
mod oldest;
mod status;
pub mod tasks;
mod waiting;
pub mod watched;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes.service(status::read);
}
