//! The certificate of this server, if it serves TLS itself.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::{TLS12, TLS13};

use crate::config::TlsFiles;

impl TlsFiles {
    /// The error names the invalid file, as a text for the operator.
    fn read(&self) -> Result<CertifiedKey, String> {
        let wrong = |variable: &str, what: &str, file: &Path, why: &str| {
            format!("{variable}: expected a PEM file with {what}, found {file:?}: {why}")
        };
        let certificate = |why: &str| wrong(Self::CERTIFICATE, "a certificate", &self.certificate, why);
        let key = |why: &str| wrong(Self::KEY, "the certificate's key", &self.key, why);
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| certificate(&error.to_string()))?;
        if chain.is_empty() {
            return Err(certificate("it has no certificate"));
        }
        // Errors of a key do not include any of its content.
        let private = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|_| key("it cannot be read, or has no key without a password"))?;
        CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())
            .map_err(|error| key(&error.to_string()))
    }
}

/// The certificate in use, which can be reloaded while the server runs.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// # Errors
    /// If the files cannot be used; a text for the operator.
    pub fn open(files: TlsFiles) -> Result<Arc<Self>, String> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Certificate { files, current }))
    }

    /// Reads the files again. If they cannot be used, the current certificate remains in use.
    ///
    /// # Errors
    /// If the files cannot be used; a text for the operator.
    pub fn renew(&self) -> Result<(), String> {
        let read = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// TLS 1.2 and 1.3 with this certificate.
    ///
    /// # Errors
    /// If the TLS configuration is invalid, which is a defect of the build.
    pub fn server(self: &Arc<Self>) -> Result<ServerConfig, tokio_rustls::rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS12, &TLS13])?;
        let mut config = config.with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
