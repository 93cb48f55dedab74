//! Makes and sends the deliveries of webhooks, in every copy of the server.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::claim::{self, Taken};
use super::client::{self, Clients, Post, Received};
use super::{fan_out, outcome};
use crate::http::desk::Desk;
use crate::problem::Result;
use crate::system::tasks::TaskName;
use crate::system::watched::Watched;
use crate::telemetry::traces::{Kind, Span};

/// How often to look at the log and for deliveries that are due.
const LOOK: Duration = Duration::from_millis(500);
/// How many requests this copy of the server sends at once.
const AT_ONCE: usize = 128;
/// How long to try to record what became of a request; after the lease it is sent again.
const RECORDING: Duration = Duration::from_secs(30);

/// Sends the deliveries of all webhooks.
pub struct Sender {
    desk: Data<Desk>,
    clients: Arc<Clients>,
}

impl Sender {
    /// # Errors
    /// TLS cannot be set up on this machine.
    pub fn new(desk: Data<Desk>) -> reqwest::Result<Self> {
        Self::within(desk, client::TOTAL)
    }

    /// One whose requests may take this long.
    ///
    /// # Errors
    /// As `new`.
    pub fn within(desk: Data<Desk>, total: Duration) -> reqwest::Result<Self> {
        let clients = Arc::new(Clients::new(&desk.config.webhook_allow, total)?);
        Ok(Sender { desk, clients })
    }

    /// Sends until it is stopped, and finishes the current deliveries.
    pub async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let (mut sending, mut looked, mut fails) = (JoinSet::new(), None::<Instant>, false);
        let watched = Watched::new(self.desk.clone(), TaskName::SendWebhooks);
        loop {
            let is_due = looked.is_none_or(|looked| looked.elapsed() >= LOOK);
            if is_due {
                looked = Some(Instant::now());
            }
            let began = std::time::Instant::now();
            match self.begin(&mut sending, is_due).await {
                Ok(_) => {
                    fails = false;
                    watched.ended(began, None).await;
                }
                Err(problem) => {
                    watched.ended(began, Some(problem.log_line())).await;
                    if !std::mem::replace(&mut fails, true) {
                        log::warn!("webhooks are not sent, will be retried: {}", problem.log_line());
                    }
                    looked = Some(Instant::now());
                }
            }
            let next_look = looked.map_or_else(Instant::now, |looked| looked + LOOK);
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                // A place is free, and the next event of its subject may be due.
                Some(_) = sending.join_next(), if !fails => while sending.try_join_next().is_some() {},
                () = sleep_until(next_look) => {}
            }
        }
        while sending.join_next().await.is_some() {}
    }

    /// Makes deliveries and sends all that are due; returns how many were sent.
    ///
    /// # Errors
    /// The error of the database; what was taken is taken again when the lease expires.
    pub async fn round(&self) -> Result<usize> {
        let mut sending = JoinSet::new();
        let begun = self.begin(&mut sending, true).await?;
        while sending.join_next().await.is_some() {}
        Ok(begun)
    }

    async fn begin(&self, sending: &mut JoinSet<()>, with_log: bool) -> Result<usize> {
        let timezone = self.desk.config.timezone;
        let free = AT_ONCE.saturating_sub(sending.len());
        let take = move |db: &mut diesel::PgConnection| {
            if with_log {
                fan_out::run(db, timezone)?;
            }
            if free == 0 { Ok(Vec::new()) } else { claim::run(db, free, timezone) }
        };
        let taken = self.desk.db.run(take).await?;
        let begun = taken.len();
        for (one, post) in taken {
            sending.spawn(send(self.desk.clone(), Arc::clone(&self.clients), one, post));
        }
        Ok(begun)
    }
}

/// Sends one delivery and records what became of it.
async fn send(desk: Data<Desk>, clients: Arc<Clients>, one: Taken, post: Post) {
    let span = Span::root("webhook delivery", Kind::Client);
    span.set("http.request.method", "POST");
    span.set("http.request.resend_count", i64::from(one.attempts));
    let received = clients.send(&post).await;
    match received.status {
        Some(status) => span.set("http.response.status_code", i64::from(status)),
        None => span.fail("no_response"),
    }
    if received.status.is_some_and(|status| status >= 400) {
        span.fail("refused");
    }
    span.around(record(desk, one, received)).await;
}

async fn record(desk: Data<Desk>, one: Taken, received: Received) {
    let received = Arc::new(received);
    let one = Arc::new(one);
    let until = Instant::now() + RECORDING;
    loop {
        let (one, received) = (Arc::clone(&one), Arc::clone(&received));
        match desk.db.run(move |db| outcome::record(db, &one, &received)).await {
            Ok(_) => return,
            Err(problem) => {
                log::warn!("the result of a delivery is not recorded yet: {}", problem.log_line());
                if Instant::now() + LOOK >= until {
                    return;
                }
                sleep(LOOK).await;
            }
        }
    }
}
