//! The whole desk in one file, of one moment: its database and the content of its files.
//!
//! The file is a gzipped tar archive: `manifest.json`, the files by their keys under `files/`, the rows of each table as
//! JSON under `tables/`, and `end` with the digest of all that came before it.

mod archive;
mod restore;
mod tables;
mod take;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::restore::{Restored, restore};
pub use self::take::take;

/// Of what this version writes.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Of Mesa.
    pub version: String,
    /// The moment that it shows, by the database's clock.
    pub taken_at: DateTime<Utc>,
    /// The migrations of its schema.
    pub migrations: Vec<String>,
    /// How many rows each table has.
    pub tables: BTreeMap<String, i64>,
    /// Where each sequence stands, as `setval` takes it.
    pub sequences: BTreeMap<String, (i64, bool)>,
    /// How many files there are.
    pub files: usize,
}
