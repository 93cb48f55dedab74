//! A private server that is brought up again where it ends by itself, for as long as its Mesa runs.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{PrivatePostgres, Server};

/// How often to look whether it still runs.
const LOOK: Duration = Duration::from_millis(500);
/// The longest wait after it could not be started, as where its disk is full.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Keeps a private server running until it is stopped, or this goes.
pub struct Watched {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PrivatePostgres {
    /// From now on it is started again where it ends by itself. Its URL stays as it is.
    ///
    /// # Errors
    /// The system has no thread to give; the server is stopped then.
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
            log::error!("the private PostgreSQL ended by itself; it is started again");
            match self.launch() {
                Ok(postmaster) => {
                    log::warn!("the private PostgreSQL runs again, process {}", postmaster.pid);
                    wait = LOOK;
                }
                Err(error) => {
                    log::error!("the private PostgreSQL could not be started, to be tried again: {error}");
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Whether there is a postmaster, of whoever it is the child.
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
