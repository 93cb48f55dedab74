//! Verifies batches with connections of the pool, some at the same time, and returns them in their order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::web::Data;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::oneshot::{self, Receiver};

use super::plan::{Batch, Plan};
use super::seen::Seen;
use crate::http::desk::Desk;
use crate::problem::{Problem, Result};

/// The maximum number of batches that are verified at the same time: each occupies one processor in PostgreSQL, and
/// hardly half of one here.
const MOST: usize = 2;

type Verifying = Pin<Box<dyn Future<Output = Result<Option<Batch>>>>>;

/// The batches that are being verified. A connection is held for one batch only. If this is dropped, those that have
/// begun come to their end and no further one begins.
pub struct Ahead {
    desk: Data<Desk>,
    seen: Arc<Seen>,
    /// What comes next; `None` while the batch before it is being found.
    next: Option<Plan>,
    finding: Option<Receiver<Plan>>,
    running: FuturesOrdered<Verifying>,
}

impl Ahead {
    pub fn new(desk: Data<Desk>, seen: Seen, next: Plan) -> Self {
        Ahead { desk, seen: Arc::new(seen), next: Some(next), finding: None, running: FuturesOrdered::new() }
    }

    /// Whether one more batch may run: the first one always, another one only while less than a quarter of the pool is
    /// in use, so that other requests find connections.
    fn has_room(&self) -> bool {
        let pool = self.desk.db.state();
        let used = pool.connections.saturating_sub(pool.idle_connections);
        self.running.is_empty() || self.running.len() < MOST && used < self.desk.db.size() / 4
    }

    /// The next batch; `None` if there is none.
    ///
    /// # Errors
    /// The error of PostgreSQL, and a 503 if no connection is free in time.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.begin();
            tokio::select! {
                biased;
                found = async { self.finding.as_mut()?.await.ok() }, if self.finding.is_some() => {
                    self.finding = None;
                    self.next = found;
                }
                Some(batch) = self.running.next() => return batch,
                // Anything else would end the document as if all were verified.
                else => return match self.next {
                    Some(Plan::Done) => Ok(None),
                    _ => Err(Problem::internal("a batch was not found")),
                },
            }
        }
    }

    /// Begins as many batches as may run.
    fn begin(&mut self) {
        if !self.has_room() {
            return;
        }
        let Some(plan) = self.next.take_if(|plan| *plan != Plan::Done) else { return };
        let (found, finding) = oneshot::channel();
        self.finding = Some(finding);
        let (desk, seen) = (self.desk.clone(), Arc::clone(&self.seen));
        self.running.push_back(Box::pin(async move {
            // Nobody listens if the response has ended.
            desk.db.read(move |db| plan.verify(db, &seen, |next| _ = found.send(next))).await
        }));
    }
}
