//! Files of tickets, followups, articles and records (improvement actions, minutes, indicators, risks).

pub mod attach;
pub mod content;
pub mod file_name;
mod macros;
mod media_type;
mod range;
pub mod record;
pub mod removed;
pub mod serve;
pub mod store;
mod text_check;
pub mod upload;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::people::Person;

/// The metadata of a file, without its content.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attachment {
    /// Identifier of the attachment.
    pub id: Uuid,
    /// Number of the ticket that the file belongs to, directly or through a followup; `null` for other owners.
    #[schema(example = 123)]
    pub ticket_id: Option<i64>,
    /// The followup that the file belongs to; `null` for other owners.
    pub followup_id: Option<Uuid>,
    /// The article that the file belongs to; `null` for other owners.
    pub article_id: Option<Uuid>,
    /// The improvement action that the file is evidence of; `null` for other owners.
    pub improvement_action_id: Option<Uuid>,
    /// The minutes that the file belongs to, such as their signed scan; `null` for other owners.
    pub minutes_id: Option<Uuid>,
    /// The indicator that the file belongs to; `null` for other owners.
    pub indicator_id: Option<Uuid>,
    /// The risk that the file belongs to; `null` for other owners.
    pub risk_id: Option<Uuid>,
    /// The name that was sent, without folders, invisible characters and names that file systems reserve.
    #[schema(max_length = 255, example = "atasco.jpg")]
    pub file_name: String,
    /// The media type, determined from the content, whatever type the sender declared.
    #[schema(max_length = 255, example = "image/jpeg")]
    pub content_type: String,
    /// The size of the content in bytes.
    #[schema(minimum = 1, example = 48213)]
    #[serde(rename = "size_bytes")]
    pub size: i64,
    /// The SHA-256 digest of the content, in hexadecimal.
    #[schema(max_length = 64, example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    pub sha256: String,
    /// The person who uploaded the file.
    pub uploaded_by: Person,
    /// When the file was attached.
    pub created_at: DateTime<Utc>,
}

impl Attachment {
    /// Whether it belongs to minutes, an indicator, an improvement action or a risk.
    pub fn is_of_record(&self) -> bool {
        let owners = [self.improvement_action_id, self.minutes_id, self.indicator_id, self.risk_id];
        owners.iter().any(Option::is_some)
    }
}

/// A `multipart/form-data` body with one file. A file that runs when it is opened is rejected with 415, whatever its
/// content: programs, scripts, shortcuts, installers, disk images and saved web pages, such as `.exe`, `.js`, `.hta`,
/// `.lnk`, `.url` and `.mht`. An account can upload 4 files at a time; further ones are a 429 with `Retry-After`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The file, with its name; an empty one is rejected.
    #[schema(value_type = String, format = Binary)]
    #[expect(dead_code, reason = "declares in the contract what `upload::receive` reads")]
    file: Vec<u8>,
}
