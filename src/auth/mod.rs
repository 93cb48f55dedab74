//! Accounts and permissions: roles and the policy, access tokens, passwords.

pub mod no_address;
pub mod passwords;
pub mod person;
pub mod policy;
pub mod tokens;
