//! TLS of the server itself: with the configured certificate, and without any plain text.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{CertifiedKey, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::harness::binary::{Running, mesa};
use crate::harness::{Database, SECRET};

pub fn made() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// A certificate and its key, as the configuration names them.
pub struct Files {
    folder: TempDir,
}

impl Files {
    pub fn of(made: &CertifiedKey<KeyPair>) -> Self {
        let files = Files { folder: TempDir::new().unwrap() };
        files.write(made);
        files
    }

    fn write(&self, made: &CertifiedKey<KeyPair>) {
        fs::write(self.certificate(), made.cert.pem()).unwrap();
        fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

pub const REQUEST: &[u8] = b"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// A server that uses TLS with these files.
pub fn serving(files: &Files, database: &Database) -> Running {
    Running::start(mesa(&[
        ("DATABASE_URL", &database.url),
        ("MESA_JWT_SECRET", SECRET),
        ("MESA_LISTEN", "127.0.0.1:0"),
        ("MESA_DATA_DIR", files.folder.path().to_str().unwrap()),
        ("MESA_TLS_CERTIFICATE", files.certificate().to_str().unwrap()),
        ("MESA_TLS_KEY", files.key().to_str().unwrap()),
    ]))
}

pub type Line = StreamOwned<ClientConnection, TcpStream>;

/// A connection of a client that trusts only this certificate.
fn call(
    address: &str,
    believed: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<Line> {
    Ok(over(TcpStream::connect(address)?, believed, version))
}

/// The same over an existing TCP connection.
pub fn over(
    stream: TcpStream,
    believed: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Line {
    let mut roots = RootCertStore::empty();
    roots.add(believed.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_protocol_versions(&[version]).unwrap().with_root_certificates(roots);
    let server = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config.with_no_client_auth()), server).unwrap();
    StreamOwned::new(connection, stream)
}

/// The response that such a client gets.
fn ask(
    address: &str,
    believed: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<String> {
    let mut line = call(address, believed, version)?;
    line.write_all(REQUEST)?;
    let mut answer = String::new();
    line.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Whether the port accepts connections. A client that does not use TLS gets no plain text.
fn is_open(address: &str) -> bool {
    let Ok(mut plain) = TcpStream::connect(address) else { return false };
    plain.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _ = plain.write_all(REQUEST);
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(!answer.contains("http") && !answer.contains("problem"), "{answer}");
    true
}

#[test]
fn tls_uses_the_configured_certificate_and_reloads_it_without_a_restart() {
    let (first, second) = (made(), made());
    let files = Files::of(&first);
    let database = Database::from_template();
    let server = serving(&files, &database);
    let address = server.url.strip_prefix("https://").unwrap();
    for version in [&TLS12, &TLS13] {
        let answer = ask(address, first.cert.der(), version).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
    }
    assert!(ask(address, second.cert.der(), &TLS13).is_err(), "another certificate is trusted");
    assert!(is_open(address));

    let hang_up = || kill(Pid::from_raw(server.child.id().try_into().unwrap()), Signal::SIGHUP).unwrap();
    files.write(&second);
    hang_up();
    let deadline = Instant::now() + Duration::from_secs(10);
    while ask(address, second.cert.der(), &TLS13).is_err() {
        assert!(Instant::now() < deadline, "the new certificate is not used");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(ask(address, first.cert.der(), &TLS13).is_err());

    // An unusable certificate does not replace the current one.
    fs::write(files.key(), first.signing_key.serialize_pem()).unwrap();
    hang_up();
    server.log_with("the certificate stays as it was: MESA_TLS_KEY");
    assert!(ask(address, second.cert.der(), &TLS13).is_ok());
}

#[test]
fn a_stopping_server_sends_no_plain_text() {
    let (made, database) = (made(), Database::from_template());
    let files = Files::of(&made);
    let mut server = serving(&files, &database);
    let address = server.url.strip_prefix("https://").unwrap().to_owned();
    // A request in progress, with its body still to come.
    let mut line = call(&address, made.cert.der(), &TLS13).unwrap();
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    line.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    kill(Pid::from_raw(server.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_open(&address) {
        assert!(Instant::now() < deadline, "the port stays open");
    }
    line.write_all(b"{}").unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn an_unusable_certificate_is_reported_with_its_variable() {
    let (files, other) = (Files::of(&made()), Files::of(&made()));
    let nothing = files.folder.path().join("nothing.pem");
    fs::write(files.folder.path().join("empty.pem"), "").unwrap();
    let empty = files.folder.path().join("empty.pem");
    let (certificate, key) = (files.certificate(), files.key());
    let refused = |certificate: Option<&Path>, key: Option<&Path>, more: &[(&str, &str)]| {
        let mut command = mesa(more);
        command.env("MESA_LISTEN", "127.0.0.1:0").env("MESA_DATA_DIR", files.folder.path().join("data"));
        certificate.map(|path| command.env("MESA_TLS_CERTIFICATE", path));
        key.map(|path| command.env("MESA_TLS_KEY", path));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("PRIVATE KEY"), "{said}");
        said
    };
    let both = |certificate, key| refused(Some(certificate), Some(key), &[]);
    for (said, expected) in [
        (refused(Some(&certificate), None, &[]), "MESA_TLS_KEY: required if MESA_TLS_CERTIFICATE is set"),
        (refused(None, Some(&key), &[]), "MESA_TLS_CERTIFICATE: required if MESA_TLS_KEY is set"),
        (both(&nothing, &key), "MESA_TLS_CERTIFICATE: expected a PEM file with a certificate"),
        (both(&empty, &key), "MESA_TLS_CERTIFICATE: expected a PEM file with a certificate"),
        (both(&key, &key), "MESA_TLS_CERTIFICATE: expected a PEM file with a certificate"),
        (both(&certificate, &nothing), "MESA_TLS_KEY: expected a PEM file with the certificate's key"),
        (both(&certificate, &certificate), "MESA_TLS_KEY: expected a PEM file with the certificate's key"),
        (both(&certificate, &other.key()), "MESA_TLS_KEY: expected a PEM file with the certificate's key"),
        (
            refused(Some(&certificate), Some(&key), &[("MESA_PUBLIC_URL", "http://mesa.example")]),
            "MESA_PUBLIC_URL: expected https://",
        ),
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!files.folder.path().join("data").exists(), "no data folder is created");
}
