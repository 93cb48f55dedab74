//! Limits the number of streams that this copy of the server has open at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::problem::{Code, Problem, Result, Text};

/// Seconds after which a client may try again.
const RETRY_AFTER: i64 = 10;

/// The open streams, of all accounts and by account.
#[derive(Debug, Default)]
pub struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<Uuid, usize>,
}

/// The place of an open stream; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    user_id: Uuid,
}

impl Places {
    /// A place for a stream of this account, of which it may have `of_account`, and all accounts together `most`.
    ///
    /// # Errors
    /// [Code::TooManyRequests] if the account has the maximum number of streams; [Code::Unavailable] if all accounts
    /// together have.
    pub fn take(places: &Arc<Places>, user_id: Uuid, of_account: usize, most: usize) -> Result<Place> {
        let mut taken = places.taken();
        let own = taken.of.get(&user_id).copied().unwrap_or_default();
        if own >= of_account {
            return Err(refused(
                Code::TooManyRequests,
                Text::made(
                    format!("Siga los eventos con {of_account} conexiones a la vez como máximo."),
                    format!("Follow the events with {of_account} connections at a time at most."),
                ),
            ));
        }
        if taken.all >= most {
            return Err(refused(Code::Unavailable, Code::Unavailable.meaning()));
        }
        taken.all += 1;
        taken.of.insert(user_id, own + 1);
        Ok(Place { places: Arc::clone(places), user_id })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.of.get_mut(&self.user_id) {
            *own -= 1;
            if *own == 0 {
                taken.of.remove(&self.user_id);
            }
        }
    }
}

#[track_caller]
fn refused(code: Code, detail: Text) -> Problem {
    let mut problem = Problem::new(code, detail);
    problem.retry_after = Some(RETRY_AFTER);
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_and_all_accounts_are_limited_and_what_ends_makes_room() {
        let places = Arc::new(Places::default());
        let take = |user: u128| Places::take(&places, Uuid::from_u128(user), 2, 3);
        let (first, second) = (take(1).unwrap(), take(1).unwrap());
        assert_eq!(take(1).unwrap_err().code, Code::TooManyRequests);
        let third = take(2).unwrap();
        assert_eq!(take(2).unwrap_err().code, Code::Unavailable);
        drop(first);
        let fourth = take(1).unwrap();
        assert_eq!(take(2).unwrap_err().code, Code::Unavailable);
        drop((second, third, fourth));
        let taken = places.taken();
        assert_eq!((taken.all, taken.of.len()), (0, 0));
    }
}
