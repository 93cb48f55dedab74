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

/// The variables of the environment, and their faults.
pub struct Reader<'a> {
    pub get: &'a dyn Fn(&str) -> Option<String>,
    pub wrong: Vec<Wrong>,
    /// Every variable that was read, set or not.
    read: RefCell<BTreeSet<&'static str>>,
}

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
        let unknown: BTreeSet<String> =
            names.filter(|name| name.starts_with("MESA_") && !known.contains(name.as_str())).collect();
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

    /// The variable's text; empty counts as unset.
    pub fn text(&self, variable: &'static str) -> Option<String> {
        self.read.borrow_mut().insert(variable);
        (self.get)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The URL of a PostgreSQL database. An invalid one is not repeated in the error: it may contain a password.
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

    /// The variable's text if it is `ok`; it is not repeated in the error, because it may be a secret.
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
            self.wrong.push(Wrong { variable, expected });
        }
        Some(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variable_is_named_with_the_nearest_known_one_and_without_its_value() {
        let reader = Reader::new(&|_| None);
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
}
