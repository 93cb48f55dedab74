//! Secrets from the configuration, or otherwise from the data folder.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::auth::tokens;
use crate::backup::key::BackupKey;
use crate::config::audit_keys::{PublicKey, Signer};
use crate::config::{Config, key_name};
use crate::problem::StartError;

/// The name of the file with the key of tree heads in the data folder.
pub(super) const AUDIT_KEY: &str = "audit.key";

pub(super) fn audit_signer(config: &Config, secret: &str) -> Result<Option<Arc<Signer>>, StartError> {
    let signer = Signer::new(&key_name(config.public_url.as_deref()), secret);
    let path = config.data_dir.join(AUDIT_KEY);
    let signer =
        signer.ok_or_else(|| format!("{} is not a key: expected 32 bytes in base64", path.display()))?;
    Ok(Some(Arc::new(signer)))
}

/// The keys for the verification of tree heads: those of the configuration, and that of the data folder if it has
/// one.
pub fn audit_keys(config: &Config) -> Result<Vec<PublicKey>, StartError> {
    let mut audit = config.audit.clone();
    if audit.signer.is_none()
        && config.database_url.is_none()
        && let Ok(secret) = fs::read_to_string(config.data_dir.join(AUDIT_KEY))
    {
        audit.signer = audit_signer(config, &secret)?;
    }
    Ok(audit.public_keys())
}

/// The key that authenticates backups.
///
/// # Errors
/// A text for the user of the command, if no key is configured and none can be stored in the data folder.
pub fn backup_key(config: &Config) -> Result<BackupKey, StartError> {
    match (&config.backup_key, &config.database_url) {
        (Some(key), _) => Ok(BackupKey::new(key)),
        (None, None) => Ok(BackupKey::new(&kept(&config.data_dir, "backup.key")?)),
        (None, Some(_)) => Err(
            "set MESA_BACKUP_KEY or MESA_BACKUP_KEY_FILE where DATABASE_URL is set: the key, of 32 bytes or \
            more, authenticates backups and is kept apart from them (`openssl rand -hex 32` makes one)"
                .into(),
        ),
    }
}

/// A secret of this data folder: created at the first start, readable for this user only.
pub(super) fn kept(data_dir: &Path, name: &str) -> Result<String, StartError> {
    let path = data_dir.join(name);
    match fs::read_to_string(&path) {
        Ok(secret) if !secret.trim().is_empty() => return Ok(secret.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
    }
    let secret = tokens::random()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    Ok(secret)
}
