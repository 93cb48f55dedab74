//! The accounts that made requests lately, so that a read does not ask the database again who the caller is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use diesel::PgConnection;

use super::account::Account;
use super::credential::Subject;
use super::known_keys::KnownKeys;
use crate::problem::Result;

/// How long an account is used without reading it again. An account that another copy of the server disabled, or whose
/// role it changed, is known here after this time.
const LONGEST: Duration = Duration::from_secs(1);

/// The most accounts that are kept.
const MOST: usize = 10_000;

/// The accounts of this copy of the server, each for a second at most.
#[derive(Default)]
pub struct Admissions {
    lately: Mutex<Accounts>,
    pub keys: KnownKeys,
}

#[derive(Default)]
struct Accounts {
    read: HashMap<Subject, (Instant, Account)>,
    /// How many times all of them were forgotten.
    generation: u64,
}

impl Admissions {
    /// The account of this subject, if it was read within the last second.
    pub fn known(&self, subject: Subject) -> Option<Account> {
        let accounts = self.accounts();
        let (read_at, account) = accounts.read.get(&subject)?;
        let elapsed = read_at.elapsed();
        (elapsed < LONGEST).then(|| account.clone().after(elapsed))
    }

    /// Reads the account of this subject, and keeps it.
    ///
    /// # Errors
    /// A 401 if there is no such account, if it is not active, or if its key is not valid.
    pub fn read(&self, db: &mut PgConnection, subject: Subject) -> Result<Account> {
        let (began, generation) = (Instant::now(), self.accounts().generation);
        let account = Account::read(db, subject)?;
        let mut accounts = self.accounts();
        // What was read before a change must not be used after it.
        if accounts.generation == generation {
            if accounts.read.len() >= MOST {
                accounts.read.retain(|_, (read_at, _)| read_at.elapsed() < LONGEST);
            }
            if accounts.read.len() < MOST {
                accounts.read.insert(subject, (began, account.clone()));
            }
        }
        Ok(account)
    }

    /// Reads every account again after a request that may have changed the role, the permissions or the sign-ins of one: any
    /// change but those of tickets, of inbound mail and of what is made to follow events.
    pub fn forget_after(&self, method: &Method, path: &str) {
        const OTHERS: [&str; 3] = ["/api/v1/tickets", "/api/v1/inbound-emails", "/api/v1/events"];
        if method.is_safe() || OTHERS.iter().any(|other| path.starts_with(other)) {
            return;
        }
        let mut accounts = self.accounts();
        accounts.read.clear();
        accounts.generation += 1;
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
