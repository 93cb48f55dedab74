//! Work that goes on beside the requests until the server stops.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Work that is asked to stop and may then finish what it has begun.
pub struct Background {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Background {
    /// To be called on the server's own system. The work ends some time after it is told to.
    pub fn start<W>(work: impl FnOnce(oneshot::Receiver<()>) -> W) -> Self
    where
        W: Future<Output = ()> + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Background { stop, task: actix_web::rt::spawn(work(stopped)) }
    }

    /// Ends the work within this time; another copy of the server continues what takes longer.
    pub async fn stop(self, within: Duration) {
        let _ = self.stop.send(());
        let abort = self.task.abort_handle();
        if timeout(within, self.task).await.is_err() {
            abort.abort();
        }
    }
}
