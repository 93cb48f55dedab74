//! A standby for reading: it is used for a read only if it has everything that was committed before the read began.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::Db;
use crate::problem::{Problem, Result};

/// How long a read waits for the standby before it uses the primary.
const LAG: Duration = Duration::from_millis(500);
/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(10);
/// How long a standby is not used after it failed or stayed behind.
const AVOIDED: Duration = Duration::from_secs(5);

/// The standby of a database.
#[derive(Clone)]
pub struct Replica {
    db: Db,
    avoided_until: Arc<Mutex<Option<Instant>>>,
}

impl Replica {
    pub fn new(db: Db) -> Self {
        Replica { db, avoided_until: Arc::default() }
    }

    /// The standby, once it has everything that the primary has committed until now; `None` if that takes too long, or
    /// if it does not answer.
    pub async fn caught_up(&self, primary: &Db) -> Option<Db> {
        if self.until().is_some_and(|until| until > Instant::now()) {
            return None;
        }
        let committed = primary.read(committed).await.ok()?;
        match self.db.read(move |db| wait_for(db, &committed)).await {
            Ok(true) => return Some(self.db.clone()),
            Ok(false) => log::debug!("the standby for reading is behind"),
            Err(problem) => log::warn!("the standby for reading is not used: {}", problem.log_line()),
        }
        *self.avoided_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + AVOIDED);
        None
    }

    fn until(&self) -> Option<Instant> {
        *self.avoided_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The position of the primary's log that has all commits that were acknowledged.
fn committed(db: &mut PgConnection) -> Result<String> {
    #[derive(QueryableByName)]
    struct Position {
        #[diesel(sql_type = Text)]
        position: String,
    }
    let found: Position =
        diesel::sql_query("SELECT pg_current_wal_flush_lsn()::text AS position").get_result(db)?;
    Ok(found.position)
}

/// Waits until the standby has replayed the log up to this position.
fn wait_for(db: &mut PgConnection, position: &str) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Replayed {
        #[diesel(sql_type = Bool)]
        is_there: bool,
    }
    let began = Instant::now();
    loop {
        // `NULL` from a server that is not a standby.
        let found: Replayed =
            diesel::sql_query("SELECT COALESCE(pg_last_wal_replay_lsn() >= $1::pg_lsn, false) AS is_there")
                .bind::<Text, _>(position)
                .get_result(db)
                .map_err(Problem::unavailable)?;
        if found.is_there || began.elapsed() >= LAG {
            return Ok(found.is_there);
        }
        std::thread::sleep(LOOK);
    }
}
