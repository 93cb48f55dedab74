//! Audit events: what happens to people, catalogues, configuration, sign-ins and exports.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::{Change, Data};
use crate::db::json::Json;
use crate::db::schema::audit_events as rows;
use crate::db::text_enum;
use crate::problem::Result;

text_enum! {
    /// What was done to the resource.
    pub enum AuditKind {
        Created = "created",
        Changed = "changed",
        Removed = "removed",
        /// A sign-in with the right password.
        SignedIn = "signed_in",
        /// A sign-in with a wrong password.
        SignInFailed = "sign_in_failed",
        SignedOut = "signed_out",
        /// A refresh token was used again long after its first use, which ended the sign-in.
        RefreshTokenReused = "refresh_token_reused",
        /// The person replaced their password, giving the current one.
        PasswordChanged = "password_changed",
        /// A link to set a new password was requested: by its owner if there is no actor, by staff otherwise.
        PasswordResetRequested = "password_reset_requested",
        /// A password was set by a link.
        PasswordReset = "password_reset",
        /// A link to set the first password was queued.
        Invited = "invited",
    }
}

text_enum! {
    /// The type of the resource that an audit event is about.
    pub enum AuditResource {
        User = "user",
    }
}

/// An audit event that is not written yet.
pub struct AuditEvent {
    pub kind: AuditKind,
    pub resource: AuditResource,
    /// The UUID or the key of the resource.
    pub resource_id: Option<String>,
    /// The account that did it; `None` for the server itself and for a caller who is not signed in.
    pub actor_id: Option<Uuid>,
    /// The fields that changed, without secrets.
    pub changes: Vec<Change>,
    /// A JSON object with what the fields do not say.
    pub details: Value,
}

/// Writes an audit event in the transaction of what it describes. The database hashes it and adds it to the log.
pub fn record(tx: &mut PgConnection, at: DateTime<Utc>, event: AuditEvent) -> Result<()> {
    let AuditEvent { kind, resource, resource_id, actor_id, changes, details } = event;
    diesel::insert_into(rows::table)
        .values((
            rows::id.eq(Uuid::now_v7()),
            rows::kind.eq(kind),
            rows::resource.eq(resource),
            rows::resource_id.eq(resource_id),
            rows::actor_id.eq(actor_id),
            rows::at.eq(at),
            rows::data.eq(Json(Data { changes, details })),
            // The database computes both.
            rows::data_digest.eq(Vec::new()),
            rows::hash.eq(Vec::new()),
        ))
        .execute(tx)?;
    Ok(())
}
