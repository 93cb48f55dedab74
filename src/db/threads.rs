//! The threads that work with the database, away from those that serve the network.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

/// As many as there are connections, for all workers of the server: work that waits is a place in a queue, and a thread that
/// ends one piece goes on with the next without sleeping.
pub struct Threads(Option<Runtime>);

impl Threads {
    /// # Errors
    /// What the system answered.
    pub fn start(size: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        // The one worker is for clocks alone.
        builder.worker_threads(1).max_blocking_threads(size).thread_name("mesa-database").enable_time();
        Ok(Threads(Some(builder.build()?)))
    }

    /// Works on one of the threads. None where none began within this time, and then none will; nor where the caller waits no
    /// longer.
    pub async fn run<T, F>(&self, wait: Duration, work: F) -> Option<Result<T, JoinError>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        // Of whoever is first: the thread that begins, or the one who waited long enough.
        let decided = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&decided);
        let waits = Waits(decided);
        let begin = move || (!begins.swap(true, Ordering::AcqRel)).then(work);
        let mut working = self.0.as_ref()?.spawn_blocking(begin);
        let done = match tokio::time::timeout(wait, &mut working).await {
            Ok(done) => done,
            Err(_) if waits.end() => working.await,
            Err(_) => return None,
        };
        done.transpose()
    }
}

/// Whoever waits for work to begin.
struct Waits(Arc<AtomicBool>);

impl Waits {
    /// Whether it has begun; if not, it never will.
    fn end(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Where it is dropped may be no place to wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_begun_comes_to_its_end_and_what_waits_too_long_is_never_begun() {
        let system = Builder::new_current_thread().enable_time().build().unwrap();
        let threads = Threads::start(1).unwrap();
        let (begun, wait) = (Arc::new(AtomicBool::new(false)), Duration::from_millis(50));
        let late = Arc::clone(&begun);
        let (long, second) = system.block_on(async {
            tokio::join!(
                threads.run(wait, || std::thread::sleep(Duration::from_millis(200))),
                threads.run(wait, move || late.store(true, Ordering::Release)),
            )
        });
        assert!(long.is_some_and(|done| done.is_ok()));
        assert!(second.is_none());
        assert!(system.block_on(threads.run(Duration::from_secs(5), || 1)).is_some_and(|done| done.is_ok()));
        assert!(!begun.load(Ordering::Acquire));
    }
}
