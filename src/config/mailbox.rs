//! The mail server for outgoing mail, and the mailbox of inbound mail.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use percent_encoding::percent_decode_str;

use super::reader::{Reader, Wrong};

impl Reader<'_> {
    /// `None` if no mailbox is configured, or its configuration is invalid.
    pub fn imap(&mut self) -> Option<ImapConfig> {
        let done = self.text("MESA_IMAP_DONE").unwrap_or_else(|| "Processed".to_owned());
        let every = self.parse(
            "MESA_IMAP_SECONDS",
            60,
            |n| (1..=1500).contains(n),
            "a number of seconds from 1 to 1500",
        );
        let url = self.text("MESA_IMAP_URL")?;
        let Some(parts) = imap_parts(&url) else {
            // The value is not repeated in the error: it may contain a password.
            let expected = "expected imaps://user:password@host:993/INBOX, special characters in user and password \
                            percent-encoded; imap:// only on the loopback";
            self.wrong.push(Wrong { variable: self.source("MESA_IMAP_URL"), expected: expected.to_owned() });
            return None;
        };
        if parts.mailbox == done || !is_folder(&done) {
            let expected = "expected a folder other than the one of MESA_IMAP_URL, in ASCII".to_owned();
            self.wrong.push(Wrong { variable: "MESA_IMAP_DONE", expected });
        }
        Some(ImapConfig { done, every: Duration::from_secs(every), ..parts })
    }

    /// `None` if no mail server is configured, or its configuration is invalid.
    pub fn mail(&mut self, needs_public_url: bool) -> Option<MailConfig> {
        let smtp_url = self.text("MESA_SMTP_URL");
        let from = self.text("MESA_MAIL_FROM");
        let lease =
            self.parse("MESA_MAIL_LEASE_SECONDS", 120, |n| (1..=3600).contains(n), "a number from 1 to 3600");
        let retry =
            self.parse("MESA_MAIL_RETRY_SECONDS", 60, |n| (1..=3600).contains(n), "a number from 1 to 3600");
        if let Some(text) = &from
            && text.parse::<Mailbox>().is_err()
        {
            let expected = format!(
                "expected an address such as Mesa de Servicios <mesa@example.gov.co>, found {text:?}"
            );
            self.wrong.push(Wrong { variable: "MESA_MAIL_FROM", expected });
        }
        let smtp_url = smtp_url?;
        // The value is not repeated in the error: it may contain a password.
        if AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp_url).is_err() {
            let expected =
                "expected smtp://user:password@host:587?tls=required, or smtps://user:password@host";
            self.wrong.push(Wrong { variable: self.source("MESA_SMTP_URL"), expected: expected.to_owned() });
        }
        if from.is_none() {
            let expected = "required if MESA_SMTP_URL is set: the sender address of mail";
            self.wrong.push(Wrong { variable: "MESA_MAIL_FROM", expected: expected.to_owned() });
        }
        if needs_public_url {
            let expected =
                "required if MESA_SMTP_URL and DATABASE_URL are set: the beginning of the links in mail";
            self.wrong.push(Wrong { variable: "MESA_PUBLIC_URL", expected: expected.to_owned() });
        }
        Some(MailConfig {
            smtp_url,
            from: from?.parse().ok()?,
            lease: Duration::from_secs(lease),
            retry: Duration::from_secs(retry),
        })
    }
}

/// The configuration of outgoing mail.
#[derive(Clone)]
pub struct MailConfig {
    /// The mail server, with user and password if it requires them.
    pub smtp_url: String,
    /// The sender of mail; its domain is that of every Message-ID.
    pub from: Mailbox,
    /// The lease of one copy of the server on a message; after that another takes it.
    pub lease: Duration,
    /// The wait before the second attempt; later waits grow in proportion.
    pub retry: Duration,
}

impl fmt::Debug for MailConfig {
    /// Without the address of the server, which may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The mailbox of inbound mail.
#[derive(Clone)]
pub struct ImapConfig {
    pub host: String,
    pub port: u16,
    /// False only on the loopback.
    pub tls: bool,
    pub user: String,
    pub password: String,
    pub mailbox: String,
    /// The folder to which processed messages are moved.
    pub done: String,
    /// How often to check if the server does not report new mail, and additionally if it does.
    pub every: Duration,
}

impl fmt::Debug for ImapConfig {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapConfig")
            .field("host", &self.host)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Other characters in folder names need an encoding that is not supported.
fn is_folder(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// `imaps://user:password@host:993/INBOX`; without TLS (`imap://`) only on the loopback.
fn imap_parts(text: &str) -> Option<ImapConfig> {
    let url = url::Url::parse(text).ok()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let tls = match url.scheme() {
        "imaps" => true,
        "imap" if host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()) => false,
        _ => return None,
    };
    let mailbox = decoded(url.path().trim_matches('/'))?;
    let parts = ImapConfig {
        host,
        port: url.port().unwrap_or(if tls { 993 } else { 143 }),
        tls,
        user: decoded(url.username())?,
        password: decoded(url.password()?)?,
        mailbox: if mailbox.is_empty() { "INBOX".to_owned() } else { mailbox },
        done: String::new(),
        every: Duration::ZERO,
    };
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    (plain(&parts.user) && plain(&parts.password) && is_folder(&parts.mailbox)).then_some(parts)
}
