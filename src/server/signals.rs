//! The signals that end the server or a command.

use actix_web::rt::SystemRunner;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// From now on SIGTERM, SIGINT and SIGHUP do not end the process, so that it can shut down in order.
///
/// # Errors
/// The error of the operating system.
pub fn hold_signals() -> std::io::Result<(SystemRunner, Stop)> {
    let system = actix_web::rt::System::new();
    let stop = system.block_on(async { Stop::listen() })?;
    Ok((system, stop))
}

/// The signals that end the server.
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if SIGHUP has another meaning.
    pub(super) hangup: Option<Signal>,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Stop {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: Some(signal(SignalKind::hangup())?),
        })
    }

    /// Waits for one of them.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = async {
                match &mut self.hangup {
                    Some(hangup) => drop(hangup.recv().await),
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
}
