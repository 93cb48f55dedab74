//! The order in which everything is verified, in batches: tickets, then the audit log, then the log of all events.
//!
//! A batch is found and read in one snapshot. The next one can be found as soon as this one is, so that several can be
//! read at the same time; their snapshots are in the order of the batches.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use uuid::Uuid;

use super::log::EntryBatch;
use super::seen::Seen;
use super::{audit_events, log, tickets};
use crate::problem::Result;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Only this ticket.
    Ticket(i64),
    /// The tickets after this one.
    Tickets(i64),
    /// The audit events after this one.
    AuditEvents(Uuid),
    /// The entries of the log from this position on, and how many entries are before it.
    Entries {
        from: i64,
        size: i64,
    },
    Done,
}

/// The next part, and where it is.
enum Part {
    Tickets(tickets::Span),
    AuditEvents(audit_events::Span),
    Entries(log::Span),
    Nothing,
}

/// What was read and verified.
pub enum Batch {
    Tickets(tickets::Batch),
    AuditEvents(audit_events::Batch),
    Entries(EntryBatch),
}

impl Plan {
    pub const ALL: Plan = Plan::Tickets(0);

    /// Finds, reads and verifies the next batch; `None` if there is none. `then` gets what comes after it as soon as
    /// that is known. `seen` is the same for all batches of a verification.
    ///
    /// # Errors
    /// The error of PostgreSQL, and a fault of the server if a row is not as the tables allow it.
    pub fn verify(
        self,
        db: &mut PgConnection,
        seen: &Seen,
        then: impl FnOnce(Plan),
    ) -> Result<Option<Batch>> {
        db.build_transaction().read_only().repeatable_read().run(|tx| {
            // Compiling the statements would take longer than they do.
            tx.batch_execute("SET LOCAL jit = off")?;
            let (part, next) = self.find(tx)?;
            then(next);
            Ok(match part {
                Part::Tickets(span) => Some(Batch::Tickets(tickets::verified(tx, span, seen)?)),
                Part::AuditEvents(span) => Some(Batch::AuditEvents(audit_events::verified(tx, span, seen)?)),
                Part::Entries(span) => Some(Batch::Entries(log::entries(tx, span, seen)?)),
                Part::Nothing => None,
            })
        })
    }

    fn find(self, tx: &mut PgConnection) -> Result<(Part, Plan)> {
        Ok(match self {
            Plan::Ticket(id) => {
                (Part::Tickets(tickets::Span { after: id.saturating_sub(1), last: id }), Plan::Done)
            }
            Plan::Tickets(after) => {
                let span = tickets::next(tx, after)?;
                let next = if span.last < i64::MAX {
                    Plan::Tickets(span.last)
                } else {
                    Plan::AuditEvents(Uuid::nil())
                };
                (Part::Tickets(span), next)
            }
            Plan::AuditEvents(after) => {
                let (span, is_followed) = audit_events::next(tx, after)?;
                let next = if is_followed {
                    Plan::AuditEvents(span.last)
                } else {
                    Plan::Entries { from: 0, size: 0 }
                };
                (Part::AuditEvents(span), next)
            }
            Plan::Entries { from, size } => {
                let span = log::next(tx, from, size)?;
                let next = span.last.map_or(Plan::Done, |last| Plan::Entries {
                    from: last.saturating_add(1),
                    size: span.size_after(),
                });
                (Part::Entries(span), next)
            }
            Plan::Done => (Part::Nothing, Plan::Done),
        })
    }
}
