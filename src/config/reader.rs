//! Reads variables, and collects their faults.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// One invalid variable.
#[derive(Debug)]
pub struct Wrong {
    pub variable: &'static str,
    pub expected: String,
}

/// All faults of the environment.
#[derive(Debug)]
pub struct ConfigError(pub Vec<Wrong>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration is not valid:")?;
        for wrong in &self.0 {
            writeln!(f, "  {}: {}", wrong.variable, wrong.expected)?;
        }
        write!(f, "See docs/configuration.md.")
    }
}

impl std::error::Error for ConfigError {}

/// Shortest secret, in bytes, that HS256 should be used with.
pub const SECRET_BYTES: usize = 32;

/// Secrets, and the variables that name a file with the secret instead.
const FILES: [(&str, &str); 12] = [
    ("DATABASE_URL", "DATABASE_URL_FILE"),
    ("MESA_OWNER_DATABASE_URL", "MESA_OWNER_DATABASE_URL_FILE"),
    ("MESA_DIRECT_DATABASE_URL", "MESA_DIRECT_DATABASE_URL_FILE"),
    ("MESA_READ_URL", "MESA_READ_URL_FILE"),
    ("MESA_JWT_SECRET", "MESA_JWT_SECRET_FILE"),
    ("MESA_JWT_PREVIOUS_SECRET", "MESA_JWT_PREVIOUS_SECRET_FILE"),
    ("MESA_AUDIT_KEY", "MESA_AUDIT_KEY_FILE"),
    ("MESA_BACKUP_KEY", "MESA_BACKUP_KEY_FILE"),
    ("MESA_BACKUP_PASSPHRASE", "MESA_BACKUP_PASSPHRASE_FILE"),
    ("MESA_DEMO_PASSWORD", "MESA_DEMO_PASSWORD_FILE"),
    ("MESA_SMTP_URL", "MESA_SMTP_URL_FILE"),
    ("MESA_IMAP_URL", "MESA_IMAP_URL_FILE"),
];

/// The variables of the environment, and their faults.
pub struct Reader<'a> {
    pub get: &'a dyn Fn(&str) -> Option<String>,
    pub wrong: Vec<Wrong>,
    /// Every variable that was read, set or not.
    read: RefCell<BTreeSet<&'static str>>,
}

/// Variables of docker-compose.yml, which passes all of its file to the server.
const OF_COMPOSE: [&str; 2] = ["MESA_DATABASE_PASSWORD", "MESA_PUBLISH"];

/// The minimum similarity of a misspelled name, from 0 to 1.
const ALIKE: f64 = 0.8;

impl<'a> Reader<'a> {
    pub fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Reader { get, wrong: Vec::new(), read: RefCell::default() }
    }

    /// One warning for each `MESA_…` name that is not a variable of the configuration, without its value, which may
    /// be a secret. To be called when all variables were read.
    pub fn unknown(&self, names: impl Iterator<Item = String>) -> Vec<String> {
        let known = self.read.borrow();
        let is_unknown = |name: &String| {
            name.starts_with("MESA_")
                && !known.contains(name.as_str())
                && !OF_COMPOSE.contains(&name.as_str())
        };
        let unknown: BTreeSet<String> = names.filter(is_unknown).collect();
        let warning = |name: &String| {
            let likeness = |known: &&&str| strsim::normalized_damerau_levenshtein(name, known);
            let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            match nearest.filter(|known| likeness(known) >= ALIKE) {
                Some(known) => {
                    format!("{name} is not a variable of Mesa and has no effect; did you mean {known}?")
                }
                None => format!("{name} is not a variable of Mesa and has no effect"),
            }
        };
        unknown.iter().map(warning).collect()
    }

    /// The variable's text, for a secret also from a file; empty counts as unset.
    pub fn text(&mut self, variable: &'static str) -> Option<String> {
        let text = self.own_text(variable);
        let Some(file) = file_variable(variable) else { return text };
        let Some(path) = self.own_text(file) else { return text };
        let expected = match std::fs::read_to_string(&path) {
            _ if text.is_some() => format!("expected only one of {variable} and {file}"),
            Ok(content) if content.trim().is_empty() => {
                "expected a file with a secret, found an empty one".to_owned()
            }
            Ok(content) => return Some(content.trim().to_owned()),
            // Without the path, which may be the secret by mistake.
            Err(error) => format!("expected the path of a file that can be read: {error}"),
        };
        // A variable may be read twice.
        if self.wrong.iter().all(|wrong| wrong.variable != file) {
            self.wrong.push(Wrong { variable: file, expected });
        }
        text
    }

    fn own_text(&self, variable: &'static str) -> Option<String> {
        self.read.borrow_mut().insert(variable);
        (self.get)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The variable that has the text: this one, or the one that names a file with it.
    pub fn source(&self, variable: &'static str) -> &'static str {
        match file_variable(variable) {
            Some(file) if self.own_text(file).is_some() && self.own_text(variable).is_none() => file,
            _ => variable,
        }
    }

    /// The URL of a PostgreSQL database. An invalid one is not repeated in the error: it may contain a password.
    pub fn postgres_url(&mut self, variable: &'static str) -> Option<String> {
        let url = self.text(variable)?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let expected = "expected postgresql://user:password@host:5432/database".to_owned();
            self.wrong.push(Wrong { variable: self.source(variable), expected });
        } else if !is_readable(&url) {
            let expected =
                "expected a URL in which special characters of user and password are percent-encoded"
                    .to_owned();
            self.wrong.push(Wrong { variable: self.source(variable), expected });
        }
        Some(url)
    }

    pub fn parse<T: FromStr>(
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

    /// The variable's text if it is `ok`; it is not repeated in the error, because it may be a secret.
    pub fn checked(
        &mut self,
        variable: &'static str,
        ok: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Option<String> {
        let text = self.text(variable)?;
        if !ok(&text) {
            let variable = self.source(variable);
            self.wrong.push(Wrong { variable, expected: format!("expected {expected}") });
        }
        Some(text)
    }

    /// The parts between commas; none if the variable is unset.
    pub fn list<T>(
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

    pub fn secret(&mut self, variable: &'static str) -> Option<String> {
        let secret = self.text(variable)?;
        if secret.len() < SECRET_BYTES {
            let expected = format!("expected {SECRET_BYTES} bytes or more, found {}", secret.len());
            self.wrong.push(Wrong { variable: self.source(variable), expected });
        }
        Some(secret)
    }
}

/// Whether libpq can read the URL of a database: its errors would repeat parts of a password.
fn is_readable(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let before_query = rest.split('?').next().unwrap_or_default();
    let (authority, path) = before_query.split_once('/').unwrap_or((before_query, ""));
    let (user, servers) = authority.rsplit_once('@').unwrap_or(("", authority));
    let are_encoded = url.split('%').skip(1).all(|after| {
        after.get(..2).is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    });
    let count = |bracket: char| servers.matches(bracket).count();
    are_encoded && !user.contains('@') && !path.contains('@') && count('[') == count(']')
}

fn file_variable(variable: &str) -> Option<&'static str> {
    FILES.iter().find(|(secret, _)| *secret == variable).map(|(_, file)| *file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variable_is_named_with_the_nearest_known_one_and_without_its_value() {
        let mut reader = Reader::new(&|_| None);
        for known in ["MESA_LISTEN", "MESA_JWT_SECRET", "DATABASE_URL"] {
            reader.text(known);
        }
        let names = ["MESA_JWT_SECERT", "MESA_LISTEN", "MESA_COLOUR", "PATH", "DATABASE_URI"];
        assert_eq!(
            reader.unknown(names.into_iter().map(str::to_owned)),
            [
                "MESA_COLOUR is not a variable of Mesa and has no effect",
                "MESA_JWT_SECERT is not a variable of Mesa and has no effect; did you mean MESA_JWT_SECRET?",
            ]
        );
    }

    #[test]
    fn a_url_with_special_characters_in_its_password_is_refused_without_being_repeated() {
        for (url, is_right) in [
            ("postgresql://mesa:a%2Fb@db1,[::1]:5433/mesa?sslmode=require", true),
            ("postgresql://mesa:a?b@db/mesa", true),
            ("postgresql:///mesa?host=%2Ftmp&user=a@b", true),
            ("postgresql://mesa:100%pw@db/mesa", false),
            ("postgresql://mesa:a@b@db/mesa", false),
            ("postgresql://mesa:a/b@db/mesa", false),
            ("postgresql://mesa:a@[::1:5432/mesa", false),
        ] {
            assert_eq!(is_readable(url), is_right, "{url}");
        }
    }

    #[test]
    fn every_secret_can_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (full, empty) = (folder.path().join("full"), folder.path().join("empty"));
        std::fs::write(&full, "the secret\n").unwrap();
        std::fs::write(&empty, "\n").unwrap();
        for (variable, file) in FILES {
            let read = |both: bool, path: &str| {
                let get = |name: &str| {
                    let own = (both && name == variable).then(|| "another".to_owned());
                    own.or_else(|| (name == file).then(|| path.to_owned()))
                };
                let mut reader = Reader::new(&get);
                let text = reader.text(variable);
                (text, reader.wrong.iter().map(|wrong| wrong.variable).collect::<Vec<_>>())
            };
            assert_eq!(read(false, full.to_str().unwrap()), (Some("the secret".to_owned()), vec![]));
            assert_eq!(read(false, empty.to_str().unwrap()), (None, vec![file]));
            assert_eq!(read(false, "/does/not/exist"), (None, vec![file]));
            assert_eq!(read(true, full.to_str().unwrap()).1, [file]);
        }
    }
}
