//! Configuration by environment variables; the README's table says the same in words.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use percent_encoding::percent_decode_str;

use crate::mail::MailConfig;

/// What the environment says. Every variable that is wrong is named at start with what was expected.
#[derive(Debug, Clone)]
pub struct Config {
    /// None where Mesa starts a private PostgreSQL.
    pub database_url: Option<String>,
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    /// None where the private server's data folder keeps one.
    pub jwt_secret: Option<String>,
    /// Still accepted, so that the secret can be changed without logging anybody out.
    pub jwt_previous_secret: Option<String>,
    pub demo_password: Option<String>,
    /// The entity's days begin and end by this clock.
    pub timezone: Tz,
    /// Connections to PostgreSQL, and requests worked on at once.
    pub pool_size: u32,
    pub workers: usize,
    /// Requests a minute from one client to this copy of the server; 0 for no limit.
    pub rate_limit: u32,
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
    /// The name under which our own mail server writes what it found out about senders; none to believe every sender.
    pub mail_authserv_id: Option<String>,
    /// The mailbox that the desk looks into; none where it looks into none.
    pub imap: Option<ImapConfig>,
    /// The largest message that is taken in, in bytes.
    pub mail_max_bytes: usize,
    /// How many messages an hour of one sender become tickets or followups.
    pub mail_sender_limit: i64,
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

/// One variable that is not as it should be.
#[derive(Debug)]
pub struct Wrong {
    pub variable: &'static str,
    pub expected: String,
}

/// Everything that is wrong with the environment.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Wrong>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration is not as it should be:")?;
        for wrong in &self.0 {
            writeln!(f, "  {}: {}", wrong.variable, wrong.expected)?;
        }
        write!(f, "The README has the table of variables.")
    }
}

impl std::error::Error for ConfigError {}

const DEFAULT_TYPES: &str = "image/*,text/plain,text/csv,application/pdf,application/zip,application/json,\
application/msword,application/vnd.ms-excel,application/vnd.ms-powerpoint,application/vnd.openxmlformats-officedocument.*,\
application/vnd.oasis.opendocument.*,message/rfc822,video/mp4,video/webm,audio/mpeg,audio/ogg";

/// Shortest secret, in bytes, that HS256 should be used with.
const SECRET_BYTES: usize = 32;

struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<Wrong>,
}

impl Reader<'_> {
    /// The variable's text; empty counts as unset.
    fn text(&self, variable: &'static str) -> Option<String> {
        (self.get)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn parse<T: FromStr>(
        &mut self,
        variable: &'static str,
        default: T,
        ok: impl Fn(&T) -> bool,
        expected: &str,
    ) -> T {
        let Some(text) = self.text(variable) else { return default };
        match text.parse::<T>() {
            Ok(value) if ok(&value) => value,
            _ => {
                self.wrong.push(Wrong { variable, expected: format!("expected {expected}, found {text:?}") });
                default
            }
        }
    }

    /// The variable's text where it is `ok`; it is not told, for it may be a secret.
    fn checked(
        &mut self,
        variable: &'static str,
        ok: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Option<String> {
        let text = self.text(variable)?;
        if !ok(&text) {
            self.wrong.push(Wrong { variable, expected: format!("expected {expected}") });
        }
        Some(text)
    }

    /// What stands between commas; none where the variable is unset.
    fn list<T>(
        &mut self,
        variable: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let text = self.text(variable).unwrap_or_default();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parsed = parts.map(&parse).collect::<Option<Vec<T>>>();
        parsed.unwrap_or_else(|| {
            self.wrong.push(Wrong { variable, expected: format!("expected {expected}, found {text:?}") });
            Vec::new()
        })
    }

    /// None where the desk looks into no mailbox, or where something is wrong with what is said of it.
    fn imap(&mut self) -> Option<ImapConfig> {
        let done = self.text("MESA_IMAP_DONE").unwrap_or_else(|| "Processed".to_owned());
        let every = self.parse(
            "MESA_IMAP_SECONDS",
            60,
            |n| (1..=1500).contains(n),
            "a number of seconds from 1 to 1500",
        );
        let url = self.text("MESA_IMAP_URL")?;
        let Some(parts) = imap_parts(&url) else {
            // It is not repeated: it may hold a password.
            let expected = "expected imaps://user:password@host:993/INBOX, what is special in user and password \
                            percent-encoded; imap:// on the loopback alone";
            self.wrong.push(Wrong { variable: "MESA_IMAP_URL", expected: expected.to_owned() });
            return None;
        };
        if parts.mailbox == done || !is_folder(&done) {
            let expected = "expected a folder other than the one that is looked into, in ASCII".to_owned();
            self.wrong.push(Wrong { variable: "MESA_IMAP_DONE", expected });
        }
        Some(ImapConfig { done, every: Duration::from_secs(every), ..parts })
    }

    fn secret(&mut self, variable: &'static str) -> Option<String> {
        let secret = self.text(variable)?;
        if secret.len() < SECRET_BYTES {
            let expected = format!("expected {SECRET_BYTES} bytes or more, found {}", secret.len());
            self.wrong.push(Wrong { variable, expected });
        }
        Some(secret)
    }

    /// None where there is no mail server, or where something is wrong with what is said of it.
    fn mail(&mut self, needs_public_url: bool) -> Option<MailConfig> {
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
        // What is wrong with it is not repeated: it may hold a password.
        if AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp_url).is_err() {
            let expected =
                "expected smtp://user:password@host:587?tls=required, or smtps://user:password@host";
            self.wrong.push(Wrong { variable: "MESA_SMTP_URL", expected: expected.to_owned() });
        }
        if from.is_none() {
            let expected = "required where MESA_SMTP_URL is set: the address that mail comes from";
            self.wrong.push(Wrong { variable: "MESA_MAIL_FROM", expected: expected.to_owned() });
        }
        if needs_public_url {
            let expected =
                "required where MESA_SMTP_URL and DATABASE_URL are set: where the links in the mail lead";
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

/// A mailbox that the desk looks into.
#[derive(Clone)]
pub struct ImapConfig {
    pub host: String,
    pub port: u16,
    /// False on the loopback alone.
    pub tls: bool,
    pub user: String,
    pub password: String,
    pub mailbox: String,
    /// The folder that what was taken is moved to.
    pub done: String,
    /// How often to look where the server does not tell of new mail by itself, and to make sure where it does.
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

/// Folders with other letters have an encoding of their own, which is not spoken.
fn is_folder(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// `imaps://user:password@host:993/INBOX`; without TLS (`imap://`) on the loopback alone.
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

impl Config {
    /// From the process's environment.
    ///
    /// # Errors
    /// Every variable that is wrong or missing.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// From any source of variables.
    ///
    /// # Errors
    /// Every variable that is wrong or missing.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut from = Reader { get, wrong: Vec::new() };
        let database_url = from.text("DATABASE_URL");
        if let Some(url) = &database_url
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            from.wrong.push(Wrong {
                variable: "DATABASE_URL",
                expected: "expected postgresql://user:password@host:5432/database".to_owned(),
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
        let mail = from.mail(database_url.is_some() && public_url.is_none());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let config = Config {
            database_url,
            listen,
            data_dir: from.text("MESA_DATA_DIR").unwrap_or_else(|| "./data".to_owned()).into(),
            jwt_secret,
            jwt_previous_secret: from.secret("MESA_JWT_PREVIOUS_SECRET"),
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
            mail_authserv_id: from.text("MESA_MAIL_AUTHSERV_ID"),
            imap: from.imap(),
            mail_max_bytes: from.parse(
                "MESA_MAIL_MAX_BYTES",
                30 * 1024 * 1024,
                |n| (1024..=1024 * 1024 * 1024).contains(n),
                "a number of bytes from 1024 to 1073741824",
            ),
            mail_sender_limit: from.parse(
                "MESA_MAIL_SENDER_LIMIT",
                20,
                |n| (1..=10_000).contains(n),
                "a number of messages from 1 to 10000",
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
        if from.wrong.is_empty() { Ok(config) } else { Err(ConfigError(from.wrong)) }
    }

    /// The domain of the Message-IDs of the desk's own mail, and the address that it comes from.
    pub fn own_mail(&self) -> Option<(&str, &str)> {
        let address = &self.mail.as_ref()?.from.email;
        Some((address.domain(), address.as_ref()))
    }

    /// Where a link into this desk begins.
    pub fn links_from(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", reachable(self.listen)))
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
    fn every_wrong_variable_is_named_at_once() {
        let error = read(&[
            ("DATABASE_URL", "mysql://x"),
            ("MESA_LISTEN", "nowhere"),
            ("MESA_TIMEZONE", "America/Itagui"),
            ("MESA_POOL_SIZE", "0"),
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
        let imap = |url| read(&[("MESA_IMAP_URL", url)]).map(|config| config.imap.unwrap());
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
            let wrong = [("MESA_IMAP_URL", "imaps://mesa:x@y/A"), ("MESA_IMAP_DONE", done)];
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
