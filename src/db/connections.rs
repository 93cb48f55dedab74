//! The connections of a pool with the threads that work with them, which are replaced together if they are stuck.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use diesel::r2d2::{HandleError, Pool};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::hosts::Hosts;
use super::pool::{Manager, Session};
use super::threads::Threads;

/// The largest number of earlier sets of connections whose work has not ended.
const EARLIER: usize = 2;

/// A set of connections, and as many threads.
pub struct Connections {
    pub pool: Pool<Manager>,
    pub threads: Threads,
    /// For work that may change rows: fewer than there are connections, so that reading goes on while commits wait for a
    /// standby that has failed.
    changes: Arc<Semaphore>,
    running: Mutex<HashMap<u64, Instant>>,
    next: AtomicU64,
}

impl Connections {
    fn open(
        hosts: &Arc<Hosts>,
        size: u32,
        wait: Duration,
        session: Session,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .error_handler(Box::new(Unreachable::default()))
            .connection_timeout(wait)
            .connection_customizer(Box::new(session))
            .build_unchecked(Manager::new(Arc::clone(hosts), session));
        Ok(Connections {
            pool,
            threads: Threads::start(size as usize)?,
            changes: Arc::new(Semaphore::new((size - reserved(size)) as usize)),
            running: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// One of the places for work that may change rows; `None` if none is free in time.
    pub async fn place_for_change(&self, wait: Duration) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(wait, Arc::clone(&self.changes).acquire_owned()).await.ok()?.ok()
    }

    /// Counts work as running until the guard is dropped.
    pub fn begin(self: &Arc<Self>) -> Running {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.running().insert(number, Instant::now());
        Running { connections: Arc::clone(self), number }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether at least half of the threads have worked for longer than this without an end.
    fn are_stuck(&self, limit: Duration) -> bool {
        let stuck = self.running().values().filter(|began| began.elapsed() > limit).count();
        2 * stuck >= self.pool.max_size() as usize
    }
}

/// How often the log says that no connection can be opened: each attempt fails until PostgreSQL is back.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Logs errors of the pool.
#[derive(Debug, Default)]
struct Unreachable {
    logged_at: Mutex<Option<Instant>>,
}

impl HandleError<diesel::r2d2::Error> for Unreachable {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        let mut logged_at = self.logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        if logged_at.is_none_or(|at| at.elapsed() > LINE_EVERY) {
            *logged_at = Some(Instant::now());
            log::warn!("no connection to PostgreSQL: {}", error.to_string().replace('\n', " "));
        }
    }
}

/// How many connections of a pool of this size are only for reading.
fn reserved(size: u32) -> u32 {
    if size == 1 { 0 } else { (size / 4).max(1) }
}

/// Work that runs until this is dropped.
pub struct Running {
    connections: Arc<Connections>,
    number: u64,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.connections.running().remove(&self.number);
    }
}

/// The connections in use.
pub struct Current {
    hosts: Arc<Hosts>,
    size: u32,
    wait: Duration,
    session: Session,
    current: RwLock<Arc<Connections>>,
    earlier: Mutex<Vec<Weak<Connections>>>,
}

impl Current {
    /// `wait`: how long opening a connection is waited for.
    ///
    /// # Errors
    /// The error of the system for the threads.
    pub fn new(
        hosts: Arc<Hosts>,
        size: u32,
        wait: Duration,
        session: Session,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let current = RwLock::new(Arc::new(Connections::open(&hosts, size, wait, session)?));
        Ok(Current { hosts, size, wait, session, current, earlier: Mutex::default() })
    }

    pub fn get(&self) -> Arc<Connections> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The numbers of open and of unused connections, those of earlier sets included.
    pub fn count(&self) -> (u32, u32) {
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner).clone();
        earlier.push(Arc::downgrade(&self.get()));
        let states = earlier.iter().filter_map(Weak::upgrade).map(|connections| connections.pool.state());
        states.fold((0, 0), |(open, idle), state| (open + state.connections, idle + state.idle_connections))
    }

    /// Replaces these connections if half of them have been in use for longer than `limit`: nobody knows when a server
    /// that has stopped responding will end their work. At most two earlier sets are waited for at a time.
    pub fn replace_if_stuck(&self, seen: &Arc<Connections>, limit: Duration) {
        if !seen.are_stuck(limit) {
            return;
        }
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        earlier.retain(|connections| connections.strong_count() > 0);
        if earlier.len() >= EARLIER || !Arc::ptr_eq(&self.get(), seen) {
            return;
        }
        match Connections::open(&self.hosts, self.size, self.wait, self.session) {
            Ok(new) => {
                earlier.push(Arc::downgrade(seen));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                log::warn!(
                    "at least half of the connections to PostgreSQL have not responded for {} s and are replaced",
                    limit.as_secs()
                );
            }
            Err(error) => log::warn!("connections that do not respond cannot be replaced: {error}"),
        }
    }
}
