//! The key that authenticates backups.

use aws_lc_rs::hmac;

/// Separates these HMACs from any other use of the same key.
const DOMAIN: &[u8] = b"mesa backup 2\0";

/// A key for HMAC-SHA-256.
#[derive(Clone)]
pub struct BackupKey(hmac::Key);

impl BackupKey {
    pub fn new(secret: &str) -> Self {
        BackupKey(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The HMAC of the digest of a backup.
    pub(super) fn sign(&self, digest: &[u8; 32]) -> Vec<u8> {
        hmac::sign(&self.0, &[DOMAIN, digest.as_slice()].concat()).as_ref().to_vec()
    }

    /// Whether this key made the HMAC of this digest; compared in constant time.
    pub(super) fn verify(&self, digest: &[u8; 32], tag: &[u8]) -> bool {
        hmac::verify(&self.0, &[DOMAIN, digest.as_slice()].concat(), tag).is_ok()
    }
}
