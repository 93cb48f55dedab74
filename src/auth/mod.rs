//! Who people are to the desk and what they may do: roles and the policy, access tokens, passwords.

pub mod passwords;
pub mod person;
pub mod policy;
pub mod tokens;
