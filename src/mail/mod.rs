//! Mail: messages to people in their language, and their delivery to the mail server.

mod accounts;
mod actions;
pub mod content;
mod letter;
pub mod messages;
#[cfg(test)]
mod prose_test;
mod templates;
mod tree_heads;
pub mod worker;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes.service(messages::list).service(messages::read).service(messages::retry);
}
