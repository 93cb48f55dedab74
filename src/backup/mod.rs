//! A backup of the whole desk in one file, of one snapshot: its database and the content of its files.
//!
//! The file is a gzipped tar archive: `manifest.json`, the files by their keys under `files/`, the rows of each table
//! as JSON under `tables/`, and `end`. With `--encrypt` all of it is in an age file.
//!
//! `end` has the SHA-256 over names, sizes and contents of all entries before it, in order, and an HMAC-SHA-256 of
//! that digest. Its key is not in the backup, so that write access to the storage of backups is not sufficient to
//! change, exchange, add or remove anything. A restore reads the file once completely and verifies it before it
//! writes anything; each further read must have the same digest. Encryption to a public key does not replace this:
//! anyone can encrypt to it.
//!
//! The module `reader` limits how much of a file is held in memory, independently of its header.

pub mod encryption;
pub mod key;
mod reader;
mod restore;
mod stored_files;
mod tables;
mod take;
mod writer;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::restore::{Opening, Restored, restore};
pub use self::take::take;

/// The format that this version writes.
const FORMAT: u32 = 2;

/// A format without HMAC, which is restored only on request.
const FORMAT_WITHOUT_HMAC: u32 = 1;

const MANIFEST: &str = "manifest.json";
const END: &str = "end";

/// Maximum size of an entry that is read into memory: of the manifest, and of a piece of a table.
const IN_MEMORY: u64 = 64 * 1024 * 1024;

/// The content of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of Mesa that wrote it.
    pub version: String,
    /// The time of the snapshot, by the database's clock.
    pub taken_at: DateTime<Utc>,
    /// The migrations of its schema.
    pub migrations: Vec<String>,
    /// The number of rows of each table.
    pub tables: BTreeMap<String, i64>,
    /// The state of each sequence, as `setval` takes it.
    pub sequences: BTreeMap<String, (i64, bool)>,
    /// The number of files.
    pub files: usize,
}

/// The content of the last entry.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    /// The digest of all entries before it, in hexadecimal.
    sha256: String,
    /// The HMAC of that digest, in hexadecimal; missing in format 1.
    hmac_sha256: String,
}

/// The digest over all entries.
#[derive(Default)]
struct Transcript(sha2::Sha256);

impl Transcript {
    fn begin(&mut self, name: &str, size: u64) {
        use sha2::Digest;
        self.0.update(name.as_bytes());
        self.0.update([0]);
        self.0.update(size.to_be_bytes());
    }

    fn content(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }

    fn digest(self) -> [u8; 32] {
        sha2::Digest::finalize(self.0).into()
    }
}
