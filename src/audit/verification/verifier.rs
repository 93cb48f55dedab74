//! The whole verification, step by step: tickets, then the audit log, then the log of all events and its tree.

use diesel::PgConnection;
use uuid::Uuid;

use super::heads::{ForeignHead, HeadStatus, Tree};
use super::log::{self, LogBreak};
use super::tickets::{self, Batch, Break, Span};
use crate::config::audit_keys::PublicKey;
use crate::problem::Result;

/// The next part to verify.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Only this ticket.
    Ticket(i64),
    /// The tickets after this one.
    Tickets(i64),
    /// The audit events after this one.
    AuditEvents(Uuid),
    Entries,
    Done,
}

/// The result of one step.
pub enum Found {
    Tickets(Vec<Break>),
    Log(Vec<LogBreak>),
}

/// The state of a verification.
pub struct Verifier {
    stage: Stage,
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
    /// Verifies everything; heads are verified with these keys.
    pub fn of_all(keys: Vec<PublicKey>, foreign: Option<ForeignHead>) -> Self {
        Verifier {
            stage: Stage::Tickets(0),
            is_of_one_ticket: false,
            tree: Tree::new(keys, foreign),
            tickets: 0,
            events: 0,
            audit_events: 0,
            redacted: 0,
            broken: 0,
        }
    }

    pub fn of_ticket(id: i64) -> Self {
        Verifier { stage: Stage::Ticket(id), is_of_one_ticket: true, ..Self::of_all(Vec::new(), None) }
    }

    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
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

    /// Verifies the next batch.
    pub fn step(&mut self, db: &mut PgConnection) -> Result<Found> {
        let found = match self.stage {
            Stage::Ticket(id) => {
                let batch = tickets::verified(db, Span { after: id - 1, last: id })?;
                self.stage = Stage::Done;
                self.add(batch)
            }
            Stage::Tickets(after) => {
                let batch = tickets::next(db, after)?;
                let last = batch.span.last;
                self.stage =
                    if last < i64::MAX { Stage::Tickets(last) } else { Stage::AuditEvents(Uuid::nil()) };
                self.add(batch)
            }
            Stage::AuditEvents(after) => {
                let batch = log::audit_events(db, after)?;
                self.audit_events += batch.count;
                self.redacted += batch.redacted;
                self.stage = batch.last.map_or(Stage::Entries, Stage::AuditEvents);
                Found::Log(batch.broken)
            }
            Stage::Entries => {
                let batch = log::entries(db, self.tree.next(), self.tree.size())?;
                if batch.is_last {
                    self.stage = Stage::Done;
                }
                Found::Log(self.tree.add(&batch.entries, batch.heads, batch.is_last))
            }
            Stage::Done => Found::Log(Vec::new()),
        };
        self.broken += match &found {
            Found::Tickets(broken) => broken.len(),
            Found::Log(broken) => broken.len(),
        };
        Ok(found)
    }

    fn add(&mut self, batch: Batch) -> Found {
        self.tickets += batch.counted.tickets;
        self.events += batch.counted.events;
        self.redacted += batch.counted.redacted;
        Found::Tickets(batch.broken)
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

/// Verifies everything in batches. The roots of heads are verified, their signatures are not.
pub fn whole(db: &mut PgConnection) -> Result<Whole> {
    let mut verifier = Verifier::of_all(Vec::new(), None);
    while !verifier.is_done() {
        verifier.step(db)?;
    }
    let broken = verifier.broken + verifier.tree.broken_heads.len();
    Ok(Whole { tickets: verifier.tickets, events: verifier.events, broken })
}
