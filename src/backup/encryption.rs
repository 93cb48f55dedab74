//! Encrypted backups: age files (<https://age-encryption.org/v1>), which the `age` program reads too.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::iter;

use age::secrecy::SecretString;
use age::stream::StreamWriter;
use age::{DecryptError, Decryptor, Encryptor, IdentityFile};

/// Whether a backup is encrypted, and for which recipients.
pub enum Encryption {
    None,
    /// For the owners of these X25519 keys.
    Recipients(Vec<age::x25519::Recipient>),
    /// With a work factor that takes about a second on the machine that writes the backup, unless another is set.
    Passphrase(age::scrypt::Recipient),
}

impl Encryption {
    /// # Errors
    /// A text for the user of the command, if one is not an X25519 key as `age-keygen` writes it.
    pub fn recipients(keys: &[String]) -> Result<Self, String> {
        let parse = |key: &String| {
            key.parse::<age::x25519::Recipient>().map_err(|error| format!("--recipient {key}: {error}"))
        };
        keys.iter().map(parse).collect::<Result<_, _>>().map(Encryption::Recipients)
    }

    pub fn passphrase(passphrase: &str) -> Self {
        Encryption::Passphrase(age::scrypt::Recipient::new(passphrase.to_owned().into()))
    }

    pub(super) fn wrap(&self, file: BufWriter<File>) -> io::Result<Sink> {
        let encryptor = match self {
            Encryption::None => return Ok(Sink::Plain(file)),
            Encryption::Recipients(keys) => {
                Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
                    .map_err(io::Error::other)?
            }
            Encryption::Passphrase(recipient) => {
                Encryptor::with_recipients(iter::once(recipient as &dyn age::Recipient))
                    .map_err(io::Error::other)?
            }
        };
        Ok(Sink::Age(encryptor.wrap_output(file)?))
    }
}

/// The writer of a backup.
pub(super) enum Sink {
    Plain(BufWriter<File>),
    Age(StreamWriter<BufWriter<File>>),
}

impl Sink {
    pub fn finish(self) -> io::Result<File> {
        let file = match self {
            Sink::Plain(file) => file,
            Sink::Age(stream) => stream.finish()?,
        };
        Ok(file.into_inner()?)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Plain(file) => file.write(bytes),
            Sink::Age(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Plain(file) => file.flush(),
            Sink::Age(stream) => stream.flush(),
        }
    }
}

/// The secrets that open an encrypted backup.
#[derive(Default)]
pub struct Decryption {
    /// The path of a file with private keys, as `age-keygen` writes it.
    pub identity_file: Option<String>,
    pub passphrase: Option<SecretString>,
}

const MAGIC: &[u8] = b"age-encryption.org/v1\n";

/// Maximum size of the header of an age file, which is read into memory.
const HEADER: usize = 64 * 1024;

/// How the file of a backup is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    None,
    PublicKey,
    Passphrase,
}

/// How a backup is encrypted.
///
/// # Errors
/// If the file cannot be read, or its header is not that of an age file.
pub fn protection(path: &std::path::Path) -> io::Result<Protection> {
    let mut file = BufReader::new(File::open(path)?);
    if !is_age(&mut file)? {
        return Ok(Protection::None);
    }
    check_header(path)?;
    let decryptor = Decryptor::new_buffered(file).map_err(invalid)?;
    Ok(if decryptor.is_scrypt() { Protection::Passphrase } else { Protection::PublicKey })
}

fn is_age(file: &mut impl BufRead) -> io::Result<bool> {
    Ok(file.fill_buf()?.starts_with(MAGIC))
}

/// Rejects an age file whose header is longer than the maximum.
fn check_header(path: &std::path::Path) -> io::Result<()> {
    let mut beginning = Vec::new();
    File::open(path)?.take(HEADER as u64).read_to_end(&mut beginning)?;
    if beginning.windows(5).any(|window| window == b"\n--- ") {
        Ok(())
    } else {
        Err(invalid("its header is too long"))
    }
}

impl Decryption {
    /// Opens a backup, encrypted or not.
    pub(super) fn open(&self, path: &std::path::Path) -> io::Result<Box<dyn Read>> {
        let mut file = BufReader::new(File::open(path)?);
        if !is_age(&mut file)? {
            return Ok(Box::new(file));
        }
        check_header(path)?;
        let decryptor = Decryptor::new_buffered(file).map_err(invalid)?;
        let refused = |error: DecryptError| match error {
            DecryptError::NoMatchingKeys => invalid("it is encrypted for another identity"),
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                invalid("it cannot be decrypted: wrong passphrase, or damaged")
            }
            error => invalid(error),
        };
        if decryptor.is_scrypt() {
            let passphrase =
                self.passphrase.clone().ok_or_else(|| invalid("it is encrypted with a passphrase"))?;
            let identity = age::scrypt::Identity::new(passphrase);
            let stream = decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(refused)?;
            return Ok(Box::new(stream));
        }
        let path = self.identity_file.clone();
        let path =
            path.ok_or_else(|| invalid("it is encrypted: name the file of a private key with --identity"))?;
        let identities = IdentityFile::from_file(path.clone())
            .map_err(|error| io::Error::new(error.kind(), format!("cannot read {path}: {error}")))?
            .into_identities()
            .map_err(invalid)?;
        let identities = identities.iter().map(|identity| identity.as_ref() as &dyn age::Identity);
        Ok(Box::new(decryptor.decrypt(identities).map_err(refused)?))
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
