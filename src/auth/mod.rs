//! Accounts and permissions: roles and the policy, access tokens, passwords.

pub mod keys;
pub mod no_address;
pub mod passwords;
pub mod person;
pub mod policy;
pub mod scopes;
pub mod ticket_limit;
pub mod tokens;
