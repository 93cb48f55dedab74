//! Whether the server terminates TLS itself, and with which certificate.

use std::path::PathBuf;

use super::reader::{Reader, Wrong};

/// The paths of the certificate and its key.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM: the server's certificate, and those between it and a root after it.
    pub certificate: PathBuf,
    /// PEM: the certificate's key, without a password.
    pub key: PathBuf,
}

impl TlsFiles {
    /// The variables that name them.
    pub const CERTIFICATE: &'static str = "MESA_TLS_CERTIFICATE";
    pub const KEY: &'static str = "MESA_TLS_KEY";
}

impl Reader<'_> {
    /// Both or neither. Only the server reads the files: other commands need no access to them.
    pub fn tls(&mut self) -> Option<TlsFiles> {
        let (missing, set) = match (self.text(TlsFiles::CERTIFICATE), self.text(TlsFiles::KEY)) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => {
                return Some(TlsFiles { certificate: certificate.into(), key: key.into() });
            }
            (Some(_), None) => (TlsFiles::KEY, TlsFiles::CERTIFICATE),
            (None, Some(_)) => (TlsFiles::CERTIFICATE, TlsFiles::KEY),
        };
        self.wrong.push(Wrong { variable: missing, expected: format!("required if {set} is set") });
        None
    }
}
