//! One Merkle tree (RFC 6962) over the hashes of all events, of tickets and of the audit log.
//!
//! The leaves are the rows of `log_entries` by `position`, which is dense and given once (`sequence`). The same order is
//! what a reader of all events pages by: `position` is its cursor.
//! A head is the size and the root of the tree, signed with a key outside of the database (`heads`, `keys`, `note`). Whoever
//! can change every row of the database cannot make a head that differs from one that somebody else has kept.

pub mod frontier;
pub mod hash;
pub mod heads;
pub mod mails;
pub mod note;
pub mod read;
pub mod sequence;
