//! The file of a backup, entry by entry, with a digest over all of them so that one that was cut off or damaged is found.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

const END: &str = "end";

/// A backup that is being written; what is not finished leaves no file of that name behind.
pub struct Writer {
    tar: tar::Builder<GzEncoder<BufWriter<File>>>,
    digest: Sha256,
    part: PathBuf,
    path: PathBuf,
}

impl Writer {
    /// For the eyes of this user alone: it holds whatever the desk holds.
    ///
    /// # Errors
    /// Also where there is a file of that name.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name"));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let gzip = GzEncoder::new(BufWriter::new(file), Compression::default());
        Ok(Writer { tar: tar::Builder::new(gzip), digest: Sha256::new(), part, path: path.to_owned() })
    }

    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        take_in(&mut self.digest, name, bytes);
        self.append(name, bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, bytes)
    }

    /// Seals the backup and gives it its name once it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        let sealed = hex(&std::mem::take(&mut self.digest).finalize());
        self.append(END, sealed.as_bytes())?;
        let file = self.tar.into_inner()?.finish()?.into_inner()?;
        file.sync_all()?;
        fs::rename(&self.part, &self.path)?;
        match self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Gives every entry of the backup to `each`, in order.
///
/// # Errors
/// What `each` answers; also where the backup is cut off or is not what was written.
pub fn read<E: From<io::Error>>(
    path: &Path,
    mut each: impl FnMut(&str, Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(File::open(path)?)));
    let mut digest = Sha256::new();
    for entry in tar.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if name == END {
            return if hex(&digest.finalize()).as_bytes() == bytes { Ok(()) } else { Err(damaged().into()) };
        }
        take_in(&mut digest, &name, &bytes);
        each(&name, bytes)?;
    }
    Err(damaged().into())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not whole: cut off, or not what was written")
}

fn take_in(digest: &mut Sha256, name: &str, bytes: &[u8]) {
    digest.update(name.as_bytes());
    digest.update([0]);
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
