//! Access to the user's account: sign-ins, links to set a password, the count of attempts.

pub mod attempts;
pub mod audit;
mod client_credentials;
pub mod keys;
mod own_keys;
pub mod password_links;
mod reading;
mod refresh;
pub mod sessions;
mod token;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(sessions::login)
        .service(token::issue)
        .service(own_keys::list)
        .service(own_keys::create)
        .service(own_keys::read)
        .service(own_keys::revoke)
        .service(refresh::refresh)
        .service(sessions::logout)
        .service(password_links::request::request)
        .service(password_links::confirmation::confirm);
}
