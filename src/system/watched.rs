//! Tasks that run all the time, and are recorded now and then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Data;

use super::tasks::{self, Run, TaskName};
use crate::http::desk::Desk;

/// How often a task that ends as before is recorded.
const EVERY: Duration = Duration::from_secs(10);

/// A task of one copy of the server.
pub struct Watched {
    desk: Data<Desk>,
    task: TaskName,
    /// When it was recorded, and whether it had succeeded.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Watched {
    pub fn new(desk: Data<Desk>, task: TaskName) -> Self {
        Watched { desk, task, last: Mutex::new(None) }
    }

    /// A run that began at this time ended.
    pub async fn ended(&self, began: Instant, error: Option<String>) {
        let is_due = self.is_due(error.is_none());
        let run = Run::ended(self.task, began, error);
        if is_due {
            tasks::ended(&self.desk, run).await;
        } else {
            run.count(&self.desk);
        }
    }

    fn is_due(&self, succeeded: bool) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = last.is_some_and(|(at, before)| before == succeeded && at.elapsed() < EVERY);
        if !is_known {
            *last = Some((Instant::now(), succeeded));
        }
        !is_known
    }
}
