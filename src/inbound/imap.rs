//! Receives messages from a mailbox, when its server reports new mail, and periodically.

use std::fmt::{self, Display};
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data, block};
use async_imap::Session;
use async_imap::types::{Capabilities, Uid, UnsolicitedResponse};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures_util::{FutureExt, TryStreamExt};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{InboundEmailSource, process, storage};
use crate::config::ImapConfig;
use crate::http::desk::Desk;
use crate::problem::{Code, Problem};
use crate::system::tasks::TaskName;
use crate::system::watched::Watched;

/// Time limit for a response of the server.
const PATIENCE: Duration = Duration::from_secs(120);

const UNPARSED: &str = "an answer of the server cannot be parsed";

/// How long to wait after the first failure, and after many.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

diesel::define_sql_function! { fn pg_try_advisory_lock(key: BigInt) -> Bool; }
diesel::define_sql_function! { fn hashtextextended(text: Text, seed: BigInt) -> BigInt; }

/// Why the session with the mailbox ended, as text for the log.
#[derive(Debug)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken(error: impl Display) -> Broken {
    Broken(error.to_string())
}

/// Without the data of the server if they cannot be parsed: they may contain a message.
fn broken_imap(error: async_imap::error::Error) -> Broken {
    match error {
        async_imap::error::Error::Parse(_) => broken(UNPARSED),
        async_imap::error::Error::Io(error) => broken_stream(error),
        error => broken(error),
    }
}

/// The library reports a response that it cannot parse as an I/O error that contains the whole response.
fn broken_stream(error: io::Error) -> Broken {
    if error.kind() == io::ErrorKind::Other { broken(UNPARSED) } else { broken(error) }
}

/// The transport of IMAP.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Stream for T {}

pub type Mailbox = Session<Box<dyn Stream>>;

/// Runs until the server stops; returns at once if no mailbox is configured. Only one copy of the server uses the
/// mailbox at a time; another takes over if that one stops.
pub async fn run(desk: Data<Desk>) {
    let Some(config) = desk.config.imap.clone() else { return };
    let mut wait = FIRST_WAIT;
    let watched = Watched::new(desk.clone(), TaskName::ReadMailbox);
    loop {
        // Any fault in the library ends only this session; it is tried again.
        let stay = AssertUnwindSafe(stay(&desk, &config, &watched, &mut wait)).catch_unwind();
        if let Err(error) = stay.await.unwrap_or_else(|_| Err(broken("a panic"))) {
            watched.ended(Instant::now(), Some(error.to_string())).await;
            log::warn!(
                "the mailbox {} at {}: {error}; again in {} s",
                config.mailbox,
                config.host,
                wait.as_secs()
            );
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        } else {
            sleep(config.every).await;
        }
    }
}

/// Uses the mailbox until an error occurs; returns without an error if another copy uses it.
async fn stay(
    desk: &Data<Desk>,
    config: &ImapConfig,
    watched: &Watched,
    wait: &mut Duration,
) -> Result<(), Broken> {
    let Some(mut turn) = Turn::take(desk, config).await? else { return Ok(()) };
    let (mut mailbox, capabilities) = patiently(connect(config)).await?;
    // The server returns an error if the folder already exists.
    let _ = patiently_imap(mailbox.create(&config.done)).await;
    patiently_imap(mailbox.select(&config.mailbox)).await?;
    let mut found = true;
    loop {
        turn = turn.check().await?;
        let found_before = found;
        let more;
        let began = Instant::now();
        (found, more) = take(desk, config, &mut mailbox, &capabilities).await?;
        watched.ended(began, None).await;
        *wait = FIRST_WAIT;
        // Never twice in a row: the server might report the same message repeatedly.
        if !more || !(found || found_before) {
            mailbox = new_mail(mailbox, config, &capabilities).await?;
        }
    }
}

/// Whether the server has reported new messages in the responses read since the last call.
fn is_told_of_more(next: impl FnMut() -> Option<UnsolicitedResponse>) -> bool {
    // Reads all of them, so that the next call begins with new ones.
    let told = std::iter::from_fn(next);
    told.filter(|one| matches!(one, UnsolicitedResponse::Exists(_) | UnsolicitedResponse::Recent(_))).count()
        > 0
}

/// The lock on the mailbox, which one copy of the server holds at a time: it ends with its connection to the
/// database.
struct Turn {
    connection: PgConnection,
}

impl Turn {
    async fn take(desk: &Data<Desk>, config: &ImapConfig) -> Result<Option<Self>, Broken> {
        let name = format!("mailbox {}@{}:{}/{}", config.user, config.host, config.port, config.mailbox);
        let desk = desk.clone();
        let taken = block(move || {
            let mut connection = desk.db.apart()?;
            let lock = diesel::select(pg_try_advisory_lock(hashtextextended(name, 0)));
            let is_ours: bool = lock.get_result(&mut connection)?;
            Ok(is_ours.then_some(Turn { connection }))
        });
        taken.await.map_err(broken)?.map_err(|problem: Problem| broken(problem.log_line()))
    }

    /// Checks that the lock is still held; otherwise another copy may use the mailbox by now.
    async fn check(mut self) -> Result<Self, Broken> {
        let checked =
            block(move || diesel::sql_query("SELECT 1").execute(&mut self.connection).map(|_| self));
        checked.await.map_err(broken)?.map_err(broken)
    }
}

/// Opens a session without selecting a mailbox, and reads the server's capabilities.
///
/// # Errors
/// A text, without the password.
pub async fn connect(config: &ImapConfig) -> Result<(Mailbox, Capabilities), Broken> {
    let tcp = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(broken)?;
    let stream: Box<dyn Stream> =
        if config.tls { Box::new(encrypt(tcp, &config.host).await?) } else { Box::new(tcp) };
    let mut client = async_imap::Client::new(stream);
    let greeting = client.read_response().await.map_err(broken_stream)?;
    if greeting.is_none() {
        return Err(broken("the server closed the connection"));
    }
    let signed_in = client.login(&config.user, &config.password).await;
    let mut mailbox =
        signed_in.map_err(|(error, _)| Broken(format!("signing in: {}", broken_imap(error))))?;
    let capabilities = mailbox.capabilities().await.map_err(broken_imap)?;
    Ok((mailbox, capabilities))
}

/// With the certificates that the system trusts.
async fn encrypt(tcp: TcpStream, host: &str) -> Result<impl Stream + use<>, Broken> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(broken)?
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(broken)?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(broken)
}

async fn patiently<T>(act: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    timeout(PATIENCE, act).await.map_err(|_| broken("the server does not answer"))?
}

async fn patiently_imap<T>(act: impl Future<Output = async_imap::error::Result<T>>) -> Result<T, Broken> {
    patiently(async { act.await.map_err(broken_imap) }).await
}

/// Receives all messages in the mailbox; returns whether there were any, and whether the server reported more
/// meanwhile. A message is moved after it is stored; if the process ends in between, it is recognized when it is
/// received again. A message that cannot be received is flagged and stays for a person to check.
async fn take(
    desk: &Data<Desk>,
    config: &ImapConfig,
    mailbox: &mut Mailbox,
    capabilities: &Capabilities,
) -> Result<(bool, bool), Broken> {
    let told = mailbox.unsolicited_responses.clone();
    // The library keeps a hundred of these and drops further ones, so they are checked after each message.
    let told_of_more = || is_told_of_more(|| told.try_recv().ok());
    // Messages reported before are found by the search.
    told_of_more();
    let mut uids: Vec<Uid> =
        patiently_imap(mailbox.uid_search("UNDELETED UNFLAGGED")).await?.into_iter().collect();
    uids.sort_unstable();
    let (found, mut more) = (!uids.is_empty(), told_of_more());
    for uid in uids {
        let size = fetch(mailbox, uid, "RFC822.SIZE").await?.and_then(|(size, _)| size);
        let taken = if size.is_some_and(|size| size as usize > desk.config.mail_max_bytes) {
            Err(storage::too_large(desk.config.mail_max_bytes))
        } else {
            // Another client may have moved it.
            let Some((_, Some(body))) = fetch(mailbox, uid, "BODY.PEEK[]").await? else { continue };
            storage::store(desk, InboundEmailSource::Imap, None, body).await
        };
        match taken {
            Ok(kept) => {
                move_away(mailbox, uid, &config.done, capabilities).await?;
                if kept.to_process {
                    process::process(desk, kept.id).await;
                }
            }
            Err(problem) if matches!(problem.code, Code::TooLarge | Code::InvalidBody) => {
                log::warn!("message {uid} stays in {}: {}", config.mailbox, problem.detail.en);
                flag(mailbox, uid, "\\Flagged").await?;
            }
            Err(problem) if problem.code == Code::Unavailable => return Err(broken(problem.log_line())),
            // An internal fault with this one message: it does not delay other messages, and is retried later.
            Err(problem) => log::error!("message {uid} stays in {}: {}", config.mailbox, problem.log_line()),
        }
        more |= told_of_more();
    }
    Ok((found, more))
}

/// Size and content of a message, as far as requested; none if it no longer exists.
async fn fetch(
    mailbox: &mut Mailbox,
    uid: Uid,
    what: &str,
) -> Result<Option<(Option<u32>, Option<Bytes>)>, Broken> {
    patiently_imap(async {
        let mut answers = mailbox.uid_fetch(uid.to_string(), format!("(UID {what})")).await?;
        let mut found = None;
        while let Some(answer) = answers.try_next().await? {
            if answer.uid == Some(uid) {
                found = Some((answer.size, answer.body().map(Bytes::copy_from_slice)));
            }
        }
        Ok(found)
    })
    .await
}

async fn move_away(
    mailbox: &mut Mailbox,
    uid: Uid,
    folder: &str,
    capabilities: &Capabilities,
) -> Result<(), Broken> {
    if capabilities.has_str("MOVE") {
        return patiently_imap(mailbox.uid_mv(uid.to_string(), folder)).await;
    }
    patiently_imap(mailbox.uid_copy(uid.to_string(), folder)).await?;
    flag(mailbox, uid, "\\Deleted").await?;
    patiently_imap(async {
        if capabilities.has_str("UIDPLUS") {
            mailbox.uid_expunge(uid.to_string()).await?.try_collect::<Vec<_>>().await?;
        } else {
            mailbox.expunge().await?.try_collect::<Vec<_>>().await?;
        }
        Ok(())
    })
    .await
}

async fn flag(mailbox: &mut Mailbox, uid: Uid, flag: &str) -> Result<(), Broken> {
    patiently_imap(async {
        let stored = mailbox.uid_store(uid.to_string(), format!("+FLAGS.SILENT ({flag})")).await?;
        stored.try_collect::<Vec<_>>().await?;
        Ok(())
    })
    .await
}

/// Waits for new mail: until the server reports it, if it supports that, and at most for the configured interval.
async fn new_mail(
    mut mailbox: Mailbox,
    config: &ImapConfig,
    capabilities: &Capabilities,
) -> Result<Mailbox, Broken> {
    if !capabilities.has_str("IDLE") {
        sleep(config.every).await;
        patiently_imap(mailbox.noop()).await?;
        return Ok(mailbox);
    }
    let told = mailbox.unsolicited_responses.clone();
    let mut idle = mailbox.idle();
    patiently_imap(idle.init()).await?;
    if !is_told_of_more(|| told.try_recv().ok()) {
        // Bounded here: the library restarts its wait with every response of the server.
        let (change, _interrupt) = idle.wait_with_timeout(config.every);
        if let Ok(change) = timeout(config.every, change).await {
            change.map_err(broken_imap)?;
        }
    }
    patiently_imap(idle.done()).await
}
