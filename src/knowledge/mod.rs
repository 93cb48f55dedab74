//! Activity 8: the knowledge base.

pub mod articles;
pub mod attachments;
mod content_rules;
pub mod list;
pub mod revisions;
pub mod search;
pub mod similar;

use crate::http::routes::Routes;

pub fn routes(routes: &mut Routes) {
    routes
        .service(list::list)
        .service(articles::write)
        .service(articles::read)
        .service(articles::change)
        .service(revisions::list)
        .service(revisions::read)
        .service(attachments::attach)
        .service(attachments::list);
}
