//! Service accounts: machines that act under their own name, with a role and some of its actions.

mod keys;
mod scopes;
mod service_account;
mod write;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(service_account::list)
        .service(write::create)
        .service(service_account::read)
        .service(write::change)
        .service(keys::list)
        .service(keys::create)
        .service(keys::read)
        .service(keys::revoke);
}
