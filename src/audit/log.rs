//! Audit events: changes of people, catalogues and configuration, sign-ins and exports.
//!
//! Changes of rows are recorded by the trigger `record_change` of their table. `record` is for events that are not a
//! change of one row: an export, the configuration, a list in a separate table.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Change, Data};
use crate::db;
use crate::db::json::Json;
use crate::db::schema::audit_events as rows;
use crate::http::Actor;
use crate::language::text_enum;
use crate::problem::Result;

text_enum! {
    /// The action on the resource.
    pub enum AuditKind {
        Created = "created",
        Changed = "changed",
        Removed = "removed",
        /// A measurement or a quarterly report.
        Approved = "approved",
        /// Minutes.
        Signed = "signed",
        /// An article became visible to its readers.
        Published = "published",
        /// An improvement action was carried out.
        Completed = "completed",
        /// The effect of an improvement action was verified.
        Verified = "verified",
        /// A survey was answered; the event does not contain the answer.
        Answered = "answered",
        /// Attention times were applied to open tickets, or the retention rules to old records.
        Applied = "applied",
        /// An email was accepted although a check had set it aside.
        Released = "released",
        /// A message or an email is processed again.
        Retried = "retried",
        /// A person's data were erased by law.
        Anonymized = "anonymized",
        /// Data were exported as a file.
        Exported = "exported",
        /// A backup was restored into this database.
        Restored = "restored",
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
        ServiceAccount = "service_account",
        /// A key of a service account or of a person.
        AccessKey = "access_key",
        Webhook = "webhook",
        Absence = "absence",
        Unit = "unit",
        Category = "category",
        Calendar = "calendar",
        Holiday = "holiday",
        /// `resource_id` is the criticality.
        AttentionTime = "attention_time",
        AttentionApplication = "attention_application",
        SurveyQuestion = "survey_question",
        Survey = "survey",
        /// `resource_id` is the kind of record.
        RetentionRule = "retention_rule",
        RetentionRun = "retention_run",
        Article = "article",
        /// A file of an article or of an improvement action. Files of tickets are in the history of the ticket.
        Attachment = "attachment",
        Indicator = "indicator",
        Measurement = "measurement",
        Minutes = "minutes",
        ImprovementAction = "improvement_action",
        ImprovementFollowup = "improvement_followup",
        Risk = "risk",
        AccessGrant = "access_grant",
        /// `resource_id` is year and quarter: `2026/3`.
        QuarterlyReport = "quarterly_report",
        InboundEmail = "inbound_email",
        /// A message of the outbox.
        Message = "message",
        /// All tickets that a download selects; `resource_id` is `null`.
        TicketList = "ticket_list",
        /// The configuration of the server; `resource_id` is `null`.
        Configuration = "configuration",
        /// The whole desk; `resource_id` is `null`.
        Desk = "desk",
    }
}

/// An audit event that is not written yet.
pub struct AuditEvent {
    pub kind: AuditKind,
    pub resource: AuditResource,
    /// The UUID or the key of the resource.
    pub resource_id: Option<String>,
    /// The account that acted; `None` for the server itself and for a caller who is not signed in.
    pub actor_id: Option<Uuid>,
    /// The fields that changed, without secrets.
    pub changes: Vec<Change>,
    /// A JSON object with further data that the fields do not contain.
    pub details: Value,
}

/// Writes an audit event in the transaction of the change it describes. The database hashes it and adds it to the
/// log.
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

/// A field of a resource whose value is a list in a separate table.
pub struct Part {
    pub field: &'static str,
    pub from: Value,
    pub to: Value,
}

/// Records the lists that differ, as one change of the resource.
pub fn record_parts(
    tx: &mut PgConnection,
    actor: &Actor,
    resource: AuditResource,
    resource_id: Uuid,
    parts: impl IntoIterator<Item = Part>,
) -> Result<()> {
    let changes: Vec<Change> = parts
        .into_iter()
        .filter(|part| part.from != part.to)
        .map(|Part { field, from, to }| Change { field: field.to_owned(), from, to })
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let event = AuditEvent {
        kind: AuditKind::Changed,
        resource,
        resource_id: Some(resource_id.to_string()),
        actor_id: Some(actor.id),
        changes,
        details: json!({}),
    };
    // Not `actor.now`: the event comes after that of the row, which the trigger has written.
    let now = db::now(tx)?;
    record(tx, now, event)
}

/// Records an export of data, before the first byte is sent. `details`: what selects the data.
pub fn record_export(
    db: &mut PgConnection,
    actor: &Actor,
    resource: AuditResource,
    resource_id: Option<String>,
    details: Value,
) -> Result<()> {
    let event = AuditEvent {
        kind: AuditKind::Exported,
        resource,
        resource_id,
        actor_id: Some(actor.id),
        changes: Vec::new(),
        details,
    };
    record(db, actor.now, event)
}
