//! Mail: messages to people in their language, and their delivery to the mail server.

mod accounts;
mod actions;
pub mod content;
mod letter;
pub mod messages;
mod templates;
mod tree_heads;
pub mod worker;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(messages::list).service(messages::read).service(messages::retry);
}
