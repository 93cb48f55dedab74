//! Who calls, and what they may do.

pub mod attempts;
pub mod me;
pub mod passwords;
pub mod policy;
pub mod sessions;
mod token;
pub mod tokens;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(sessions::login)
        .service(token::issue)
        .service(sessions::refresh)
        .service(sessions::logout)
        .service(me::read)
        .service(me::change)
        .service(me::password);
}
