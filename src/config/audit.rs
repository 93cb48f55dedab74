//! The keys of tree heads, and the recipients of their mails.

use std::sync::Arc;

use lettre::Address;

use super::reader::{Reader, Wrong};
use crate::config::audit_keys::{PublicKey, Signer};

/// How tree heads are signed, verified and mailed.
#[derive(Debug, Clone, Default)]
pub struct AuditConfig {
    /// `None` if no key is configured; a private PostgreSQL has one in the data folder.
    pub signer: Option<Arc<Signer>>,
    /// Public keys of earlier signing keys.
    pub previous: Vec<PublicKey>,
    /// Addresses that each head is mailed to.
    pub mail: Vec<Address>,
}

impl AuditConfig {
    pub const KEY: &str = "MESA_AUDIT_KEY";

    /// The keys that verify heads.
    pub fn public_keys(&self) -> Vec<PublicKey> {
        let signer = self.signer.iter().map(|signer| signer.public().clone());
        signer.chain(self.previous.iter().cloned()).collect()
    }
}

/// The name of the key: the host of the public URL, if it is configured.
pub fn key_name(public_url: Option<&str>) -> String {
    let host = public_url.and_then(|url| url.split_once("://")).map(|(_, host)| host);
    format!("{}/audit", host.unwrap_or("mesa")).replace('+', "-")
}

impl Reader<'_> {
    pub fn audit(&mut self, public_url: Option<&str>) -> AuditConfig {
        const EXPECTED: &str =
            "expected 32 bytes in hexadecimal or base64 (`openssl rand -hex 32` makes them)";
        let secret = self.text(AuditConfig::KEY);
        let signer = secret.and_then(|secret| {
            let signer = Signer::new(&key_name(public_url), &secret);
            if signer.is_none() {
                let variable = self.source(AuditConfig::KEY);
                self.wrong.push(Wrong { variable, expected: EXPECTED.to_owned() });
            }
            signer.map(Arc::new)
        });
        AuditConfig {
            signer,
            previous: self.list(
                "MESA_AUDIT_PREVIOUS_KEYS",
                "public keys as GET /audit/key shows them, separated by commas",
                |text| text.parse().ok(),
            ),
            mail: self
                .list("MESA_AUDIT_MAIL", "mail addresses separated by commas", |text| text.parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_named_for_where_the_desk_is_published() {
        assert_eq!(key_name(Some("https://mesa.example.gov.co")), "mesa.example.gov.co/audit");
        assert_eq!(key_name(None), "mesa/audit");
    }

    #[test]
    fn a_wrong_key_is_named_without_being_shown() {
        let read = |variables: &'static [(&str, &str)]| {
            let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            let mut reader = Reader::new(&get);
            let audit = reader.audit(None);
            (audit, reader.wrong.iter().map(|wrong| wrong.variable).collect::<Vec<_>>())
        };
        let (audit, wrong) = read(&[]);
        assert!(audit.signer.is_none() && audit.public_keys().is_empty() && wrong.is_empty());
        assert_eq!(read(&[("MESA_AUDIT_KEY", "secreto")]).1, ["MESA_AUDIT_KEY"]);
        assert_eq!(read(&[("MESA_AUDIT_KEY_FILE", "/does/not/exist")]).1, ["MESA_AUDIT_KEY_FILE"]);
        let mail = [("MESA_AUDIT_MAIL", "control@entidad.gov.co, otra"), ("MESA_AUDIT_PREVIOUS_KEYS", "x")];
        assert_eq!(read(Box::leak(Box::new(mail))).1, ["MESA_AUDIT_PREVIOUS_KEYS", "MESA_AUDIT_MAIL"]);
    }
}
