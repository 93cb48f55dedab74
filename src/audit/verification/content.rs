//! The hashes of events, computed from the values that PostgreSQL sends, as its functions `event_hash`, `event_digest`,
//! `audit_event_hash` and `audit_event_digest` compute them when an event is written.

use sha2::{Digest, Sha256};

use super::json_array::JsonArray;
use crate::audit::tree::hash::Hash;

/// The hashed values of a ticket event besides its data. A value that PostgreSQL must not have (`NULL`) results in
/// another hash.
#[derive(Clone, Copy)]
pub struct TicketEvent<'a> {
    pub previous_hash: Option<&'a [u8]>,
    pub ticket_id: i64,
    pub seq: i32,
    pub id: &'a [u8],
    pub kind: Option<&'a [u8]>,
    pub actor_id: Option<&'a [u8]>,
    /// Microseconds since 2000, as PostgreSQL sends a `timestamptz`.
    pub at: Option<i64>,
    pub data_digest: Option<&'a [u8]>,
}

/// The hashed values of an audit event besides its data.
#[derive(Clone, Copy)]
pub struct AuditEvent<'a> {
    pub id: &'a [u8],
    pub kind: Option<&'a [u8]>,
    pub resource: Option<&'a [u8]>,
    pub resource_id: Option<&'a [u8]>,
    pub actor_id: Option<&'a [u8]>,
    /// Microseconds since 2000, as PostgreSQL sends a `timestamptz`.
    pub at: Option<i64>,
    pub data_digest: Option<&'a [u8]>,
}

/// Computes hashes, with one buffer for all of them.
#[derive(Default)]
pub struct Hasher(JsonArray);

impl Hasher {
    /// The result of `event_hash`.
    pub fn ticket_event(&mut self, event: &TicketEvent<'_>) -> Hash {
        let content = self
            .0
            .begin()
            .hex(event.previous_hash)
            .integer(event.ticket_id)
            .integer(i64::from(event.seq))
            .uuid(Some(event.id))
            .text(event.kind)
            .uuid(event.actor_id)
            .seconds(event.at)
            .hex(event.data_digest)
            .end();
        Sha256::digest(content).into()
    }

    /// The result of `audit_event_hash`.
    pub fn audit_event(&mut self, event: &AuditEvent<'_>) -> Hash {
        let content = self
            .0
            .begin()
            .uuid(Some(event.id))
            .text(event.kind)
            .text(event.resource)
            .text(event.resource_id)
            .uuid(event.actor_id)
            .seconds(event.at)
            .hex(event.data_digest)
            .end();
        Sha256::digest(content).into()
    }
}

/// The result of `event_digest` and `audit_event_digest` for data as PostgreSQL writes them as text.
pub fn digest(salt: &[u8], data: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(data).finalize().into()
}
