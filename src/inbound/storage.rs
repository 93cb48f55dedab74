//! Stores a message unchanged, before it is processed.

use actix_web::web::Bytes;
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::message::{Fault, Summary};
use super::{InboundEmailReason, InboundEmailSource, InboundEmailStatus, process};
use crate::attachments::content;
use crate::db::schema::inbound_emails as emails;
use crate::http::desk::Desk;
use crate::problem::{Code, Problem, Result, Text};

/// A stored message.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    pub id: Uuid,
    /// False if the same message was stored before.
    pub is_new: bool,
    /// Whether the caller should process it now.
    pub to_process: bool,
}

/// The columns of a message.
struct Row {
    id: Uuid,
    source: InboundEmailSource,
    submitted_by: Option<Uuid>,
    size: i64,
    sha256: String,
    storage_key: String,
    identity: String,
    author_hash: String,
    message_id: Option<String>,
    from_address: Option<String>,
    reply_to: Option<String>,
    recipients: Vec<String>,
    subject: String,
}

/// Stores a message, its content in the object store first; a known one is not stored again. `submitted_by` is the
/// account that submitted it to the API.
///
/// # Errors
/// `Code::TooLarge`; `Code::InvalidBody` if it cannot be a message; `Code::Unavailable` if it cannot be stored for now.
pub async fn store(
    desk: &Desk,
    source: InboundEmailSource,
    submitted_by: Option<Uuid>,
    bytes: Bytes,
) -> Result<Kept> {
    let limit = desk.config.mail_max_bytes;
    if bytes.len() > limit {
        return Err(too_large(limit));
    }
    let content = bytes.clone();
    let (row, reason) = actix_web::web::block(move || Row::read(source, submitted_by, &content))
        .await
        .map_err(Problem::internal)??;
    content::put(desk, &row.storage_key, bytes).await?;
    desk.db.run(move |db| db.transaction(|tx| row.insert(tx, reason))).await
}

#[track_caller]
pub fn too_large(limit: usize) -> Problem {
    Problem::new(
        Code::TooLarge,
        Text::made(
            format!("El mensaje admite hasta {limit} bytes."),
            format!("The message may have up to {limit} bytes."),
        ),
    )
}

impl Row {
    /// With the reason to set it aside if it cannot be read.
    fn read(
        source: InboundEmailSource,
        submitted_by: Option<Uuid>,
        bytes: &[u8],
    ) -> Result<(Self, Option<InboundEmailReason>)> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let mut row = Row {
            id: Uuid::now_v7(),
            source,
            submitted_by,
            size: i64::try_from(bytes.len()).map_err(Problem::internal)?,
            storage_key: format!("mail/{}/{sha256}", &sha256[..2]),
            identity: format!("hash:{sha256}"),
            author_hash: sha256.clone(),
            sha256,
            message_id: None,
            from_address: None,
            reply_to: None,
            recipients: Vec::new(),
            subject: String::new(),
        };
        let summary = match Summary::read(bytes) {
            Ok(summary) => summary,
            Err(Fault::NotAMessage) => return Err(not_a_message()),
            Err(Fault::HeaderTooLarge | Fault::TooComplex) => {
                return Ok((row, Some(InboundEmailReason::NotUnderstood)));
            }
        };
        row.author_hash = author_hash(&summary);
        row.identity = match &summary.message_id {
            Some(id) => format!("id:{id}"),
            None => format!("hash:{}", row.author_hash),
        };
        row.message_id = summary.message_id;
        row.from_address = summary.from.map(|from| from.address);
        row.reply_to = summary.reply_to.map(|reply_to| reply_to.address);
        row.recipients = summary.recipients;
        row.subject = summary.subject;
        Ok((row, None))
    }

    fn insert(mut self, tx: &mut PgConnection, mut reason: Option<InboundEmailReason>) -> Result<Kept> {
        if self.write(tx, reason)? {
            return Ok(Kept { id: self.id, is_new: true, to_process: reason.is_none() });
        }
        let (known, author_hash) = self.known(tx)?;
        if author_hash == self.author_hash {
            return Ok(Kept { id: known, is_new: false, to_process: false });
        }
        // A program that gives every message the same id must not lose one.
        reason = Some(InboundEmailReason::MessageIdReused);
        self.identity = format!("hash:{}", self.author_hash);
        if self.write(tx, reason)? {
            return Ok(Kept { id: self.id, is_new: true, to_process: false });
        }
        let (known, _) = self.known(tx)?;
        Ok(Kept { id: known, is_new: false, to_process: false })
    }

    /// False if there is one of the same identity.
    fn write(&self, tx: &mut PgConnection, reason: Option<InboundEmailReason>) -> Result<bool> {
        let now = crate::db::now(tx)?;
        let written = diesel::insert_into(emails::table)
            .values((
                (
                    emails::id.eq(self.id),
                    emails::source.eq(self.source),
                    emails::submitted_by.eq(self.submitted_by),
                    emails::received_at.eq(now),
                    emails::size.eq(self.size),
                    emails::sha256.eq(&self.sha256),
                    emails::storage_key.eq(&self.storage_key),
                    emails::identity.eq(&self.identity),
                    emails::author_hash.eq(&self.author_hash),
                    emails::message_id.eq(&self.message_id),
                    emails::from_address.eq(&self.from_address),
                    emails::subject.eq(&self.subject),
                    emails::reply_to.eq(&self.reply_to),
                    emails::recipients.eq(&self.recipients),
                ),
                (
                    emails::status.eq(reason.map_or(InboundEmailStatus::Waiting, InboundEmailReason::status)),
                    emails::reason.eq(reason),
                    emails::processed_at.eq(reason.map(|_| now)),
                    // The process that stores it processes it; if that copy of the server stops, another does so
                    // later.
                    emails::attempts.eq(i16::from(reason.is_none())),
                    emails::next_attempt_at.eq(now + process::LEASE),
                ),
            ))
            .on_conflict(emails::identity)
            .do_nothing()
            .execute(tx)?;
        Ok(written == 1)
    }

    fn known(&self, tx: &mut PgConnection) -> Result<(Uuid, String)> {
        let known = emails::table.filter(emails::identity.eq(&self.identity));
        Ok(known.select((emails::id, emails::author_hash)).first(tx)?)
    }
}

#[track_caller]
fn not_a_message() -> Problem {
    Problem::new(
        Code::InvalidBody,
        Text::new(
            "No es un mensaje de correo: no tiene ningún campo de encabezado.",
            "It is not a mail message: it has no header field.",
        ),
    )
}

/// Computed over the author's part, whatever servers added on the way and whatever line endings they use.
fn author_hash(summary: &Summary<'_>) -> String {
    let mut hash = Sha256::new().chain_update(&summary.author_fields).chain_update(b"\n");
    let body = summary.body.trim_ascii_end();
    for line in body.split(|byte| *byte == b'\r') {
        hash.update(line);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(message: &str) -> (String, String) {
        let (row, reason) = Row::read(InboundEmailSource::Api, None, message.as_bytes()).unwrap();
        assert_eq!(reason, None);
        (row.identity, row.author_hash)
    }

    #[test]
    fn the_same_message_is_known_whatever_servers_did_to_it() {
        let message = "From: a@x.co\nSubject: Sin\n red\nMessage-ID: <1@x.co>\n\nUno\nDos\n";
        let on_the_way = "From a@x.co Tue\nReturn-Path: <a@x.co>\r\nReceived: by mx\r\nFrom:  a@x.co\r\nSubject: Sin red\r\n\
                          Message-ID: <1@x.co>\r\n\r\nUno\r\nDos\r\n\r\n";
        assert_eq!(identity(message), identity(on_the_way));
        assert_eq!(identity(message).0, "id:1@x.co");
        let without_id = message.replace("Message-ID: <1@x.co>\n", "");
        assert!(identity(&without_id).0.starts_with("hash:"));
        assert_ne!(identity(&without_id), identity(&without_id.replace("Uno", "Tres")));
        assert_ne!(identity(&without_id), identity(&without_id.replace("a@x.co", "b@x.co")));
        // An id that cannot be stored still distinguishes two messages, and so do the messages that they reply to.
        let too_long = |end: u8| message.replace("1@x.co", &format!("{}{end}@x.co", "1".repeat(600)));
        assert_ne!(identity(&too_long(1)), identity(&too_long(2)));
        assert_ne!(identity(&without_id), identity(&format!("References: <0@x.co>\n{without_id}")));
    }
}
