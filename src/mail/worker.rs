//! Sends the waiting messages of the outbox, in every copy of the server.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::web::Data;
use diesel::PgConnection;
use futures_util::future::join_all;
use lettre::transport::smtp;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::content::{Content, Loaded, Purpose};
use super::letter::letter;
use crate::account::password_links::request;
use crate::config::MailConfig;
use crate::http::desk::Desk;
use crate::outbox::delivery::{self, Message, Refusal, Sent};
use crate::problem::Result;
use crate::system::tasks::TaskName;
use crate::system::watched::Watched;

/// How often to look for messages if none waits.
const LOOK: Duration = Duration::from_secs(1);
/// Connections to the mail server, and messages taken at once.
const CONNECTIONS: u32 = 4;
/// Time limit for the mail server to respond to one command.
const ANSWER: Duration = Duration::from_secs(20);
/// The recorded reason why a message is not sent to a person who may no longer read what it is about.
const MAY_NOT_READ: &str = "not sent: the recipient may no longer read what the message is about";
/// Responses of the mail server to a failed authentication: a fault of the configuration, not of a message.
const SIGN_IN: [u16; 4] = [530, 534, 535, 538];

/// The connection to the mail server.
pub struct Mailer {
    pub(super) desk: Data<Desk>,
    pub(super) config: MailConfig,
    pub(super) transport: AsyncSmtpTransport<Tokio1Executor>,
    watched: Watched,
}

/// The result of one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Round {
    /// Nothing waited.
    Idle,
    /// Messages were taken, and sent or not.
    Worked,
    /// The mail server cannot be reached.
    Unreachable,
}

impl Mailer {
    /// # Errors
    /// The mail server's address cannot be used.
    pub fn new(desk: Data<Desk>, config: MailConfig) -> std::result::Result<Self, smtp::Error> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&config.smtp_url)?
            .timeout(Some(ANSWER.min(config.lease / 3)))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS))
            .build();
        let watched = Watched::new(desk.clone(), TaskName::SendMessages);
        Ok(Mailer { desk, config, transport, watched })
    }

    /// Sends messages until it is stopped, and finishes the current ones; another process sends those that take longer.
    pub async fn run(self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let wait = match self.round().await {
                Ok(Round::Worked) => Duration::ZERO,
                Ok(Round::Idle) => LOOK,
                Ok(Round::Unreachable) => self.config.retry,
                Err(problem) => {
                    log::warn!("sending mail will be retried: {}", problem.log_line());
                    LOOK
                }
            };
            tokio::select! {
                biased;
                _ = &mut stopped => return,
                () = sleep(wait) => {}
            }
        }
    }

    /// Leases a few messages and sends them.
    ///
    /// # Errors
    /// The database returns an error; leased messages are leased again after the lease expires.
    pub async fn round(&self) -> Result<Round> {
        let lease_ends = Instant::now() + self.config.lease;
        let (lease, db) = (self.config.lease, &self.desk.db);
        let take = move |db: &mut PgConnection| {
            // Queues messages, which are leased in the same round.
            request::process(db)?;
            delivery::take(db, CONNECTIONS as usize, lease)
        };
        let taken = db.run(take).await?;
        if taken.is_empty() {
            return self.send_tree_head().await;
        }
        if let Err(error) = self.reach().await {
            log::warn!("the mail server cannot be reached: {error}");
            for message in taken {
                self.put_off(message, Refusal::Unreachable(error.clone()), lease_ends).await;
            }
            return Ok(Round::Unreachable);
        }
        let config = self.desk.config.clone();
        let say = move |db: &mut PgConnection| {
            let loaded = Loaded::load(db, &taken, Purpose::Sending, &config)?;
            Ok((taken, loaded))
        };
        let (taken, loaded) = db.run(say).await?;
        // Messages about one subject are sent in order, those about different subjects concurrently.
        let mut by_subject: BTreeMap<_, Vec<(Message, Result<Content, String>)>> = BTreeMap::new();
        for message in taken {
            let content = match loaded.may_read(&message) {
                true => loaded.content(&message, &self.desk.config).map_err(|problem| problem.log_line()),
                false => Err(MAY_NOT_READ.to_owned()),
            };
            let about = (message.ticket_id, message.improvement_action_id);
            by_subject.entry(about).or_default().push((message, content));
        }
        join_all(by_subject.into_values().map(|messages| self.deliver_all(messages, lease_ends))).await;
        Ok(Round::Worked)
    }

    /// Whether the mail server answers and accepts the credentials; recorded for administrators.
    pub(super) async fn reach(&self) -> std::result::Result<(), String> {
        let began = std::time::Instant::now();
        let reached = self.connect().await;
        self.watched.ended(began, reached.as_ref().err().cloned()).await;
        reached
    }

    async fn connect(&self) -> std::result::Result<(), String> {
        match timeout(self.config.lease / 4, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the mail server does not answer".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn deliver_all(&self, messages: Vec<(Message, Result<Content, String>)>, lease_ends: Instant) {
        for (message, content) in messages {
            // A message that could not be recorded within this lease is left to the next.
            if Instant::now() + self.config.lease / 2 <= lease_ends {
                self.deliver(message, content, lease_ends).await;
            }
        }
    }

    async fn deliver(&self, message: Message, content: Result<Content, String>, lease_ends: Instant) {
        let letter = match &content {
            Ok(content) => letter(&self.config.from, message.id, content).map_err(Refusal::ForGood),
            Err(reason) => Err(Refusal::ForGood(reason.clone())),
        };
        let refusal = match letter {
            Err(refusal) => refusal,
            // Stopped early enough to record it before the lease ends.
            Ok(letter) => match timeout(self.config.lease / 3, self.transport.send(letter)).await {
                Ok(Ok(_)) => return self.taken_by_server(message, content, lease_ends).await,
                Ok(Err(error)) if is_for_good(&error) => Refusal::ForGood(error.to_string()),
                Ok(Err(error)) => Refusal::ForNow(error.to_string()),
                Err(_) => Refusal::ForNow("no answer in time".to_owned()),
            },
        };
        // The reason, which often names the recipient's address, is in the message's `last_error` and not in the log.
        let until = if matches!(refusal, Refusal::ForGood(_)) { "for good" } else { "for now" };
        log::warn!("message {} ({}) was not sent, {until}", message.id, message.kind.as_str());
        self.put_off(message, refusal, lease_ends).await;
    }

    async fn taken_by_server(&self, message: Message, content: Result<Content, String>, lease_ends: Instant) {
        let Ok(content) = content else { return };
        log::debug!("message {} ({}) was sent", message.id, message.kind.as_str());
        let text = content.shown_text();
        let sent = std::sync::Arc::new(Sent { to: content.to_address, subject: content.subject, text });
        self.put_down(lease_ends, move |db| delivery::sent(db, message.id, &sent)).await;
    }

    async fn put_off(&self, message: Message, refusal: Refusal, lease_ends: Instant) {
        let first_wait = self.config.retry;
        let what = std::sync::Arc::new((message, refusal));
        self.put_down(lease_ends, move |db| delivery::refused(db, &what.0, &what.1, first_wait)).await;
    }

    /// Records the result for a message, with retries if the database is busy: a message whose result is not recorded
    /// before the lease ends is sent again.
    async fn put_down<F>(&self, lease_ends: Instant, write: F)
    where
        F: Fn(&mut PgConnection) -> Result<()> + Clone + Send + 'static,
    {
        while let Err(problem) = self.desk.db.run(write.clone()).await {
            log::warn!("the result for a message is not recorded yet: {}", problem.log_line());
            if Instant::now() + LOOK >= lease_ends {
                return;
            }
            sleep(LOOK).await;
        }
    }
}

/// A permanent response about this message, or one that is not valid for the server; a response about authentication
/// applies to all messages.
fn is_for_good(error: &smtp::Error) -> bool {
    let signing_in = error.status().is_some_and(|code| SIGN_IN.contains(&u16::from(code)));
    error.is_client() || error.is_permanent() && !signing_in
}
