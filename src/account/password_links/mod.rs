//! One-time links by which people set their password: after they forgot it, or the first one of an invited account.

pub mod confirmation;
pub mod links;
pub mod page;
pub mod request;
