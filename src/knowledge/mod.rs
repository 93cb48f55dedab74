//! Activity 8: the knowledge base.

pub mod articles;
pub mod attachments;
pub mod list;
pub mod revisions;
pub mod search;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list::list)
        .service(articles::write)
        .service(articles::read)
        .service(articles::change)
        .service(revisions::list)
        .service(revisions::read)
        .service(attachments::attach)
        .service(attachments::list);
}
