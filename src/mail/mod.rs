//! Mail: what people are told in their language, and its way to the mail server.

mod accounts;
mod actions;
pub mod content;
mod letter;
mod templates;
mod tree_heads;
pub mod worker;
