//! Files of tickets, followups, articles and improvement actions.

pub mod articles;
pub mod download;
pub mod improvement;
pub mod removed;
pub mod store;
pub mod tickets;
pub mod upload;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::people::Person;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(tickets::attach)
        .service(tickets::list)
        .service(tickets::attach_to_followup)
        .service(tickets::list_of_followup)
        .service(articles::attach)
        .service(articles::list)
        .service(improvement::attach)
        .service(improvement::list)
        .service(download::read)
        .service(download::download);
}

/// A file, apart from its content.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attachment {
    pub id: Uuid,
    /// The ticket that it belongs to, by itself or by a followup.
    #[schema(example = 123)]
    pub ticket_id: Option<i64>,
    pub followup_id: Option<Uuid>,
    /// The article that it belongs to.
    pub article_id: Option<Uuid>,
    /// The improvement action that it is evidence of.
    pub improvement_action_id: Option<Uuid>,
    /// As it was sent, without what file systems and browsers might trip over.
    #[schema(example = "atasco.jpg")]
    pub file_name: String,
    /// As found in the content, whatever the sender said.
    #[schema(example = "image/jpeg")]
    pub content_type: String,
    /// In bytes.
    #[schema(minimum = 1, example = 48213)]
    pub size: i64,
    /// Of the content, in hexadecimal.
    #[schema(example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    pub sha256: String,
    pub uploaded_by: Person,
    pub created_at: DateTime<Utc>,
}

/// A `multipart/form-data` body with one file.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The file, with its name.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    #[expect(dead_code, reason = "says in the contract what `upload::receive` reads")]
    file: Vec<u8>,
}
