//! The files that a restore stores: a failed restore removes those that did not exist before.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, Result};

use crate::attachments::content::{Temporary, Writer};

/// The object store, with the names that the restore added to it.
pub struct StoredFiles {
    files: Arc<dyn ObjectStore>,
    added: Vec<Path>,
}

impl StoredFiles {
    pub fn new(files: Arc<dyn ObjectStore>) -> Self {
        StoredFiles { files, added: Vec::new() }
    }

    /// Writes a file to a temporary name.
    pub fn writer(&self, part_size: usize) -> Writer {
        Writer::new(self.files.clone(), part_size)
    }

    /// Renames a file to its final name.
    pub async fn add(&mut self, temporary: Temporary, key: String) -> Result<()> {
        let path = Path::from(key.as_str());
        match self.files.head(&path).await {
            // Before the file is renamed: a request that fails may have renamed it nevertheless.
            Err(Error::NotFound { .. }) => self.added.push(path),
            Ok(_) => {}
            Err(error) => {
                temporary.discard().await;
                return Err(error);
            }
        }
        temporary.rename(&key).await
    }

    /// Removes the files that were added.
    pub async fn remove(self) {
        for path in self.added {
            match self.files.delete(&path).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => log::warn!("the file {path} of the failed restore was not removed: {error}"),
            }
        }
    }
}
