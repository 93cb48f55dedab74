//! Whether the desk speaks TLS itself, and with which certificate.

use super::reader::{Reader, Wrong};
use crate::tls::TlsFiles;

impl Reader<'_> {
    /// Both or neither. Whoever serves reads them: other commands need not be allowed to.
    pub fn tls(&mut self) -> Option<TlsFiles> {
        let (missing, set) = match (self.text(TlsFiles::CERTIFICATE), self.text(TlsFiles::KEY)) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => {
                return Some(TlsFiles { certificate: certificate.into(), key: key.into() });
            }
            (Some(_), None) => (TlsFiles::KEY, TlsFiles::CERTIFICATE),
            (None, Some(_)) => (TlsFiles::CERTIFICATE, TlsFiles::KEY),
        };
        self.wrong.push(Wrong { variable: missing, expected: format!("required where {set} is set") });
        None
    }
}
