//! Audit events about sign-ins and passwords.

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::audit::log::{AuditEvent, AuditKind, AuditResource, record};
use crate::problem::Result;

/// Records an audit event about an account, in the transaction of what it describes.
pub fn record_account_event(
    tx: &mut PgConnection,
    kind: AuditKind,
    user_id: Uuid,
    actor_id: Option<Uuid>,
) -> Result<()> {
    let at = crate::db::now(tx)?;
    let event = AuditEvent {
        kind,
        resource: AuditResource::User,
        resource_id: Some(user_id.to_string()),
        actor_id,
        changes: Vec::new(),
        details: json!({}),
    };
    record(tx, at, event)
}
