//! New entries of the log and changes of presence, read once for all requests of this copy of the server that wait for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Data;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::sleep;

use super::entry::Entry;
use super::places::Places;
use super::presence::{Change, Presences};
use super::reader::Reader;
use super::reading::{self, News};
use super::types::Wanted;
use crate::http::desk::Desk;

/// How often the log is read while somebody waits. What this copy of the server writes is read at once.
const EVERY: Duration = Duration::from_millis(100);
/// The shortest time between two readings.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a change of presence can take from its time until others can read it.
const LATE: TimeDelta = TimeDelta::seconds(10);
/// How many entries are kept for those who are behind.
const KEPT: usize = 4096;

/// The newest entries of the log. The log is read only while somebody follows it.
#[derive(Default)]
pub struct Feed {
    state: Mutex<State>,
    followers: AtomicUsize,
    /// The streams of this copy of the server.
    pub places: Arc<Places>,
    /// The position of the newest entry, and the number of changes of presence.
    highest: watch::Sender<(i64, u64)>,
}

#[derive(Default)]
struct State {
    is_running: bool,
    /// All entries after this position are in `newest`; `None` until the first reading.
    base: Option<i64>,
    newest: VecDeque<Arc<Entry>>,
    presences: Presences,
    /// The time of the database when it was last read.
    read_at: Option<DateTime<Utc>>,
}

/// One that follows the log, until it is dropped.
pub struct Follower {
    feed: Arc<Feed>,
    highest: watch::Receiver<(i64, u64)>,
    /// The newest position when the reader last looked.
    seen: Option<i64>,
}

impl Feed {
    /// Begins to follow; the log is read from now on.
    pub fn follow(feed: &Data<Feed>, desk: &Data<Desk>) -> Follower {
        let feed = Arc::clone(feed);
        feed.followers.fetch_add(1, Ordering::SeqCst);
        let highest = feed.highest.subscribe();
        let mut state = feed.state();
        if !state.is_running {
            state.is_running = true;
            actix_web::rt::spawn(run(Arc::clone(&feed), desk.clone()));
        }
        drop(state);
        Follower { feed, highest, seen: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, news: News) {
        let News { position, entries, now, present } = news;
        let mut state = self.state();
        state.read_at = Some(now);
        for entry in &entries {
            state.presences.take_in(entry);
        }
        state.presences.update(present, now);
        let is_first = state.base.is_none();
        state.base.get_or_insert(position);
        for entry in entries {
            if state.newest.len() == KEPT
                && let Some(oldest) = state.newest.pop_front()
            {
                state.base = Some(oldest.position);
            }
            state.newest.push_back(Arc::new(entry));
        }
        let newest = (position, state.presences.count());
        drop(state);
        self.highest.send_if_modified(|highest| {
            let is_new = is_first || *highest != newest;
            *highest = newest;
            is_new
        });
    }
}

/// Reads the log until nobody follows it.
async fn run(feed: Arc<Feed>, desk: Data<Desk>) {
    let mut fails = false;
    loop {
        let (from, present_after) = {
            let mut state = feed.state();
            if feed.followers.load(Ordering::SeqCst) == 0 {
                *state = State::default();
                return;
            }
            let from = state.newest.back().map(|entry| entry.position).or(state.base);
            (from, state.read_at.map_or(DateTime::UNIX_EPOCH, |read_at| read_at - LATE))
        };
        match desk.db.run(move |db| reading::advance(db, from, Some(present_after))).await {
            Ok(news) => {
                fails = false;
                feed.add(news);
            }
            Err(problem) => {
                if !std::mem::replace(&mut fails, true) {
                    log::warn!("the log of events is not read, will be retried: {}", problem.log_line());
                }
            }
        }
        sleep(PAUSE).await;
        tokio::select! {
            () = desk.written.notified() => {}
            () = sleep(EVERY) => {}
        }
    }
}

impl Follower {
    /// Waits until there is a new entry that this reader may see and wants. Returns once after the first reading too: what came
    /// before it is for the caller to read.
    pub async fn visible(&mut self, reader: &Reader, wanted: &Wanted) {
        loop {
            match (self.seen, self.position()) {
                (_, None) => {}
                (None, Some(position)) => {
                    self.seen = Some(position);
                    return;
                }
                (Some(seen), Some(position)) => {
                    self.seen = Some(position);
                    let entries = self.after(seen);
                    if entries.is_none_or(|entries| {
                        entries.iter().any(|entry| reader.event(entry, wanted).is_some())
                    }) {
                        return;
                    }
                }
            }
            self.changed().await;
        }
    }

    /// Waits until there may be new entries.
    pub async fn changed(&mut self) {
        // The feed has the sender: it is never gone.
        let _ = self.highest.changed().await;
    }

    /// The newest position that was read; `None` before the first reading.
    pub fn position(&self) -> Option<i64> {
        let state = self.feed.state();
        state.newest.back().map(|entry| entry.position).or(state.base)
    }

    /// The changes of presence after the first `known`, and how many there are now. All that is there if `known` is `None` or
    /// too long ago.
    pub fn presence_after(&self, known: Option<u64>) -> (Vec<Arc<Change>>, u64) {
        let state = self.feed.state();
        (state.presences.after(known), state.presences.count())
    }

    /// The entries after a position; `None` if they are not all kept here, so that the database has to be read.
    pub fn after(&self, position: i64) -> Option<Vec<Arc<Entry>>> {
        let state = self.feed.state();
        if state.base.is_none_or(|base| position < base) {
            return None;
        }
        let first = state.newest.partition_point(|entry| entry.position <= position);
        Some(state.newest.range(first..).cloned().collect())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed.followers.fetch_sub(1, Ordering::SeqCst);
    }
}
