//! Reading the audit log.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log::{AuditKind, AuditResource};
use super::{Change, Data};
use crate::auth::person::Person;
use crate::auth::policy::Action;
use crate::db::json::Json;
use crate::db::schema::{audit_events, users};
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Answer, Call, Query};
use crate::problem::Result;

/// An entry of the audit log: a change, sign-in or export that does not belong to a ticket.
#[derive(Serialize, ToSchema)]
pub struct AuditLogEntry {
    /// Identifier of the entry.
    pub id: Uuid,
    /// What happened.
    pub kind: AuditKind,
    /// The kind of resource that it happened to.
    pub resource: AuditResource,
    /// The id of the resource in its path; `null` for a resource of which there is only one.
    #[schema(max_length = 100, example = "0197c0de-0000-7000-8000-000000000000")]
    pub resource_id: Option<String>,
    /// The account that acted; `null` for the server itself, a command, and a caller who is not signed in.
    pub actor: Option<Person>,
    /// The time of the event.
    #[serde(rename = "occurred_at")]
    pub at: DateTime<Utc>,
    /// The fields that changed, by the names of the database's columns; never a secret. A field that was `null` has
    /// no value before, one that becomes `null` has none after. Lists in separate tables, such as shifts, are one
    /// field.
    #[schema(max_items = 100)]
    pub changes: Vec<Change>,
    /// Data that the fields do not contain: `version` or `revision` of the resource after the change, what an export
    /// selected, the whole configuration.
    #[schema(value_type = Object)]
    pub details: Value,
    /// Whether values were removed from `changes` and `details`: personal data by law, or those of a record that was
    /// deleted after its retention period. Removed values are `[…]`.
    pub redacted: bool,
    /// SHA-256 over this event and a digest of `changes` and `details`, in hexadecimal.
    #[schema(max_length = 64, example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    pub hash: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct Row {
    id: Uuid,
    kind: AuditKind,
    resource: AuditResource,
    resource_id: Option<String>,
    at: DateTime<Utc>,
    data: Json<Data>,
    #[diesel(select_expression = audit_events::data_salt.is_null())]
    redacted: bool,
    hash: Vec<u8>,
}

type Found = (Row, Option<Person>);

impl From<Found> for AuditLogEntry {
    fn from((row, actor): Found) -> Self {
        let Json(Data { changes, details }) = row.data;
        AuditLogEntry {
            id: row.id,
            kind: row.kind,
            resource: row.resource,
            resource_id: row.resource_id,
            actor,
            at: row.at,
            changes,
            details,
            redacted: row.redacted,
            hash: hex::encode(row.hash),
        }
    }
}

/// The entries with these ids, in no particular order.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<AuditLogEntry>> {
    let rows: Vec<Found> = audit_events::table
        .left_join(users::table)
        .filter(audit_events::id.eq_any(ids))
        .select((Row::as_select(), Option::<Person>::as_select()))
        .load(db)?;
    Ok(rows.into_iter().map(AuditLogEntry::from).collect())
}

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditLogFilters {
    /// Entries of this kind. Repeat it to include several kinds.
    #[serde(default)]
    #[param(required = false)]
    kind: Vec<AuditKind>,
    /// Entries about this kind of resource. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    resource: Vec<AuditResource>,
    /// Entries about the resource with this id, as in its path.
    #[param(min_length = 1, max_length = 200)]
    resource_id: Option<String>,
    /// Entries of this account as the actor. Repeat it to include several.
    #[serde(default)]
    #[param(required = false)]
    actor_id: Vec<Uuid>,
    /// Entries at this time or later.
    occurred_from: Option<DateTime<Utc>>,
    /// Entries before this time, which is excluded.
    occurred_before: Option<DateTime<Utc>>,
}

/// List the entries of the audit log
///
/// Changes of accounts, catalogues, records of the procedure and configuration, sign-ins and exports, the newest
/// first: who, when, which fields. The events of a ticket are in `GET /tickets/{ticket_id}/events`. An entry never
/// changes, with two exceptions: personal data are removed by law, and values of records that are deleted after their
/// retention period are removed; the entry is then `redacted`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadAuditLog))),
    tag = "history", operation_id = "listAuditLogEntries", params(Paging, AuditLogFilters),
    responses((status = 200, body = Page<AuditLogEntry>, description = "One page of the entries"))
)]
#[get("/audit/log")]
pub async fn list(call: Call, query: Query<AuditLogFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let mut query = audit_events::table.left_join(users::table).into_boxed();
            if !filters.kind.is_empty() {
                query = query.filter(audit_events::kind.eq_any(&filters.kind));
            }
            if !filters.resource.is_empty() {
                query = query.filter(audit_events::resource.eq_any(&filters.resource));
            }
            if let Some(resource_id) = &filters.resource_id {
                query = query.filter(audit_events::resource_id.eq(resource_id));
            }
            if !filters.actor_id.is_empty() {
                query = query.filter(audit_events::actor_id.eq_any(&filters.actor_id));
            }
            if let Some(from) = filters.occurred_from {
                query = query.filter(audit_events::at.ge(from));
            }
            if let Some(before) = filters.occurred_before {
                query = query.filter(audit_events::at.lt(before));
            }
            query
        };
        let (rows, total): (Vec<Found>, _) = read_page!(
            db,
            paging,
            "-occurred_at",
            filtered,
            (audit_events::at as DateTime<Utc>, audit_events::id as Uuid),
            (Row::as_select(), Option::<Person>::as_select())
        );
        let items: Vec<AuditLogEntry> = rows.into_iter().map(AuditLogEntry::from).collect();
        paging.answer("-occurred_at", items, total, |entry| (entry.at, entry.id))
    })
    .await
}

/// Read an entry of the audit log
///
/// Its `ETag` changes only if values are removed from it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::ReadAuditLog))),
    tag = "history", operation_id = "getAuditLogEntry",
    params(("event_id" = Uuid, Path, description = "Identifier of the entry.")),
    responses((status = 200, body = AuditLogEntry, description = "The entry"))
)]
#[get("/audit/log/{event_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let found: Found = audit_events::table
            .left_join(users::table)
            .filter(audit_events::id.eq(*id))
            .select((Row::as_select(), Option::<Person>::as_select()))
            .first(db)?;
        Ok(Answer::ok(&AuditLogEntry::from(found))?.version(*id, 1))
    })
    .await
}
