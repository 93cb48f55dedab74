//! Tree heads and the key that they are signed with, as auditors read them.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::heads::HeadReason;
use crate::auth::policy::Action;
use crate::db::schema::tree_heads as rows;
use crate::http::paging::{NoFilters, Page, Paging, read_page};
use crate::http::{Answer, Call, Query};
use crate::problem::{Problem, Result};

/// A signed head of the Merkle tree over all events. A copy kept elsewhere can prove later that no event up to it was
/// changed or removed.
#[derive(Serialize, ToSchema)]
pub struct TreeHead {
    /// The number of events in the tree.
    #[schema(minimum = 1, example = 1)]
    #[serde(rename = "tree_size")]
    size: i64,
    /// The root of the tree (RFC 6962, SHA-256), in base64.
    #[schema(min_length = 44, max_length = 44, example = "CsUlJp0Z1pXmZpTSAjjGJrnAl/yKqLPvUjSQ1VCh4hQ=")]
    root: String,
    /// The time at which the head was made.
    #[serde(rename = "created_at")]
    at: DateTime<Utc>,
    /// Why the head was made at this time.
    reason: HeadReason,
    /// The key that signed it: the middle part of a public key of `GET /audit/key`.
    #[schema(min_length = 8, max_length = 8, example = "3f1a09c2")]
    key_id: String,
    /// The head as a text to be kept: a C2SP checkpoint in a C2SP signed note, signed with Ed25519. `mesa audit
    /// verify --head` reads it.
    #[schema(max_length = 4000)]
    note: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
struct Row {
    size: i64,
    root: Vec<u8>,
    at: DateTime<Utc>,
    reason: HeadReason,
    key_id: String,
    note: String,
}

impl From<Row> for TreeHead {
    fn from(row: Row) -> Self {
        let Row { size, root, at, reason, key_id, note } = row;
        TreeHead { size, root: BASE64_STANDARD.encode(root), at, reason, key_id, note }
    }
}

/// The note of the newest head; `None` if there is none.
pub fn newest_note(db: &mut PgConnection) -> Result<Option<String>> {
    Ok(rows::table.order(rows::size.desc()).select(rows::note).first(db).optional()?)
}

/// List signed tree heads
///
/// The newest first. A head is made once a day, after midnight by the entity's clock, and at each approval of a
/// quarterly report, if there are new events; the first one as soon as a key is configured. The list is empty until
/// then.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::VerifyAudit))),
    tag = "history", operation_id = "listTreeHeads", params(Paging),
    responses((status = 200, body = Page<TreeHead>, description = "One page of the tree heads"))
)]
#[get("/audit/heads")]
pub async fn list(call: Call, query: Query<NoFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, _) = query.read_list()?;
        let (found, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            "-size",
            || rows::table.into_boxed(),
            (rows::size as i64, rows::size as i64),
            Row::as_select()
        );
        let items: Vec<TreeHead> = found.into_iter().map(TreeHead::from).collect();
        paging.answer("-size", items, total, |head| (head.size, head.size))
    })
    .await
}

/// Read a signed tree head
///
/// By its size. A 404 for a size for which no head was made.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::VerifyAudit))),
    tag = "history", operation_id = "getTreeHead",
    params(("tree_size" = i64, Path, minimum = 1, description = "The number of events in the tree of the head.")),
    responses(
        (status = 200, body = TreeHead, description = "The tree head"),
        (status = 404, description = "`not_found`: no head has this size"),
    )
)]
#[get("/audit/heads/{tree_size}")]
pub async fn read(call: Call, size: Path<i64>) -> Result<HttpResponse> {
    call.read(move |db, _| {
        let found: Option<Row> =
            rows::table.find(*size).select(Row::as_select()).get_result(db).optional()?;
        let head = TreeHead::from(found.ok_or_else(Problem::not_found)?);
        Ok(Answer::ok(&head)?.version(format!("head {size}"), 1))
    })
    .await
}

/// The keys that verify tree heads.
#[derive(Serialize, ToSchema)]
pub struct AuditKey {
    /// The key that currently signs heads, as C2SP signed notes write it (`name+id+base64`); `null` if none is
    /// configured, so that no heads are made.
    #[schema(max_length = 500, example = "mesa/audit+94c6a7ed+AQG5m7Ro0Lw6JvRrqC8rcR8y2n3TuW8E0wYBDVYz8mO6")]
    public_key: Option<String>,
    /// Keys that signed heads before.
    #[schema(max_length = 500, max_items = 100)]
    #[serde(rename = "previous_keys")]
    previous: Vec<String>,
}

/// Read the public key of tree heads
///
/// Keep it with the heads: `mesa audit verify --key` takes it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::VerifyAudit))),
    tag = "history", operation_id = "getAuditKey",
    responses(
        (status = 200, body = AuditKey, description = "The current key and the previous ones"),
    )
)]
#[get("/audit/key")]
pub async fn public_key(call: Call) -> Result<HttpResponse> {
    let audit = call.desk.config.audit.clone();
    call.read(move |_, _| {
        let key = AuditKey {
            public_key: audit.signer.as_ref().map(|signer| signer.public().to_string()),
            previous: audit.previous.iter().map(ToString::to_string).collect(),
        };
        Ok(Answer::ok(&key)?.version("key", 1))
    })
    .await
}
