//! Who calls, and what they may do.

pub mod attempts;
pub mod audit;
pub mod me;
pub mod password_links;
pub mod passwords;
pub mod policy;
mod refresh;
pub mod sessions;
mod token;
pub mod tokens;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(sessions::login)
        .service(token::issue)
        .service(refresh::refresh)
        .service(sessions::logout)
        .service(password_links::request::request)
        .service(password_links::confirmation::confirm)
        .service(password_links::staff::send)
        .service(me::read)
        .service(me::change)
        .service(me::password);
}
