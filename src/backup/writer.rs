//! Writes the file of a backup, entry by entry.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::encryption::{Encryption, Sink};
use super::key::BackupKey;
use super::{END, End, Transcript};

const BLOCK: u64 = 512;

/// A backup that is written under a temporary name; it is removed if it is not finished.
pub struct Writer {
    gzip: Option<GzEncoder<Sink>>,
    transcript: Transcript,
    key: BackupKey,
    /// The remaining bytes of the current entry.
    missing: u64,
    padding: u64,
    part: PathBuf,
    path: PathBuf,
}

impl Writer {
    /// A file that only this user can read: it contains all data of the desk.
    ///
    /// # Errors
    /// Also if a file of that name exists.
    pub fn create(path: &Path, key: BackupKey, encryption: &Encryption) -> io::Result<Self> {
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name"));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        // A file of an earlier attempt may be readable by others.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        let sink = encryption.wrap(BufWriter::new(file))?;
        Ok(Writer {
            gzip: Some(GzEncoder::new(sink, Compression::default())),
            transcript: Transcript::default(),
            key,
            missing: 0,
            padding: 0,
            part,
            path: path.to_owned(),
        })
    }

    /// A whole entry.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.begin(name, bytes.len() as u64)?;
        self.content(bytes)?;
        self.end()
    }

    /// Begins an entry whose content follows in pieces. Attachments are not compressed: most already are, and the
    /// compression ratio that a restore accepts is that of tables.
    pub fn begin_file(&mut self, name: &str, size: u64) -> io::Result<()> {
        self.compress(Compression::none())?;
        self.begin(name, size)
    }

    /// From now on entries are compressed, as `add` writes them.
    pub fn begin_tables(&mut self) -> io::Result<()> {
        self.compress(Compression::default())
    }

    /// Continues with another member of the gzip file.
    fn compress(&mut self, level: Compression) -> io::Result<()> {
        let sink = self.gzip.take().ok_or_else(incomplete)?.finish()?;
        self.gzip = Some(GzEncoder::new(sink, level));
        Ok(())
    }

    fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        if name != END {
            self.transcript.begin(name, size);
        }
        let mut header = tar::Header::new_gnu();
        header.set_path(name)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.missing = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
        self.write(header.as_bytes())
    }

    pub fn content(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.missing = self.missing.checked_sub(bytes.len() as u64).ok_or_else(incomplete)?;
        self.transcript.content(bytes);
        self.write(bytes)
    }

    /// Ends an entry.
    ///
    /// # Errors
    /// Also if the content is shorter than declared.
    pub fn end(&mut self) -> io::Result<()> {
        if self.missing > 0 {
            return Err(incomplete());
        }
        let padding = usize::try_from(self.padding).unwrap_or_default();
        self.write(&vec![0; padding])
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gzip.as_mut().ok_or_else(incomplete)?.write_all(bytes)
    }

    /// Authenticates the backup and renames it to its final name once it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        let digest = std::mem::take(&mut self.transcript).digest();
        let end = End { sha256: hex::encode(digest), hmac_sha256: hex::encode(self.key.sign(&digest)) };
        self.add(END, &serde_json::to_vec(&end)?)?;
        self.write(&[0; 2 * BLOCK as usize])?;
        let file = self.gzip.take().ok_or_else(incomplete)?.finish()?.finish()?;
        file.sync_all()?;
        fs::rename(&self.part, &self.path)?;
        match self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Once the backup is finished the temporary file no longer exists.
        let _ = fs::remove_file(&self.part);
    }
}

fn incomplete() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the size of the content has changed")
}
