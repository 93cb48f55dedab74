//! Configuration by environment variables; the README's table says the same in words.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use chrono_tz::Tz;

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
    /// A folder, or `s3://bucket/prefix`; none for the folder `attachments` of the data folder.
    pub attachments_url: Option<String>,
    /// The largest file, in bytes.
    pub attachment_max_bytes: usize,
    /// Media types that may be kept, such as `image/*`.
    pub attachment_types: Vec<String>,
    /// After how many days a solved ticket closes by itself.
    pub close_after_days: i64,
    /// How many days a requester has to answer where nobody names a deadline.
    pub information_days: i64,
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

    fn secret(&mut self, variable: &'static str) -> Option<String> {
        let secret = self.text(variable)?;
        if secret.len() < SECRET_BYTES {
            let expected = format!("expected {SECRET_BYTES} bytes or more, found {}", secret.len());
            self.wrong.push(Wrong { variable, expected });
        }
        Some(secret)
    }
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
        };
        if from.wrong.is_empty() { Ok(config) } else { Err(ConfigError(from.wrong)) }
    }
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
        ];
        named.sort();
        expected.sort();
        assert_eq!(named, expected);
    }

    #[test]
    fn a_short_secret_is_refused_and_a_missing_one_where_the_database_is_given() {
        let url = ("DATABASE_URL", "postgresql://mesa@localhost/mesa");
        assert!(read(&[url]).is_err());
        assert!(read(&[url, ("MESA_JWT_SECRET", "short")]).is_err());
        assert!(read(&[url, ("MESA_JWT_SECRET", "0123456789abcdef0123456789abcdef")]).is_ok());
    }
}
