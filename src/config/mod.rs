//! Configuration by environment variables; documented in docs/configuration.md.

mod addresses;
mod attachments;
mod audit;
pub mod audit_keys;
mod bodies;
mod criticality;
mod entity;
pub mod forms;
pub mod logo;
mod mail_trust;
mod mailbox;
mod migrate;
mod networks;
mod own_address;
mod reader;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono_tz::Tz;

pub use self::addresses::reachable;
pub use self::audit::{AuditConfig, key_name};
pub use self::criticality::Criticality;
pub use self::entity::Entity;
pub use self::mail_trust::MailTrust;
pub use self::mailbox::{ImapConfig, MailConfig};
pub use self::migrate::Migrate;
pub use self::networks::Network;
pub use self::reader::{ConfigError, Wrong};
use self::reader::{Reader, SECRET_BYTES};
pub use self::tls::TlsFiles;
use crate::telemetry::log_format::{self, LogFormat};

/// The configuration. At the start every invalid variable is reported with the expected value.
#[derive(Debug, Clone)]
pub struct Config {
    /// `None` if Mesa starts a private PostgreSQL.
    pub database_url: Option<String>,
    /// Connects as the owner of the tables, for migrations; `None` if `database_url` does.
    pub owner_database_url: Option<String>,
    /// The same database without the pooler in transaction mode that `database_url` names; `None` if it names none.
    pub direct_database_url: Option<String>,
    /// A standby of `database_url` for reading.
    pub read_url: Option<String>,
    /// Whether the server only reads, so that `database_url` may name a standby.
    pub read_only: bool,
    /// What the start of the server does about the schema.
    pub migrate: Migrate,
    /// How long the server goes on after it was asked to stop and is not ready any more, in seconds.
    pub drain_seconds: u64,
    pub listen: SocketAddr,
    /// `None` if the balancer terminates TLS.
    pub tls: Option<TlsFiles>,
    pub data_dir: PathBuf,
    /// `None` if the private server's data folder has one.
    pub jwt_secret: Option<String>,
    /// Still accepted, so that the secret can be changed without ending sessions.
    pub jwt_previous_secret: Option<String>,
    /// Authenticates backups; `None` if the data folder of a private PostgreSQL has one.
    pub backup_key: Option<String>,
    /// Encrypts and opens backups if no public key is given.
    pub backup_passphrase: Option<String>,
    pub demo_password: Option<String>,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Where traces are sent, without `/v1/traces`; `None` for nowhere.
    pub otlp_endpoint: Option<String>,
    /// The time zone of the entity's days.
    pub timezone: Tz,
    pub entity: Entity,
    pub forms: forms::Forms,
    pub audit: AuditConfig,
    /// Connections to PostgreSQL, and requests processed at once.
    pub pool_size: u32,
    pub workers: usize,
    /// Requests a minute from one client to this copy of the server; 0 for no limit.
    pub rate_limit: u32,
    /// Streams of events of one account to this copy of the server at a time.
    pub account_streams: usize,
    /// Streams of events of all accounts to this copy of the server at a time.
    pub streams: usize,
    /// Memory that request bodies may take in this process, in bytes.
    pub body_memory_bytes: usize,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Network>,
    /// Internal addresses that webhooks may call, and those that they may call without TLS.
    pub webhook_allow: Vec<Network>,
    /// Origins whose pages may call the API from a browser, or `*`.
    pub cors_origins: Vec<String>,
    /// A folder, or `s3://bucket/prefix`; `None` for the folder `attachments` of the data folder.
    pub attachments_url: Option<String>,
    /// The largest file, in bytes.
    pub attachment_max_bytes: usize,
    /// Accepted media types, such as `image/*`.
    pub attachment_types: Vec<String>,
    /// The name of the entity's mail server in `Authentication-Results`; `None` if it writes none.
    pub mail_authserv_id: Option<String>,
    /// How many `Received` fields may be above an `Authentication-Results` field that counts.
    pub mail_hops: usize,
    /// Which senders are trusted.
    pub mail_trust: MailTrust,
    /// The mailbox of inbound mail; `None` if there is none.
    pub imap: Option<ImapConfig>,
    /// The largest accepted message, in bytes.
    pub mail_max_bytes: usize,
    /// How many messages an hour of one sender become tickets or followups.
    pub mail_sender_limit: i64,
    /// For how long a message of a program that repeats another belongs to the same open ticket, in hours.
    pub mail_repeat_hours: i64,
    /// For how many unknown senders an hour an account is created.
    pub mail_stranger_limit: i64,
    /// The number of days after which a solved ticket is closed automatically.
    pub close_after_days: i64,
    /// The number of days that a requester has to answer if no deadline is given.
    pub information_days: i64,
    /// The criticality whose attention time counts until a ticket is classified.
    pub provisional_criticality: Criticality,
    /// `None` if messages wait in the outbox.
    pub mail: Option<MailConfig>,
    /// The public URL of the desk, without a slash at its end; `None` for the address it listens on.
    pub public_url: Option<String>,
    /// The number of days for which the link of a survey is valid.
    pub survey_days: i64,
    /// The number of days after the solution when the only reminder is sent; 0 for none.
    pub survey_reminder_days: i64,
}

impl Config {
    /// From the process's environment; logs a warning for each unknown variable.
    ///
    /// # Errors
    /// Every variable that is wrong or missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        let get = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let mut from = Reader::new(&get);
        let config = Self::read_from(&mut from);
        let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
        for warning in from.unknown(names) {
            log::warn!("{warning}");
        }
        config
    }

    /// From any source of variables.
    ///
    /// # Errors
    /// Every variable that is wrong or missing.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read_from(&mut Reader::new(get))
    }

    fn read_from(from: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let database_url = from.postgres_url("DATABASE_URL");
        let owner_database_url = from.postgres_url("MESA_OWNER_DATABASE_URL");
        let direct_database_url = from.postgres_url("MESA_DIRECT_DATABASE_URL");
        let read_url = from.postgres_url("MESA_READ_URL");
        let read_only = from.parse("MESA_READ_ONLY", false, |_| true, "true or false");
        if database_url.is_none() {
            let others = [
                ("MESA_OWNER_DATABASE_URL", &owner_database_url),
                ("MESA_DIRECT_DATABASE_URL", &direct_database_url),
                ("MESA_READ_URL", &read_url),
            ];
            let named = others.into_iter().find(|(_, url)| url.is_some()).map(|(name, _)| name);
            if let Some(name) = named.or(read_only.then_some("MESA_READ_ONLY")) {
                let expected = format!("required if {name} is set");
                from.wrong.push(Wrong { variable: "DATABASE_URL", expected });
            }
        }
        let jwt_secret = from.secret("MESA_JWT_SECRET");
        if database_url.is_some() && jwt_secret.is_none() {
            from.wrong.push(Wrong {
                variable: "MESA_JWT_SECRET",
                expected: format!(
                    "required if DATABASE_URL is set: {SECRET_BYTES} bytes or more, the same for every copy of the \
                     server (`openssl rand -hex 32` makes one)"
                ),
            });
        }
        let listen = from.listen();
        let public_url = from.public_url();
        let audit = from.audit(public_url.as_deref());
        let tls = from.tls();
        if tls.is_some() && public_url.as_deref().is_some_and(|url| url.starts_with("http://")) {
            from.wrong.push(Wrong {
                variable: "MESA_PUBLIC_URL",
                expected: "expected https://, as MESA_TLS_CERTIFICATE is set".to_owned(),
            });
        }
        let mail = from.mail(database_url.is_some() && public_url.is_none());
        let (mail_max_bytes, body_memory_bytes) = from.body_sizes();
        let (mail_authserv_id, mail_trust) = from.mail_trust();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let config = Config {
            database_url,
            owner_database_url,
            direct_database_url,
            read_url,
            read_only,
            migrate: from.parse("MESA_MIGRATE", Migrate::Apply, |_| true, "apply, verify or never"),
            drain_seconds: from.parse(
                "MESA_DRAIN_SECONDS",
                0,
                |n| (0..=600).contains(n),
                "a number of seconds from 0 to 600",
            ),
            listen,
            tls,
            data_dir: from.text("MESA_DATA_DIR").unwrap_or_else(|| "./data".to_owned()).into(),
            jwt_secret,
            jwt_previous_secret: from.secret("MESA_JWT_PREVIOUS_SECRET"),
            backup_key: from.secret("MESA_BACKUP_KEY"),
            backup_passphrase: from.text("MESA_BACKUP_PASSPHRASE"),
            demo_password: from.checked(
                "MESA_DEMO_PASSWORD",
                |password| (10..=200).contains(&password.chars().count()),
                "10 to 200 characters",
            ),
            log_format: from.parse(log_format::VARIABLE, LogFormat::Text, |_| true, "text or json"),
            otlp_endpoint: from.checked(
                "MESA_OTLP_ENDPOINT",
                addresses::is_base,
                "an address of an OpenTelemetry receiver such as http://collector.example:4318",
            ),
            timezone: from.parse(
                "MESA_TIMEZONE",
                chrono_tz::America::Bogota,
                |_| true,
                "the name of a time zone such as America/Bogota",
            ),
            entity: from.entity(),
            forms: from.forms(),
            audit,
            pool_size: from.parse("MESA_POOL_SIZE", 8, |n| (1..=200).contains(n), "a number from 1 to 200"),
            workers: from.parse(
                "MESA_WORKERS",
                processors,
                |n| (1..=256).contains(n),
                "a number from 1 to 256",
            ),
            rate_limit: from.parse(
                "MESA_RATE_LIMIT",
                1200,
                |n| (0..=1_000_000).contains(n),
                "a number of requests a minute from 0, for no limit, to 1000000",
            ),
            account_streams: from.parse(
                "MESA_ACCOUNT_STREAMS",
                100,
                |n| (1..=100_000).contains(n),
                "a number from 1 to 100000",
            ),
            streams: from.parse(
                "MESA_STREAMS",
                10_000,
                |n| (1..=100_000).contains(n),
                "a number from 1 to 100000",
            ),
            body_memory_bytes,
            trusted_proxies: from.list(
                "MESA_TRUSTED_PROXIES",
                "IP addresses, or ranges such as 10.1.0.0/16, separated by commas",
                |text| text.parse().ok(),
            ),
            webhook_allow: from.list(
                "MESA_WEBHOOK_ALLOW",
                "ranges of IP addresses separated by commas, such as 10.1.0.0/16",
                |text| text.parse().ok(),
            ),
            cors_origins: from.list(
                "MESA_CORS_ORIGINS",
                "origins separated by commas, such as https://portal.example.gov.co, or *",
                |text| addresses::is_origin(text).then(|| text.to_owned()),
            ),
            attachments_url: from.attachments_url(),
            attachment_max_bytes: from.attachment_max_bytes(),
            attachment_types: from.attachment_types(),
            mail_authserv_id,
            mail_hops: from.mail_hops(),
            mail_trust,
            imap: from.imap(),
            mail_max_bytes,
            mail_sender_limit: from.parse(
                "MESA_MAIL_SENDER_LIMIT",
                20,
                |n| (1..=10_000).contains(n),
                "a number of messages from 1 to 10000",
            ),
            mail_repeat_hours: from.parse(
                "MESA_MAIL_REPEAT_HOURS",
                24,
                |n| (0..=8760).contains(n),
                "a number of hours from 0, so that each message is a ticket of its own, to 8760",
            ),
            mail_stranger_limit: from.parse(
                "MESA_MAIL_STRANGER_LIMIT",
                100,
                |n| (1..=1_000_000).contains(n),
                "a number of people from 1 to 1000000",
            ),
            close_after_days: from.parse(
                "MESA_CLOSE_AFTER_DAYS",
                5,
                |n| (1..=365).contains(n),
                "a number of days from 1 to 365",
            ),
            information_days: from.parse(
                "MESA_INFORMATION_DAYS",
                3,
                |n| (1..=365).contains(n),
                "a number of days from 1 to 365",
            ),
            provisional_criticality: from.parse(
                "MESA_PROVISIONAL_CRITICALITY",
                Criticality::Critical,
                |_| true,
                "critical, high, medium or low",
            ),
            mail,
            public_url,
            survey_days: from.parse(
                "MESA_SURVEY_DAYS",
                30,
                |n| (1..=365).contains(n),
                "a number of days from 1 to 365",
            ),
            survey_reminder_days: from.parse(
                "MESA_SURVEY_REMINDER_DAYS",
                3,
                |n| (0..=365).contains(n),
                "a number of days from 0 to 365",
            ),
        };
        if from.wrong.is_empty() { Ok(config) } else { Err(ConfigError(std::mem::take(&mut from.wrong))) }
    }

    /// The domain of the Message-IDs of the desk's own mail, and its sender address.
    pub fn own_mail(&self) -> Option<(&str, &str)> {
        let address = &self.mail.as_ref()?.from.email;
        Some((address.domain(), address.as_ref()))
    }

    /// The folder of file contents; `None` if they are in an S3 bucket.
    pub fn attachments_folder(&self) -> Option<PathBuf> {
        match self.attachments_url.as_deref() {
            None => Some(self.data_dir.join("attachments")),
            Some(url) if url.starts_with("s3://") => None,
            Some(path) => Some(PathBuf::from(path.strip_prefix("file://").unwrap_or(path))),
        }
    }

    /// The beginning of links to this desk.
    pub fn links_from(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(self.listen)))
    }
}
