//! Processes stored messages: at once, and after a failure again by any copy of the server.

use actix_web::web::{Bytes, block};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use uuid::Uuid;

use super::message::{Fault, File, Message, verdict};
use super::outcome::{self, Outcome, Reading};
use super::{InboundEmailAuthentication, InboundEmailReason, InboundEmailStatus, files, links, words};
use crate::config::Config;
use crate::db::schema::inbound_emails as emails;
use crate::http::MailOrigin;
use crate::http::desk::Desk;
use crate::problem::{Problem, Result};

/// The lease of one copy of the server on a message; after that another takes it.
pub const LEASE: TimeDelta = TimeDelta::minutes(2);

/// How long to wait after each failed attempt, in minutes; after the last it is set aside.
const WAITS: [i64; 6] = [1, 5, 15, 60, 240, 720];

/// The number of messages in one round.
const BATCH: i64 = 20;

/// The columns that the processing needs.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = emails)]
pub struct Taken {
    pub id: Uuid,
    pub storage_key: String,
    pub attempts: i16,
}

/// Processes a message that the caller has leased. A failure is logged, and retried later.
pub async fn process(desk: &Desk, id: Uuid) {
    let taken =
        desk.db.run(move |db| Ok(emails::table.find(id).select(Taken::as_select()).get_result(db)?)).await;
    match taken {
        Ok(taken) => attempt(desk, taken).await,
        Err(problem) => log::warn!("message {id} will be tried again: {}", problem.log_line()),
    }
}

/// Processes the messages that are due.
///
/// # Errors
/// The database returns an error when they are leased.
pub async fn waiting(desk: &Desk) -> Result<usize> {
    let taken = desk.db.run(take).await?;
    let count = taken.len();
    for one in taken {
        attempt(desk, one).await;
    }
    Ok(count)
}

/// Leases messages that are due. Copies that do so at the same time take different ones.
fn take(db: &mut PgConnection) -> Result<Vec<Taken>> {
    let until = crate::db::now(db)? + LEASE;
    db.transaction(|tx| {
        let due: Vec<Uuid> = emails::table
            .filter(emails::status.eq(InboundEmailStatus::Waiting))
            .filter(emails::next_attempt_at.le(diesel::dsl::now))
            .order((emails::next_attempt_at, emails::id))
            .limit(BATCH)
            .select(emails::id)
            .for_update()
            .skip_locked()
            .load(tx)?;
        let taken = diesel::update(emails::table.filter(emails::id.eq_any(due)))
            .set((emails::attempts.eq(emails::attempts + 1), emails::next_attempt_at.eq(until)))
            .returning(Taken::as_returning())
            .get_results(tx)?;
        Ok(taken)
    })
}

async fn attempt(desk: &Desk, taken: Taken) {
    let (id, attempts) = (taken.id, taken.attempts);
    // No copy of the server recorded the result of the last attempt: the attempt may have ended the process.
    let given_up = tries(attempts) > WAITS.len() + 1;
    let tried = if given_up {
        Err(Problem::internal("its last attempt never ended"))
    } else {
        once(desk, taken).await
    };
    let Err(problem) = tried else { return };
    log::warn!("message {id}, try {attempts}: {}", problem.log_line());
    let later = move |db: &mut PgConnection| put_off(db, id, attempts);
    if let Err(problem) = desk.db.run(later).await {
        // The lease expires.
        log::warn!("message {id}: {}", problem.log_line());
    }
}

fn tries(attempts: i16) -> usize {
    usize::try_from(attempts).unwrap_or_default().max(1)
}

fn put_off(db: &mut PgConnection, id: Uuid, attempts: i16) -> Result<()> {
    let waiting = emails::table.find(id).filter(emails::status.eq(InboundEmailStatus::Waiting));
    let now = crate::db::now(db)?;
    match WAITS.get(tries(attempts) - 1) {
        Some(minutes) => {
            let next = now + TimeDelta::minutes(*minutes);
            diesel::update(waiting).set(emails::next_attempt_at.eq(next)).execute(db)?;
        }
        None => settle(db, id, &Outcome::None(InboundEmailReason::Failed), None, &[], now)?,
    }
    Ok(())
}

/// Reads the message, stores its files, and creates the ticket or the followup in one transaction.
async fn once(desk: &Desk, taken: Taken) -> Result<()> {
    let content = desk.files.get(&Path::from(taken.storage_key.as_str())).await.map_err(Problem::no_files)?;
    let bytes = content.bytes().await.map_err(Problem::no_files)?;
    let config = desk.config.clone();
    let read = block(move || read(&bytes, &config)).await.map_err(Problem::internal)?;
    let (reading, files) = match read {
        Ok(read) => {
            let files = files::store(desk, read.message.files).await?;
            (Some(Read { message: Message { files: Vec::new(), ..read.message }, ..read }), files)
        }
        Err(_) => (None, files::Files::default()),
    };
    let config = desk.config.clone();
    desk.db
        .run(move |db| {
            db.transaction(|tx| {
                let (status, submitted_by_id, released_by_id): (
                    InboundEmailStatus,
                    Option<Uuid>,
                    Option<Uuid>,
                ) = emails::table
                    .find(taken.id)
                    .select((emails::status, emails::submitted_by, emails::released_by))
                    .for_update()
                    .get_result(tx)?;
                // Another copy took it after the lease expired, and finished first.
                if status != InboundEmailStatus::Waiting {
                    return Ok(());
                }
                let at = crate::db::now(tx)?;
                let outcome = match &reading {
                    Some(Read { message, authentication, links }) => {
                        links::revoke(tx, links)?;
                        let origin = MailOrigin {
                            inbound_email_id: taken.id,
                            submitted_by_id,
                            // Staff may have released it since it was taken.
                            released_by_id,
                            unverified: *authentication != InboundEmailAuthentication::Aligned,
                        };
                        let reading = Reading { message, authentication: *authentication, origin };
                        outcome::decide(tx, &config, &reading, &files, at)?
                    }
                    None => Outcome::None(InboundEmailReason::NotUnderstood),
                };
                let authentication = reading.as_ref().map(|read| read.authentication);
                let refused: Vec<&str> = files.refused.iter().map(|file| file.name.as_str()).collect();
                settle(tx, taken.id, &outcome, authentication, &refused, at)
            })
        })
        .await
}

/// A message that was read.
struct Read {
    message: Message,
    authentication: InboundEmailAuthentication,
    /// The hashes of possible tokens of links in its text and in its files.
    links: Vec<Vec<u8>>,
}

/// The largest file that is searched for links, in bytes.
const LARGEST_SEARCHED: usize = 1024 * 1024;

fn read(bytes: &Bytes, config: &Config) -> std::result::Result<Read, Fault> {
    let (domain, address) = config.own_mail().unzip();
    let mut message = Message::read(bytes, domain, address)?;
    if message.text.chars().count() > words::LONGEST {
        let whole = links::with_hidden_tokens(&message.text).into_owned().into_bytes();
        message.files.push(File {
            name: "message.txt".into(),
            content_type: "text/plain".into(),
            bytes: whole,
        });
    }
    let authentication = match &config.mail_authserv_id {
        Some(id) => verdict(bytes, id, config.mail_hops).into(),
        None => InboundEmailAuthentication::Unverified,
    };
    let is_text =
        |file: &&File| file.content_type.starts_with("text/") || file.content_type == "message/rfc822";
    let searched = message.files.iter().filter(is_text).filter(|file| file.bytes.len() <= LARGEST_SEARCHED);
    let files: Vec<_> = searched.map(|file| String::from_utf8_lossy(&file.bytes)).collect();
    let texts = [message.text.as_str(), message.subject.as_str()];
    let links = links::candidates(texts.into_iter().chain(files.iter().map(AsRef::as_ref)));
    Ok(Read { message, authentication, links })
}

/// Records the result of a waiting message; a result that another copy recorded since is kept.
fn settle(
    tx: &mut PgConnection,
    id: Uuid,
    outcome: &Outcome,
    authentication: Option<InboundEmailAuthentication>,
    refused: &[&str],
    at: DateTime<Utc>,
) -> Result<()> {
    let (status, reason, ticket_id, followup_id) = match outcome {
        Outcome::Ticket(ticket) => (InboundEmailStatus::Processed, None, Some(*ticket), None),
        Outcome::Followup(ticket, followup) => {
            (InboundEmailStatus::Processed, None, Some(*ticket), Some(*followup))
        }
        Outcome::None(reason) => (reason.status(), Some(*reason), None, None),
    };
    diesel::update(emails::table.find(id).filter(emails::status.eq(InboundEmailStatus::Waiting)))
        .set((
            emails::status.eq(status),
            emails::reason.eq(reason),
            emails::authentication.eq(authentication),
            emails::ticket_id.eq(ticket_id),
            emails::followup_id.eq(followup_id),
            emails::refused_files.eq(refused),
            emails::processed_at.eq(at),
            emails::version.eq(emails::version + 1),
        ))
        .execute(tx)?;
    Ok(())
}
