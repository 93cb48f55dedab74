//! Configuration by environment variables; documented in docs/configuration.md.

mod audit;
mod backup;
mod bodies;
mod entity;
mod mail_trust;
mod mailbox;
mod own_address;
mod reader;
mod tls;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use chrono_tz::Tz;

pub use self::audit::{AuditConfig, key_name};
pub use self::entity::Entity;
pub use self::mail_trust::MailTrust;
pub use self::mailbox::ImapConfig;
pub use self::reader::{ConfigError, Wrong};
use self::reader::{Reader, SECRET_BYTES};
use crate::mail::MailConfig;
use crate::tls::TlsFiles;

/// What the environment says. Every variable that is wrong is named at start with what was expected.
#[derive(Debug, Clone)]
pub struct Config {
    /// None where Mesa starts a private PostgreSQL.
    pub database_url: Option<String>,
    /// Connects as the owner of the tables, for migrations; none where `database_url` does.
    pub owner_database_url: Option<String>,
    pub listen: SocketAddr,
    /// None where TLS is the balancer's.
    pub tls: Option<TlsFiles>,
    pub data_dir: PathBuf,
    /// None where the private server's data folder keeps one.
    pub jwt_secret: Option<String>,
    /// Still accepted, so that the secret can be changed without logging anybody out.
    pub jwt_previous_secret: Option<String>,
    /// Authenticates backups; none where the data folder of a private PostgreSQL has one.
    pub backup_key: Option<String>,
    /// Encrypts and opens backups, where no public key is named.
    pub backup_passphrase: Option<String>,
    pub demo_password: Option<String>,
    /// The entity's days begin and end by this clock.
    pub timezone: Tz,
    pub entity: Entity,
    pub audit: AuditConfig,
    /// Connections to PostgreSQL, and requests worked on at once.
    pub pool_size: u32,
    pub workers: usize,
    /// Requests a minute from one client to this copy of the server; 0 for no limit.
    pub rate_limit: u32,
    /// Memory that request bodies may take in this process, in bytes.
    pub body_memory_bytes: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins whose pages may call the API from a browser, or `*`.
    pub cors_origins: Vec<String>,
    /// A folder, or `s3://bucket/prefix`; none for the folder `attachments` of the data folder.
    pub attachments_url: Option<String>,
    /// The largest file, in bytes.
    pub attachment_max_bytes: usize,
    /// Media types that may be kept, such as `image/*`.
    pub attachment_types: Vec<String>,
    /// The name under which our own mail server writes `Authentication-Results`; none where it does not.
    pub mail_authserv_id: Option<String>,
    /// How many `Received` fields may stand above an `Authentication-Results` field that counts.
    pub mail_hops: usize,
    /// Which senders are trusted.
    pub mail_trust: MailTrust,
    /// The mailbox that the desk looks into; none where it looks into none.
    pub imap: Option<ImapConfig>,
    /// The largest message that is taken in, in bytes.
    pub mail_max_bytes: usize,
    /// How many messages an hour of one sender become tickets or followups.
    pub mail_sender_limit: i64,
    /// How many people an hour get an account by their mail alone.
    pub mail_stranger_limit: i64,
    /// After how many days a solved ticket closes by itself.
    pub close_after_days: i64,
    /// How many days a requester has to answer where nobody names a deadline.
    pub information_days: i64,
    /// None where messages wait in the outbox.
    pub mail: Option<MailConfig>,
    /// Where people reach this desk, without a slash at its end; none for the address it listens on.
    pub public_url: Option<String>,
    /// For how many days the link of a survey opens it.
    pub survey_days: i64,
    /// How many days after the solution the one reminder is sent; 0 for none.
    pub survey_reminder_days: i64,
}

const DEFAULT_TYPES: &str = "image/*,text/plain,text/csv,application/pdf,application/zip,application/json,\
application/msword,application/vnd.ms-excel,application/vnd.ms-powerpoint,application/vnd.openxmlformats-officedocument.*,\
application/vnd.oasis.opendocument.*,message/rfc822,video/mp4,video/webm,audio/mpeg,audio/ogg";

impl Config {
    /// From the process's environment; warns in the log of variables that are not known.
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
        if owner_database_url.is_some() && database_url.is_none() {
            from.wrong.push(Wrong {
                variable: "DATABASE_URL",
                expected: "required where MESA_OWNER_DATABASE_URL is set".to_owned(),
            });
        }
        let jwt_secret = from.secret("MESA_JWT_SECRET");
        if database_url.is_some() && jwt_secret.is_none() {
            from.wrong.push(Wrong {
                variable: "MESA_JWT_SECRET",
                expected: format!(
                    "required where DATABASE_URL is set: {SECRET_BYTES} bytes or more, the same for every copy of the \
                     server (`openssl rand -hex 32` makes one)"
                ),
            });
        }
        let listen = match from.text("MESA_LISTEN") {
            None => SocketAddr::from(([127, 0, 0, 1], 8080)),
            Some(text) => match text.to_socket_addrs().ok().and_then(|mut found| found.next()) {
                Some(address) => address,
                None => {
                    let expected =
                        format!("expected an address and a port such as 0.0.0.0:8080, found {text:?}");
                    from.wrong.push(Wrong { variable: "MESA_LISTEN", expected });
                    SocketAddr::from(([127, 0, 0, 1], 8080))
                }
            },
        };
        let public_url = from.text("MESA_PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned());
        if public_url.as_deref().is_some_and(|url| !is_base(url)) {
            from.wrong.push(Wrong {
                variable: "MESA_PUBLIC_URL",
                expected: format!(
                    "expected an address such as https://mesa.example.gov.co, found {:?}",
                    public_url.as_deref().unwrap_or_default()
                ),
            });
        }
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
            listen,
            tls,
            data_dir: from.text("MESA_DATA_DIR").unwrap_or_else(|| "./data".to_owned()).into(),
            jwt_secret,
            jwt_previous_secret: from.secret("MESA_JWT_PREVIOUS_SECRET"),
            backup_key: from.backup_key(),
            backup_passphrase: from.text("MESA_BACKUP_PASSPHRASE"),
            demo_password: from.checked(
                "MESA_DEMO_PASSWORD",
                |password| (10..=200).contains(&password.chars().count()),
                "10 to 200 characters",
            ),
            timezone: from.parse(
                "MESA_TIMEZONE",
                chrono_tz::America::Bogota,
                |_| true,
                "the name of a time zone such as America/Bogota",
            ),
            entity: from.entity(),
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
            body_memory_bytes,
            trusted_proxies: from
                .list("MESA_TRUSTED_PROXIES", "IP addresses separated by commas", |text| text.parse().ok()),
            cors_origins: from.list(
                "MESA_CORS_ORIGINS",
                "origins separated by commas, such as https://portal.example.gov.co, or *",
                |text| is_origin(text).then(|| text.to_owned()),
            ),
            attachments_url: from.checked(
                "MESA_ATTACHMENTS_URL",
                |url| !url.contains("://") || url.starts_with("s3://") || url.starts_with("file://"),
                "a folder, or s3://bucket/prefix",
            ),
            attachment_max_bytes: from.parse(
                "MESA_ATTACHMENT_MAX_BYTES",
                25 * 1024 * 1024,
                |n| (1..=1024 * 1024 * 1024).contains(n),
                "a number of bytes from 1 to 1073741824",
            ),
            attachment_types: from
                .checked(
                    "MESA_ATTACHMENT_TYPES",
                    |types| types.split(',').all(|media_type| media_type.contains('/')),
                    "media types separated by commas, such as image/*,application/pdf",
                )
                .unwrap_or_else(|| DEFAULT_TYPES.to_owned())
                .split(',')
                .map(|media_type| media_type.trim().to_ascii_lowercase())
                .filter(|media_type| !media_type.is_empty())
                .collect(),
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

    /// The domain of the Message-IDs of the desk's own mail, and the address that it comes from.
    pub fn own_mail(&self) -> Option<(&str, &str)> {
        let address = &self.mail.as_ref()?.from.email;
        Some((address.domain(), address.as_ref()))
    }

    /// The folder of the content of files; none where it is kept in an S3 bucket.
    pub fn attachments_folder(&self) -> Option<PathBuf> {
        match self.attachments_url.as_deref() {
            None => Some(self.data_dir.join("attachments")),
            Some(url) if url.starts_with("s3://") => None,
            Some(path) => Some(PathBuf::from(path.strip_prefix("file://").unwrap_or(path))),
        }
    }

    /// Where a link into this desk begins.
    pub fn links_from(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(self.listen)))
    }
}

/// The address under which this machine itself reaches what listens there.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Whether it is an origin as a browser names it, or all of them.
fn is_origin(text: &str) -> bool {
    text == "*"
        || is_base(text) && url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

/// Whether links can begin with it.
fn is_base(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read(&move |name| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn nothing_set_is_a_desk_on_the_loopback_with_a_private_postgresql() {
        let config = read(&[]).unwrap();
        assert!(config.database_url.is_none() && config.jwt_secret.is_none());
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data_dir, PathBuf::from("./data"));
        assert_eq!(config.timezone, chrono_tz::America::Bogota);
    }

    #[test]
    fn every_variable_is_read_whatever_else_is_set() {
        // Every name in the tables of the documentation.
        let table =
            include_str!("../../docs/configuration.md").lines().filter(|line| line.starts_with("| `MESA_"));
        let names: Vec<String> = table
            .filter_map(|line| line.split('|').nth(1))
            .flat_map(|cell| cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
            .filter(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()))
            .collect();
        assert!(names.len() > 30, "{names:?}");
        let reader = &mut Reader::new(&|_| None);
        Config::read_from(reader).unwrap();
        assert_eq!(reader.unknown(names.into_iter()), Vec::<String>::new());
    }

    #[test]
    fn the_memory_for_bodies_holds_two_of_the_largest_messages() {
        const MIB: usize = 1024 * 1024;
        assert_eq!(read(&[]).unwrap().body_memory_bytes, 64 * MIB);
        let large = read(&[("MESA_MAIL_MAX_BYTES", "104857600")]).unwrap();
        assert_eq!(large.body_memory_bytes, 202 * MIB);
        let error = read(&[("MESA_BODY_MEMORY_BYTES", "33554432")]).unwrap_err();
        assert_eq!(error.0[0].variable, "MESA_BODY_MEMORY_BYTES");
        let small = [("MESA_BODY_MEMORY_BYTES", "33554432"), ("MESA_MAIL_MAX_BYTES", "10485760")];
        assert_eq!(read(&small).unwrap().body_memory_bytes, 32 * MIB);
    }

    #[test]
    fn every_wrong_variable_is_named_at_once() {
        let error = read(&[
            ("DATABASE_URL", "mysql://x"),
            ("MESA_LISTEN", "nowhere"),
            ("MESA_TIMEZONE", "America/Itagui"),
            ("MESA_POOL_SIZE", "0"),
            ("MESA_ENTITY_LOGO", "Cargo.toml"),
            ("MESA_CLOSE_AFTER_DAYS", "soon"),
            ("MESA_INFORMATION_DAYS", "366"),
            ("MESA_DEMO_PASSWORD", "corta"),
            ("MESA_ATTACHMENTS_URL", "gs://bucket"),
            ("MESA_ATTACHMENT_TYPES", "nonsense"),
            ("MESA_RATE_LIMIT", "many"),
            ("MESA_TRUSTED_PROXIES", "10.0.0.1,proxy"),
            ("MESA_CORS_ORIGINS", "https://portal.example/"),
        ])
        .unwrap_err();
        let mut named: Vec<&str> = error.0.iter().map(|wrong| wrong.variable).collect();
        let mut expected = [
            "DATABASE_URL",
            "MESA_JWT_SECRET",
            "MESA_LISTEN",
            "MESA_TIMEZONE",
            "MESA_POOL_SIZE",
            "MESA_ENTITY_LOGO",
            "MESA_CLOSE_AFTER_DAYS",
            "MESA_INFORMATION_DAYS",
            "MESA_DEMO_PASSWORD",
            "MESA_ATTACHMENTS_URL",
            "MESA_ATTACHMENT_TYPES",
            "MESA_RATE_LIMIT",
            "MESA_TRUSTED_PROXIES",
            "MESA_CORS_ORIGINS",
        ];
        named.sort();
        expected.sort();
        assert_eq!(named, expected);
    }

    #[test]
    fn mail_needs_a_server_an_address_to_come_from_and_one_for_its_links() {
        let named = |variables: &[(&str, &str)]| -> Vec<&str> {
            read(variables).map_or_else(|e| e.0.iter().map(|wrong| wrong.variable).collect(), |_| Vec::new())
        };
        let server = ("MESA_SMTP_URL", "smtp://mesa:secreto@mail.example:587?tls=required");
        let from = ("MESA_MAIL_FROM", "Mesa de Servicios <mesa@example.gov.co>");
        assert!(named(&[server, from]).is_empty());
        assert!(named(&[("MESA_SMTP_URL", "smtps://mesa:secreto@mail.example"), from]).is_empty());
        assert_eq!(named(&[server]), ["MESA_MAIL_FROM"]);
        assert_eq!(named(&[server, ("MESA_MAIL_FROM", "mesa")]), ["MESA_MAIL_FROM"]);
        for url in ["mail.example", "http://mail.example", "smtp://mail.example?tls=maybe"] {
            let error = read(&[("MESA_SMTP_URL", url), from]).unwrap_err();
            assert_eq!(error.0[0].variable, "MESA_SMTP_URL", "{url}");
        }
        let shared =
            [("DATABASE_URL", "postgresql://x/y"), ("MESA_JWT_SECRET", "0123456789abcdef0123456789abcdef")];
        let with = |last| [shared[0], shared[1], server, from, ("MESA_PUBLIC_URL", last)];
        assert_eq!(named(&with("")), ["MESA_PUBLIC_URL"]);
        assert_eq!(named(&with("mesa.example")), ["MESA_PUBLIC_URL"]);
        assert_eq!(named(&with("https://mesa.example/?a=b")), ["MESA_PUBLIC_URL"]);
        assert_eq!(read(&with("https://mesa.example/")).unwrap().links_from(), "https://mesa.example");
        let own = read(&[("MESA_LISTEN", "0.0.0.0:8081")]).unwrap();
        assert_eq!(own.links_from(), "http://127.0.0.1:8081");
    }

    #[test]
    fn what_is_wrong_with_the_mail_server_is_said_without_its_password() {
        let error = read(&[("MESA_SMTP_URL", "smtp://mesa:secreto@mail.example?tls=maybe")]).unwrap_err();
        assert!(!error.to_string().contains("secreto"));
    }

    #[test]
    fn a_mailbox_is_named_by_a_url_whose_password_is_never_told() {
        let imap = |url| {
            read(&[("MESA_IMAP_URL", url), ("MESA_MAIL_TRUST", "all")]).map(|config| config.imap.unwrap())
        };
        let found = imap("imaps://mesa%40x.co:cl%C3%A1ve%2F@mail.x.co/Mesa/Entrada").unwrap();
        assert_eq!((found.host.as_str(), found.port, found.tls), ("mail.x.co", 993, true));
        assert_eq!((found.user.as_str(), found.password.as_str()), ("mesa@x.co", "cláve/"));
        assert_eq!((found.mailbox.as_str(), found.done.as_str()), ("Mesa/Entrada", "Processed"));
        assert!(!format!("{found:?}").contains("cláve"));
        assert!(!imap("imap://mesa:x@127.0.0.1:1143").unwrap().tls);
        for wrong in [
            "imap://mesa:secreto@mail.x.co",
            "https://x:secreto@y",
            "imaps://mail.x.co",
            "imaps://:secreto@x",
            "imaps://mesa:secreto@x/Atenci%C3%B3n",
            "imaps://mesa:secreto@x/A%0D%0AB",
        ] {
            let error = imap(wrong).unwrap_err();
            assert_eq!(error.0[0].variable, "MESA_IMAP_URL", "{wrong}");
            assert!(!error.to_string().contains("secreto"));
        }
        for done in ["A", "Atención", "A\r\nB"] {
            let wrong = [
                ("MESA_IMAP_URL", "imaps://mesa:x@y/A"),
                ("MESA_IMAP_DONE", done),
                ("MESA_MAIL_TRUST", "all"),
            ];
            assert_eq!(read(&wrong).unwrap_err().0[0].variable, "MESA_IMAP_DONE");
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_a_missing_one_where_the_database_is_given() {
        let url = ("DATABASE_URL", "postgresql://mesa@localhost/mesa");
        assert!(read(&[url]).is_err());
        assert!(read(&[url, ("MESA_JWT_SECRET", "short")]).is_err());
        assert!(read(&[url, ("MESA_JWT_SECRET", "0123456789abcdef0123456789abcdef")]).is_ok());
    }
}
