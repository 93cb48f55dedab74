//! Reads the file of a backup entry by entry, within bounds that do not depend on its content.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::encryption::Decryption;
use super::key::BackupKey;
use super::{END, End, IN_MEMORY, MANIFEST, Transcript};

/// Maximum number of entries.
const ENTRIES: u64 = 20_000_000;

/// Maximum size of the content of a file: that of the largest attachment or message that can be configured.
const FILE: u64 = 1024 * 1024 * 1024;

/// Maximum size of all entries together.
const TOTAL: u64 = 16 * 1024 * FILE;

/// How many bytes one byte of the file may expand to, once that is more than `ALWAYS`: rows of tables reach 30.
const RATIO: u64 = 100;
const ALWAYS: u64 = 64 * 1024 * 1024;

/// Maximum size of the last entry.
const LAST: u64 = 1024;

/// The data of the last entry about all before it.
pub struct Ending {
    pub digest: [u8; 32],
    /// `None` in a backup of format 1.
    hmac: Option<Vec<u8>>,
}

impl Ending {
    /// Whether the backup was written with this key and not changed since.
    pub fn is_authentic(&self, key: &BackupKey) -> bool {
        self.hmac.as_ref().is_some_and(|tag| key.verify(&self.digest, tag))
    }
}

/// An entry; the unread part of its content is skipped.
pub struct Entry<'a> {
    pub name: &'a str,
    pub size: u64,
    content: &'a mut dyn Read,
}

impl Entry<'_> {
    /// The content of an entry that is small enough to be in memory.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        if self.size > IN_MEMORY {
            return Err(invalid(format!("{} is too large", self.name)));
        }
        let mut bytes = Vec::new();
        self.content.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The content in pieces.
    pub fn pieces<E: From<io::Error>>(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.content.read(&mut buffer)? {
                0 => return Ok(()),
                read => each(&buffer[..read])?,
            }
        }
    }
}

/// Passes every entry but the last to `each`, in order.
///
/// # Errors
/// An error of `each`; also if the backup is truncated, damaged or larger than the bounds.
pub fn read<E: From<io::Error>>(
    path: &Path,
    decryption: &Decryption,
    mut each: impl FnMut(&mut Entry<'_>) -> Result<(), E>,
) -> Result<Ending, E> {
    let consumed = Rc::new(Cell::new(0));
    let compressed = Counted { inner: decryption.open(path)?, bytes: consumed.clone() };
    let plain = Bounded { inner: MultiGzDecoder::new(compressed), produced: 0, consumed };
    let mut tar = tar::Archive::new(plain);
    let mut transcript = Transcript::default();
    let mut ending = None;
    // Raw, so that an entry cannot give the next one a name of unlimited length.
    for (number, entry) in (0..).zip(tar.entries()?.raw(true)) {
        let entry = entry?;
        if ending.is_some() || number > ENTRIES || entry.header().entry_type() != tar::EntryType::Regular {
            return Err(damaged().into());
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| damaged())?;
        let size = entry.size();
        if (number == 0) != (name == MANIFEST) || size > most(&name).ok_or_else(damaged)? {
            return Err(damaged().into());
        }
        if name == END {
            let mut bytes = Vec::new();
            entry.take(LAST).read_to_end(&mut bytes)?;
            ending = Some(check_end(std::mem::take(&mut transcript), &bytes)?);
            continue;
        }
        transcript.begin(&name, size);
        let mut content = Hashed { inner: entry, transcript: &mut transcript, left: size };
        each(&mut Entry { name: &name, size, content: &mut content })?;
        io::copy(&mut content, &mut io::sink())?;
        if content.left > 0 {
            return Err(damaged().into());
        }
    }
    ending.ok_or_else(|| damaged().into())
}

/// The maximum size of an entry of this name; `None` if the name is not valid.
fn most(name: &str) -> Option<u64> {
    match name {
        MANIFEST => Some(IN_MEMORY),
        END => Some(LAST),
        _ if name.starts_with("files/") => Some(FILE),
        _ if name.starts_with("tables/") => Some(IN_MEMORY),
        _ => None,
    }
}

fn check_end(transcript: Transcript, bytes: &[u8]) -> io::Result<Ending> {
    let digest = transcript.digest();
    let (sha256, hmac) = match serde_json::from_slice::<End>(bytes) {
        Ok(End { sha256, hmac_sha256 }) => (sha256, Some(hex::decode(hmac_sha256).map_err(|_| damaged())?)),
        // Format 1 has only the digest.
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), None),
    };
    if hex::encode(digest) == sha256 { Ok(Ending { digest, hmac }) } else { Err(damaged()) }
}

/// Counts the bytes read from the file.
struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

/// Fails if the decompressed data exceed the bounds.
struct Bounded<R> {
    inner: R,
    produced: u64,
    consumed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.produced += read as u64;
        let ratio = self.produced > ALWAYS && self.produced / RATIO > self.consumed.get();
        if ratio || self.produced > TOTAL {
            return Err(invalid("it is too large when decompressed"));
        }
        Ok(read)
    }
}

/// Content that is added to the digest as it is read.
struct Hashed<'a, R> {
    inner: R,
    transcript: &'a mut Transcript,
    left: u64,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.transcript.content(&buffer[..read]);
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

fn damaged() -> io::Error {
    invalid("it is incomplete or was changed")
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
