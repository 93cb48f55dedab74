//! A probe of PostgreSQL for work that takes long: a slow statement continues; a server that does not respond is not
//! waited for.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::pg::PgConnection;
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

use super::hosts::Hosts;

/// Maximum time for opening a connection.
const PATIENCE: Duration = Duration::from_millis(750);

/// Probes by opening a connection, one at a time; concurrent callers share the result.
pub struct DatabaseHealth {
    hosts: Arc<Hosts>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// The running probe, with its start.
    open: Option<(Instant, oneshot::Receiver<bool>)>,
    /// The last result, with its time.
    last: Option<(Instant, bool)>,
}

impl DatabaseHealth {
    pub fn new(hosts: Arc<Hosts>) -> Self {
        DatabaseHealth { hosts, asked: Mutex::default() }
    }

    /// Whether PostgreSQL responds now.
    pub async fn responds(&self) -> bool {
        let since = Instant::now();
        let answered = async {
            let mut asked = self.asked.lock().await;
            if let Some((at, responds)) = asked.last
                && at >= since
            {
                return responds;
            }
            // Discard the result of an expired probe.
            let open = asked.open.take().filter(|(asked_at, _)| asked_at.elapsed() < PATIENCE);
            let (_, answer) = asked.open.insert(open.unwrap_or_else(|| (Instant::now(), self.ask())));
            let responds = answer.await.unwrap_or(false);
            *asked = Asked { open: None, last: Some((Instant::now(), responds)) };
            responds
        };
        timeout(PATIENCE, answered).await.unwrap_or(false)
    }

    /// Runs on a separate thread: all threads for database work may be waiting.
    fn ask(&self) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        // The running work is at the server that accepted the last connection, or at one that has failed.
        let url = self.hosts.preferred().to_owned();
        let asking = thread::Builder::new().name("mesa-health".to_owned()).spawn(move || {
            let responds = match PgConnection::establish(&url) {
                Ok(_) => true,
                // PostgreSQL responds, but rejects a further connection.
                Err(error) => error.to_string().contains("FATAL"),
            };
            let _ = tell.send(responds);
        });
        if let Err(error) = asking {
            log::warn!("no thread for the probe of PostgreSQL: {error}");
        }
        told
    }
}
