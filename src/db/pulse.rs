//! Whether PostgreSQL still answers, asked where work takes long: a slow statement goes on, and one whose server stands
//! still is not waited for.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::pg::PgConnection;
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

/// How long PostgreSQL may take to let us in.
const PATIENCE: Duration = Duration::from_millis(750);

/// Asks by opening a connection, one at a time; all who wait for an answer take the same.
pub struct Pulse {
    url: Arc<str>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// The last question, since when, where nobody has waited for its answer to the end.
    open: Option<(Instant, oneshot::Receiver<bool>)>,
    /// When there was an answer, and which.
    last: Option<(Instant, bool)>,
}

impl Pulse {
    pub fn new(url: Arc<str>) -> Self {
        Pulse { url, asked: Mutex::default() }
    }

    /// Whether PostgreSQL answers at this moment.
    pub async fn beats(&self) -> bool {
        let since = Instant::now();
        let answered = async {
            let mut asked = self.asked.lock().await;
            if let Some((at, beats)) = asked.last
                && at >= since
            {
                return beats;
            }
            // The answer to an old question is of a time that is over.
            let open = asked.open.take().filter(|(asked_at, _)| asked_at.elapsed() < PATIENCE);
            let (_, answer) = asked.open.insert(open.unwrap_or_else(|| (Instant::now(), self.ask())));
            let beats = answer.await.unwrap_or(false);
            *asked = Asked { open: None, last: Some((Instant::now(), beats)) };
            beats
        };
        timeout(PATIENCE, answered).await.unwrap_or(false)
    }

    /// On a thread of its own: those that work with the database may all be waiting for it.
    fn ask(&self) -> oneshot::Receiver<bool> {
        let (tell, told) = oneshot::channel();
        let url = Arc::clone(&self.url);
        let asking = thread::Builder::new().name("pulse".to_owned()).spawn(move || {
            let beats = match PgConnection::establish(&url) {
                Ok(_) => true,
                // It is PostgreSQL itself that has no room for one more.
                Err(error) => error.to_string().contains("FATAL"),
            };
            let _ = tell.send(beats);
        });
        if let Err(error) = asking {
            log::warn!("no thread to ask whether PostgreSQL answers: {error}");
        }
        told
    }
}
