//! Follows the chains of hashes of consecutive tickets.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::content::{Hasher, TicketEvent, digest};
use super::tickets::{Batch, Break, BreakReason, Counted};

/// What is kept of a ticket besides its events.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub ticket_id: i64,
    /// Whether the ticket itself is there.
    pub exists: bool,
    /// Whether its requester was anonymized: only then its events may be redacted.
    pub is_anonymized: bool,
    /// The number of events that were written; `None` if the end of the history is missing.
    pub events: Option<i32>,
    /// The hash of the last one.
    pub hash: Option<Vec<u8>>,
}

/// An event as it was read.
pub struct Event<'a> {
    pub content: TicketEvent<'a>,
    pub hash: Option<&'a [u8]>,
    /// `None` if the event is redacted.
    pub salt: Option<&'a [u8]>,
    /// The data as PostgreSQL writes them as text.
    pub data: Option<&'a [u8]>,
    /// Whether the log has an entry with the hash of the event.
    pub is_logged: bool,
}

/// The chain of the ticket whose events are being added.
struct Chain {
    ticket_id: i64,
    known: Option<Known>,
    last_seq: i32,
    last_hash: Option<Vec<u8>>,
}

/// The tickets as far as their events were added.
pub struct Chains {
    known: Peekable<IntoIter<Known>>,
    current: Option<Chain>,
    hasher: Hasher,
    batch: Batch,
}

impl Chains {
    /// The tickets, by number.
    pub fn of(known: Vec<Known>) -> Self {
        let tickets = i64::try_from(known.iter().filter(|known| known.exists).count()).unwrap_or(i64::MAX);
        let counted = Counted { tickets, ..Counted::default() };
        Chains {
            known: known.into_iter().peekable(),
            current: None,
            hasher: Hasher::default(),
            batch: Batch { broken: Vec::new(), counted },
        }
    }

    /// Adds the next event, in the order of tickets and of places in the history.
    pub fn add(&mut self, event: &Event<'_>) {
        let TicketEvent { ticket_id, seq, .. } = event.content;
        self.batch.counted.events += 1;
        self.batch.counted.redacted += i64::from(event.salt.is_none());
        if self.current.as_ref().is_none_or(|chain| chain.ticket_id != ticket_id) {
            self.enter(ticket_id);
        }
        let Some(chain) = &mut self.current else { return };
        if let Some(reason) = fault(chain, event, &mut self.hasher) {
            self.batch.broken.push(Break { ticket_id, seq, reason });
        }
        chain.last_seq = seq;
        let last_hash = chain.last_hash.get_or_insert_default();
        last_hash.clear();
        match event.hash {
            Some(hash) => last_hash.extend_from_slice(hash),
            None => chain.last_hash = None,
        }
    }

    /// The result, once all events were added.
    pub fn end(mut self) -> Batch {
        self.leave();
        while let Some(known) = self.known.next() {
            self.without_events(&known);
        }
        self.batch
    }

    fn enter(&mut self, ticket_id: i64) {
        self.leave();
        let mut own = None;
        while let Some(known) = self.known.next_if(|known| known.ticket_id <= ticket_id) {
            match known.ticket_id.cmp(&ticket_id) {
                Ordering::Less => self.without_events(&known),
                _ => own = Some(known),
            }
        }
        if own.as_ref().is_some_and(|known| !known.exists) {
            self.missing(ticket_id, 0);
        }
        self.current = Some(Chain { ticket_id, known: own, last_seq: 0, last_hash: None });
    }

    /// Finds events that are missing after the last one of the ticket.
    fn leave(&mut self) {
        let Some(chain) = self.current.take() else { return };
        if let Some(known) = chain.known.filter(|known| known.exists)
            && known.events.unwrap_or(1) > chain.last_seq
        {
            self.missing(chain.ticket_id, chain.last_seq.saturating_add(1));
        }
    }

    fn without_events(&mut self, known: &Known) {
        if !known.exists {
            self.missing(known.ticket_id, 0);
        } else if known.events.unwrap_or(1) > 0 {
            self.missing(known.ticket_id, 1);
        }
    }

    fn missing(&mut self, ticket_id: i64, seq: i32) {
        self.batch.broken.push(Break { ticket_id, seq, reason: BreakReason::Missing });
    }
}

/// What is wrong with the next event of the chain.
fn fault(chain: &Chain, event: &Event<'_>, hasher: &mut Hasher) -> Option<BreakReason> {
    let seq = event.content.seq;
    let known = chain.known.as_ref();
    let written = known.and_then(|known| known.events);
    if chain.last_seq.checked_add(1) != Some(seq) {
        Some(BreakReason::Gap)
    } else if !has_its_hash(event, known.is_some_and(|known| known.is_anonymized), hasher) {
        Some(BreakReason::Hash)
    } else if event.content.previous_hash != chain.last_hash.as_deref() {
        Some(BreakReason::Link)
    } else if seq > written.unwrap_or(0) {
        Some(BreakReason::Added)
    } else if written == Some(seq) && known.and_then(|known| known.hash.as_deref()) != event.hash {
        Some(BreakReason::Link)
    } else if !event.is_logged {
        Some(BreakReason::Log)
    } else {
        None
    }
}

/// Whether hash and digest are those of the content. The content of a redacted event cannot be verified.
fn has_its_hash(event: &Event<'_>, may_be_redacted: bool, hasher: &mut Hasher) -> bool {
    let is_content_right = match (event.salt, event.data) {
        (None, _) => may_be_redacted,
        (Some(salt), Some(data)) => event.content.data_digest == Some(&digest(salt, data)),
        (Some(_), None) => false,
    };
    is_content_right && event.hash == Some(&hasher.ticket_event(&event.content))
}

#[cfg(test)]
mod tests;
