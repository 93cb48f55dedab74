//! Inbound messages, for staff.

use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    InboundEmailAuthentication, InboundEmailReason, InboundEmailSource, InboundEmailStatus, process,
};
use crate::attachments::serve::{Download, RangeHeaders, serve};
use crate::audit::log::{self, AuditResource};
use crate::auth::policy::Action;
use crate::db::schema::inbound_emails as emails;
use crate::http::body::Content;
use crate::http::paging::{Page, Paging, read_page};
use crate::http::{Actor, Answer, Body, Call, Query};
use crate::people::{Person, person};
use crate::problem::{Problem, Result};

/// The metadata of an inbound message, without its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboundEmail {
    /// Identifier of the received email.
    id: Uuid,
    /// How the message was received.
    source: InboundEmailSource,
    /// When the message was received and stored.
    received_at: DateTime<Utc>,
    /// The size of the message in bytes.
    #[schema(minimum = 1, example = 48213)]
    #[serde(rename = "size_bytes")]
    size: i64,
    /// The SHA-256 digest of the message, in hexadecimal.
    #[schema(max_length = 64, example = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")]
    sha256: String,
    /// The `Message-ID` of the message, without the angle brackets; `null` if it has none.
    #[schema(max_length = 500, example = "5f1c9a2e@correo.itagui.gov.co")]
    #[serde(rename = "internet_message_id")]
    message_id: Option<String>,
    /// The address of the author (`From`), in lower case; `null` if the message names no author, or more than one.
    #[schema(max_length = 254, example = "rosa.perez@itagui.gov.co")]
    from_address: Option<String>,
    /// The address that the author wants answers at (`Reply-To`), in lower case; `null` if the message names none, or
    /// several. Answers go there only if its domain is that of the author, the entity's mail server verified the author,
    /// and the message became a ticket.
    #[schema(max_length = 254, example = json!(null))]
    #[serde(rename = "reply_to_address")]
    reply_to: Option<String>,
    /// The addresses that the message was sent to (`To` and `Cc`), in lower case; at most 50.
    #[schema(max_items = 50, max_length = 254, example = json!(["soporte@itagui.gov.co"]))]
    #[serde(rename = "recipient_addresses")]
    recipients: Vec<String>,
    /// The subject of the message; empty if it has none or cannot be read.
    #[schema(max_length = 200, example = "Sin red en el piso 3")]
    subject: String,
    /// Whether the entity's own mail server verified the domain of the author. `null` if the message was not processed,
    /// cannot be read, or was processed before this was recorded.
    authentication: Option<InboundEmailAuthentication>,
    /// The processing state.
    status: InboundEmailStatus,
    /// Why the message was set aside or ignored; `null` otherwise.
    reason: Option<InboundEmailReason>,
    /// Number of the ticket that was created from the message, or of the ticket of its followup; `null` if there is
    /// none.
    #[schema(example = 123)]
    ticket_id: Option<i64>,
    /// The followup that was created from the message; `null` if there is none.
    followup_id: Option<Uuid>,
    /// The names of files that were not attached because of their size or type.
    #[schema(max_length = 1000)]
    refused_files: Vec<String>,
    /// The number of attempts to process it.
    #[schema(minimum = 0, example = 1)]
    #[serde(rename = "attempt_count")]
    attempts: i16,
    /// When the message was processed; `null` until then.
    processed_at: Option<DateTime<Utc>>,
    /// The account that submitted the message to the API; `null` for the mailbox and the command.
    submitted_by: Option<Person>,
    /// The account that released the message after it had been set aside or ignored; `null` if it was not released.
    released_by: Option<Person>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = emails)]
struct Row {
    id: Uuid,
    source: InboundEmailSource,
    received_at: DateTime<Utc>,
    size: i64,
    sha256: String,
    message_id: Option<String>,
    from_address: Option<String>,
    reply_to: Option<String>,
    recipients: Vec<String>,
    subject: String,
    authentication: Option<InboundEmailAuthentication>,
    status: InboundEmailStatus,
    reason: Option<InboundEmailReason>,
    ticket_id: Option<i64>,
    followup_id: Option<Uuid>,
    refused_files: Vec<String>,
    attempts: i16,
    processed_at: Option<DateTime<Utc>>,
    submitted_by: Option<Uuid>,
    released_by: Option<Uuid>,
}

fn present(db: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<InboundEmail>> {
    let people =
        person::by_id(db, rows.iter().flat_map(|row| [row.submitted_by, row.released_by]).flatten())?;
    let name = |id: Option<Uuid>| id.and_then(|id| people.get(&id).cloned());
    let email = |row: Row| InboundEmail {
        id: row.id,
        source: row.source,
        received_at: row.received_at,
        size: row.size,
        sha256: row.sha256,
        message_id: row.message_id,
        from_address: row.from_address,
        reply_to: row.reply_to,
        recipients: row.recipients,
        subject: row.subject,
        authentication: row.authentication,
        status: row.status,
        reason: row.reason,
        ticket_id: row.ticket_id,
        followup_id: row.followup_id,
        refused_files: row.refused_files,
        attempts: row.attempts,
        processed_at: row.processed_at,
        submitted_by: name(row.submitted_by),
        released_by: name(row.released_by),
    };
    Ok(rows.into_iter().map(email).collect())
}

impl InboundEmail {
    pub fn id(&self) -> Uuid {
        self.id
    }
}

/// The messages with these ids.
pub fn by_ids(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<InboundEmail>> {
    let rows = emails::table.filter(emails::id.eq_any(ids)).select(Row::as_select()).load(db)?;
    present(db, rows)
}

/// One message as a response with its ETag, and whether a ticket or a followup was created from it.
///
/// # Errors
/// A 404 if there is none.
pub fn outcome(db: &mut PgConnection, id: Uuid, is_new: bool) -> Result<(Answer, bool)> {
    let (row, version): (Row, i32) =
        emails::table.find(id).select((Row::as_select(), emails::version)).get_result(db)?;
    let is_settled = row.status != InboundEmailStatus::Waiting;
    let email = present(db, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    let answer = match is_new {
        true => Answer::created(format!("/api/v1/inbound-emails/{id}"), &email)?,
        false => Answer::ok(&email)?,
    };
    Ok((answer.version(id, version), is_settled))
}

/// The filters of the list of messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmailFilters {
    /// Only messages in this processing state; repeat it for several states.
    #[serde(default)]
    #[param(required = false)]
    status: Vec<InboundEmailStatus>,
}

/// List received emails
///
/// The newest first.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseInboundEmails))),
    tag = "inbound emails", operation_id = "listInboundEmails", params(Paging, EmailFilters),
    responses((status = 200, body = Page<InboundEmail>, description = "One page of the received emails"))
)]
#[get("/inbound-emails")]
pub async fn list(call: Call, query: Query<EmailFilters>) -> Result<HttpResponse> {
    call.read(|db, _| {
        let (paging, filters) = query.read_list()?;
        let filtered = || {
            let all = emails::table.into_boxed();
            match filters.status.is_empty() {
                true => all,
                false => all.filter(emails::status.eq_any(&filters.status)),
            }
        };
        let (rows, total): (Vec<Row>, _) = read_page!(
            db,
            paging,
            "-received_at",
            filtered,
            (emails::received_at as DateTime<Utc>, emails::id as Uuid),
            Row::as_select()
        );
        let items = present(db, rows)?;
        paging.answer("-received_at", items, total, |email| (email.received_at, email.id))
    })
    .await
}

/// Read a received email
///
/// The sender, the times and the result of the processing; the message itself is at `/raw`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseInboundEmails))),
    tag = "inbound emails", operation_id = "getInboundEmail", params(("email_id" = Uuid, Path, description = "Identifier of the received email.")),
    responses((status = 200, body = InboundEmail, description = "The message and its processing state"))
)]
#[get("/inbound-emails/{email_id}")]
pub async fn read(call: Call, id: Path<Uuid>) -> Result<HttpResponse> {
    call.read(move |db, _| Ok(outcome(db, *id, false)?.0)).await
}

/// Download a received email
///
/// The original message, as it was received (RFC 5322). It is always sent as a download, so that a browser does not
/// open it as a page of this server. An interrupted download can be resumed with `Range` and `If-Range`.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseInboundEmails))),
    tag = "inbound emails", operation_id = "downloadInboundEmail", params(("email_id" = Uuid, Path, description = "Identifier of the received email."), RangeHeaders),
    responses(
        (status = 200, description = "The message", content_type = "message/rfc822", body = Content),
        (status = 206, description = "The part of the message that `Range` requests", content_type = "message/rfc822", body = Content),
        (status = 416, description = "`range_not_satisfiable`: `Content-Range` has the size of the message")
    )
)]
#[get("/inbound-emails/{email_id}/raw")]
pub async fn raw(call: Call, id: Path<Uuid>, request: HttpRequest) -> Result<HttpResponse> {
    let (storage_key, sha256, size): (String, String, i64) = call
        .check(move |db, actor| {
            let columns = (emails::storage_key, emails::sha256, emails::size);
            let found = emails::table.find(*id).select(columns).get_result(db)?;
            log::record_export(db, actor, AuditResource::InboundEmail, Some(id.to_string()), json!({}))?;
            Ok(found)
        })
        .await?;
    let content_type = "message/rfc822".to_owned();
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename("message.eml".to_owned())],
    };
    serve(&call.desk, &request, Download { storage_key, sha256, size, content_type, disposition }).await
}

/// How to process a message again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessingCreate {
    /// Accept the message even if it looks automatic, if the mail server did not verify its author, or if the sender
    /// is past the hourly limit; it then acts in the name of its author. A message of staff that was not verified
    /// stays set aside, as `sender_unverified` or `authentication_failed`, unless MESA_MAIL_TRUST is `all`.
    #[serde(default)]
    #[schema(required = false, default = false)]
    release: bool,
}

/// Process a received email again
///
/// Processes a message that was set aside or ignored: after the reason no longer applies (for example, the account of
/// its author is active again), or with `release` in spite of the reason. Returns the message with its new result.
/// Changes that a released message causes are recorded with the account that released it.
#[utoipa::path(
    extensions(("x-mesa-permission" = json!(Action::UseInboundEmails)), ("x-mesa-if-match" = json!(true))),
    tag = "inbound emails", operation_id = "processInboundEmail", params(("email_id" = Uuid, Path, description = "Identifier of the received email.")),
    request_body(content = Option<ProcessingCreate>),
    responses(
        (status = 200, body = InboundEmail, description = "The message and its processing state"),
        (status = 409, description = "`wrong_state`: a ticket or a followup was already created from the message"),
    )
)]
#[post("/inbound-emails/{email_id}/processing")]
pub async fn process_again(call: Call, id: Path<Uuid>, body: Body<ProcessingCreate>) -> Result<HttpResponse> {
    let (id, fingerprint, desk) = (*id, body.fingerprint(), call.desk.clone());
    let begin = move |tx: &mut PgConnection, actor: &Actor| take(tx, actor, id, body);
    let work = async move {
        process::process(&desk, id).await;
        Ok(())
    };
    let end = move |tx: &mut PgConnection, ()| outcome(tx, id, false);
    call.work(fingerprint, begin, work, end).await
}

fn take(tx: &mut PgConnection, actor: &Actor, id: Uuid, body: Body<ProcessingCreate>) -> Result<()> {
    let (status, version): (InboundEmailStatus, i32) =
        emails::table.find(id).select((emails::status, emails::version)).for_update().get_result(tx)?;
    let ProcessingCreate { release } = body.read()?;
    actor.check_version(id, version)?;
    if status == InboundEmailStatus::Processed {
        return Err(Problem::wrong_state(status.as_str()));
    }
    diesel::update(emails::table.find(id))
        .set((
            emails::status.eq(InboundEmailStatus::Waiting),
            emails::reason.eq(None::<InboundEmailReason>),
            emails::authentication.eq(None::<InboundEmailAuthentication>),
            emails::processed_at.eq(None::<DateTime<Utc>>),
            emails::attempts.eq(1),
            emails::next_attempt_at.eq(crate::db::now(tx)? + process::LEASE),
            emails::released_by.eq(release.then_some(actor.id)),
            emails::version.eq(emails::version + 1),
        ))
        .execute(tx)?;
    Ok(())
}
