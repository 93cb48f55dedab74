//! The threads that work with the database, separate from those that serve the network.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

/// As many as there are connections, for all workers of the server: waiting work is only an entry of a queue, and a
/// thread continues with the next one without sleeping.
pub struct Threads(Option<Runtime>);

impl Threads {
    /// # Errors
    /// An error of the system.
    pub fn start(size: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        // The one worker is only for timers.
        builder.worker_threads(1).max_blocking_threads(size).thread_name("mesa-database").enable_time();
        Ok(Threads(Some(builder.build()?)))
    }

    /// Runs work on one of the threads. `None` if no thread began within this time, and then the work is never run;
    /// the same if the caller is dropped.
    pub async fn run<T, F>(&self, wait: Duration, work: F) -> Option<Result<T, JoinError>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        // Taken by the first of the two: the thread that begins, or the caller whose time is over. So it never
        // remains in the queue.
        let waiting = Arc::new(Mutex::new(Some(work)));
        let begins = Arc::clone(&waiting);
        let waits = Waits(waiting);
        let mut working = self.0.as_ref()?.spawn_blocking(move || {
            let work = begins.lock().unwrap_or_else(PoisonError::into_inner).take();
            work.map(|work| work())
        });
        let done = match tokio::time::timeout(wait, &mut working).await {
            Ok(done) => done,
            Err(_) if waits.end() => return None,
            Err(_) => working.await,
        };
        done.transpose()
    }
}

/// The caller that waits for work to begin.
struct Waits<F>(Arc<Mutex<Option<F>>>);

impl<F> Waits<F> {
    /// Removes the work, with all values that it holds, if it has not begun; returns whether it was removed.
    fn end(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

impl<F> Drop for Waits<F> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // It may be dropped on a thread that must not block.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_is_begun_comes_to_its_end_and_what_waits_too_long_is_never_begun() {
        let system = Builder::new_current_thread().enable_time().build().unwrap();
        let threads = Threads::start(1).unwrap();
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let (begun, wait) = (Arc::new(AtomicBool::new(false)), Duration::from_millis(50));
        let late = Arc::clone(&begun);
        let (long, second) = system.block_on(async {
            tokio::join!(threads.run(wait, || std::thread::sleep(Duration::from_millis(200))), async {
                let second = threads.run(wait, move || (late.store(true, Ordering::Release), kept)).await;
                assert_eq!(Arc::strong_count(&held), 1, "work that has not begun is dropped");
                second
            },)
        });
        assert!(long.is_some_and(|done| done.is_ok()));
        assert!(second.is_none());
        assert!(system.block_on(threads.run(Duration::from_secs(5), || 1)).is_some_and(|done| done.is_ok()));
        assert!(!begun.load(Ordering::Acquire));
    }
}
