//! `mesa retention`: the daily deletion at once, or a preview of it.

use std::fmt::Write;

use clap::Args;

use super::database::with_database;
use crate::config::Config;
use crate::db;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::retention::removal::{self, Removed, Which};

#[derive(Args)]
pub struct Retention {
    /// Print the counts and delete nothing
    #[arg(long)]
    dry_run: bool,
}

impl Retention {
    pub fn run(self) -> Result<(), StartError> {
        with_database(|config, urls| {
            print!("{}", retention(config, &urls.server, self.dry_run)?);
            Ok(())
        })
    }
}

/// Removes the records whose retention period is over, or only counts them; returns the lines to print, one for each
/// kind.
///
/// # Errors
/// A text for the user of the command.
pub fn retention(config: &Config, url: &str, dry_run: bool) -> Result<String, StartError> {
    let connection = &mut session::open(url, Bounds::Command)?;
    let now = db::now(connection)?;
    let timezone = config.timezone;
    let due = removal::due(connection, timezone, now).map_err(|problem| problem.log_line())?;
    if dry_run {
        return Ok(lines(&due, &due, "would go"));
    }
    let (removed, outcome) = removal::remove(connection, timezone, now, Which::All);
    if let Err(problem) = outcome {
        return Err(format!("{}{}", lines(&due, &removed, "removed"), problem.log_line()).into());
    }
    Ok(lines(&due, &removed, "removed"))
}

/// A line for each rule with a retention period.
fn lines(rules: &[Removed], counts: &[Removed], what: &str) -> String {
    let mut lines = String::new();
    for Removed { kind, months, up_to, .. } in rules {
        let count = counts.iter().find(|one| one.kind == *kind).map_or(0, |one| one.count);
        // Writing to a string does not fail.
        let _ = writeln!(lines, "{}: kept for {months} months, up to {up_to}: {count} {what}", kind.as_str());
    }
    lines
}
