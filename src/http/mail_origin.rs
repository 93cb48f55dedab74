//! The inbound email that causes an action.

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An inbound email and whether its author is verified: recorded in the history with each change that it causes.
#[derive(Debug, Clone, Copy)]
pub struct MailOrigin {
    pub inbound_email_id: Uuid,
    /// The account that submitted it to the API; `None` for the mailbox and the command.
    pub submitted_by_id: Option<Uuid>,
    /// The account that released it after it had been set aside or ignored.
    pub released_by_id: Option<Uuid>,
    /// Whether the entity's own mail server did not verify its author.
    pub unverified: bool,
}

impl MailOrigin {
    /// As `details` of an event.
    pub fn details(&self) -> Map<String, Value> {
        let mut details = Map::new();
        details.insert("inbound_email_id".to_owned(), json!(self.inbound_email_id));
        details.insert("submitted_by_id".to_owned(), json!(self.submitted_by_id));
        details.insert("unverified".to_owned(), json!(self.unverified));
        if let Some(released_by_id) = self.released_by_id {
            details.insert("released_by_id".to_owned(), json!(released_by_id));
        }
        details
    }
}
