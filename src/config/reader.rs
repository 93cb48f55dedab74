//! Reads variables, and gathers what is wrong with them.

use std::fmt;
use std::str::FromStr;

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

/// Shortest secret, in bytes, that HS256 should be used with.
pub const SECRET_BYTES: usize = 32;

/// What the environment says, variable by variable, and what is wrong with it.
pub struct Reader<'a> {
    pub get: &'a dyn Fn(&str) -> Option<String>,
    pub wrong: Vec<Wrong>,
}

impl Reader<'_> {
    /// The variable's text; empty counts as unset.
    pub fn text(&self, variable: &'static str) -> Option<String> {
        (self.get)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The URL of a PostgreSQL database. A wrong one is not repeated: it may hold a password.
    pub fn postgres_url(&mut self, variable: &'static str) -> Option<String> {
        let url = self.text(variable)?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let expected = "expected postgresql://user:password@host:5432/database".to_owned();
            self.wrong.push(Wrong { variable, expected });
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

    /// The variable's text where it is `ok`; it is not told, for it may be a secret.
    pub fn checked(
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
            self.wrong.push(Wrong { variable, expected });
        }
        Some(secret)
    }
}
