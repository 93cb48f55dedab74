//! One Merkle tree (RFC 6962) over the hashes of all events, of tickets and of the audit log.
//!
//! The leaves are the rows of `log_entries` by `position`, which is dense and assigned once (`sequence`). `position`
//! is also the cursor of a reader of all events. A head is the size and the root of the tree, signed with a key that
//! is not in the database (`heads`, `keys`, `note`). A person who can change every row of the database cannot make a
//! head that matches one that is kept elsewhere.

pub mod frontier;
pub mod hash;
pub mod heads;
pub mod mails;
pub mod note;
pub mod read;
pub mod sequence;
