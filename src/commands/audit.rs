//! `mesa audit`: verifies the history against a head that was kept elsewhere, with only the database.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::database::with_database;
use crate::audit::tree::note::Note;
use crate::audit::tree::read;
use crate::audit::verification::heads::{ForeignHead, HeadBreak, HeadBreakReason, HeadStatus};
use crate::audit::verification::log::{LogBreak, LogBreakReason};
use crate::audit::verification::tickets::{Break, BreakReason};
use crate::audit::verification::{Found, Verifier, with_connections};
use crate::config::audit_keys::PublicKey;
use crate::db::session::{self, Bounds};
use crate::problem::StartError;
use crate::server;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the whole history against a signed head that was kept elsewhere; exits with 1 if it is not intact
    Verify {
        /// A file with the signed head, such as the mail that contained it
        #[arg(long, value_name = "FILE")]
        head: PathBuf,
        /// The public key of the head, as it was kept with it; otherwise those of the configuration
        #[arg(long, value_name = "PUBKEY")]
        key: Option<PublicKey>,
    },
    /// Print the newest signed head
    Head,
}

impl Audit {
    /// Exits with 1 if the history is not intact.
    pub fn run(self) -> Result<ExitCode, StartError> {
        match self {
            Audit::Verify { head, key } => {
                let holds = with_database(|config, urls| {
                    let keys = key.map_or_else(|| server::audit_keys(config), |key| Ok(vec![key]))?;
                    let result = verify(&urls.server, &head, keys)?;
                    print!("{}", result.text);
                    Ok(result.holds)
                })?;
                Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Audit::Head => with_database(|_, urls| {
                print!("{}", newest_head(&urls.server)?);
                Ok(ExitCode::SUCCESS)
            }),
        }
    }
}

/// How many connections verify at the same time.
const CONNECTIONS: usize = 2;

/// How many broken places are listed individually.
const NAMED: usize = 100;

/// The result of a verification as text.
struct Verified {
    text: String,
    /// Whether the history is intact.
    holds: bool,
}

/// Verifies the database of this URL against the head in a file. Nothing is written.
fn verify(url: &str, head: &Path, keys: Vec<PublicKey>) -> Result<Verified, StartError> {
    let text = std::fs::read_to_string(head)
        .map_err(|error| format!("cannot read the head {}: {error}", head.display()))?;
    let note = Note::find(&text).map_err(|error| format!("{}: {error}", head.display()))?;
    let checkpoint = &note.checkpoint;
    let is_signed = note.is_signed_by(&keys);
    let mut report = Report::default();
    match (keys.is_empty(), is_signed) {
        (true, _) => {
            report.line("The signature of the head was not verified: no key is known. Give one with --key.")
        }
        (false, true) => report.line("The head was signed with the key."),
        (false, false) => report.line("The head was NOT signed with the key: it proves nothing."),
    }
    let foreign = ForeignHead { size: checkpoint.size, root: checkpoint.root };
    let foreign = (foreign.size > 0).then_some(foreign);
    let is_authentic = keys.is_empty() || is_signed;
    let connections: Result<Vec<_>, _> =
        (0..CONNECTIONS).map(|_| session::open(url, Bounds::Command)).collect();
    let verified = with_connections(connections?, Verifier::of_all(keys, foreign), |found| match found {
        Found::Tickets(broken) => broken.iter().for_each(|found| report.place(&ticket_line(found))),
        Found::Log(broken) => broken.iter().for_each(|found| report.place(&log_line(found))),
    });
    let verifier = verified.map_err(|problem| problem.log_line())?;
    report.end_of_places();
    verifier.tree.broken_heads.iter().for_each(|head| report.line(&head_line(head)));
    if !verifier.tree.broken_heads.is_empty()
        && let Some(size) = verifier.tree.last_verified
    {
        report.line(&format!("The newest valid head in the database has {size} events."));
    }
    let when = checkpoint.at.map(|at| format!(" of {at}")).unwrap_or_default();
    let size = checkpoint.size;
    match verifier.foreign().map(|(_, status)| status) {
        None | Some(HeadStatus::Consistent) => {
            report.line(&format!("The first {size} events are those of the head{when}."));
        }
        Some(HeadStatus::RolledBack) => report.line(&format!(
            "The log has {} events, and the head{when} has {size}: an older state of the database was restored, or events \
             were removed.",
            verifier.tree.size()
        )),
        Some(HeadStatus::Rewritten) => report.line(&format!(
            "The history is NOT that of the head{when}: among its first {size} events some were changed, removed or added, \
             or a part listed above is broken.",
        )),
    }
    report.line(&format!(
        "{} tickets, {} events of tickets, {} audit events, {} entries of the log, {} heads in the database",
        verifier.tickets,
        verifier.events,
        verifier.audit_events,
        verifier.tree.size(),
        verifier.tree.verified_heads
    ));
    let holds = is_authentic && verifier.is_whole();
    report.line(if holds { "The history is intact." } else { "The history is NOT intact." });
    Ok(Verified { text: report.text, holds })
}

/// The newest head of the database of this URL.
fn newest_head(url: &str) -> Result<String, StartError> {
    let db = &mut session::open(url, Bounds::Command)?;
    let note = read::newest_note(db).map_err(|problem| problem.log_line())?;
    Ok(note.ok_or("there is no signed head yet")?)
}

#[derive(Default)]
struct Report {
    text: String,
    places: usize,
}

impl Report {
    fn line(&mut self, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn place(&mut self, line: &str) {
        self.places += 1;
        if self.places <= NAMED {
            self.line(line);
        }
    }

    fn end_of_places(&mut self) {
        if self.places > NAMED {
            self.line(&format!("… and {} further places", self.places - NAMED));
        }
    }
}

fn ticket_line(found: &Break) -> String {
    let Break { ticket_id, seq, reason } = found;
    let what = match reason {
        BreakReason::Hash => "was changed (actor, time, kind or content)",
        BreakReason::Link => "does not follow the event before it, or is not the last one that was written",
        BreakReason::Gap => "comes after events that were removed",
        BreakReason::Missing if *seq == 0 => return format!("Ticket {ticket_id} was removed."),
        BreakReason::Missing => "and those after it were removed",
        BreakReason::Added => "was added after the last one that was written",
        BreakReason::Log => "is not in the log of all events, or with another hash",
    };
    format!("Ticket {ticket_id}, event {seq} {what}.")
}

fn log_line(found: &LogBreak) -> String {
    let event = match (found.source, found.event_id) {
        (Some(source), Some(id)) => format!("{} event {id}", source.as_str()),
        _ => "entry".to_owned(),
    };
    let place = found.position.map(|position| format!(" at position {position}")).unwrap_or_default();
    let what = match found.reason {
        LogBreakReason::Hash => "was changed (actor, time, kind or content)",
        LogBreakReason::Log => "is not in the log of all events, or with another hash",
        LogBreakReason::Mismatch => "has another hash than its entry in the log",
        LogBreakReason::EventMissing => "was removed; its entry in the log is still there",
        LogBreakReason::EntryMissing => "of the log was removed, and maybe some after it",
    };
    format!("The {event}{place} {what}.")
}

fn head_line(head: &HeadBreak) -> String {
    let what = match head.reason {
        HeadBreakReason::Signature => "was not signed with a known key, or was changed",
        HeadBreakReason::Root => "is not that of the events before it: some were changed, removed or added",
        HeadBreakReason::RolledBack => "has more events than the log",
    };
    format!("The head of {} events in the database {what}.", head.size)
}
