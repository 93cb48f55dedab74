//! Whether the server migrates the database at its start.

use std::str::FromStr;

/// What the start does about the schema of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Applies what is pending.
    Apply,
    /// Fails if something is pending.
    Verify,
    /// Nothing: the operator makes sure of it.
    Never,
}

impl Migrate {
    pub const fn as_str(self) -> &'static str {
        match self {
            Migrate::Apply => "apply",
            Migrate::Verify => "verify",
            Migrate::Never => "never",
        }
    }
}

impl FromStr for Migrate {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let all = [Migrate::Apply, Migrate::Verify, Migrate::Never];
        all.into_iter().find(|one| one.as_str() == word).ok_or(())
    }
}
