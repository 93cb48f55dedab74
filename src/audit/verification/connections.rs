//! The whole verification with connections of its own.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use diesel::PgConnection;

use super::plan::{Batch, Plan};
use super::seen::Seen;
use super::verifier::{Found, Verifier};
use crate::problem::{Problem, Result};

/// Verifies everything with these connections, each with a thread of its own. `found` gets the result of each batch in
/// their order; each thread holds one batch at most.
///
/// # Errors
/// The first error of PostgreSQL.
pub fn with_connections(
    connections: Vec<PgConnection>,
    verifier: Verifier,
    found: impl FnMut(&Found) + Send,
) -> Result<Verifier> {
    let seen = Seen::default();
    let next = Mutex::new(Turn { plan: Plan::ALL, number: 0 });
    let merged = Mutex::new(Merged { verifier, found, number: 0, failed: None });
    let advanced = Condvar::new();
    std::thread::scope(|scope| {
        for mut db in connections {
            let (seen, next, merged, advanced) = (&seen, &next, &merged, &advanced);
            scope.spawn(move || {
                let _ending = Ending { merged, advanced };
                while let Some((number, batch)) = next_batch(&mut db, seen, next) {
                    let mut state = locked(merged);
                    while state.number < number && state.failed.is_none() {
                        state = advanced.wait(state).unwrap_or_else(PoisonError::into_inner);
                    }
                    let goes_on = state.add(batch);
                    drop(state);
                    advanced.notify_all();
                    if !goes_on {
                        break;
                    }
                }
            });
        }
    });
    let merged = merged.into_inner().unwrap_or_else(PoisonError::into_inner);
    merged.failed.map_or(Ok(merged.verifier), Err)
}

/// The next batch and its number.
struct Turn {
    plan: Plan,
    number: u64,
}

struct Merged<F> {
    verifier: Verifier,
    found: F,
    /// The number of the batch that is to be added next.
    number: u64,
    failed: Option<Problem>,
}

impl<F: FnMut(&Found)> Merged<F> {
    /// Adds a batch; returns whether to go on.
    fn add(&mut self, batch: Result<Batch>) -> bool {
        match batch {
            Ok(batch) if self.failed.is_none() => {
                let found = self.verifier.add(batch);
                (self.found)(&found);
                self.number += 1;
                true
            }
            Ok(_) => false,
            Err(problem) => {
                self.failed.get_or_insert(problem);
                false
            }
        }
    }
}

/// Ends the verification if a thread panics: the others would wait for its batch.
struct Ending<'a, F> {
    merged: &'a Mutex<Merged<F>>,
    advanced: &'a Condvar,
}

impl<F> Drop for Ending<'_, F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            locked(self.merged).failed.get_or_insert_with(|| Problem::internal("a thread panicked"));
            self.advanced.notify_all();
        }
    }
}

/// Verifies the next batch; others can find the one after it as soon as this one is found.
fn next_batch(db: &mut PgConnection, seen: &Seen, next: &Mutex<Turn>) -> Option<(u64, Result<Batch>)> {
    let mut turn = Some(locked(next));
    let (plan, number) = turn.as_ref().map(|turn| (turn.plan, turn.number))?;
    let batch = plan.verify(db, seen, |plan| {
        if let Some(mut turn) = turn.take() {
            *turn = Turn { plan, number: number + 1 };
        }
    });
    batch.transpose().map(|batch| (number, batch))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
