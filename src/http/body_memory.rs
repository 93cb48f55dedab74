//! The memory that request bodies may take: one budget for all requests of this process.
//!
//! A request never waits for memory: beyond the budget, or beyond its client's share of it, it is a 503 at once. So
//! bodies cannot wait for each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client_key::ClientKey;
use crate::problem::{Code, Problem, Reason, Result, Text};

/// Bytes that are counted for each body in addition to its content: the buffers of its connection.
const CONNECTION_BUFFERS: usize = 16 * 1024;

/// The budget.
pub struct BodyMemory {
    limit: usize,
    used: Mutex<Used>,
}

/// Bytes in use.
#[derive(Default)]
struct Used {
    total: usize,
    unauthenticated: usize,
    clients: HashMap<ClientKey, usize>,
}

impl BodyMemory {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(BodyMemory { limit, used: Mutex::default() })
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.lock().total
    }

    /// Begins the count of one body.
    ///
    /// # Errors
    /// [`Code::Unavailable`] if the budget or the client's share is in use.
    pub fn reserve(self: &Arc<Self>, client: ClientKey) -> Result<Reservation> {
        let mut reservation = Reservation { memory: Arc::clone(self), client: client.site(), bytes: 0 };
        reservation.set(CONNECTION_BUFFERS)?;
        Ok(reservation)
    }

    /// The maximum that one client may use: half of the budget for an account, an eighth for a site without a token.
    fn share(&self, client: &ClientKey) -> usize {
        if client.is_authenticated() { self.limit / 2 } else { self.limit / 8 }
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of the budget that one body takes, until it is dropped.
pub struct Reservation {
    memory: Arc<BodyMemory>,
    client: ClientKey,
    bytes: usize,
}

impl Reservation {
    /// Counts a buffer of this capacity; if it shrinks, the difference is released when the body is dropped.
    ///
    /// # Errors
    /// [`Code::Unavailable`] if the budget or the client's share is in use.
    pub fn grow_to(&mut self, capacity: usize) -> Result<()> {
        self.set(capacity.saturating_add(CONNECTION_BUFFERS))
    }

    fn set(&mut self, bytes: usize) -> Result<()> {
        let more = bytes.saturating_sub(self.bytes);
        let share = self.memory.share(&self.client);
        let mut used = self.memory.lock();
        let of_client = used.clients.get(&self.client).copied().unwrap_or(0).saturating_add(more);
        let total = used.total.saturating_add(more);
        let mut unauthenticated = used.unauthenticated;
        if !self.client.is_authenticated() {
            unauthenticated = unauthenticated.saturating_add(more);
        }
        // Clients without a token together never use more than a quarter of it.
        if of_client > share || total > self.memory.limit || unauthenticated > self.memory.limit / 4 {
            return Err(Problem::new(
                Code::Unavailable,
                Text::new(
                    "El servidor está recibiendo demasiados datos; intente de nuevo en unos segundos.",
                    "The server is receiving too much data; try again in a few seconds.",
                ),
            )
            .because(Reason::BodyMemory));
        }
        used.total = total;
        used.unauthenticated = unauthenticated;
        used.clients.insert(self.client.clone(), of_client);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.memory.lock();
        used.total -= self.bytes;
        if !self.client.is_authenticated() {
            used.unauthenticated -= self.bytes;
        }
        if let Some(bytes) = used.clients.get_mut(&self.client) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                used.clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const MIB: usize = 1024 * 1024;

    fn network(number: u8) -> ClientKey {
        ClientKey::Network(format!("192.0.2.{number}"))
    }

    fn account(number: u128) -> ClientKey {
        ClientKey::Account(Uuid::from_u128(number))
    }

    /// A body of so many bytes, if it is admitted.
    fn body(memory: &Arc<BodyMemory>, client: ClientKey, bytes: usize) -> Option<Reservation> {
        let mut reservation = memory.reserve(client).ok()?;
        reservation.grow_to(bytes).ok().map(|()| reservation)
    }

    #[test]
    fn one_client_has_a_share_and_dropped_bodies_give_it_back() {
        let memory = BodyMemory::new(64 * MIB);
        let large = body(&memory, account(1), 30 * MIB).unwrap();
        assert!(body(&memory, account(1), 4 * MIB).is_none());
        let other = body(&memory, account(2), 30 * MIB).unwrap();
        // The budget itself is used up.
        assert!(body(&memory, account(3), 8 * MIB).is_none());
        drop((large, other));
        assert_eq!(memory.used(), 0);
        assert!(memory.lock().clients.is_empty());
        assert!(body(&memory, account(1), 30 * MIB).is_some());
    }

    #[test]
    fn clients_without_a_token_leave_most_to_the_others() {
        let memory = BodyMemory::new(64 * MIB);
        assert!(body(&memory, network(1), 9 * MIB).is_none());
        let held: Vec<_> = (1..10).filter_map(|number| body(&memory, network(number), 7 * MIB)).collect();
        assert_eq!(held.len(), 2);
        assert!(body(&memory, account(1), 30 * MIB).is_some());
    }

    #[test]
    fn the_networks_of_one_ipv6_site_share() {
        let memory = BodyMemory::new(64 * MIB);
        let key = |text: &str| ClientKey::Network(text.to_owned());
        let _held = body(&memory, key("2001:db8:1:1::"), 7 * MIB).unwrap();
        assert!(body(&memory, key("2001:db8:1:2::"), 7 * MIB).is_none());
        assert!(body(&memory, key("2001:db8:2:1::"), 7 * MIB).is_some());
    }

    #[test]
    fn many_small_bodies_of_one_network_are_bounded() {
        let memory = BodyMemory::new(64 * MIB);
        let held: Vec<_> = (0..1000).filter_map(|_| body(&memory, network(1), 10)).collect();
        assert!((400..=512).contains(&held.len()), "{}", held.len());
    }

    #[test]
    fn a_body_that_was_refused_more_memory_keeps_what_it_has() {
        let memory = BodyMemory::new(64 * MIB);
        let mut reservation = memory.reserve(network(1)).unwrap();
        reservation.grow_to(MIB).unwrap();
        assert!(reservation.grow_to(20 * MIB).is_err());
        assert_eq!(memory.used(), MIB + CONNECTION_BUFFERS);
        drop(reservation);
        assert_eq!(memory.used(), 0);
    }
}
