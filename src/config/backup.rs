//! The key that authenticates backups.

use super::reader::{Reader, SECRET_BYTES, Wrong};

const KEY: &str = "MESA_BACKUP_KEY";
const KEY_FILE: &str = "MESA_BACKUP_KEY_FILE";

impl Reader<'_> {
    /// The key itself or the content of a file.
    pub fn backup_key(&mut self) -> Option<String> {
        let key = self.secret(KEY);
        let Some(path) = self.text(KEY_FILE) else { return key };
        let expected = match std::fs::read_to_string(&path) {
            _ if key.is_some() => format!("expected only one of {KEY} and {KEY_FILE}"),
            Ok(key) if key.trim().len() >= SECRET_BYTES => return Some(key.trim().to_owned()),
            Ok(key) => format!("expected {SECRET_BYTES} bytes or more in {path}, found {}", key.trim().len()),
            Err(error) => format!("cannot read {path}: {error}"),
        };
        self.wrong.push(Wrong { variable: KEY_FILE, expected });
        None
    }
}
