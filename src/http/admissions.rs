//! The accounts that made requests lately, so that a read does not ask the database again who the caller is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::web::Data;
use diesel::PgConnection;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::account::{Account, unauthenticated};
use super::credential::Subject;
use super::desk::Desk;
use super::known_keys::KnownKeys;
use crate::problem::{Problem, Result};

/// How long an account is used without reading it again. An account that another copy of the server disabled, or whose
/// role it changed, is known here after this time.
const LONGEST: Duration = Duration::from_secs(1);

/// The most accounts that are kept.
const MOST: usize = 10_000;

/// The accounts of this copy of the server, each for a second at most.
#[derive(Default)]
pub struct Admissions {
    lately: Mutex<Accounts>,
    asked: Mutex<Asked>,
    pub keys: KnownKeys,
}

#[derive(Default)]
struct Accounts {
    read: HashMap<Subject, (Instant, Account)>,
    /// How many times all of them were forgotten.
    generation: u64,
}

/// Accounts that are to be read together: thousands of streams look at once who their readers are.
#[derive(Default)]
struct Asked {
    ids: Vec<(Uuid, oneshot::Sender<Result<Account>>)>,
    is_running: bool,
}

/// The account with this id, read in one statement with all others that are asked for meanwhile.
///
/// # Errors
/// A 401 if there is no such account or if it is not active; the error of the database.
pub async fn load(desk: &Data<Desk>, id: Uuid) -> Result<Account> {
    let (sender, receiver) = oneshot::channel();
    let is_running = {
        let mut asked = desk.admissions.asked();
        asked.ids.push((id, sender));
        std::mem::replace(&mut asked.is_running, true)
    };
    if !is_running {
        actix_web::rt::spawn(read_asked(desk.clone()));
    }
    receiver.await.map_err(Problem::internal)?
}

/// Reads what was asked for until nothing is left.
async fn read_asked(desk: Data<Desk>) {
    loop {
        let batch = {
            let mut asked = desk.admissions.asked();
            if asked.ids.is_empty() {
                asked.is_running = false;
                return;
            }
            std::mem::take(&mut asked.ids)
        };
        let ids: HashSet<Uuid> = batch.iter().map(|(id, _)| *id).collect();
        let admissions = Arc::clone(&desk.admissions);
        let read = desk.db.read(move |db| admissions.read_many(db, ids.into_iter().collect())).await;
        for (id, sender) in batch {
            let one = match &read {
                Ok(accounts) => accounts.get(&id).cloned().ok_or_else(unauthenticated),
                Err(problem) => Err(Problem::new(problem.code, problem.code.meaning())),
            };
            // Who asked may have gone.
            let _ = sender.send(one);
        }
    }
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
            accounts.keep(subject, began, &account);
        }
        Ok(account)
    }

    /// The same for several accounts; one that is missing or not active is omitted.
    fn read_many(&self, db: &mut PgConnection, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Account>> {
        let (began, generation) = (Instant::now(), self.accounts().generation);
        let read = Account::read_many(db, ids)?;
        let mut accounts = self.accounts();
        if accounts.generation == generation {
            for account in &read {
                accounts.keep(Subject::Account(account.id), began, account);
            }
        }
        Ok(read.into_iter().map(|account| (account.id, account)).collect())
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
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

impl Accounts {
    fn keep(&mut self, subject: Subject, read_at: Instant, account: &Account) {
        if self.read.len() >= MOST {
            self.read.retain(|_, (read_at, _)| read_at.elapsed() < LONGEST);
        }
        if self.read.len() < MOST {
            self.read.insert(subject, (read_at, account.clone()));
        }
    }
}
