//! Whether PostgreSQL still answers, asked where work takes long: a slow statement goes on, and one whose server stands
//! still is not waited for.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use diesel::Connection;
use diesel::pg::PgConnection;
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

/// How long PostgreSQL may take to let us in.
const PATIENCE: Duration = Duration::from_millis(750);

/// Asks by opening a connection, one at a time.
pub struct Pulse {
    url: Arc<str>,
    /// A question that is not answered yet.
    asked: Mutex<Option<oneshot::Receiver<bool>>>,
}

impl Pulse {
    pub fn new(url: Arc<str>) -> Self {
        Pulse { url, asked: Mutex::default() }
    }

    /// Whether PostgreSQL answers at this moment.
    pub async fn beats(&self) -> bool {
        let answered = async {
            let mut asked = self.asked.lock().await;
            let beats = asked.get_or_insert_with(|| self.ask()).await.unwrap_or(false);
            *asked = None;
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
