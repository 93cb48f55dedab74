//! What a verification has found.

use diesel::PgConnection;

use super::heads::{ForeignHead, HeadStatus, Tree};
use super::log::LogBreak;
use super::plan::{Batch, Plan};
use super::seen::Seen;
use super::tickets::Break;
use crate::config::audit_keys::PublicKey;
use crate::problem::Result;

/// The result of one batch.
pub enum Found {
    Tickets(Vec<Break>),
    Log(Vec<LogBreak>),
}

/// The result as far as batches were added.
pub struct Verifier {
    /// Whether only one ticket is verified.
    pub is_of_one_ticket: bool,
    pub tree: Tree,
    pub tickets: i64,
    pub events: i64,
    pub audit_events: i64,
    pub redacted: i64,
    /// The number of places where histories and the log are broken.
    pub broken: usize,
}

impl Verifier {
    /// For everything; heads are verified with these keys.
    pub fn of_all(keys: Vec<PublicKey>, foreign: Option<ForeignHead>) -> Self {
        Verifier {
            is_of_one_ticket: false,
            tree: Tree::new(keys, foreign),
            tickets: 0,
            events: 0,
            audit_events: 0,
            redacted: 0,
            broken: 0,
        }
    }

    pub fn of_ticket() -> Self {
        Verifier { is_of_one_ticket: true, ..Self::of_all(Vec::new(), None) }
    }

    /// Whether nothing is broken, once it is complete.
    pub fn is_whole(&self) -> bool {
        self.broken == 0
            && self.tree.broken_heads.is_empty()
            && self.foreign().is_none_or(|(_, status)| status == HeadStatus::Consistent)
    }

    /// The relation of the history to the head that was kept elsewhere, once it is complete.
    pub fn foreign(&self) -> Option<(ForeignHead, HeadStatus)> {
        self.tree.foreign(self.broken == 0)
    }

    /// Adds the next batch, in the order of the plan.
    pub fn add(&mut self, batch: Batch) -> Found {
        let found = match batch {
            Batch::Tickets(batch) => {
                self.tickets += batch.counted.tickets;
                self.events += batch.counted.events;
                self.redacted += batch.counted.redacted;
                Found::Tickets(batch.broken)
            }
            Batch::AuditEvents(batch) => {
                self.audit_events += batch.count;
                self.redacted += batch.redacted;
                Found::Log(batch.broken)
            }
            Batch::Entries(batch) => Found::Log(self.tree.add(&batch.entries, batch.heads, batch.is_last)),
        };
        self.broken += match &found {
            Found::Tickets(broken) => broken.len(),
            Found::Log(broken) => broken.len(),
        };
        found
    }
}

/// The result of verifying everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whole {
    pub tickets: i64,
    pub events: i64,
    /// The number of places where the history is broken, heads included.
    pub broken: usize,
}

/// Verifies everything in batches, with one connection. The roots of heads are verified, their signatures are not.
///
/// # Errors
/// The error of PostgreSQL.
pub fn whole(db: &mut PgConnection) -> Result<Whole> {
    let mut verifier = Verifier::of_all(Vec::new(), None);
    let mut plan = Plan::ALL;
    let seen = Seen::default();
    while let Some(batch) = plan.verify(db, &seen, |next| plan = next)? {
        verifier.add(batch);
    }
    let broken = verifier.broken + verifier.tree.broken_heads.len();
    Ok(Whole { tickets: verifier.tickets, events: verifier.events, broken })
}
