//! The password of the private server, which is kept in the data folder.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

use super::{Result, StartError};

/// A password of 256 random bits.
///
/// # Errors
/// The system returns no random bytes.
pub fn new_password() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StartError::new(format!("no randomness: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The stored password, if there is one.
///
/// # Errors
/// The file cannot be read.
pub fn read_password(data_dir: &Path) -> Result<Option<String>> {
    let path = data_dir.join("postgres.password");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StartError::at("read", &path)(error)),
    }
}

/// Stores the password, completely or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn keep_password(data_dir: &Path, password: &str) -> Result<()> {
    let (path, new) = (data_dir.join("postgres.password"), data_dir.join("postgres.password.new"));
    write_secret(&new, password)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(StartError::at("write", &path))
}

/// Writes a new file, replacing an old one, that only its owner can read.
///
/// # Errors
/// An error of the system.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_password(folder.path()).unwrap(), None);
        let password = new_password().unwrap();
        assert_eq!(password.len(), 43);
        keep_password(folder.path(), &password).unwrap();
        assert_eq!(read_password(folder.path()).unwrap(), Some(password));
        let file = fs::metadata(folder.path().join("postgres.password")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}
