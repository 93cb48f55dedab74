//! Restarts a private server that ends unexpectedly, for as long as its Mesa runs.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{PrivatePostgres, Server};

/// How often to check whether it still runs.
const LOOK: Duration = Duration::from_millis(500);
/// The longest wait after a failed start, for example because its disk is full.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Keeps a private server running until it is stopped, or this value is dropped.
pub struct Watched {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PrivatePostgres {
    /// From now on it is restarted if it ends unexpectedly. Its URL does not change.
    ///
    /// # Errors
    /// The system cannot create a thread; the server is stopped then.
    pub fn watched(mut self) -> io::Result<Watched> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            match &mut self.server {
                Some(server) => server.watch(&stopped),
                // It belongs to another Mesa, which watches it.
                None => {
                    let _ = stopped.recv();
                }
            }
            self.stop();
        })?;
        Ok(Watched { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watched {
    /// Stops the server, ending the connections that are open.
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Server {
    fn watch(&mut self, stopped: &Receiver<()>) {
        let mut wait = LOOK;
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
            if self.runs() {
                wait = LOOK;
                continue;
            }
            log::error!("the private PostgreSQL ended unexpectedly; it is restarted");
            match self.launch() {
                Ok(postmaster) => {
                    log::warn!("the private PostgreSQL was restarted, process {}", postmaster.pid);
                    wait = LOOK;
                }
                Err(error) => {
                    log::error!("the private PostgreSQL could not be started and will be retried: {error}");
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Whether there is a running postmaster, whether or not it is a child of this process.
    fn runs(&mut self) -> bool {
        if let Some(child) = &mut self.child {
            if matches!(child.try_wait(), Ok(None)) {
                return true;
            }
            self.child = None;
        }
        self.running().is_some()
    }
}
