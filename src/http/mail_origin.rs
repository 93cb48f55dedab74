//! The inbound email that causes an action.

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
