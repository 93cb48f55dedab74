//! Writes the content of files into the object store, so that no crash permanently leaves a row without its content
//! or content without a row.
//!
//! A file is streamed to a temporary name (`incoming/<uuid>`) while it is hashed. Once it is complete and the request
//! was checked again, [Temporary::publish] (1) registers its final, content-addressed name in `removed_files`, in a
//! separate transaction, and (2) renames the object. Only then (3) a transaction writes the row that names it.
//!
//! What a crash or an error leaves, depending on when it happens:
//! - before the upload is complete: nothing (the part file or the multipart upload is aborted); if the process was
//!   killed, a part file or a temporary object, removed by [sweep_temporary] after [ABANDONED];
//! - before 1, including every request that is rejected: the temporary object, removed at once when [Temporary] is
//!   dropped; if the process was killed, by [sweep_temporary];
//! - between 1 and 2: a registered name without content: the sweep in `removed` finds no content and removes the
//!   registration;
//! - between 2 and 3, or if the transaction of 3 fails: content that no row names: the sweep in `removed` deletes it;
//! - after 3: nothing: the sweep in `removed` finds the row and removes the registration.
//!
//! The sweep in `removed` deletes a content only while it holds the lock on its row in `removed_files`. Step 1 writes
//! that row, so it waits for a deletion of the same content that is under way and postpones the next one by an hour.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use diesel::prelude::*;
use diesel::sql_types::Text;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::config::Config;
use crate::http::desk::Desk;
use crate::problem::{Problem, Result};

/// The folder of temporary names.
const INCOMING: &str = "incoming";

/// How many bytes are buffered before they are written to a folder.
const LOCAL_PART: usize = 256 * 1024;

/// The minimum size of a part in S3, except for the last one.
const S3_PART: usize = 5 * 1024 * 1024;

/// Age after which a temporary object no longer belongs to an upload: much longer than an upload may take.
pub const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The size of the parts in which content is written to the configured object store.
pub fn part_size(config: &Config) -> usize {
    if config.attachments_folder().is_some() { LOCAL_PART } else { S3_PART }
}

/// A complete and durable object under a temporary name; it is deleted when this is dropped.
#[derive(Debug)]
pub struct Temporary {
    files: Arc<dyn ObjectStore>,
    path: Path,
    published: bool,
}

impl Temporary {
    fn new(files: Arc<dyn ObjectStore>, path: Path) -> Self {
        Temporary { files, path, published: false }
    }

    /// Gives the content its final name, registered first so that it is removed unless a row names it within an hour.
    ///
    /// # Errors
    /// [Code::Unavailable](crate::problem::Code::Unavailable) if the database or the object store does not answer.
    pub async fn publish(self, desk: &Desk, storage_key: &str) -> Result<()> {
        register(desk, storage_key).await?;
        self.rename(storage_key).await.map_err(Problem::no_files)
    }

    /// Deletes the content, and returns once it is gone.
    pub async fn discard(mut self) {
        self.published = true;
        delete_temporary(&*self.files, &self.path).await;
    }

    /// Gives the content its final name.
    pub async fn rename(mut self, storage_key: &str) -> object_store::Result<()> {
        self.files.rename(&self.path, &Path::from(storage_key)).await?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        let (files, path) = (self.files.clone(), self.path.clone());
        in_background(async move { delete_temporary(&*files, &path).await });
    }
}

async fn delete_temporary(files: &dyn ObjectStore, path: &Path) {
    match files.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => log::warn!("a temporary file stays until the sweep: {error}"),
    }
}

/// Does nothing outside of a runtime: the sweep removes the object later.
fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

/// Writes content to a temporary name part by part; at most one part is in memory.
pub struct Writer {
    /// Deletes what was completed, unless `finish` returns it.
    temporary: Option<Temporary>,
    upload: Option<Box<dyn MultipartUpload>>,
    part_size: usize,
    buffer: Vec<u8>,
    hash: Sha256,
    size: u64,
}

/// Size and digest of content that was written.
#[derive(Debug)]
pub struct Written {
    pub temporary: Temporary,
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl Writer {
    pub fn new(files: Arc<dyn ObjectStore>, part_size: usize) -> Self {
        let path = Path::from(format!("{INCOMING}/{}", Uuid::now_v7()));
        Writer {
            temporary: Some(Temporary::new(files, path)),
            upload: None,
            part_size,
            buffer: Vec::new(),
            hash: Sha256::new(),
            size: 0,
        }
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn write(&mut self, mut bytes: &[u8]) -> object_store::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.buffer.len() == self.part_size {
                self.flush().await?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.part_size - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Removes what was written, and returns once it is gone.
    pub async fn abort(mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            log::warn!("an unfinished file stays until the sweep: {error}");
        }
    }

    async fn flush(&mut self) -> object_store::Result<()> {
        let Some(Temporary { files, path, .. }) = &self.temporary else { return Ok(()) };
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(files.put_multipart(path).await?),
        };
        let part = PutPayload::from(std::mem::take(&mut self.buffer));
        upload.put_part(part).await
    }

    /// Makes the content durable under its temporary name.
    pub async fn finish(mut self) -> object_store::Result<Written> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.flush().await?;
        }
        let content = PutPayload::from(std::mem::take(&mut self.buffer));
        let temporary = self.temporary.take().ok_or_else(finished)?;
        match &mut self.upload {
            Some(upload) => drop(upload.complete().await?),
            None => drop(temporary.files.put(&temporary.path, content).await?),
        }
        self.upload = None;
        Ok(Written { temporary, size: self.size, sha256: hex::encode(self.hash.finalize_reset()) })
    }
}

fn finished() -> object_store::Error {
    object_store::Error::Generic { store: "mesa", source: "the writer was finished before".into() }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else {
            // Nothing was written under the name.
            if let Some(temporary) = &mut self.temporary {
                temporary.published = true;
            }
            return;
        };
        in_background(async move {
            if let Err(error) = upload.abort().await {
                log::warn!("an unfinished file stays until the sweep: {error}");
            }
        });
    }
}

/// Writes content that is already in memory under its final name, registered as by [Temporary::publish].
///
/// # Errors
/// [Code::Unavailable](crate::problem::Code::Unavailable) if the database or the object store does not answer.
pub async fn put(desk: &Desk, storage_key: &str, bytes: actix_web::web::Bytes) -> Result<()> {
    register(desk, storage_key).await?;
    let written = desk.files.put(&Path::from(storage_key), PutPayload::from_bytes(bytes)).await;
    written.map(drop).map_err(Problem::no_files)
}

/// Registers content that is about to be written: it is removed after an hour unless a row names it by then.
async fn register(desk: &Desk, storage_key: &str) -> Result<()> {
    let key = storage_key.to_owned();
    let insert = "INSERT INTO removed_files (storage_key, removed_at) VALUES ($1, clock_timestamp()) \
        ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at";
    desk.db
        .run(move |db| {
            diesel::sql_query(insert).bind::<Text, _>(key).execute(db)?;
            Ok(())
        })
        .await
}

/// Removes temporary objects that are older than `age`, left by processes that were killed. Returns how many there
/// were.
///
/// In an S3 bucket, unfinished multipart uploads are not objects: a lifecycle rule of the bucket ends them.
///
/// # Errors
/// [Code::Unavailable](crate::problem::Code::Unavailable) if the object store does not answer.
pub async fn sweep_temporary(desk: &Desk, age: Duration) -> Result<usize> {
    let mut removed = 0;
    let mut objects = desk.files.list(Some(&Path::from(INCOMING)));
    while let Some(object) = objects.try_next().await.map_err(Problem::no_files)? {
        if (Utc::now() - object.last_modified).to_std().is_ok_and(|old| old >= age) {
            match desk.files.delete(&object.location).await {
                Ok(()) => removed += 1,
                // Another copy of the server removed it first.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Problem::no_files(error)),
            }
        }
    }
    if let Some(folder) = desk.config.attachments_folder() {
        let parts = actix_web::web::block(move || remove_parts(&folder.join(INCOMING), age));
        removed += parts.await.map_err(Problem::internal)?.map_err(Problem::no_files)?;
    }
    Ok(removed)
}

/// Removes the files of unfinished uploads, which `object_store` does not list.
fn remove_parts(folder: &PathBuf, age: Duration) -> std::io::Result<usize> {
    let files = match std::fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for file in files {
        let file = file?;
        let Ok(modified) = file.metadata().and_then(|metadata| metadata.modified()) else { continue };
        let old = SystemTime::now().duration_since(modified).unwrap_or_default();
        if old >= age && std::fs::remove_file(file.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}
