//! Whether the desk speaks TLS itself, and with which certificate.

use super::reader::{Reader, Wrong};
use crate::tls::{TlsFiles, Unusable};

const CERTIFICATE: &str = "MESA_TLS_CERTIFICATE";
const KEY: &str = "MESA_TLS_KEY";

impl Reader<'_> {
    /// Both or neither, and of one certificate.
    pub fn tls(&mut self) -> Option<TlsFiles> {
        let (certificate, key) = match (self.text(CERTIFICATE), self.text(KEY)) {
            (Some(certificate), Some(key)) => (certificate.into(), key.into()),
            (None, None) => return None,
            (Some(_), None) => return self.wrong_tls(KEY, format!("required where {CERTIFICATE} is set")),
            (None, Some(_)) => return self.wrong_tls(CERTIFICATE, format!("required where {KEY} is set")),
        };
        let files = TlsFiles { certificate, key };
        match files.read() {
            Ok(_) => Some(files),
            Err(Unusable::Certificate(why)) => {
                let expected =
                    format!("expected a PEM file with a certificate, found {:?}: {why}", files.certificate);
                self.wrong_tls(CERTIFICATE, expected)
            }
            Err(Unusable::Key(why)) => {
                let expected =
                    format!("expected a PEM file with the certificate's key, found {:?}: {why}", files.key);
                self.wrong_tls(KEY, expected)
            }
        }
    }

    fn wrong_tls(&mut self, variable: &'static str, expected: String) -> Option<TlsFiles> {
        self.wrong.push(Wrong { variable, expected });
        None
    }
}
