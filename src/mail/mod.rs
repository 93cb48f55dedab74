//! Mail: what people are told in their language, and its way to the mail server.

mod accounts;
mod actions;
pub mod content;
mod letter;
mod templates;
mod tree_heads;
pub mod worker;

use std::time::Duration;

use lettre::message::Mailbox;

/// How mail leaves the desk.
#[derive(Clone)]
pub struct MailConfig {
    /// The mail server, with user and password where it asks for them.
    pub smtp_url: String,
    /// Whom mail comes from; its domain is that of every Message-ID.
    pub from: Mailbox,
    /// How long a message is in the hands of one copy of the server; past that another takes it.
    pub lease: Duration,
    /// How long to wait before the second try; later waits grow in proportion.
    pub retry: Duration,
}

impl std::fmt::Debug for MailConfig {
    /// Without the address of the server, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailConfig").field("from", &self.from).finish_non_exhaustive()
    }
}
