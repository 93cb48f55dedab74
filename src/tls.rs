//! The certificate by which this server is known, where it speaks TLS itself.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM: the server's certificate, and those between it and a root after it.
    pub certificate: PathBuf,
    /// PEM: the certificate's key, without a password.
    pub key: PathBuf,
}

/// What is wrong with the files: the one at fault, and why.
#[derive(Debug)]
pub enum Unusable {
    Certificate(String),
    Key(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Certificate(why) => write!(f, "MESA_TLS_CERTIFICATE: {why}"),
            Unusable::Key(why) => write!(f, "MESA_TLS_KEY: {why}"),
        }
    }
}

impl std::error::Error for Unusable {}

impl TlsFiles {
    /// # Errors
    /// A file that is not there or is not what it should be, or a key of another certificate.
    pub fn read(&self) -> Result<CertifiedKey, Unusable> {
        let certificates = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| Unusable::Certificate(error.to_string()))?;
        if certificates.is_empty() {
            return Err(Unusable::Certificate("it has no certificate".to_owned()));
        }
        // What is wrong with a key is told without a word of it.
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|_| Unusable::Key("it cannot be read, or has no key without a password".to_owned()))?;
        CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider())
            .map_err(|error| Unusable::Key(error.to_string()))
    }
}

/// The certificate in use, which is read again while the server serves.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// # Errors
    /// As `TlsFiles::read`.
    pub fn open(files: TlsFiles) -> Result<Arc<Self>, Unusable> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Certificate { files, current }))
    }

    /// Reads the files again. Where they cannot be used, what was in use stays.
    ///
    /// # Errors
    /// As `TlsFiles::read`.
    pub fn renew(&self) -> Result<(), Unusable> {
        let read = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// TLS 1.2 and 1.3 with this certificate.
    ///
    /// # Errors
    /// A fault of the build.
    pub fn server(self: &Arc<Self>) -> Result<ServerConfig, tokio_rustls::rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS12, &TLS13])?;
        Ok(config.with_no_client_auth().with_cert_resolver(self.clone()))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
