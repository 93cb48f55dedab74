//! An entry of the log with all that decides who may read it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;
use uuid::Uuid;

/// An entry of the log: the event, and the state of its resource when the entry was read.
#[derive(Debug, Clone, QueryableByName)]
pub struct Entry {
    /// Its position in the log, from 0 on.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = Binary)]
    pub hash: Vec<u8>,
    #[diesel(sql_type = SqlUuid)]
    pub event_id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// The ticket of an event of a ticket.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub ticket_id: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub ticket_version: Option<i32>,
    /// The requester of the ticket, or of the ticket of the survey.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub requester_id: Option<Uuid>,
    /// The unit of the requester of the ticket.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub unit_id: Option<Uuid>,
    /// The category of the ticket.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub category_id: Option<Uuid>,
    /// The resource of an audit event.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_id: Option<String>,
    /// The names of the fields that changed.
    #[diesel(sql_type = Array<Text>)]
    pub fields: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    pub details: Value,
    /// Whether requesters may read it: the followup or file is public. `true` for everything that is neither.
    #[diesel(sql_type = Bool)]
    pub is_public: bool,
}

/// The columns of an entry, of `l` (the entry of the log) and `OF_ENTRY`.
pub const COLUMNS: &str = "\
    l.position, l.hash, l.event_id, coalesce(e.kind, a.kind) AS kind, coalesce(e.at, a.at) AS at, \
    coalesce(e.actor_id, a.actor_id) AS actor_id, e.ticket_id, t.version AS ticket_version, \
    coalesce(t.requester_id, s.requester_id) AS requester_id, \
    t.requester_unit_id AS unit_id, t.category_id, a.resource, a.resource_id, \
    ARRAY(SELECT change ->> 'field' FROM jsonb_array_elements(coalesce(e.data, a.data) -> 'changes') AS change) AS fields, \
    coalesce(e.data, a.data) -> 'details' AS details, \
    CASE WHEN e.kind = 'followup_added' THEN e.data -> 'details' ->> 'visibility' = 'public' \
        WHEN e.kind = 'file_attached' THEN coalesce((\
            SELECT bool_and(f.id IS NULL OR f.visibility = 'public') \
            FROM jsonb_array_elements_text(coalesce(e.data -> 'details' -> 'attachment_ids', \
                jsonb_build_array(e.data -> 'details' -> 'attachment_id'))) AS named (id) \
            JOIN attachments file ON file.id = named.id::uuid LEFT JOIN followups f ON f.id = file.followup_id), false) \
        ELSE true END AS is_public";

/// What an entry of the log is about. Each row is looked up by its key: PostgreSQL would read whole tables for a join of a
/// thousand entries.
pub const OF_ENTRY: &str = "\
    LEFT JOIN LATERAL (SELECT kind, at, actor_id, ticket_id, data FROM events WHERE l.source = 'ticket' AND id = l.event_id OFFSET 0) e ON true \
    LEFT JOIN LATERAL (SELECT version, requester_id, requester_unit_id, category_id FROM tickets WHERE id = e.ticket_id OFFSET 0) t ON true \
    LEFT JOIN LATERAL (SELECT kind, at, actor_id, resource, resource_id, data FROM audit_events WHERE l.source = 'audit' AND id = l.event_id OFFSET 0) a ON true \
    LEFT JOIN LATERAL (SELECT requester_id FROM surveys WHERE a.resource = 'survey' \
        AND id = CASE WHEN a.resource = 'survey' THEN a.resource_id::uuid END OFFSET 0) s ON true";
